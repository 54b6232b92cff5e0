/* SPDX-License-Identifier: EPL-2.0 */
/*
 * list_pool: a worker's connections for lists, apart from all others: 200,000
 * rows never delay a point read, and no list waits for another while a
 * connection more can be had.
 *
 * The rows of one statement are read one by one as they arrive (libpq's
 * single-row mode).  When a receiver takes no more keys, reading stops, so
 * that the database waits and our memory does not grow.  While other
 * operations want the processor, a list yields it after every few rows: it and
 * its backend would otherwise keep two processors busy.
 *
 * The first connection is there all the time; others are opened when lists
 * overlap, and closed when they are unused for a while.
 *
 *   CLOSED --> CONNECTING --> IDLE <--> READING <--> PAUSED or YIELDING
 *     ^            |            |          |              |
 *     +------------+------------+----------+--------------+
 *
 * Called by store_pg only, on the worker's loop.
 */
#ifndef HULYKVS_LIST_POOL_H
#define HULYKVS_LIST_POOL_H

#include "pg/connect_thread.h"
#include "pg/sqlstate.h"
#include "store/ticket_queue.h"
#include "telemetry/metrics.h"

enum list_state {
	LIST_CLOSED,     /* no connection, and none is ordered */
	LIST_CONNECTING, /* no connection; the connect thread makes one */
	LIST_IDLE,       /* a connection without a list */
	LIST_READING,    /* rows are read as they come */
	LIST_PAUSED,     /* the receiver takes no more now; list_pool_resume() goes on */
	LIST_YIELDING,   /* others have the processor; the pool's timer goes on */
};

/* Why a connection is closed. */
enum list_close {
	LIST_CLOSE_LOST,
	LIST_CLOSE_NO_PROGRESS,
	LIST_CLOSE_EPOLL,
	LIST_CLOSE_ERROR,
	LIST_CLOSE_CANCELLED,
	LIST_CLOSE_UNUSED,
	LIST_CLOSE_END,
};

struct list_connection {
	struct watch watch; /* first */
	struct timer timer; /* no progress; or unused for a while */
	struct connect_thread_order order;
	struct list_pool *pool;
	enum list_state state;
	PGconn *conn;                  /* NULL: none */
	struct store_ticket *ticket;   /* the list that runs here; NULL: none */
	unsigned rows;                 /* since it last yielded */
	enum sqlstate_verdict verdict; /* of the statement's error */
	bool delivered;                /* the receiver has had a key */
	bool complete;                 /* and the last one */
};

struct list_pool {
	struct loop *loop;
	struct connect_thread_channel *channel;
	const struct statement_set *set;
	int64_t timeout; /* nanoseconds without progress, after which a list is given up */
	unsigned count;
	bool down;                               /* no connection can be made: lists are refused at once */
	char reason[CONNECT_THREAD_REASON_SIZE]; /* then: why */
	bool gives_way;                          /* other operations want the processor */
	enum dbconn_server server;               /* of the last connection made */
	struct ticket_queue waiting;             /* for a connection */
	struct timer timer;                      /* the first deadline of those */
	struct timer yield;                      /* when lists that have yielded go on */
	struct list_connection connection[SETTING_COUNT_MAX];
};

/* count: the most connections; borrows the others until list_pool_close(). */
void list_pool_init(struct list_pool *l, unsigned count, int64_t timeout, const struct statement_set *set,
    struct loop *loop, struct connect_thread_channel *channel);

/* Closes the connections; no ticket may be left. */
void list_pool_close(struct list_pool *l);

/* Takes the ticket until done() is called, perhaps before this returns, or it is cancelled. */
void list_pool_submit(struct list_pool *l, struct store_ticket *t);

/* The receiver takes more. */
void list_pool_resume(struct list_pool *l, struct store_ticket *t);

/* The receiver is gone: the ticket is its owner's again, done() is not called. */
void list_pool_cancel(struct list_pool *l, struct store_ticket *t);

/* From now on lists give way to other operations, or do not. */
void list_pool_give_way(struct list_pool *l, bool gives_way);

/* Adds the connections to the counts. */
void list_pool_count(const struct list_pool *l, uint64_t counts[METRICS_STATES]);

#endif
