/*
 * observe: what an operator gets to know of a request: a name for it, its
 * line in the access log, its share of the metrics, and its spans.
 *
 * The name is the client's X-Request-Id, or a random one; it goes back with
 * the answer.  The line has the route's template instead of the path, and
 * nothing that a client wrote but that name and the token's service.
 */
#ifndef HULYKVS_OBSERVE_H
#define HULYKVS_OBSERVE_H

#include "api/api.h"
#include "base/random_id.h"
#include "telemetry/trace.h"

/* One for each thread that serves requests. */
struct observer {
	struct ids ids;
	struct trace_ring *ring; /* NULL: no traces */
	struct buf lines; /* not sent yet */
};

/* One for each request. */
struct observed {
	char id[IDS_SIZE];
	int64_t began;  /* monotonic */
	int64_t asked;  /* when its operation was handed to the store */
	uint64_t bytes; /* of the answer's body; the sender counts them */
	bool open;
	bool traced;            /* the rest is in use */
	struct trace_span span;
};

/* ring: for spans; NULL: there are none. */
void observe_open(struct observer *o, struct trace_ring *ring);
void observe_close(struct observer *o);

/* Any thread: whether each request has its line; otherwise only those that went wrong by our fault. */
void observe_set_access_log(bool on);

/* A request was read: names it. */
void observe_begin(struct observer *o, struct observed *d, struct request *request, int64_t now);

/* Its operation went to the store, and came back. */
void observe_store(struct observed *d, int64_t now);
void observe_stored(struct observed *d, const struct store *s, const struct store_ticket *t,
    enum store_outcome outcome);

/* It was answered. */
void observe_end(struct observer *o, struct observed *d, const struct call *c, const struct response *r);

/* The end of a turn: sends the lines. */
void observe_flush(struct observer *o);

#endif
