/* SPDX-License-Identifier: EPL-2.0 */
/*
 * connect_thread: a thread that makes database connections for the workers.
 * It may block, a worker must not.  For the modules of pg; program/main starts
 * and ends it.
 *
 * A worker has a channel to the thread, and places an order for a connection
 * on it.  The answer comes on the worker's own loop: a connection that is ready
 * to use (schema checked, statements prepared, non-blocking, in pipeline mode
 * except for lists), or the reason why there is none.  Then it may place the
 * order again.
 *
 * After an attempt that failed, the next one is made after at most 50 ms; this
 * time is doubled after each failure, up to 5 s, and a random part of it is
 * left off.  connect_thread_nudge() makes it end 100 ms after the last attempt
 * at the latest.  Attempts are made one at a time, so that a server that has
 * just started does not get many connections at once.  After a connection that
 * was of no use there is a delay, too, see reconnect_delay.h.
 *
 * After a crash writes wait until those of the program before this one can no
 * longer begin (writes_from).  The thread ends this wait earlier when it finds,
 * before the first write, that no session of that program is left: PostgreSQL
 * without a pooler only, see docs/architecture.md.
 */
#ifndef HULYKVS_CONNECT_THREAD_H
#define HULYKVS_CONNECT_THREAD_H

#include "base/loop.h"
#include "pg/dbconn.h"
#include "pg/statement.h"

struct connect_thread;

/* One worker's way to the thread: orders go through it, and the answers come back. */
struct connect_thread_channel;

#define CONNECT_THREAD_REASON_SIZE 256

struct connect_thread_order {
	enum statement_role role;
	/* Called on the worker's loop.  conn: the callee takes it; NULL: there is none, the reason is below. */
	void (*ready)(struct connect_thread_order *o, PGconn *conn, enum dbconn_server server);
	char reason[CONNECT_THREAD_REASON_SIZE]; /* why there is no connection */
	bool reached;                            /* the database answers, but its schema is not the expected one */
	bool read_only;                          /* the database takes no writes; for an order of the role for writes */
	bool placed; /* set by connect_thread_place(), cleared before ready() is called; the owner may read it */
	/* Private to connect_thread, except that ready() may read the last two. */
	struct connect_thread_channel *channel;
	struct connect_thread_order *next;
	PGconn *conn;
	enum dbconn_server server;
	bool pooled;           /* a pooler is between us and the server */
	struct db_clock clock; /* of a connection for writes */
	int64_t writes_from; /* of a connection for writes: when the first may be sent, see statement_set; 0: at once */
};

/* Starts the thread; borrows both until connect_thread_free().  NULL: no memory, or the thread cannot be started. */
struct connect_thread *connect_thread_new(const struct config *c, const struct statement_set *set)
    __attribute__((warn_unused_result));

/*
 * Ends the thread and frees; every channel must have been freed.  NULL is fine.  False: the thread is in an attempt
 * that did not end within a second and cannot be stopped.  Then nothing was freed, and what the thread borrows must
 * stay until the process ends, or until a later call returns true.
 */
bool connect_thread_free(struct connect_thread *c) __attribute__((warn_unused_result));

/* Returns new (connect_thread_channel_free()), for the worker with this loop.  NULL: no memory or descriptors. */
struct connect_thread_channel *connect_thread_channel_new(struct connect_thread *c, struct loop *loop)
    __attribute__((warn_unused_result));

/* Drops the orders of this channel and closes the connections that were made for them. */
void connect_thread_channel_free(struct connect_thread_channel *channel);

/* Orders a connection; borrows the order until ready() is called or the channel is freed. */
void connect_thread_place(struct connect_thread_channel *channel, struct connect_thread_order *o);

/* A connection that was handed over through this channel has ended; see reconnect_delay.h. */
void connect_thread_note_end(struct connect_thread_channel *channel, bool useful, bool delays);

/* An operation waits for a connection: shortens the wait before the next attempt to 100 ms. */
void connect_thread_nudge(struct connect_thread_channel *channel);

#endif
