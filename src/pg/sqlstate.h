/* SPDX-License-Identifier: EPL-2.0 */
/*
 * sqlstate: what an error of the database means for the operation that got it
 * (PostgreSQL manual, appendix A; CockroachDB's "transaction retry errors").
 */
#ifndef HULYKVS_SQLSTATE_H
#define HULYKVS_SQLSTATE_H

#include "store/store.h"

enum sqlstate_verdict {
	SQLSTATE_RETRY,       /* certainly rolled back; the next try may do */
	SQLSTATE_MOVE,        /* certainly rolled back; try on a new connection */
	SQLSTATE_TOO_LONG,    /* rolled back; the names are too long */
	SQLSTATE_UNAVAILABLE, /* rolled back; trying again at once is no use */
	SQLSTATE_SCHEMA,      /* rolled back; the schema is not what it was: look again */
	SQLSTATE_UNKNOWN,     /* the connection ends with it; a write may have happened */
	SQLSTATE_FAULT,       /* rolled back; ours or the database's fault */
};

/*
 * code: five characters, or NULL where libpq has none (the connection was lost).
 * severity: "ERROR", "FATAL", "PANIC", not translated; NULL where it is not told.
 */
enum sqlstate_verdict sqlstate_verdict(const char *code, const char *severity);

/* Keeps such a code; "" for none. */
void sqlstate_copy(char out[STORE_SQLSTATE_SIZE], const char *code);

#endif
