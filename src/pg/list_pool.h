/* SPDX-License-Identifier: EPL-2.0 */
/*
 * lister: the database connections that lists run on, apart from all others:
 * 200,000 rows never stand in front of a point read, and no list waits for
 * another while there are connections left.
 *
 * One statement's snapshot is streamed row by row (libpq's single-row mode).
 * A receiver that cannot take more makes the lister stop reading, so that the
 * database waits instead of our memory.  While gives_way is set a list rests
 * after every few rows: it and its backend would otherwise keep two processors
 * busy, and every point read waiting for one.  One connection is kept ready; more
 * are made when lists overlap, and closed when they have been idle for a while.
 */
#ifndef HULYKVS_LIST_POOL_H
#define HULYKVS_LIST_POOL_H

#include "pg/connect_thread.h"

struct list_pool_line {
	struct watch watch;
	struct timer timer;
	struct connect_thread_order order;
	struct list_pool *lister;
	PGconn *conn;
	struct store_ticket *ticket; /* the list that runs here */
	bool ordered;                /* the connector is at work */
	bool paused;                 /* the receiver takes no more now */
	bool resting;                /* others have their turn */
	unsigned rows;               /* since the last rest */
	bool delivered;              /* the receiver has had a key */
	bool complete;               /* and the last one */
	int verdict;                 /* of the statement's error; -1: none */
};

struct list_pool {
	struct loop *loop;
	struct connector_box *box;
	const struct statement_set *set;
	int64_t timeout; /* nanoseconds without progress, after which a list is given up */
	unsigned max;
	bool down;
	enum dbconn_server server;         /* of the last connection made */
	struct store_ticket *head, **tail; /* waiting for a connection */
	struct timer timer;                /* of the first of them */
	bool gives_way;                    /* the store's other operations want the processor */
	struct timer rest;
	struct list_pool_line line[SETTING_COUNT_MAX];
};

void list_pool_init(struct list_pool *l, unsigned max, int64_t timeout, const struct statement_set *set,
    struct loop *loop, struct connector_box *box);
void list_pool_close(struct list_pool *l);

/* Takes the ticket until done() is called or it is cancelled. */
void list_pool_submit(struct list_pool *l, struct store_ticket *t);

/* The receiver takes more. */
void list_pool_resume(struct list_pool *l, struct store_ticket *t);

/* The receiver is gone: the ticket is its owner's again, done() is not called. */
void list_pool_cancel(struct list_pool *l, struct store_ticket *t);

#endif
