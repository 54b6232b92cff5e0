/* SPDX-License-Identifier: EPL-2.0 */
/*
 * list_pool: a worker's connections for lists.  They are used for nothing else,
 * so that 200,000 rows of a list never delay the read of a single value.  A list
 * waits for another one only when all connections are in use.
 *
 * The rows of one statement are read one by one as they arrive (libpq's
 * single-row mode).  While there are other operations, a list pauses for a
 * moment after every few rows (it yields): otherwise it and its process in the
 * database would keep two processors busy.
 *
 * The first connection is always kept; others are opened when lists run at the
 * same time, and closed when they have been unused for a while.  A connection
 * whose lifetime is over is closed when it has no list.
 *
 *   CLOSED --> CONNECTING --> IDLE <--> READING <--> YIELDING
 *     ^            |            |          |            |
 *     +------------+------------+----------+------------+
 *
 * The states are not those of pipeline_state: a list is one statement, of which
 * there is no batch to be sent, and it pauses while it is read.
 *
 * Called by store_pg only, on the worker's loop.
 */
#ifndef HULYKVS_LIST_POOL_H
#define HULYKVS_LIST_POOL_H

#include "pg/connect_thread.h"
#include "pg/db_close.h"
#include "pg/sqlstate.h"
#include "store/ticket_queue.h"
#include "telemetry/metrics.h"

enum list_state {
	LIST_CLOSED,     /* no connection, and none is ordered */
	LIST_CONNECTING, /* no connection; the connect thread makes one */
	LIST_IDLE,       /* a connection without a list */
	LIST_READING,    /* rows are read as they come */
	LIST_YIELDING,   /* other operations go first; the pool's timer continues */
};

struct list_connection {
	struct watch watch; /* first */
	struct timer timer; /* when it is closed because of no progress, because it is unused, or because it is old */
	struct connect_thread_order order;
	struct list_pool *pool;
	enum list_state state;
	PGconn *conn;                  /* NULL: none */
	int64_t made_at;               /* when it was first used */
	bool answered;                 /* it brought all of a list */
	int64_t old_at;                /* when its lifetime ends; TIMER_OFF: never */
	struct store_ticket *ticket;   /* the list that runs here; NULL: none */
	unsigned rows;                 /* since it last yielded */
	enum sqlstate_verdict verdict; /* of the statement's error */
	bool ended;                    /* with that error the server ended the connection */
	bool delivered;                /* some keys have been given to the receiver */
	bool complete;                 /* all rows have come */
};

struct list_pool {
	struct loop *loop;
	struct connect_thread_channel *channel;
	const struct statement_set *set;
	int64_t timeout;  /* nanoseconds without progress after which a list fails */
	int64_t lifetime; /* of a connection, as in settings.h */
	unsigned count;
	bool down;                               /* no connection can be made: lists are refused at once */
	char reason[CONNECT_THREAD_REASON_SIZE]; /* then: why */
	bool gives_way;                          /* there are other operations, so lists yield */
	enum dbconn_server server;               /* of the last connection made */
	struct ticket_queue waiting;             /* for a connection */
	struct timer timer;                      /* the earliest deadline of those */
	struct timer yield;                      /* when lists that have yielded continue */
	struct list_connection connection[SETTING_COUNT_MAX];
};

/* count: the most connections; lifetime: as in settings.h; borrows the others until list_pool_close(). */
void list_pool_init(struct list_pool *l, unsigned count, int64_t timeout, int64_t lifetime,
    const struct statement_set *set, struct loop *loop, struct connect_thread_channel *channel);

/* Closes the connections; no ticket may be left. */
void list_pool_close(struct list_pool *l);

/* Takes the ticket until done() is called, perhaps before this returns, or it is cancelled. */
void list_pool_submit(struct list_pool *l, struct store_ticket *t);

/* The receiver wants no more keys: gives the ticket back to its owner; done() is not called. */
void list_pool_cancel(struct list_pool *l, struct store_ticket *t);

/* Whether lists yield to other operations from now on. */
void list_pool_give_way(struct list_pool *l, bool gives_way);

/* Adds the connections to the counts. */
void list_pool_count(const struct list_pool *l, uint64_t counts[METRICS_STATES]);

#endif
