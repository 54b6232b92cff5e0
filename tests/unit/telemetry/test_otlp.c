/* SPDX-License-Identifier: EPL-2.0 */
#include "telemetry/otlp.h"

#include "base/clock.h"
#include "codec/kvlist.h"
#include "config_build.h"
#include "lib/tap.h"

#define ID     "4bf92f3577b34da6a3ce929d0e0e4736"
#define SPAN   "00f067aa0ba902b7"
#define PARENT "a1a2a3a4a5a6a7a8"
#define CHILD  "b1b2b3b4b5b6b7b8"

static struct buf out;

static struct str
resource(const char *name, const char *attributes)
{
	static struct kvlist pairs;
	static struct arena arena;

	arena_init(&arena, 4096);
	if (!kvlist_read(str_of(attributes), &arena, &pairs))
		tap_bail("pairs");
	buf_clear(&out);
	otlp_put_resource(&out, str_of(name), &pairs, STR("i"));
	arena_free(&arena);
	return buf_str(&out);
}

#define TEXT_ATTRIBUTE(key, value) "{\"key\":\"" key "\",\"value\":{\"stringValue\":\"" value "\"}}"
#define OUR_VERSION                TEXT_ATTRIBUTE("service.version", PACKAGE_VERSION)
#define INSTANCE                   TEXT_ATTRIBUTE("service.instance.id", "i")

static void
resources(void)
{
	tap_text(resource("", ""),
	    STR("{\"attributes\":[" TEXT_ATTRIBUTE("service.name", "hulykvs") "," OUR_VERSION "," INSTANCE "]}"),
	    "what is said without being told");
	tap_text(resource("a\"b", "service.name=c,x=y"),
	    STR("{\"attributes\":[" TEXT_ATTRIBUTE("service.name", "a\\\"b") "," OUR_VERSION "," INSTANCE
									     "," TEXT_ATTRIBUTE("x", "y") "]}"),
	    "OTEL_SERVICE_NAME is above the attributes");
	tap_text(resource(NULL, "service.name=c,service.version=7,service.instance.id=k"),
	    STR("{\"attributes\":[" TEXT_ATTRIBUTE("service.name", "c") "," TEXT_ATTRIBUTE(
		"service.version", "7") "," TEXT_ATTRIBUTE("service.instance.id", "k") "]}"),
	    "and they above what is said without them");
}

static struct trace_span
sample(void)
{
	struct trace_span s = { .method = METHOD_GET, .route = ROUTE_V2_KEY, .status = 200, .began = 1, .ended = 5 };

	memcpy(s.trace_id, ID, sizeof(s.trace_id));
	memcpy(s.id, SPAN, sizeof(s.id));
	memcpy(s.parent_id, PARENT, sizeof(s.parent_id));
	memcpy(s.operation.id, CHILD, sizeof(s.operation.id));
	return s;
}

static bool
has(const char *text)
{
	return memmem(out.p, out.n, text, strlen(text)) != NULL;
}

static void
put(const struct trace_span *s)
{
	buf_clear(&out);
	otlp_begin_spans(&out, STR("{}"));
	otlp_put_span(&out, s, 1000);
	otlp_end_spans(&out);
}

static void
requests(void)
{
	struct trace_span s = sample();

	put(&s);
	tap_text(buf_str(&out),
	    STR("{\"resourceSpans\":[{\"resource\":{},\"scopeSpans\":[{\"scope\":{\"name\":\"hulykvs\",\"version\":\"" PACKAGE_VERSION
		"\"},\"spans\":[{\"traceId\":\"" ID "\",\"spanId\":\"" SPAN "\",\"flags\":257,"
		"\"name\":\"GET /api2/{workspace}/{namespace}/{key}\",\"kind\":2,\"startTimeUnixNano\":\"1001\","
		"\"endTimeUnixNano\":\"1005\",\"attributes\":[" TEXT_ATTRIBUTE(
		    "http.request.method", "GET") "," TEXT_ATTRIBUTE("http.route",
		    "/api2/{workspace}/{namespace}/{key}") "," TEXT_ATTRIBUTE("url.scheme",
		    "http") ",{\"key\":\"http.response.status_code\",\"value\":{\"intValue\":\"200\"}}],\"status\":{}}]}]}]}"),
	    "a whole batch");
	tap_int(otlp_span_count(&s), 1, "of one span");
	s.has_parent = s.is_secure = true;
	s.status = 503;
	put(&s);
	tap_ok(has("\"parentSpanId\":\"" PARENT "\",\"flags\":769,"), "a parent elsewhere");
	tap_ok(has(TEXT_ATTRIBUTE("url.scheme", "https")), "TLS");
	tap_ok(has(TEXT_ATTRIBUTE("error.type", "503") "],\"status\":{\"code\":2}"), "a fault of ours is an error");
	s.status = 404;
	put(&s);
	tap_ok(!has("error.type") && has("\"status\":{}"), "a client's is not");
	s.status = TRACE_GONE;
	put(&s);
	tap_ok(has(TEXT_ATTRIBUTE("error.type", "client_gone")) && !has("status_code"), "no answer, no status");
	s.method = METHOD_OTHER;
	s.route = ROUTE_COUNT;
	put(&s);
	tap_ok(has("\"name\":\"HTTP\"") && has(TEXT_ATTRIBUTE("http.request.method", "_OTHER")) && !has("http.route"),
	    "a method and a path that nobody knows");
}

static void
operations(void)
{
	struct trace_span s = sample();

	s.has_operation = true;
	s.operation.began = 2;
	s.operation.ended = 4;
	s.operation.group = 3;
	s.operation.what = (struct store_description){ .system = STR("postgresql"),
		.query = STR("select\n\"x\" = $1"),
		.operation = STR("select"),
		.collection = STR("kvs") };
	put(&s);
	tap_ok(
	    has(",{\"traceId\":\"" ID "\",\"spanId\":\"" CHILD "\",\"parentSpanId\":\"" SPAN "\",\"flags\":257,"
		"\"name\":\"select kvs\",\"kind\":3,\"startTimeUnixNano\":\"1002\",\"endTimeUnixNano\":\"1004\",\"attributes\":[" TEXT_ATTRIBUTE(
		    "db.system.name", "postgresql") "," TEXT_ATTRIBUTE("db.operation.name",
		    "select") "," TEXT_ATTRIBUTE("db.collection.name", "kvs") "," TEXT_ATTRIBUTE("db.query.text",
		    "select\\n\\\"x\\\" = $1") ","
					       "{\"key\":\"hulykvs.db.group_size\",\"value\":{\"intValue\":\"3\"}}],\"status\":{}}]"),
	    "a statement");
	tap_int(otlp_span_count(&s), 2, "two spans");
	s.operation.outcome = STORE_NO_KEY;
	put(&s);
	tap_ok(!has("error.type"), "no key is no error");
	(void)strcpy(s.operation.sqlstate, "40001");
	put(&s);
	tap_ok(!has("40001"), "nor is what a retry has mended");
	s.operation.outcome = STORE_UNAVAILABLE;
	put(&s);
	tap_ok(has(TEXT_ATTRIBUTE("db.response.status_code", "40001") "," TEXT_ATTRIBUTE(
		   "error.type", "40001") "],\"status\":{\"code\":2}"),
	    "an error of the database");
	s.operation.sqlstate[0] = '\0';
	s.operation.group = 0;
	s.operation.what.collection = STR_ABSENT;
	put(&s);
	tap_ok(has(TEXT_ATTRIBUTE("error.type", "unavailable")) && !has("group_size") && !has("db.response") &&
		!has("db.collection") && has("\"name\":\"select\""),
	    "one that never got there");
}

static void
metrics(void)
{
	struct metrics *m = metrics_new(1);

	metrics_attach(m, 0);
	metrics_observe_time(METRICS_HTTP_DURATION, CLOCK_MS);
	metrics_observe_time(METRICS_HTTP_DURATION, 20 * CLOCK_S);
	metrics_add(METRICS_TOKEN_CACHE_HITS, 7);
	buf_clear(&out);
	otlp_put_metrics(&out, STR("{}"), m, 1, 2, 1000);
	tap_ok(buf_ok(&out) &&
		has("{\"name\":\"hulykvs_token_cache_hits\",\"description\":\"Tokens found in the cache.\",\"unit\":\"\","
		    "\"sum\":{\"dataPoints\":[{\"attributes\":[],\"startTimeUnixNano\":\"1001\",\"timeUnixNano\":\"1002\",\"asInt\":\"7\"}],"
		    "\"aggregationTemporality\":2,\"isMonotonic\":true}}"),
	    "a counter");
	tap_ok(
	    has("\"bucketCounts\":[\"1\",\"0\",\"0\",\"0\",\"0\",\"0\",\"0\",\"0\",\"0\",\"0\",\"0\",\"0\",\"0\",\"1\"],\"count\":\"2\","
		"\"explicitBounds\":[0.001,0.0025,0.005,0.01,0.025,0.05,0.1,0.25,0.5,1,2.5,5,10],\"sum\":20.001000000}],"
		"\"aggregationTemporality\":2}}"),
	    "a histogram");
	tap_ok(has("\"gauge\":{\"dataPoints\":[{\"attributes\":[" TEXT_ATTRIBUTE("state", "idle") "]"),
	    "a gauge with labels");
	tap_ok(
	    has("{\"name\":\"hulykvs_http_requests\",\"description\":\"Requests answered.\",\"unit\":\"\",\"sum\":{\"dataPoints\":[],"),
	    "of many series, those that are 0 are left out");
	metrics_attach(NULL, 0);
	metrics_free(m);
}

static void
answers(void)
{
	tap_int(otlp_refused(STR("{}")), 0, "all taken");
	tap_int(otlp_refused(STR("")), 0, "no answer to speak of");
	tap_int(otlp_refused(STR("{\"partialSuccess\":{\"rejectedSpans\":\"3\",\"errorMessage\":\"x\"}}")), 3,
	    "some refused");
	tap_int(otlp_refused(STR("{\"partialSuccess\":{\"rejectedSpans\":4}}")), 4, "as a number");
	tap_int(otlp_refused(STR("{\"partialSuccess\":{\"rejectedSpans\":-4}}")), 0, "as no sensible one");
	tap_int(otlp_refused(STR("{\"partialSuccess\":7}")), 0, "as something else");
	tap_int(otlp_refused(STR("<html>")), 0, "no JSON");
}

int
main(void)
{
	buf_init(&out, 1024 * 1024);
	resources();
	requests();
	operations();
	metrics();
	answers();
	buf_free(&out);
	return tap_end();
}
