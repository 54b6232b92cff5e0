/* SPDX-License-Identifier: EPL-2.0 */
/*
 * conn_state: the data of a connection of the web server, its states, and the
 * only functions that change them.  For conn; worker fills in the context.
 *
 *   WAITING -> READING -> STORING or STREAMING -> WRITING -> WAITING
 *
 * From READING it goes to WRITING where no operation is needed, and to CLOSING
 * where it is answered early.  STREAMING and PAUSED alternate where a client reads
 * a list slowly.  From each state but STORING it may go to CLOSED.
 */
#ifndef HULYKVS_CONN_STATE_H
#define HULYKVS_CONN_STATE_H

#include <sys/queue.h>

#include "api/api.h"
#include "base/loop.h"
#include "http/fcgi_conn.h"
#include "server/request_log.h"
#include "server/server.h"

enum conn_state {
	CONN_WAITING,   /* for a request */
	CONN_READING,   /* the body of a request */
	CONN_STORING,   /* the store has the operation; it always calls done() */
	CONN_STREAMING, /* the store has the operation, a page of a list, and sends it key by key */
	CONN_PAUSED,    /* a list, between two pages: waits until the peer has read what was sent */
	CONN_WRITING,   /* the answer is complete; the peer has not read all of it */
	CONN_CLOSING,   /* answered early; waits for the peer to close */
	CONN_CLOSED,    /* to be freed by conn_free_closed() of conn */
};

/*
 * Why a connection is closed.
 * X(NAME, "text for the log")
 */
#define CONN_REASONS(X) \
	X(PEER, "the web server closed the connection, aborted the request or sent invalid records") \
	X(NOT_KEPT, "answered, and the web server does not keep the connection") \
	X(SEND_TIMEOUT, "the web server did not send the whole request within HULY_REQUEST_TIMEOUT") \
	X(READ_TIMEOUT, "the web server read nothing of the answer for HULY_REQUEST_TIMEOUT") \
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
	struct conn_list closed; /* to be freed by conn_free_closed() of conn */
	unsigned count;          /* of the open connections */
	int64_t drains_since;    /* monotonic: when the program began to drain; 0: it does not */
	int64_t progress;        /* monotonic: when the store last ended an operation */
	struct buf head;         /* scratch space for header blocks */
	struct request_log log;
};

struct conn {
	struct watch watch;
	struct conn_context *context;
	struct fcgi_conn *fcgi;
	LIST_ENTRY(conn) link;
	enum conn_state state;
	enum conn_reason reason; /* why it is CONN_CLOSED */
	int64_t deadline;        /* monotonic: until when the peer has to send or to read something */
	bool reading;            /* read_requests() is on the stack */
	bool watched;            /* the loop knows the descriptor */
	bool writing;            /* the loop tells when the socket is writable */
	size_t unread;           /* bytes that the peer had not read when the deadline of an answer was set */
	/* The request. */
	struct arena arena;
	struct request request;
	struct call call;
	struct response response;
	struct request_log_entry entry;
	enum api_step step;
	struct buf body;
	size_t reserved;    /* bytes of the body budget */
	uint64_t dropped;   /* bytes of the body of a refused request */
	int64_t idle_since; /* monotonic: when the last answer was read; before the first one, when it was accepted */
	bool served;        /* a request was answered */
	bool wrote;         /* a request that writes was answered */
	struct store_ticket ticket;
	size_t answer; /* bytes of the body budget: of the answer of a batch, until it was sent */
	void *memory;  /* owned by the store: has the value that is being sent */
};

/* Moves the connection to another state; asserts that the move is allowed. */
void conn_state_set(struct conn *c, enum conn_state next);

/* Asserts what holds whenever no function of conn is on the stack. */
void conn_state_check(const struct conn *c);

/*
 * The only function that closes a connection: cancels its list, if any, and moves it to
 * context->closed.  The descriptor is closed, and so leaves the loop, when it is
 * freed.  Does nothing if it is closed already.
 */
void conn_state_close(struct conn *c, enum conn_reason reason);

/* The text of c->reason, for the log. */
const char *conn_state_reason(const struct conn *c);

#endif
