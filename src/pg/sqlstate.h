/* SPDX-License-Identifier: EPL-2.0 */
/*
 * sqlstate: what an error of the database means, for the service and for the
 * migration: one table of codes for both (PostgreSQL manual, appendix A;
 * CockroachDB's documentation on transaction retry errors and on errors that
 * only it has).  What follows from it for one operation is in attempt.h.
 */
#ifndef HULYKVS_SQLSTATE_H
#define HULYKVS_SQLSTATE_H

#include "pg/dbconn.h"
#include "store/store.h"

/* Codes that modules besides the table look at. */
#define SQLSTATE_LATE      "22012" /* a write came too late, see statement.h */
#define SQLSTATE_READ_ONLY "25006"
#define SQLSTATE_NOT_ABLE  "0A000" /* feature_not_supported */

/* For the operation that got the error. */
enum sqlstate_verdict {
	SQLSTATE_NONE,        /* there was no error */
	SQLSTATE_RETRY,       /* certainly rolled back; the next attempt may succeed */
	SQLSTATE_MOVE,        /* certainly rolled back; try on a new connection */
	SQLSTATE_NOT_RUN,     /* the server had ended the session before: nothing of the batch has run */
	SQLSTATE_TOO_LONG,    /* rolled back; namespace and key are too long for the index */
	SQLSTATE_UNAVAILABLE, /* rolled back; trying again at once does not help */
	SQLSTATE_SCHEMA,      /* rolled back; the schema is not the expected one: a new connection checks it again */
	SQLSTATE_UNKNOWN,     /* nobody knows whether it was committed */
	SQLSTATE_FAULT,       /* rolled back; a fault of ours or of the database */
};

/* For the statement of hulykvs-migrate that got the error. */
enum sqlstate_migration {
	SQLSTATE_MIGRATION_REFUSED, /* trying again does not help */
	SQLSTATE_MIGRATION_TRY_AGAIN, /* a lock, a conflict, another migration: read the state again and continue from there */
	SQLSTATE_MIGRATION_DOUBTFUL,      /* as TRY_AGAIN, or the server cannot do it at all: nothing tells which */
	SQLSTATE_MIGRATION_NO_CONNECTION, /* the connection has ended; the last statement may have been committed */
};

/*
 * code: five characters; NULL or "" where libpq has none, because the
 * connection was lost.  severity: "ERROR", "FATAL" or "PANIC", not translated;
 * NULL where it is not known.  Never SQLSTATE_NONE.
 */
enum sqlstate_verdict sqlstate_verdict(const char *code, const char *severity, enum dbconn_server server);

/* The same for hulykvs-migrate; code: not NULL. */
enum sqlstate_migration sqlstate_migration(const char *code, enum dbconn_server server);

/* Whether the server ends the session with this error (FATAL, PANIC). */
bool sqlstate_ends_session(const PGresult *res);

/* Of a result that is an error.  Its code is kept in out, and logged where the operator has to act. */
enum sqlstate_verdict sqlstate_of_error(const PGresult *res, enum dbconn_server server, char out[STORE_SQLSTATE_SIZE]);

#endif
