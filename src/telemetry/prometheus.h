/* SPDX-License-Identifier: EPL-2.0 */
/*
 * exposition: all metrics as text: Prometheus' format 0.0.4, or OpenMetrics
 * 1.0.0.  A series whose labels have many values is left out while it is 0.
 */
#ifndef HULYKVS_PROMETHEUS_H
#define HULYKVS_PROMETHEUS_H

#include "base/buf.h"
#include "telemetry/metrics.h"

enum prometheus_format {
	PROMETHEUS_PROMETHEUS,
	PROMETHEUS_OPENMETRICS,
};

/* What a request with this Accept gets. */
enum prometheus_format prometheus_choose(struct str accept);
struct str prometheus_type(enum prometheus_format format);

void prometheus_put(struct buf *out, const struct metrics *m, enum prometheus_format format);

#endif
