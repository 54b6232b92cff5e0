/* SPDX-License-Identifier: EPL-2.0 */
/*
 * store_pg: the store of the program: PostgreSQL or CockroachDB through libpq.
 *
 * One for each worker, on its event loop.  It has a pool of connections for
 * reads, one for writes (so that the fsync of a commit never delays a read) and
 * one for lists.  Operations are sent at the end of each iteration of the loop,
 * those that arrived in it together, in one round trip.
 *
 * Made by program/main for each worker; called through store.h.
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

/* Whether reads and writes have a connection, or it is known that none can be made for them. */
bool store_pg_is_settled(const struct store *s);

#endif
