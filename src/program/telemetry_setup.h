/* SPDX-License-Identifier: EPL-2.0 */
/*
 * telemetry_setup: makes from the settings what counts and traces requests, and
 * what sends the results to a collector.  For main.
 */
#ifndef HULYKVS_TELEMETRY_SETUP_H
#define HULYKVS_TELEMETRY_SETUP_H

#include "server/server.h"
#include "telemetry/exporter.h"

/* Sets server->metrics (metrics_free()) if anybody is to get metrics; false: no memory. */
bool telemetry_setup_metrics(const struct config *c, struct server *server) __attribute__((warn_unused_result));

/*
 * Sets server->trace (trace_free()), and starts the exporter (exporter_stop()); to be called before the workers start.
 * Without a collector *exporter is NULL.  False: no memory, or the thread cannot be started.
 */
bool telemetry_setup_exporter(const struct config *c, struct server *server, struct exporter **exporter)
    __attribute__((warn_unused_result));

#endif
