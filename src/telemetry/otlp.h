/* SPDX-License-Identifier: EPL-2.0 */
/*
 * otlp: spans and metrics as the OpenTelemetry protocol has them in JSON
 * (OTLP 1.x: proto3's JSON mapping, but ids in hex and enumerations as
 * numbers), and what a collector answers.
 *
 * Text comes from the tables of the code, from SQL and from the settings;
 * nothing that a client wrote is in it but a valid trace id and its parent.
 */
#ifndef HULYKVS_OTLP_H
#define HULYKVS_OTLP_H

#include "telemetry/metrics.h"
#include "telemetry/trace.h"

/* Nanoseconds since the epoch at a monotonic time of 0. */
typedef int64_t otlp_epoch;

/* The JSON object that stands for this program.  name: absent: that of the attributes, or hulykvs. */
struct kvlist;
void otlp_put_resource(struct buf *out, struct str name, const struct kvlist *attributes, struct str instance);

/* An ExportTraceServiceRequest: begin, spans, end. */
void otlp_begin_spans(struct buf *out, struct str resource);
void otlp_put_span(struct buf *out, const struct trace_span *s, otlp_epoch epoch);
void otlp_end_spans(struct buf *out);

/* How many spans it becomes. */
unsigned otlp_span_count(const struct trace_span *s);

/* An ExportMetricsServiceRequest, cumulative since `since` (monotonic, as now is). */
void otlp_put_metrics(
    struct buf *out, struct str resource, const struct metrics *m, int64_t since, int64_t now, otlp_epoch epoch);

/* What a collector that took a batch answers: how many of it it refused all the same.  Anything odd: none. */
uint64_t otlp_refused(struct str answer);

#endif
