/* SPDX-License-Identifier: EPL-2.0 */
/*
 * otlp: writes spans and metrics in the JSON of the OpenTelemetry protocol (OTLP
 * 1.x: proto3's JSON mapping, but ids in hex and enumerations as numbers), and
 * reads a collector's answer.  For exporter.
 *
 * Text comes from tables in the code, from SQL statements and from the settings;
 * of what a client sent only a valid trace id and parent id are in it.
 */
#ifndef HULYKVS_OTLP_H
#define HULYKVS_OTLP_H

#include "telemetry/metrics.h"
#include "telemetry/trace.h"

/* Nanoseconds since the epoch at a monotonic time of 0. */
typedef int64_t otlp_epoch;

struct kvlist;

/* The resource (JSON object) that describes this program.  name: empty: that of the attributes, or hulykvs. */
void otlp_put_resource(struct buf *out, struct str name, const struct kvlist *attributes, struct str instance);

/* An ExportTraceServiceRequest: begin, spans, end. */
void otlp_begin_spans(struct buf *out, struct str resource);
void otlp_put_span(struct buf *out, const struct trace_span *s, otlp_epoch epoch);
void otlp_end_spans(struct buf *out);

/* The number of spans that otlp_put_span() writes: 1, or 2 with an operation. */
unsigned otlp_span_count(const struct trace_span *s);

/* An ExportMetricsServiceRequest, cumulative since `since` (monotonic, as now is). */
void otlp_put_metrics(
    struct buf *out, struct str resource, const struct metrics *m, int64_t since, int64_t now, otlp_epoch epoch);

/* How many spans of a batch the collector refused, by its answer of 200.  An answer that cannot be read: 0. */
uint64_t otlp_refused(struct str answer);

#endif
