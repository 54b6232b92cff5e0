/* SPDX-License-Identifier: EPL-2.0 */
#include "server/request_log.h"

#include "base/clock.h"
#include "base/log.h"
#include "telemetry/metrics.h"

#define LINES_ENOUGH  ((size_t)4096) /* bytes; if an iteration gathers more, they are written before its end */
#define EXPLAIN_EVERY (60 * CLOCK_S)
#define LINES_MAX     ((size_t)16384)

void
request_log_open(struct request_log *l, struct trace_ring *ring)
{
	*l = (struct request_log){ .ring = ring, .access_log = true };
	random_id_init(&l->ids);
	buf_init(&l->lines, LINES_MAX);
}

void
request_log_settings(struct request_log *l, bool access_log, bool client_address)
{
	l->access_log = access_log;
	l->client_address = client_address;
}

void
request_log_close(struct request_log *l)
{
	request_log_flush(l);
	buf_free(&l->lines);
}

void
request_log_flush(struct request_log *l)
{
	if (l->lines.n > 0)
		log_send(&l->lines);
}

void
request_log_begin(struct request_log *l, struct request_log_entry *e, struct request *request, int64_t now)
{
	metrics_add(METRICS_HTTP_IN_FLIGHT, 1);
	e->began = now;
	e->bytes = 0;
	e->reason = NULL;
	e->sqlstate[0] = '\0';
	e->open = true;
	if (request->request_id.p == NULL) {
		random_id_make(&l->ids, e->id);
		request->request_id = str_from(e->id, sizeof(e->id));
	}
	e->traced = l->ring != NULL && trace_begin(l->ring, &l->ids, &request->trace, &e->span);
	if (e->traced)
		request->trace.trace_id = str_from(e->span.trace_id, sizeof(e->span.trace_id));
}

void
request_log_store(struct request_log_entry *e, int64_t now)
{
	e->asked = now;
}

static void
trace_operation(struct request_log_entry *e, const struct store *s, const struct store_ticket *t,
    enum store_outcome outcome, int64_t now)
{
	e->span.has_operation = true;
	e->span.operation.began = e->asked;
	e->span.operation.ended = now;
	e->span.operation.outcome = outcome;
	e->span.operation.what = s->calls->describe(s, t);
	e->span.operation.group = t->batch_size;
	memcpy(e->span.operation.sqlstate, t->sqlstate, sizeof(t->sqlstate));
}

/* Counts an error of the database, and logs at most once a minute what it means and what to do. */
static void
note_db_error(struct request_log *l, struct str sqlstate, int64_t now)
{
	enum db_error error = db_error_of(sqlstate);

	metrics_add(METRICS_DB_ERRORS + error, 1);
	if (log_repeat_allows(&l->error_log[error], now, EXPLAIN_EVERY))
		log_event(LOG_WARN, "the database answered with an error", log_text("sqlstate", sqlstate),
		    log_text("meaning", db_error_meaning(error)), log_text("advice", db_error_advice(error)));
}

void
request_log_stored(struct request_log *l, struct request_log_entry *e, const struct store *s,
    const struct store_ticket *t, enum store_outcome outcome)
{
	int64_t now = clock_mono();

	memcpy(e->sqlstate, t->sqlstate, sizeof(e->sqlstate));
	if (e->sqlstate[0] != '\0' && outcome != STORE_TOO_LONG)
		note_db_error(l, str_of(e->sqlstate), now);
	metrics_add(METRICS_DB_OPERATIONS + (size_t)t->op.kind * METRICS_N_OUTCOME + outcome, 1);
	metrics_observe_time(METRICS_DB_DURATION + (size_t)t->op.kind * METRICS_WIDTH_SECONDS, now - e->asked);
	if (e->traced)
		trace_operation(e, s, t, outcome, now);
}

/* Whether a request was refused for its token: it has no valid one, or one that does not allow this. */
static bool
is_for_token(enum refusal refusal)
{
	return refusal >= REFUSAL_NO_TOKEN && refusal <= REFUSAL_NAMESPACE_FORBIDDEN;
}

static enum metrics_auth
auth_reason(const struct call *c, enum refusal refusal)
{
	_Static_assert((int)METRICS_AUTH_NOT_YET_VALID - METRICS_AUTH_MALFORMED == TOKEN_NOT_YET_VALID &&
		METRICS_AUTH_NAMESPACE_FORBIDDEN - METRICS_AUTH_NO_WORKSPACE ==
		    (int)REFUSAL_NAMESPACE_FORBIDDEN - REFUSAL_NO_WORKSPACE,
	    "the reasons are in the order of their tables");
	if (refusal == REFUSAL_NO_TOKEN)
		return METRICS_AUTH_NO_TOKEN;
	if (refusal == REFUSAL_INVALID_TOKEN)
		return METRICS_AUTH_MALFORMED + (enum metrics_auth)c->token_reason;
	return METRICS_AUTH_NO_WORKSPACE + (enum metrics_auth)(refusal - REFUSAL_NO_WORKSPACE);
}

static void
count_request(const struct request_log_entry *e, const struct call *c, const struct response *r, int64_t took)
{
	const struct request *request = c->request;
	/* A length that is too large is not counted: such a body is never read, and one could make the sum useless. */
	uint64_t body = request->content_length <= UINT32_MAX ? request->content_length : 0;

	metrics_count_request(request->method, c->match.route, r->status);
	metrics_observe_time(METRICS_HTTP_DURATION, took);
	metrics_observe_bytes(METRICS_REQUEST_BODY, body);
	metrics_observe_bytes(METRICS_RESPONSE_BODY, e->bytes);
	if (is_for_token(r->refusal))
		metrics_add(METRICS_AUTH_REFUSALS + auth_reason(c, r->refusal), 1);
}

static struct log_field
optional_word(const char *name, struct str text)
{
	return text.n > 0 ? log_word(name, text) : log_nothing();
}

static void
put_line(struct request_log *l, enum log_level level, const struct request_log_entry *e, const struct call *c,
    const struct response *r, int64_t took)
{
	const struct route *route = c->match.route;
	const struct log_field fields[] = {
		log_word("request_id", c->request->request_id),
		optional_word("trace_id", c->request->trace.trace_id),
		log_word("method", request_method_name(c->request->method)),
		log_word("route", route != NULL ? route->template : STR("-")),
		log_number("status", r->status),
		log_millis("dur_ms", took),
		log_number("bytes", (int64_t)e->bytes),
		c->claims.service[0] != '\0' ? log_text("service", str_of(c->claims.service)) : log_nothing(),
		optional_word("refusal", r->refusal != REFUSAL_NONE ? refusal_name(r->refusal) : STR_ABSENT),
		r->refusal == REFUSAL_INVALID_TOKEN ? log_word("reason", token_reason_word(c->token_reason))
						    : log_nothing(),
		l->client_address && is_for_token(r->refusal) && c->request->remote_address.n > 0
		    ? log_text("client", c->request->remote_address)
		    : log_nothing(),
		optional_word("sqlstate", str_of(e->sqlstate)),
		e->reason != NULL         ? log_text("reason", str_of(e->reason))
		    : c->reason.p != NULL ? log_text("reason", c->reason)
					  : log_nothing(),
		c->verdict.line > 0 && !c->verdict.allowed ? log_number("rule", c->verdict.line) : log_nothing(),
		{ .kind = LOG_END },
	};

	log_gather(&l->lines, level, "request", fields);
	if (l->lines.n >= LINES_ENOUGH)
		request_log_flush(l);
}

static void
trace_request(
    struct request_log *l, struct request_log_entry *e, const struct call *c, const struct response *r, int64_t took)
{
	e->span.method = c->request->method;
	e->span.route = route_number(c->match.route);
	e->span.is_secure = c->request->is_secure;
	e->span.status = r->status;
	e->span.began = e->began;
	e->span.ended = e->began + took;
	trace_put(l->ring, &e->span);
}

/* An authorizer's answer that no client sees: the request itself follows, and is counted then. */
static bool
is_between_servers(const struct request *request, const struct response *r)
{
	return request->is_preliminary || (request->is_authorizer && r->status == 200);
}

/* Probes and scrapes come every few seconds: they get a line only if they fail. */
static enum log_level
level_of(const struct request_log_entry *e, const struct call *c, const struct response *r)
{
	if (e->reason != NULL && r->status >= 500)
		return LOG_WARN;
	if (c->match.route != NULL && c->match.route->version == 0 && r->status < 400)
		return LOG_DEBUG;
	return refusal_level(r->refusal);
}

void
request_log_end(struct request_log *l, struct request_log_entry *e, const struct call *c, const struct response *r)
{
	enum log_level level = level_of(e, c, r);
	int64_t took = clock_mono() - e->began;

	e->open = false;
	metrics_add(METRICS_HTTP_IN_FLIGHT, (uint64_t)-1);
	if (is_between_servers(c->request, r))
		return;
	count_request(e, c, r, took);
	if (e->traced)
		trace_request(l, e, c, r, took);
	if (log_enabled(level) && (level <= LOG_WARN || l->access_log))
		put_line(l, level, e, c, r, took);
}
