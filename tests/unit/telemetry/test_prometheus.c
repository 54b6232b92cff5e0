/* SPDX-License-Identifier: EPL-2.0 */
#include "telemetry/prometheus.h"

#include "lib/tap.h"

static struct metrics *m;
static struct buf out;

static bool
has(const char *line)
{
	return memmem(out.p, out.n, line, strlen(line)) != NULL;
}

static void
print(enum prometheus_format format)
{
	buf_clear(&out);
	prometheus_put(&out, m, format);
	tap_ok(buf_ok(&out), "it fits");
}

static void
prometheus(void)
{
	print(PROMETHEUS_PROMETHEUS);
	tap_ok(
	    has("# HELP hulykvs_http_requests_total Requests answered.\n# TYPE hulykvs_http_requests_total counter\n"
		"hulykvs_http_requests_total{method=\"GET\",route=\"/api2/{workspace}/{namespace}/{key}\",code=\"200\"} 2\n"
		"hulykvs_http_requests_total{method=\"other\",route=\"none\",code=\"499\"} 1\n#"),
	    "a counter with three labels, and only the series that there are");
	tap_ok(has("\nhulykvs_http_request_duration_seconds_bucket{le=\"0.001\"} 1\n"),
	    "buckets are cumulative: the first");
	tap_ok(has("\nhulykvs_http_request_duration_seconds_bucket{le=\"0.0025\"} 1\n"), "… between");
	tap_ok(has("\nhulykvs_http_request_duration_seconds_bucket{le=\"1\"} 2\n"), "… the second value");
	tap_ok(
	    has("\nhulykvs_http_request_duration_seconds_bucket{le=\"+Inf\"} 3\n"
		"hulykvs_http_request_duration_seconds_sum 60.600000001\nhulykvs_http_request_duration_seconds_count 3\n"),
	    "… beyond the last, sum and count");
	tap_ok(has("\nhulykvs_db_operation_duration_seconds_bucket{operation=\"put\",le=\"0.001\"} 1\n"),
	    "a histogram with a label");
	tap_ok(has("\nhulykvs_db_operations_total{operation=\"put\",outcome=\"unknown\"} 0\n"),
	    "few series are all there");
	tap_ok(has("\nhulykvs_db_group_size_sum 9\n") && has("\nhulykvs_db_group_size_bucket{le=\"16\"} 1\n"), "sizes");
	tap_ok(has("\nhulykvs_db_connections{state=\"busy\"} 5\n") && has("# TYPE hulykvs_db_connections gauge\n"),
	    "a gauge");
	tap_ok(has("\nhulykvs_build_info{version=\"") && has("# TYPE hulykvs_build_info gauge\n"), "the version");
	tap_ok(has("\n# TYPE process_cpu_seconds_total counter\nprocess_cpu_seconds_total ") &&
		has("\nprocess_open_fds ") && has("\nprocess_max_fds ") && has("\nprocess_resident_memory_bytes ") &&
		has("\nprocess_virtual_memory_bytes ") && has("\nprocess_start_time_seconds 1") &&
		!has("\nprocess_resident_memory_bytes 0\n"),
	    "the process");
	tap_ok(!has("# EOF"), "no end");
}

static void
openmetrics(void)
{
	print(PROMETHEUS_OPENMETRICS);
	tap_ok(has("# TYPE hulykvs_http_requests counter\nhulykvs_http_requests_total{"), "the family has no suffix");
	tap_ok(has("_bucket{le=\"1.0\"} 2\n") && has("_bucket{le=\"0.5\"} 1\n") && has("le=\"+Inf\"") &&
		has("hulykvs_db_group_size_bucket{le=\"16.0\"} 1\n"),
	    "bounds are floating-point numbers");
	tap_ok(has("# TYPE hulykvs_build info\nhulykvs_build_info{"), "info");
	tap_ok(has("# TYPE process_cpu_seconds counter\nprocess_cpu_seconds_total "), "the process");
	tap_text(str_skip(buf_str(&out), out.n - 6), STR("# EOF\n"), "the end");
}

static void
choice(void)
{
	tap_int(prometheus_choose(STR("application/openmetrics-text;version=1.0.0;q=0.5,text/plain;q=0.3,*/*;q=0.1")),
	    PROMETHEUS_OPENMETRICS, "Prometheus' own Accept");
	tap_int(prometheus_choose(STR("*/*")), PROMETHEUS_PROMETHEUS, "anything");
	tap_int(prometheus_choose(STR_ABSENT), PROMETHEUS_PROMETHEUS, "nothing");
	tap_ok(str_starts(prometheus_type(PROMETHEUS_PROMETHEUS), STR("text/plain; version=0.0.4")), "type of one");
	tap_ok(str_starts(prometheus_type(PROMETHEUS_OPENMETRICS), STR("application/openmetrics-text; version=1.0.0")),
	    "type of the other");
}

int
main(void)
{
	struct route_match key = route_find(STR("/api2/a/b/c"), METHOD_GET);

	m = metrics_new(2);
	if (m == NULL)
		tap_bail("no memory");
	buf_init(&out, 1024 * 1024);
	metrics_attach(m, 0);
	metrics_count_request(METHOD_GET, key.route, 200);
	metrics_observe_time(METRICS_HTTP_DURATION, 1);
	metrics_set(METRICS_DB_CONNECTIONS + METRICS_BUSY, 2);
	metrics_attach(m, 1);
	metrics_count_request(METHOD_GET, key.route, 200);
	metrics_count_request(METHOD_OTHER, NULL, 499);
	metrics_observe_time(METRICS_HTTP_DURATION, INT64_C(600000000));
	metrics_observe_time(METRICS_HTTP_DURATION, INT64_C(60000000000));
	metrics_observe_time(METRICS_DB_DURATION + STORE_PUT * METRICS_WIDTH_SECONDS, 5);
	metrics_observe_size(METRICS_DB_GROUP_SIZE, 9);
	metrics_set(METRICS_DB_CONNECTIONS + METRICS_BUSY, 3);
	prometheus();
	openmetrics();
	choice();
	buf_free(&out);
	metrics_free(m);
	return tap_end();
}
