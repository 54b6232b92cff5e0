/* SPDX-License-Identifier: EPL-2.0 */
/*
 * exporter: the thread that takes finished spans from the workers' rings, and
 * the metrics, and sends both to an OpenTelemetry collector or writes them to
 * standard output, a line a batch.
 *
 * No request ever waits for it: where the collector is slow or away, spans are
 * lost and counted.  A batch that may succeed later is repeated, with growing
 * pauses, until its time is up.
 */
#ifndef HULYKVS_EXPORTER_H
#define HULYKVS_EXPORTER_H

#include "config/config.h"
#include "telemetry/metrics.h"

struct exporter;

/* Whether the settings want one. */
bool exporter_is_wanted(const struct config *c);

/* Keeps a closed descriptor 1 from becoming something else's.  Before anything else is opened. */
void exporter_keep_stdout(void);

/*
 * Starts the thread; borrows all until exporter_stop().  block: of metrics, for
 * the thread's own counts.  NULL: no memory or no thread.
 */
struct exporter *exporter_new(const struct config *c, struct trace *t, struct metrics *m, unsigned block)
    __attribute__((warn_unused_result));

/* Nothing more will come: sends what is there, each batch once, until `end` (monotonic); frees.  NULL is fine. */
void exporter_stop(struct exporter *e, int64_t end);

#endif
