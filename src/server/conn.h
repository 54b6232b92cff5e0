/* SPDX-License-Identifier: EPL-2.0 */
/*
 * conn: one connection of the web server inside a worker, and the request on
 * it, from its first byte to the last byte of its answer.  For worker only.
 *
 * A request is answered only when its last byte has been read, so that no byte
 * of a body can be taken for the next request.  A body that is not wanted is
 * read and dropped; one that does not end within CONN_DROP_MAX bytes (without a
 * valid token: CONN_DROP_ANONYMOUS) is answered at once, and the connection is
 * closed when the peer has read that.
 *
 *   WAITING -> READING -> STORING or STREAMING -> WRITING -> WAITING
 *
 * From READING it goes to WRITING where no operation is needed, and to CLOSING
 * where it is answered early.  From each state but STORING it may go to CLOSED.
 */
#ifndef HULYKVS_CONN_H
#define HULYKVS_CONN_H

#include <sys/queue.h>

#include "api/api.h"
#include "base/loop.h"
#include "http/fcgi_conn.h"
#include "server/request_log.h"
#include "server/server.h"

#define CONN_DROP_MAX       ((size_t)8 * 1024 * 1024) /* bytes; of an unwanted body */
#define CONN_DROP_ANONYMOUS ((size_t)64 * 1024)

enum conn_state {
	CONN_WAITING,   /* for a request */
	CONN_READING,   /* the body of a request */
	CONN_STORING,   /* the store has the operation; it always calls done() */
	CONN_STREAMING, /* the store has the operation, a list, and sends it key by key */
	CONN_WRITING,   /* the answer is complete; the peer has not read all of it */
	CONN_CLOSING,   /* answered early: until the peer closes */
	CONN_CLOSED,    /* to be freed by conn_free_closed() */
};

/*
 * Why a connection is closed.
 * X(NAME, "text for the log")
 */
#define CONN_REASONS(X) \
	X(PEER, "the web server closed the connection, aborted the request or sent invalid records") \
	X(NOT_KEPT, "answered, and the web server does not keep the connection") \
	X(TIMEOUT, "the web server sent or read nothing for HULY_REQUEST_TIMEOUT") \
	X(DRAINING, "idle, and its place is needed or the program ends") \
	X(LIST, "the database failed while a list was being sent") \
	X(SYSTEM, "epoll_ctl failed")

enum conn_reason {
#define X(name, text) CONN_##name,
	CONN_REASONS(X)
#undef X
};

LIST_HEAD(conn_list, conn);

/* What all connections of a worker share.  The worker fills it in. */
struct conn_context {
	struct loop *loop;
	struct server *server;
	struct store *store;
	struct snapshot_holder settings;
	struct policy policy;    /* borrows from the settings */
	struct conn_list open;   /* all that are not closed */
	struct conn_list closed; /* to be freed by conn_free_closed() */
	unsigned count;          /* of the open ones */
	struct buf head;         /* scratch space for header blocks */
	struct request_log log;
};

/* Takes the descriptor; closes it where there is no memory. */
void conn_open(struct conn_context *context, int fd);

/*
 * Closes those whose deadline is over.  draining: also those that wait for a
 * request, if that cannot cost a write, see conn.c.  To be called every second.
 */
void conn_check_deadlines(struct conn_context *context, int64_t now, bool draining);

/* Frees those that were closed in this iteration of the loop.  To be called at its end. */
void conn_free_closed(struct conn_context *context);

#endif
