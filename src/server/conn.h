/* SPDX-License-Identifier: EPL-2.0 */
/*
 * conn: one connection of the web server inside a worker, and the request on
 * it, from its first byte to the last byte of its answer.
 *
 *   WAITING -> (READING) -> STORING / STREAMING -> WRITING -> WAITING or closed
 *
 * A request is answered only when its last byte has been read, so that no byte
 * of a body can be taken for a request.  A body that is not wanted is dropped
 * on the way; one that does not end within CONN_DROP_MAX bytes is answered at
 * once, and the connection is closed when the peer has seen that.
 */
#ifndef HULYKVS_CONN_H
#define HULYKVS_CONN_H

#include "api/api.h"
#include "base/loop.h"
#include "http/fcgi_conn.h"
#include "server/request_log.h"
#include "server/server.h"

#define CONN_DROP_MAX ((size_t)64 * 1024 * 1024) /* bytes; of an unwanted body */

enum conn_state {
	CONN_WAITING,   /* for a request */
	CONN_READING,   /* its body */
	CONN_STORING,   /* parked */
	CONN_STREAMING, /* a list, in pieces */
	CONN_WRITING,   /* the rest of an answer; then closed, or waiting again */
	CONN_CLOSING,   /* answered early; until the peer closes */
	CONN_DEAD,      /* to be freed at the end of the turn */
};

/* What a worker lends to its connections. */
struct conn_host {
	struct loop *loop;
	struct server *server;
	struct store *store;
	struct snapshot_holder settings;
	struct policy policy; /* borrows from the settings */
	struct conn *first;   /* all connections */
	struct conn *dead;    /* to be freed by conn_bury() */
	unsigned count;
	struct buf head; /* for header blocks */
	struct request_log observer;
};

/* Takes the descriptor; closes it where it cannot be served. */
void conn_open(struct conn_host *host, int fd);

/* Closes those that have not moved since their deadline; draining: also the idle ones. */
void conn_sweep(struct conn_host *host, int64_t now, bool draining);

/* Frees those that ended in this turn. */
void conn_bury(struct conn_host *host);

#endif
