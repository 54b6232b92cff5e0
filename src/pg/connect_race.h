/* SPDX-License-Identifier: EPL-2.0 */
/*
 * connect_race: makes a connection to one of the hosts of a connection string.
 *
 * The host that was connected to last is tried first, then the others in the
 * order of the string; each further attempt begins when the one before has
 * failed or has had no answer for CONNECT_RACE_STAGGER; both then continue at the
 * same time.  The first connection that is ready is used, the others are closed.
 * While others still have no answer, an attempt that failed is repeated after
 * CONNECT_RACE_AGAIN: its host may be a standby that is just being promoted.
 * So a host that does not answer costs a fraction of a second instead of its
 * whole time limit (libpq would try one address after the other), and one that
 * accepts and closes does not end the search.
 *
 * Only dbconn uses it.  It blocks, at most for the time limit of each address.
 */
#ifndef HULYKVS_CONNECT_RACE_H
#define HULYKVS_CONNECT_RACE_H

#include <libpq-fe.h>

#include "pg/conninfo.h"

#define CONNECT_RACE_TIMEOUT 5 /* seconds for an address, where the string has no connect_timeout */
#define CONNECT_RACE_STAGGER (250 * CLOCK_MS)
#define CONNECT_RACE_AGAIN   (500 * CLOCK_MS)

/* The address of the last connection that was made; "": none yet.  The caller keeps it between calls. */
struct connect_race_memory {
	char host[256], port[16];
};

/* Returns new (PQfinish), or NULL with what each host failed with in *why.  m may be NULL. */
PGconn *connect_race_run(const struct conninfo *c, struct connect_race_memory *m, struct buf *why)
    __attribute__((warn_unused_result));

#endif
