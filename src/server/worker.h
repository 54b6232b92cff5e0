/* SPDX-License-Identifier: EPL-2.0 */
/*
 * worker: a thread that serves requests: its event loop, its part of the web
 * server's connections, its store and its token cache.  Workers share the
 * listening socket, the settings and a few counters, nothing else.  For
 * program/main.
 *
 * A connection belongs to the worker that accepted it.  While a request waits for
 * the store, the worker serves other connections.
 */
#ifndef HULYKVS_WORKER_H
#define HULYKVS_WORKER_H

#include "base/loop.h"
#include "server/server.h"

struct worker;

/*
 * How a worker makes its store, and what it calls on it.  The worker accepts
 * connections only when is_settled() says that it is known whether the database
 * can be used, and ends only when is_idle() says that the store has no operation of
 * its own under way.  The store may borrow from the worker's snapshot of the
 * settings, and may call snapshot_renew().  A CGI program does not call begin().
 */
struct worker_store {
	struct store *(*make)(void *ctx, struct loop *loop, struct snapshot_holder *settings);
	void (*begin)(void *ctx, struct store *s); /* called by the worker's thread before its loop runs */
	void (*change)(struct store *s, const struct snapshot *settings); /* the store borrows from these from now on */
	void (*free)(struct store *s);
	bool (*is_settled)(const struct store *s);
	bool (*is_idle)(const struct store *s);
	void *ctx;
};

/* Starts the thread; borrows everything.  number: from 0.  NULL: no memory, descriptors or threads. */
struct worker *worker_start(struct server *server, unsigned number, const struct worker_store *kind)
    __attribute__((warn_unused_result));

/* Tells the worker that server->draining was set, or that settings have been published. */
void worker_wake(struct worker *w);

/* Waits for its end and frees it. */
void worker_join(struct worker *w);

#endif
