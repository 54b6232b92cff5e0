/*
 * exposition: all metrics as text: Prometheus' format 0.0.4, or OpenMetrics
 * 1.0.0.  A series whose labels have many values is left out while it is 0.
 */
#ifndef HULYKVS_EXPOSITION_H
#define HULYKVS_EXPOSITION_H

#include "base/buf.h"
#include "telemetry/metrics.h"

enum exposition_format {
	EXPOSITION_PROMETHEUS,
	EXPOSITION_OPENMETRICS,
};

/* What a request with this Accept gets. */
enum exposition_format exposition_choose(struct str accept);
struct str exposition_type(enum exposition_format format);

void exposition_put(struct buf *out, const struct metrics *m, enum exposition_format format);

#endif
