/* SPDX-License-Identifier: EPL-2.0 */
/*
 * store_pg: the store of the program: PostgreSQL or CockroachDB through libpq.
 *
 * One per worker, on its loop: a lane for reads, a lane for writes (so that a
 * commit's fsync never delays a read) and a lister.  One round trip for each
 * operation, shared with whatever else the turn has gathered.
 */
#ifndef HULYKVS_STORE_PG_H
#define HULYKVS_STORE_PG_H

#include "pg/connect_thread.h"
#include "store/store.h"

/* Borrows everything; the first connections are ordered at once.  NULL: no memory. */
struct store *store_pg_new(const struct config *c, const struct statement_set *set, struct connect_thread *connector,
    struct loop *loop) __attribute__((warn_unused_result));

/* Closes the connections; no ticket may be left. */
void store_pg_free(struct store *s);

/* Whether it is known of reads and writes that they can run, or why not. */
bool store_pg_is_settled(const struct store *s);

#endif
