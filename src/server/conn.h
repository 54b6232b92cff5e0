/* SPDX-License-Identifier: EPL-2.0 */
/*
 * conn: one connection of the web server inside a worker, and the request on
 * it, from its first byte to the last byte of its answer.  For worker only.
 *
 * A request is answered only when its last byte has been read, so that no byte
 * of a body can be taken for the next request.  The body of a request that is
 * refused is read and dropped.  If it is longer than CONN_DROP_MAX bytes
 * (without a valid token: CONN_DROP_ANONYMOUS), the request is answered early,
 * and the connection is closed when the peer has read the answer.
 *
 * The connection of a client that reads its answer slowly is not closed: the
 * deadline is renewed while the web server takes bytes from the socket.
 */
#ifndef HULYKVS_CONN_H
#define HULYKVS_CONN_H

#include "server/conn_state.h"

#define CONN_DROP_MAX       ((size_t)8 * 1024 * 1024) /* bytes of the body of a refused request */
#define CONN_DROP_ANONYMOUS ((size_t)64 * 1024)

/* Takes the descriptor; closes it if there is no memory. */
void conn_open(struct conn_context *context, int fd);

/*
 * Whether the worker has all connections that it may have, and the store has ended no operation for a while: the
 * database hangs.  Then a few more connections are accepted, and only probes are answered on any of them.
 */
bool conn_is_overloaded(const struct conn_context *context);

/*
 * Closes the connections whose deadline has passed.  draining: also those that
 * wait for a request, if no write can be lost by that, see conn.c.  To be called
 * every second.
 */
void conn_check_deadlines(struct conn_context *context, int64_t now, bool draining);

/* Frees the connections that were closed in this iteration of the loop.  To be called at its end. */
void conn_free_closed(struct conn_context *context);

#endif
