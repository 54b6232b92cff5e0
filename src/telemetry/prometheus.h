/* SPDX-License-Identifier: EPL-2.0 */
/*
 * prometheus: writes all metrics as text: Prometheus' format 0.0.4, or
 * OpenMetrics 1.0.0.  Where a metric has many series, those that are 0 are left
 * out.  For api (the route /metrics).
 */
#ifndef HULYKVS_PROMETHEUS_H
#define HULYKVS_PROMETHEUS_H

#include "base/buf.h"
#include "telemetry/metrics.h"

enum prometheus_format {
	PROMETHEUS_PROMETHEUS,
	PROMETHEUS_OPENMETRICS,
};

/* The format for a request with this field Accept. */
enum prometheus_format prometheus_choose(struct str accept);
struct str prometheus_type(enum prometheus_format format);

void prometheus_put(struct buf *out, const struct metrics *m, enum prometheus_format format);

#endif
