/* SPDX-License-Identifier: EPL-2.0 */
#include "program/telemetry_setup.h"

#include "codec/kvlist.h"
#include "telemetry/metrics.h"
#include "telemetry/trace.h"

#define OTEL_TEXT_MAX ((size_t)1024 * 1024) /* bytes of the OTEL_ settings' lists and URLs */

static bool
wants_exporter(const struct config *c)
{
	return c->otel_mode != OTELENV_OFF && !c->otel_sdk_disabled;
}

bool
telemetry_setup_metrics(const struct config *c, struct server *server)
{
	if (setting_is_off(c->metrics_bind) && !wants_exporter(c))
		return true;
	server->metrics = metrics_new(c->workers + 1); /* one more, for the exporter */
	return server->metrics != NULL;
}

/* Makes the exporter's options from the settings; its lists are allocated in the arena.  NULL: no memory. */
static struct exporter *
make_exporter(const struct config *c, const struct server *server, struct arena *arena)
{
	struct str secret = str_of(c->otel_exporter_otlp_headers);
	struct exporter *e = NULL;
	struct kvlist headers, attributes;
	struct buf traces, metrics;

	buf_init(&traces, OTEL_TEXT_MAX);
	buf_init(&metrics, OTEL_TEXT_MAX);
	otelenv_put_url(
	    &traces, c->otel_exporter_otlp_traces_endpoint, c->otel_exporter_otlp_endpoint, STR("v1/traces"));
	otelenv_put_url(
	    &metrics, c->otel_exporter_otlp_metrics_endpoint, c->otel_exporter_otlp_endpoint, STR("v1/metrics"));
	if (buf_ok(&traces) && buf_ok(&metrics) && kvlist_read(secret, arena, &headers)) {
		if (kvlist_read(str_of(c->otel_resource_attributes), arena, &attributes))
			e = exporter_new(&(struct exporter_options){ .to_stdout = c->otel_mode != OTELENV_ON,
					     .traces_url = buf_str(&traces),
					     .metrics_url = buf_str(&metrics),
					     .headers = &headers,
					     .service_name = str_of(c->otel_service_name),
					     .attributes = &attributes,
					     .timeout = c->otel_exporter_otlp_timeout,
					     .spans_every = c->otel_bsp_schedule_delay,
					     .metrics_every = c->otel_metric_export_interval,
					     .queue_size = c->otel_bsp_max_queue_size },
			    server->trace, server->metrics, c->workers);
		kvlist_forget(&headers, secret);
	}
	buf_free(&traces);
	buf_free(&metrics);
	return e;
}

bool
telemetry_setup_exporter(const struct config *c, struct server *server, struct exporter **exporter)
{
	struct arena arena;

	*exporter = NULL;
	if (!wants_exporter(c))
		return true;
	server->trace =
	    trace_new(c->workers, c->otel_bsp_max_queue_size, c->otel_traces_sampler, c->otel_traces_sampler_arg);
	if (server->trace == NULL)
		return false;
	arena_init(&arena, OTEL_TEXT_MAX);
	*exporter = make_exporter(c, server, &arena);
	arena_free(&arena);
	return *exporter != NULL;
}
