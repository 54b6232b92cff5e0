/* SPDX-License-Identifier: EPL-2.0 */
/*
 * connector: a thread that makes database connections for the workers, who
 * never block.
 *
 * A worker places an order and is called back on its own loop, with a
 * connection that is ready to use (schema looked at, statements prepared,
 * non-blocking, in pipeline mode where the role asks for it), or with the
 * reason why there is none; then it may order again.  After a failure the next
 * attempt is made after 50 ms, then less and less often, up to 5 s, with
 * jitter; at the latest a tenth of a second after the last one where
 * connect_thread_nudge() says that somebody waits.  Attempts are made one at a
 * time, so that a server that comes back meets no herd.
 */
#ifndef HULYKVS_CONNECT_THREAD_H
#define HULYKVS_CONNECT_THREAD_H

#include "base/loop.h"
#include "pg/dbconn.h"
#include "pg/statement.h"

struct connect_thread;

/* A worker's letter-box: orders come back through it. */
struct connector_box;

#define CONNECT_THREAD_REASON_SIZE 256

struct connect_thread_order {
	enum statement_role role;
	bool unhurried; /* the last connection was made and was no use: not again at once */
	/* Called on the worker's loop: conn is given (taken by the callee), or NULL with the reason. */
	void (*ready)(struct connect_thread_order *o, PGconn *conn, enum dbconn_server server);
	char reason[CONNECT_THREAD_REASON_SIZE]; /* why there is none */
	bool reached;                            /* the database is there, but its schema is not the one */
	bool placed; /* set by connect_thread_place(), cleared before ready() is called; for its owner to read */
	/* The connector's own. */
	struct connector_box *box;
	struct connect_thread_order *next;
	PGconn *conn;
	enum dbconn_server server;
	bool pooled;           /* a pooler is between us and the server */
	struct db_clock clock; /* of a connection for writes */
};

/* Starts the thread; borrows both until connect_thread_free().  NULL: no memory or no thread. */
struct connect_thread *connect_thread_new(const struct config *c, const struct statement_set *set)
    __attribute__((warn_unused_result));

/*
 * Ends the thread and frees; every box must be gone.  NULL is fine.  False: the thread is in an attempt that takes
 * its time and cannot be broken off, so nothing was freed, and what it borrows must stay until the process ends.
 */
bool connect_thread_free(struct connect_thread *c) __attribute__((warn_unused_result));

/* The letter-box of one loop.  NULL: no memory or descriptors. */
struct connector_box *connect_thread_box_new(struct connect_thread *c, struct loop *loop)
    __attribute__((warn_unused_result));

/* Forgets the box's orders and closes what came for them. */
void connect_thread_box_free(struct connector_box *b);

/* Orders a connection; the order is the connector's until ready() is called. */
void connect_thread_place(struct connector_box *b, struct connect_thread_order *o);

/* Somebody is waiting: tries soon. */
void connect_thread_nudge(struct connector_box *b);

#endif
