/* SPDX-License-Identifier: EPL-2.0 */
#include "server/request_log.h"

#include "base/clock.h"
#include "base/log.h"
#include "telemetry/metrics.h"

#define LINES_KEPT ((size_t)4096) /* bytes, in a turn */
#define LINES_MAX  ((size_t)16384)

void
request_log_open(struct request_log *o, struct trace_ring *ring)
{
	o->ring = ring;
	o->access_log = true;
	random_id_init(&o->ids);
	buf_init(&o->lines, LINES_MAX);
}

void
request_log_close(struct request_log *o)
{
	request_log_flush(o);
	buf_free(&o->lines);
}

void
request_log_flush(struct request_log *o)
{
	if (o->lines.n > 0)
		log_send(&o->lines);
}

void
request_log_begin(struct request_log *o, struct request_log_entry *d, struct request *request, int64_t now)
{
	metrics_add(METRICS_HTTP_IN_FLIGHT, 1);
	d->began = now;
	d->bytes = 0;
	d->open = true;
	if (request->request_id.p == NULL) {
		random_id_make(&o->ids, d->id);
		request->request_id = str_from(d->id, sizeof(d->id));
	}
	d->traced = o->ring != NULL && trace_begin(o->ring, &o->ids, &request->trace, &d->span);
	if (d->traced)
		request->trace.trace_id = str_from(d->span.trace_id, sizeof(d->span.trace_id));
}

void
request_log_store(struct request_log_entry *d, int64_t now)
{
	d->asked = now;
}

static void
trace_operation(struct request_log_entry *d, const struct store *s, const struct store_ticket *t,
    enum store_outcome outcome, int64_t now)
{
	d->span.has_operation = true;
	d->span.operation.began = d->asked;
	d->span.operation.ended = now;
	d->span.operation.outcome = outcome;
	d->span.operation.what = s->calls->describe(s, t);
	d->span.operation.group = t->group;
	memcpy(d->span.operation.sqlstate, t->sqlstate, sizeof(t->sqlstate));
}

void
request_log_stored(
    struct request_log_entry *d, const struct store *s, const struct store_ticket *t, enum store_outcome outcome)
{
	int64_t now = clock_mono();

	metrics_add(METRICS_DB_OPERATIONS + (size_t)t->op.kind * METRICS_N_OUTCOME + outcome, 1);
	metrics_observe_time(METRICS_DB_DURATION + (size_t)t->op.kind * METRICS_WIDTH_SECONDS, now - d->asked);
	if (d->traced)
		trace_operation(d, s, t, outcome, now);
}

static void
count_request(const struct request_log_entry *d, const struct call *c, const struct response *r, int64_t took)
{
	const struct request *request = c->request;
	/* What a client claims to send must not spoil the sum; a body that long is never taken. */
	uint64_t body = request->content_length <= UINT32_MAX ? request->content_length : 0;

	metrics_add(METRICS_HTTP_IN_FLIGHT, (uint64_t)-1);
	metrics_count_request(request->method, c->match.route, r->status);
	metrics_observe_time(METRICS_HTTP_DURATION, took);
	metrics_observe_bytes(METRICS_REQUEST_BODY, body);
	metrics_observe_bytes(METRICS_RESPONSE_BODY, d->bytes);
	if (r->refusal >= REFUSAL_NO_TOKEN && r->refusal <= REFUSAL_NAMESPACE_FORBIDDEN)
		metrics_add(METRICS_AUTH_REFUSALS + r->refusal - REFUSAL_NO_TOKEN, 1);
}

static struct log_field
word_or_nothing(const char *name, struct str text)
{
	return text.n > 0 ? log_word(name, text) : log_nothing();
}

static void
put_line(struct request_log *o, enum log_level level, const struct request_log_entry *d, const struct call *c,
    const struct response *r, int64_t took)
{
	const struct route *route = c->match.route;
	const struct log_field fields[] = {
		log_word("request_id", c->request->request_id),
		word_or_nothing("trace_id", c->request->trace.trace_id),
		log_word("method", request_method_name(c->request->method)),
		log_word("route", route != NULL ? route->template : STR("-")),
		log_number("status", r->status),
		log_millis("dur_ms", took),
		log_number("bytes", (int64_t)d->bytes),
		c->claims.service[0] != '\0' ? log_text("service", str_of(c->claims.service)) : log_nothing(),
		word_or_nothing("refusal", r->refusal != REFUSAL_NONE ? refusal_name(r->refusal) : STR_ABSENT),
		c->verdict.line > 0 && !c->verdict.allowed ? log_number("rule", c->verdict.line) : log_nothing(),
		{ .kind = LOG_END },
	};

	log_gather(&o->lines, level, "request", fields);
	if (o->lines.n >= LINES_KEPT)
		request_log_flush(o);
}

static void
trace_request(
    struct request_log *o, struct request_log_entry *d, const struct call *c, const struct response *r, int64_t took)
{
	d->span.method = c->request->method;
	d->span.route = route_number(c->match.route);
	d->span.is_secure = c->request->is_secure;
	d->span.status = r->status;
	d->span.began = d->began;
	d->span.ended = d->began + took;
	trace_put(o->ring, &d->span);
}

void
request_log_end(struct request_log *o, struct request_log_entry *d, const struct call *c, const struct response *r)
{
	enum log_level level = refusal_level(r->refusal);
	int64_t took = clock_mono() - d->began;

	d->open = false;
	count_request(d, c, r, took);
	if (d->traced)
		trace_request(o, d, c, r, took);
	if (log_enabled(level) && (level <= LOG_WARN || o->access_log))
		put_line(o, level, d, c, r, took);
}
