/* SPDX-License-Identifier: EPL-2.0 */
#include "telemetry/prometheus.h"

#include <inttypes.h>
#include <stdio.h>

#include "base/clock.h"
#include "base/log.h"
#include "config_build.h"
#include "http/accept_field.h"
#include "os/proc_stats.h"

enum prometheus_format
prometheus_choose(struct str accept)
{
	return accept_field_names(accept, STR("application/openmetrics-text")) ? PROMETHEUS_OPENMETRICS
									       : PROMETHEUS_PROMETHEUS;
}

struct str
prometheus_type(enum prometheus_format format)
{
	return format == PROMETHEUS_OPENMETRICS ? STR("application/openmetrics-text; version=1.0.0; charset=utf-8")
						: STR("text/plain; version=0.0.4; charset=utf-8");
}

/* In OpenMetrics "_total" and "_info" are not part of the name of the family. */
static void
put_family_head(struct buf *out, enum prometheus_format format, const char *name, const char *type, const char *suffix,
    const char *help)
{
	const char *end = format == PROMETHEUS_OPENMETRICS ? "" : suffix;

	buf_printf(out, "# HELP %s%s %s\n# TYPE %s%s %s\n", name, end, help, name, end, type);
}

/* name{label="value",…}, with the label le unless it is absent. */
static void
put_series(struct buf *out, const struct metrics_family *f, const char *suffix, size_t series, struct str le)
{
	size_t left = series, below = 1;
	char separator = '{';

	for (size_t i = 0; i < METRICS_LABELS_MAX && f->label[i] != NULL; i++)
		below *= f->label[i]->n;
	buf_printf(out, "%s%s", f->name, suffix);
	for (size_t i = 0; i < METRICS_LABELS_MAX && f->label[i] != NULL; i++) {
		below /= f->label[i]->n;
		buf_printf(
		    out, "%c%s=\"%.*s\"", separator, f->label[i]->name, STR_FMT(f->label[i]->value(left / below)));
		left %= below;
		separator = ',';
	}
	if (le.p != NULL) {
		buf_printf(out, "%cle=\"%.*s\"", separator, STR_FMT(le));
		separator = ',';
	}
	if (separator == ',')
		buf_putc(out, '}');
	buf_putc(out, ' ');
}

static void
put_seconds(struct buf *out, uint64_t ns)
{
	buf_printf(out, "%" PRIu64 ".%09" PRIu64 "\n", ns / (uint64_t)CLOCK_S, ns % (uint64_t)CLOCK_S);
}

/* OpenMetrics wants a decimal point in the bound. */
static void
put_bucket(struct buf *out, const struct metrics_family *f, size_t series, struct str bound,
    enum prometheus_format format, uint64_t count)
{
	char text[32];
	bool whole = memchr(bound.p, '.', bound.n) == NULL && bound.p[0] != '+';
	int n = snprintf(
	    text, sizeof(text), "%.*s%s", STR_FMT(bound), whole && format == PROMETHEUS_OPENMETRICS ? ".0" : "");

	put_series(out, f, "_bucket", series, str_from(text, (size_t)n));
	buf_printf(out, "%" PRIu64 "\n", count);
}

static void
put_histogram(struct buf *out, const struct metrics *m, const struct metrics_family *f, size_t series,
    enum prometheus_format format)
{
	size_t cell = f->cell + series * f->width, bounds = f->width - 2;
	uint64_t count = 0, sum = metrics_sum(m, cell + bounds + 1);

	for (size_t i = 0; i <= bounds; i++) {
		count += metrics_sum(m, cell + i);
		put_bucket(out, f, series, i < bounds ? f->bound[i].text : STR("+Inf"), format, count);
	}
	put_series(out, f, "_sum", series, STR_ABSENT);
	if (f->seconds)
		put_seconds(out, sum);
	else
		buf_printf(out, "%" PRIu64 "\n", sum);
	put_series(out, f, "_count", series, STR_ABSENT);
	buf_printf(out, "%" PRIu64 "\n", count);
}

static size_t
prometheus_series_count(const struct metrics_family *f)
{
	size_t n = 1;

	for (size_t i = 0; i < METRICS_LABELS_MAX && f->label[i] != NULL; i++)
		n *= f->label[i]->n;
	return n;
}

static void
put_prometheus_family(
    struct buf *out, const struct metrics *m, const struct metrics_family *f, enum prometheus_format format)
{
	static const char *const types[] = {
		[METRICS_COUNTER] = "counter", [METRICS_GAUGE] = "gauge", [METRICS_HISTOGRAM] = "histogram"
	};
	const char *suffix = f->kind == METRICS_COUNTER ? "_total" : "";
	size_t n = prometheus_series_count(f);

	put_family_head(out, format, f->name, types[f->kind], suffix, f->help);
	for (size_t series = 0; series < n; series++) {
		if (f->kind == METRICS_HISTOGRAM) {
			put_histogram(out, m, f, series, format);
			continue;
		}
		uint64_t value = metrics_sum(m, f->cell + series);
		if (value == 0 && n > METRICS_FEW_SERIES)
			continue;
		put_series(out, f, suffix, series, STR_ABSENT);
		buf_printf(out, "%" PRIu64 "\n", value);
	}
}

static void
put_sample_number(struct buf *out, enum prometheus_format format, const char *name, const char *type, const char *help,
    uint64_t value)
{
	const char *suffix = strcmp(type, "counter") == 0 ? "_total" : "";

	put_family_head(out, format, name, type, suffix, help);
	buf_printf(out, "%s%s %" PRIu64 "\n", name, suffix, value);
}

/* The names that Prometheus' own client libraries use. */
static void
put_process(struct buf *out, enum prometheus_format format)
{
	struct proc_stats p;

	proc_stats_read(&p);
	put_family_head(out, format, "process_cpu_seconds", "counter", "_total", "CPU time of the program.");
	buf_puts(out, STR("process_cpu_seconds_total "));
	put_seconds(out, (uint64_t)p.cpu);
	put_sample_number(out, format, "process_resident_memory_bytes", "gauge", "Memory in use.", p.resident);
	put_sample_number(out, format, "process_virtual_memory_bytes", "gauge", "Address space in use.", p.size);
	put_sample_number(out, format, "process_open_fds", "gauge", "Open file descriptors.", p.open_fds);
	put_sample_number(
	    out, format, "process_max_fds", "gauge", "Most file descriptors that may be open.", p.max_fds);
	put_sample_number(out, format, "process_start_time_seconds", "gauge",
	    "Start of the program since the epoch, in seconds.", (uint64_t)p.started);
}

void
prometheus_put(struct buf *out, const struct metrics *m, enum prometheus_format format)
{
	for (size_t i = 0; i < metrics_family_count; i++)
		put_prometheus_family(out, m, &metrics_families[i], format);
	put_sample_number(out, format, "hulykvs_log_lines_lost", "counter",
	    "Lines of the log that were lost because stderr was not read fast enough.", log_lost());
	put_family_head(out, format, "hulykvs_build", format == PROMETHEUS_OPENMETRICS ? "info" : "gauge", "_info",
	    "Version of the program.");
	buf_puts(out, STR("hulykvs_build_info{version=\"" PACKAGE_VERSION "\"} 1\n"));
	put_process(out, format);
	if (format == PROMETHEUS_OPENMETRICS)
		buf_puts(out, STR("# EOF\n"));
}
