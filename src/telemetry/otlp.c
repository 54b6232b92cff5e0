/* SPDX-License-Identifier: EPL-2.0 */
#include "telemetry/otlp.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/clock.h"
#include "codec/json.h"
#include "codec/kvlist.h"
#include "config_build.h"

/* The enumerations of the protocol. */
enum { KIND_SERVER = 2, KIND_CLIENT = 3, STATUS_ERROR = 2, TEMPORALITY_CUMULATIVE = 2 };

/* Span.flags: the trace's flags; whether it is known if the parent is in another process; whether it is. */
enum { FLAG_SAMPLED = 0x1, FLAG_PARENT_KNOWN = 0x100, FLAG_PARENT_REMOTE = 0x200 };

#define SCOPE "\"scope\":{\"name\":\"hulykvs\",\"version\":\"" PACKAGE_VERSION "\"}"

/* A comma before each element but the first one. */
static void
separate(struct buf *out)
{
	if (out->n > 0 && out->p[out->n - 1] != '[')
		buf_putc(out, ',');
}

static void
put_key(struct buf *out, struct str key)
{
	separate(out);
	buf_puts(out, STR("{\"key\":"));
	json_put_string(out, key);
	buf_puts(out, STR(",\"value\":{\""));
}

static void
put_json_text(struct buf *out, struct str key, struct str value)
{
	put_key(out, key);
	buf_puts(out, STR("stringValue\":"));
	json_put_string(out, value);
	buf_puts(out, STR("}}"));
}

/* 64-bit numbers are strings (proto3's JSON mapping). */
static void
put_json_number(struct buf *out, struct str key, int64_t value)
{
	put_key(out, key);
	buf_puts(out, STR("intValue\":\""));
	buf_put_number(out, value);
	buf_puts(out, STR("\"}}"));
}

static void
put_unless_given(struct buf *out, const struct kvlist *attributes, struct str key, struct str value)
{
	if (kvlist_find(attributes, key).p == NULL)
		put_json_text(out, key, value);
}

void
otlp_put_resource(struct buf *out, struct str name, const struct kvlist *attributes, struct str instance)
{
	static const struct str name_key = STR_INIT("service.name");

	buf_puts(out, STR("{\"attributes\":["));
	if (name.n > 0)
		put_json_text(out, name_key, name);
	else
		put_unless_given(out, attributes, name_key, STR("hulykvs"));
	put_unless_given(out, attributes, STR("service.version"), STR(PACKAGE_VERSION));
	put_unless_given(out, attributes, STR("service.instance.id"), instance);
	for (size_t i = 0; i < attributes->n; i++)
		if (name.n == 0 || !str_eq(attributes->pair[i].name, name_key))
			put_json_text(out, attributes->pair[i].name, attributes->pair[i].value);
	buf_puts(out, STR("]}"));
}

void
otlp_begin_spans(struct buf *out, struct str resource)
{
	buf_puts(out, STR("{\"resourceSpans\":[{\"resource\":"));
	buf_puts(out, resource);
	buf_puts(out, STR(",\"scopeSpans\":[{" SCOPE ",\"spans\":["));
}

void
otlp_end_spans(struct buf *out)
{
	buf_puts(out, STR("]}]}]}"));
}

static void
put_hex(struct buf *out, struct str name, const char *digits, size_t n)
{
	buf_puts(out, name);
	buf_put(out, digits, n);
	buf_putc(out, '"');
}

static void
put_time(struct buf *out, struct str name, int64_t unix_ns)
{
	buf_puts(out, name);
	buf_put_number(out, unix_ns);
	buf_putc(out, '"');
}

/* The beginning of a span up to its name. */
static void
begin_span(struct buf *out, const struct trace_span *s, const char *id, const char *parent_id, unsigned flags)
{
	separate(out);
	put_hex(out, STR("{\"traceId\":\""), s->trace_id, sizeof(s->trace_id));
	put_hex(out, STR(",\"spanId\":\""), id, TRACE_SPAN_SIZE);
	if (parent_id != NULL)
		put_hex(out, STR(",\"parentSpanId\":\""), parent_id, TRACE_SPAN_SIZE);
	buf_puts(out, STR(",\"flags\":"));
	buf_put_number(out, FLAG_SAMPLED | FLAG_PARENT_KNOWN | flags);
	buf_puts(out, STR(",\"name\":\""));
}

/* From the end of the name up to the attributes. */
static void
put_kind(struct buf *out, int kind, int64_t began, int64_t ended)
{
	buf_puts(out, STR("\",\"kind\":"));
	buf_put_number(out, kind);
	put_time(out, STR(",\"startTimeUnixNano\":\""), began);
	put_time(out, STR(",\"endTimeUnixNano\":\""), ended);
	buf_puts(out, STR(",\"attributes\":["));
}

static void
end_span(struct buf *out, bool is_error)
{
	buf_puts(out, STR("],\"status\":{"));
	if (is_error) {
		buf_puts(out, STR("\"code\":"));
		buf_put_number(out, STATUS_ERROR);
	}
	buf_puts(out, STR("}}"));
}

/* Semantic conventions for HTTP, server span: 4xx is no error; a request without an answer has no status. */
static void
put_request(struct buf *out, const struct trace_span *s, otlp_epoch epoch)
{
	bool known = s->method != METHOD_OTHER, gone = s->status == TRACE_GONE, fault = s->status >= 500;
	struct str route = s->route < ROUTE_COUNT ? route_template(s->route) : STR_ABSENT;

	begin_span(out, s, s->id, s->has_parent ? s->parent_id : NULL, s->has_parent ? FLAG_PARENT_REMOTE : 0);
	buf_puts(out, known ? request_method_name(s->method) : STR("HTTP"));
	if (route.p != NULL)
		buf_putc(out, ' ');
	buf_puts(out, route);
	put_kind(out, KIND_SERVER, s->began + epoch, s->ended + epoch);
	put_json_text(out, STR("http.request.method"), known ? request_method_name(s->method) : STR("_OTHER"));
	if (route.p != NULL)
		put_json_text(out, STR("http.route"), route);
	put_json_text(out, STR("url.scheme"), s->is_secure ? STR("https") : STR("http"));
	if (!gone)
		put_json_number(out, STR("http.response.status_code"), s->status);
	if (gone) {
		put_json_text(out, STR("error.type"), STR("client_gone"));
	} else if (fault) {
		char status[16];
		int n = snprintf(status, sizeof(status), "%u", s->status);

		put_json_text(out, STR("error.type"), str_from(status, (size_t)n));
	}
	end_span(out, gone || fault);
}

/* Absent: not an error of the operation (the client may still get 404 or 412). */
static struct str
error_of(enum store_outcome outcome)
{
	switch (outcome) {
	case STORE_DONE:
	case STORE_NO_KEY:
	case STORE_MISMATCH:
		break;
	case STORE_TOO_LONG:
		return STR("too_long");
	case STORE_TOO_LARGE:
		return STR("too_large");
	case STORE_UNAVAILABLE:
		return STR("unavailable");
	case STORE_BUSY:
		return STR("busy");
	case STORE_UNKNOWN:
		return STR("unknown");
	case STORE_FAULT:
		return STR("fault");
	}
	return STR_ABSENT;
}

/* Semantic conventions for databases, client span. */
static void
put_operation(struct buf *out, const struct trace_span *s, otlp_epoch epoch)
{
	const struct store_description *what = &s->operation.what;
	struct str error = error_of(s->operation.outcome), sqlstate = str_of(s->operation.sqlstate);

	begin_span(out, s, s->operation.id, s->id, 0);
	buf_puts(out, what->operation);
	if (what->collection.p != NULL)
		buf_putc(out, ' ');
	buf_puts(out, what->collection);
	put_kind(out, KIND_CLIENT, s->operation.began + epoch, s->operation.ended + epoch);
	put_json_text(out, STR("db.system.name"), what->system);
	put_json_text(out, STR("db.operation.name"), what->operation);
	if (what->collection.p != NULL)
		put_json_text(out, STR("db.collection.name"), what->collection);
	put_json_text(out, STR("db.query.text"), what->query);
	if (s->operation.group > 0)
		put_json_number(out, STR("hulykvs.db.group_size"), s->operation.group);
	if (error.p != NULL && sqlstate.n > 0)
		put_json_text(out, STR("db.response.status_code"), sqlstate);
	if (error.p != NULL)
		put_json_text(out, STR("error.type"), sqlstate.n > 0 ? sqlstate : error);
	end_span(out, error.p != NULL);
}

unsigned
otlp_span_count(const struct trace_span *s)
{
	return s->has_operation ? 2 : 1;
}

void
otlp_put_span(struct buf *out, const struct trace_span *s, otlp_epoch epoch)
{
	put_request(out, s, epoch);
	if (s->has_operation)
		put_operation(out, s, epoch);
}

/* The same for all data points of a request. */
struct points {
	struct buf *out;
	const struct metrics *metrics;
	int64_t since, now; /* since the epoch */
};

static size_t
otlp_series_count(const struct metrics_family *f)
{
	size_t n = 1;

	for (size_t i = 0; i < METRICS_LABELS_MAX && f->label[i] != NULL; i++)
		n *= f->label[i]->n;
	return n;
}

static void
begin_point(const struct points *p, const struct metrics_family *f, size_t series)
{
	size_t below = otlp_series_count(f);

	separate(p->out);
	buf_puts(p->out, STR("{\"attributes\":["));
	for (size_t i = 0; i < METRICS_LABELS_MAX && f->label[i] != NULL; i++) {
		below /= f->label[i]->n;
		put_json_text(p->out, str_of(f->label[i]->name), f->label[i]->value(series / below));
		series %= below;
	}
	put_time(p->out, STR("],\"startTimeUnixNano\":\""), p->since);
	put_time(p->out, STR(",\"timeUnixNano\":\""), p->now);
}

/* The text of a bound is a valid JSON number. */
static void
put_bounds(struct buf *out, const struct metrics_family *f)
{
	buf_puts(out, STR(",\"explicitBounds\":["));
	for (size_t i = 0; i + 2 < f->width; i++) {
		separate(out);
		buf_puts(out, f->bound[i].text);
	}
	buf_putc(out, ']');
}

static void
put_distribution(const struct points *p, const struct metrics_family *f, size_t series)
{
	size_t cell = f->cell + series * f->width, bounds = f->width - 2;
	uint64_t count = 0, sum = metrics_sum(p->metrics, cell + bounds + 1);

	buf_puts(p->out, STR(",\"bucketCounts\":["));
	for (size_t i = 0; i <= bounds; i++) {
		uint64_t n = metrics_sum(p->metrics, cell + i);

		count += n;
		separate(p->out);
		buf_printf(p->out, "\"%" PRIu64 "\"", n);
	}
	buf_printf(p->out, "],\"count\":\"%" PRIu64 "\"", count);
	put_bounds(p->out, f);
	if (f->seconds)
		buf_printf(p->out, ",\"sum\":%" PRIu64 ".%09" PRIu64, sum / (uint64_t)CLOCK_S, sum % (uint64_t)CLOCK_S);
	else
		buf_printf(p->out, ",\"sum\":%" PRIu64, sum);
}

static void
put_points(const struct points *p, const struct metrics_family *f)
{
	size_t n = otlp_series_count(f);

	for (size_t series = 0; series < n; series++) {
		uint64_t value = metrics_sum(p->metrics, f->cell + series);

		if (f->kind != METRICS_HISTOGRAM && value == 0 && n > METRICS_FEW_SERIES)
			continue;
		begin_point(p, f, series);
		if (f->kind == METRICS_HISTOGRAM)
			put_distribution(p, f, series);
		else
			buf_printf(p->out, ",\"asInt\":\"%" PRIu64 "\"", value);
		buf_putc(p->out, '}');
	}
}

static void
begin_metric(struct buf *out, const char *name, const char *help, const char *unit)
{
	separate(out);
	buf_printf(out, "{\"name\":\"%s\",\"description\":\"%s\",\"unit\":\"%s\",", name, help, unit);
}

static void
put_otlp_family(const struct points *p, const struct metrics_family *f)
{
	static const struct str begin[] = { [METRICS_COUNTER] = STR_INIT("\"sum\":{\"dataPoints\":["),
		[METRICS_GAUGE] = STR_INIT("\"gauge\":{\"dataPoints\":["),
		[METRICS_HISTOGRAM] = STR_INIT("\"histogram\":{\"dataPoints\":[") };

	begin_metric(p->out, f->name, f->help, f->unit);
	buf_puts(p->out, begin[f->kind]);
	put_points(p, f);
	buf_putc(p->out, ']');
	if (f->kind != METRICS_GAUGE)
		buf_printf(p->out, ",\"aggregationTemporality\":%d", TEMPORALITY_CUMULATIVE);
	if (f->kind == METRICS_COUNTER)
		buf_puts(p->out, STR(",\"isMonotonic\":true"));
	buf_puts(p->out, STR("}}"));
}

void
otlp_put_metrics(
    struct buf *out, struct str resource, const struct metrics *m, int64_t since, int64_t now, otlp_epoch epoch)
{
	const struct points points = { out, m, since + epoch, now + epoch };

	buf_puts(out, STR("{\"resourceMetrics\":[{\"resource\":"));
	buf_puts(out, resource);
	buf_puts(out, STR(",\"scopeMetrics\":[{" SCOPE ",\"metrics\":["));
	for (size_t i = 0; i < metrics_family_count; i++)
		put_otlp_family(&points, &metrics_families[i]);
	buf_puts(out, STR("]}]}]}"));
}

/* {"partialSuccess":{"rejectedSpans":"2","errorMessage":"…"}}; the number may be a number. */
uint64_t
otlp_refused(struct str answer)
{
	cJSON *object = json_parse_object(answer);
	const cJSON *n = cJSON_GetObjectItemCaseSensitive(
	    cJSON_GetObjectItemCaseSensitive(object, "partialSuccess"), "rejectedSpans");
	uint64_t refused = 0;

	if (cJSON_IsString(n))
		refused = strtoull(n->valuestring, NULL, 10);
	else if (cJSON_IsNumber(n) && n->valuedouble > 0 && n->valuedouble < 1e9)
		refused = (uint64_t)n->valuedouble;
	cJSON_Delete(object);
	return refused;
}
