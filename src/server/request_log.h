/* SPDX-License-Identifier: EPL-2.0 */
/*
 * observe: what an operator gets to know of a request: a name for it, its
 * line in the access log, its share of the metrics, and its spans.
 *
 * The name is the client's X-Request-Id, or a random one; it goes back with
 * the answer.  The line has the route's template instead of the path, and
 * nothing that a client wrote but that name and the token's service.
 */
#ifndef HULYKVS_REQUEST_LOG_H
#define HULYKVS_REQUEST_LOG_H

#include "api/api.h"
#include "base/random_id.h"
#include "telemetry/trace.h"

/* One for each thread that serves requests. */
struct request_log {
	struct random_id ids;
	struct trace_ring *ring; /* NULL: no traces */
	struct buf lines;        /* not sent yet */
	bool access_log;         /* each request has its line; otherwise only those that went wrong by our fault */
};

/* One for each request. */
struct request_log_entry {
	char id[RANDOM_ID_SIZE];
	int64_t began;  /* monotonic */
	int64_t asked;  /* when its operation was handed to the store */
	uint64_t bytes; /* of the answer's body; the sender counts them */
	bool open;
	bool traced; /* the rest is in use */
	struct trace_span span;
};

/* ring: for spans; NULL: there are none. */
void request_log_open(struct request_log *o, struct trace_ring *ring);
void request_log_close(struct request_log *o);

/* A request was read: names it. */
void request_log_begin(struct request_log *o, struct request_log_entry *d, struct request *request, int64_t now);

/* Its operation went to the store, and came back. */
void request_log_store(struct request_log_entry *d, int64_t now);
void request_log_stored(
    struct request_log_entry *d, const struct store *s, const struct store_ticket *t, enum store_outcome outcome);

/* It was answered. */
void request_log_end(
    struct request_log *o, struct request_log_entry *d, const struct call *c, const struct response *r);

/* The end of a turn: sends the lines. */
void request_log_flush(struct request_log *o);

#endif
