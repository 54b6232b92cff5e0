/* SPDX-License-Identifier: EPL-2.0 */
/*
 * pipeline_pool: a worker's connections of one role (reads or writes), and the
 * operations that wait for one.
 *
 * The first connection is there all the time.  The others are opened while
 * they bring something: while large values are read or written, which keep a
 * connection busy for long, and where the database is slow to answer whatever
 * it is asked (see pace.h).  Everywhere else one connection with large batches
 * is the fastest.  Large values are written over the others, so that small
 * ones never wait behind them; until one is open, over the first.
 *
 * A batch that is held up in the database, behind a lock for example, does not
 * hold others up for long: another connection is used, or opened.
 *
 * Called by store_pg only, on the worker's loop.
 */
#ifndef HULYKVS_PIPELINE_POOL_H
#define HULYKVS_PIPELINE_POOL_H

#include "pg/pipeline.h"
#include "telemetry/metrics.h"

struct pipeline_pool {
	struct pipeline_shared shared; /* first */
	struct timer timer;            /* the first deadline of what waits */
	struct timer forget;           /* that large values were read */
	bool down;                     /* no connection can be made: operations are refused at once */
	bool reached;                  /* then: the database is there, but its schema is not the expected one */
	char reason[CONNECT_THREAD_REASON_SIZE]; /* then: why */
	unsigned count;
	struct pipeline pipeline[SETTING_COUNT_MAX];
};

/* count: the most connections; lifetime: as in settings.h; borrows the others until pipeline_pool_close(). */
void pipeline_pool_init(struct pipeline_pool *pool, enum statement_role role, unsigned count, int64_t lifetime,
    const struct statement_set *set, struct loop *loop, struct connect_thread_channel *channel);

/* Closes the connections; no ticket may be left. */
void pipeline_pool_close(struct pipeline_pool *pool);

/* Takes the ticket until done() is called, perhaps before this returns. */
void pipeline_pool_submit(struct pipeline_pool *pool, struct store_ticket *t);

/*
 * At the end of an iteration of the loop: sends what waits, as far as connections are idle, and opens
 * another connection where it would be used and there are fewer than `most`.
 */
void pipeline_pool_flush(struct pipeline_pool *pool, unsigned most);

/* Whether another connection would be used at the moment. */
bool pipeline_pool_wants_another(const struct pipeline_pool *pool);

/* Closes one connection that has been unused for a moment, if there is such a one. */
void pipeline_pool_give_up_one(struct pipeline_pool *pool);

/* How many connections there are, or are ordered. */
unsigned pipeline_pool_connections(const struct pipeline_pool *pool);

/* How many tickets are in flight; whether none is, and none waits. */
size_t pipeline_pool_in_flight(const struct pipeline_pool *pool);
bool pipeline_pool_is_idle(const struct pipeline_pool *pool);

/* Whether the first order for a connection has been answered, well or not. */
bool pipeline_pool_is_settled(const struct pipeline_pool *pool);

/* Adds the connections to the counts. */
void pipeline_pool_count(const struct pipeline_pool *pool, uint64_t counts[METRICS_STATES]);

#endif
