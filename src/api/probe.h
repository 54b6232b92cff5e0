/* SPDX-License-Identifier: EPL-2.0 */
/*
 * probe: the answers of /livez, /readyz and /metrics.
 *
 * The program is alive if the event loop of each worker iterates, whatever the
 * database does.  It is ready if the database can be used, has the right schema,
 * and the program is not shutting down.  The answer is "ok"; if a check failed or
 * ?verbose is given, it has a line for each check, failed ones first.
 *
 * A reason may name addresses, roles and paths.  So it is in the answer on the
 * operators' address only (request->is_operator), and in *reason for the log.
 * For api.
 */
#ifndef HULYKVS_PROBE_H
#define HULYKVS_PROBE_H

#include "http/response.h"
#include "os/heartbeat.h"
#include "store/store.h"
#include "telemetry/prometheus.h"

/* health: NULL in CGI, where there are no workers. */
void probe_live(const struct heartbeat *health, int64_t now, const struct request *request, struct arena *a,
    struct response *r, struct str *reason);

/*
 * check: the result of STORE_CHECK.  docs/operations.md has a table of the checks: connections for reads, for writes
 * and for lists are three of them, since each kind may fail alone.
 */
void probe_ready(const struct heartbeat *health, const struct store_result *check, const struct request *request,
    struct arena *a, struct response *r, struct str *reason);

/* The metrics, in the format that Accept asks for. */
void probe_metrics(const struct metrics *metrics, const struct request *request, struct arena *a, struct response *r);

#endif
