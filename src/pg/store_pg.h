/* SPDX-License-Identifier: EPL-2.0 */
/*
 * store_pg: the store of the program: PostgreSQL or CockroachDB through libpq.
 *
 * One per worker, on its event loop: a pool of connections for reads, one for
 * writes (so that the fsync of a commit never delays a read) and one for
 * lists.  An operation costs one round trip, which it shares with whatever
 * else the iteration has gathered: store_pg sends at the end of each.
 *
 * Made by the workers; called through store.h.
 */
#ifndef HULYKVS_STORE_PG_H
#define HULYKVS_STORE_PG_H

#include "pg/connect_thread.h"
#include "store/store.h"

/* Returns new (store_pg_free()); borrows everything; the first connections are ordered at once.  NULL: no memory. */
struct store *store_pg_new(const struct config *c, const struct statement_set *set, struct connect_thread *thread,
    struct loop *loop) __attribute__((warn_unused_result));

/* Closes the connections; no ticket may be left. */
void store_pg_free(struct store *s);

/* Whether it is known of reads and of writes that they can run, or why they cannot. */
bool store_pg_is_settled(const struct store *s);

#endif
