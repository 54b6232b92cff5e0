/* SPDX-License-Identifier: EPL-2.0 */
/*
 * exporter: a thread that sends finished spans and the metrics to an
 * OpenTelemetry collector, or writes them to standard output, one line a batch.
 *
 * No request waits for it: where the collector is slow or away, spans are lost
 * and counted.  A batch that may succeed later is sent again, with growing
 * pauses, until its time is up.
 *
 * For program/main only.
 */
#ifndef HULYKVS_EXPORTER_H
#define HULYKVS_EXPORTER_H

#include "telemetry/metrics.h"
#include "telemetry/trace.h"

struct kvlist;
struct exporter;

/* What the settings say; all durations in nanoseconds.  Lent for the call of exporter_new() only. */
struct exporter_options {
	bool to_stdout;        /* instead of to a collector */
	struct str traces_url; /* where to POST; unused with to_stdout */
	struct str metrics_url;
	const struct kvlist *headers;    /* of every request to the collector; may hold secrets */
	struct str service_name;         /* empty: that of the attributes, or hulykvs */
	const struct kvlist *attributes; /* of the resource */
	int64_t timeout;                 /* of a batch, repetitions included */
	int64_t spans_every;             /* at the latest; a half full queue sends at once */
	int64_t metrics_every;
	size_t queue_size; /* of each ring, in requests */
};

/* Opens descriptor 1 on standard error where it is closed, so that no socket gets its number.  Before all else. */
void exporter_keep_stdout(void);

/*
 * Starts the thread.  Borrows t and m until exporter_stop(); the thread counts
 * in block `block` of m.  NULL: no memory or no thread.
 */
struct exporter *exporter_new(const struct exporter_options *o, struct trace *t, struct metrics *m, unsigned block)
    __attribute__((warn_unused_result));

/*
 * When nothing more will come: sends what is there, each batch once, until
 * `end` (monotonic), and frees.  NULL is fine.
 */
void exporter_stop(struct exporter *e, int64_t end);

#endif
