/* SPDX-License-Identifier: EPL-2.0 */
/*
 * probe: the answers of /livez and /readyz.
 *
 * Alive is a program whose workers all turn; the database does not matter.
 * Ready is one whose database is there, with the right schema, and which is
 * not about to end.  The answer is "ok", or, where a check failed or
 * ?verbose asks for it, a line for each check, those that failed first.
 */
#ifndef HULYKVS_PROBE_H
#define HULYKVS_PROBE_H

#include "http/response.h"
#include "os/heartbeat.h"
#include "store/store.h"

/* health: NULL in a program that ends with this request anyway. */
void probe_live(
    const struct heartbeat *health, int64_t now, const struct request *request, struct arena *a, struct response *r);

/* check: the result of a STORE_CHECK. */
void probe_ready(const struct heartbeat *health, const struct store_result *check, const struct request *request,
    struct arena *a, struct response *r);

#endif
