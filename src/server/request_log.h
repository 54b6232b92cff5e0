/* SPDX-License-Identifier: EPL-2.0 */
/*
 * request_log: the id of a request, its line in the access log, its metrics and
 * its spans.  For conn and cgi.
 *
 * The id is the client's X-Request-Id or a random one, and is sent back with the
 * answer.  The line has the route's template instead of the path.  Of what
 * the request brought, only the id, the trace's id and the token's service are in
 * it, and with HULY_LOG_CLIENT_ADDRESS the client's address.
 */
#ifndef HULYKVS_REQUEST_LOG_H
#define HULYKVS_REQUEST_LOG_H

#include "api/api.h"
#include "base/log_repeat.h"
#include "base/random_id.h"
#include "store/db_error.h"
#include "telemetry/trace.h"

/* One for each worker. */
struct request_log {
	struct log_repeat error_log[DB_ERROR_COUNT]; /* of the explanation of each error */
	struct random_id ids;
	struct trace_ring *ring; /* NULL: no traces */
	struct buf lines;        /* gathered, not written yet */
	bool client_address; /* whether the line of a request that is refused for its token has the client's address */
	bool access_log;     /* a line for each request; otherwise only for warnings and errors */
};

/* One for each request. */
struct request_log_entry {
	char id[RANDOM_ID_SIZE];
	int64_t began;                      /* monotonic */
	int64_t asked;                      /* when its operation was given to the store */
	const char *reason;                 /* why it ends without a complete answer; NULL: it is answered completely */
	char sqlstate[STORE_SQLSTATE_SIZE]; /* of the database's last error; "": none */
	uint64_t bytes;                     /* of the answer's body, counted by conn or cgi */
	bool open;                          /* between request_log_begin() and request_log_end() */
	bool traced;                        /* the span is in use */
	struct trace_span span;
};

/* ring: for spans; NULL: there are none. */
void request_log_open(struct request_log *l, struct trace_ring *ring);
void request_log_close(struct request_log *l);

/* Sets the settings of these names; before the first call they are true and false. */
void request_log_settings(struct request_log *l, bool access_log, bool client_address);

/* The header of a request was read: gives it its id. */
void request_log_begin(struct request_log *l, struct request_log_entry *e, struct request *request, int64_t now);

/* To be called when its operation is given to the store, and when the operation has ended. */
void request_log_store(struct request_log_entry *e, int64_t now);
void request_log_stored(struct request_log *l, struct request_log_entry *e, const struct store *s,
    const struct store_ticket *t, enum store_outcome outcome);

/* To be called when it was answered, or ends without an answer. */
void request_log_end(
    struct request_log *l, struct request_log_entry *e, const struct call *c, const struct response *r);

/* To be called at the end of an iteration: writes the lines. */
void request_log_flush(struct request_log *l);

#endif
