/* SPDX-License-Identifier: EPL-2.0 */
/*
 * pipeline_pool: a worker's connections of one role (reads or writes), and the
 * operations that wait for one.
 *
 * The first connection is always kept.  The others are opened only while they
 * are of use: while large values are read or written, which keep a connection
 * busy for long, and where even a small batch takes long (see pace.h).  In all
 * other cases one connection with large batches is the fastest.  Large values
 * are written over the others, so that small ones never wait for them; over the
 * first one only until another is open.
 *
 * A batch may have to wait in the database, for a lock for example.  Operations
 * that arrive then go over another connection, which is opened if needed.  What
 * has failed, for such a reason perhaps, is sent again alone: it takes one
 * connection, of each value only one operation at a time does so, and one
 * connection is left to the others.
 *
 * Called by store_pg only, on the worker's loop.
 */
#ifndef HULYKVS_PIPELINE_POOL_H
#define HULYKVS_PIPELINE_POOL_H

#include "pg/pipeline.h"
#include "telemetry/metrics.h"

struct pipeline_pool {
	struct pipeline_shared shared; /* first */
	struct timer timer;            /* the earliest deadline of the tickets that wait, and of the lost writes */
	struct timer forget;           /* when it is forgotten that large values were read */
	bool down;                     /* no connection can be made: operations are refused at once */
	bool reached;                  /* then: the database is there, but its schema is not the expected one */
	bool read_only;                /* then: the database takes no writes */
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
 * To be called at the end of an iteration of the loop: sends what waits over the idle connections, and opens another
 * one if it would be used and there are fewer than `most`.
 */
void pipeline_pool_flush(struct pipeline_pool *pool, unsigned most);

/* Whether another connection would be used at the moment. */
bool pipeline_pool_wants_another(const struct pipeline_pool *pool);

/* Closes one connection that has been unused for PIPELINE_SPARE, if there is one. */
void pipeline_pool_give_up_one(struct pipeline_pool *pool);

/* How many connections are open or ordered. */
unsigned pipeline_pool_connections(const struct pipeline_pool *pool);

/* How many tickets are in flight; whether no ticket is in flight and none waits. */
size_t pipeline_pool_in_flight(const struct pipeline_pool *pool);
bool pipeline_pool_is_idle(const struct pipeline_pool *pool);

/* Whether there is a connection, or it is known that none can be made. */
bool pipeline_pool_is_settled(const struct pipeline_pool *pool);

/* Adds the connections to the counts. */
void pipeline_pool_count(const struct pipeline_pool *pool, uint64_t counts[METRICS_STATES]);

#endif
