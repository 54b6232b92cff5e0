/* SPDX-License-Identifier: EPL-2.0 */
#include "api/probe.h"

#include "base/clock.h"
#include "lib/api_world.h"
#include "os/heartbeat.h"
#include "telemetry/metrics.h"

static void
play_readiness(void)
{
#define KINDS         "[+]writable ok\n[+]lists ok\n"
#define SERVING       "[+]serving ok\n"
#define UNKNOWN_KINDS "[?]writable unknown\n[?]lists unknown\n"
#define OPERATOR      "HULYKVS_OPERATOR=1"
	const struct row ready = { NONE, "GET", "/readyz?verbose", NULL, STR_ABSENT, 200, NULL,
		STR("[+]database ok\n[+]schema ok\n" KINDS SERVING "ok") };
	const struct row away = { NONE, "GET", "/readyz", OPERATOR, STR_ABSENT, 503, NULL,
		STR("[-]database failed: no route\n[?]schema unknown\n" UNKNOWN_KINDS SERVING "Not ready") };
	const struct row away_public = { NONE, "GET", "/readyz?verbose", NULL, STR_ABSENT, 503, NULL,
		STR("[-]database failed\n[?]schema unknown\n" UNKNOWN_KINDS SERVING "Not ready") };
	const struct row wrong = { NONE, "GET", "/readyz", OPERATOR, STR_ABSENT, 503, NULL,
		STR("[-]schema failed: no table\n[+]database ok\n" UNKNOWN_KINDS SERVING "Not ready") };
	const struct row no_writes = { NONE, "GET", "/readyz", OPERATOR, STR_ABSENT, 503, NULL,
		STR("[-]writable failed: too many\n[+]database ok\n[+]schema ok\n[+]lists ok\n" SERVING "Not ready") };
	const struct row no_lists = { NONE, "GET", "/readyz", NULL, STR_ABSENT, 503, NULL,
		STR("[-]lists failed\n[+]database ok\n[+]schema ok\n[+]writable ok\n" SERVING "Not ready") };
	const struct row head = { NONE, "HEAD", "/readyz", NULL, STR_ABSENT, 503, NULL, STR_ABSENT };
	const struct row live = { NONE, "GET", "/livez", NULL, STR_ABSENT, 200, NULL, STR("ok") };
	const struct row silent = { NONE, "GET", "/readyz?x=verbose", NULL, STR_ABSENT, 503, NULL,
		STR("[-]database failed\n[?]schema unknown\n" UNKNOWN_KINDS SERVING "Not ready") };
	const struct row draining = { NONE, "GET", "/readyz?x&verbose=1", OPERATOR, STR_ABSENT, 503, NULL,
		STR("[-]serving failed: shutting down\n[+]database ok\n[+]schema ok\n" KINDS "Not ready") };
	struct heartbeat *health = heartbeat_new(1, 0);

	if (health == NULL)
		tap_bail("no memory");
	api_world_play(&ready, "ready: ");
	world.store.outcome = STORE_UNAVAILABLE;
	world.store.reason = STR("no route");
	api_world_play(&away, "not ready: ");
	api_world_play(&away_public, "not ready: ");
	api_world_play(&head, "not ready: ");
	api_world_play(&live, "not ready: ");
	world.store.reached = true;
	world.store.reason = STR("no table");
	api_world_play(&wrong, "not ready: ");
	world.store.reached = false;
	world.store.reason = STR_ABSENT;
	api_world_play(&silent, "not ready: ");
	world.store.outcome = STORE_DONE;
	world.store.no_writes = STR("too many");
	api_world_play(&no_writes, "not ready: ");
	world.store.no_writes = STR_ABSENT;
	world.store.no_lists = STR("too many");
	api_world_play(&no_lists, "not ready: ");
	world.store.no_lists = STR_ABSENT;
	world.api.health = health;
	api_world_play(&ready, "ready: ");
	heartbeat_drain(health);
	api_world_play(&draining, "draining: ");
	world.api.health = NULL;
	heartbeat_free(health);
	store_mem_free(&world.store);
}

static void
is_alive(void)
{
	const struct row live = { NONE, "GET", "/livez", NULL, STR_ABSENT, 200, NULL, STR("ok") };
	const struct row verbose = { NONE, "GET", "/livez?verbose", NULL, STR_ABSENT, 200, NULL,
		STR("[+]workers ok\nok") };
	const struct row stuck = { NONE, "GET", "/livez", OPERATOR, STR_ABSENT, 503, NULL,
		STR("[-]workers failed: the event loop of worker 1 has been stuck for 6 s\nNot alive") };
	const struct row status = { NONE, "GET", "/status", NULL, STR_ABSENT, 200, NULL, STR("ok") };
	int64_t now = clock_mono();
	struct heartbeat *health = heartbeat_new(2, now);

	if (health == NULL)
		tap_bail("no memory");
	world.api.health = health;
	api_world_play(&live, "alive: ");
	api_world_play(&verbose, "alive: ");
	heartbeat_beat(health, 1, now - HEARTBEAT_SILENCE - 1200 * CLOCK_MS);
	api_world_play(&stuck, "stuck: ");
	api_world_play(&status, "stuck: ");
	heartbeat_beat(health, 1, now);
	api_world_play(&live, "again: ");
	heartbeat_beat(health, 0, now - HEARTBEAT_SILENCE - CLOCK_S);
	heartbeat_end(health, 0);
	api_world_play(&live, "ended: ");
	world.api.health = NULL;
	heartbeat_free(health);
}

/* Metrics are for whom the web server calls an operator; to all others there is no such path. */
static void
shows_metrics(void)
{
	const struct row hidden[] = {
		{ NONE, "GET", "/metrics", NULL, STR_ABSENT, 404, NULL, STR_ABSENT },
		{ ALL, "GET", "/metrics", "HULYKVS_OPERATOR=0", STR_ABSENT, 404, NULL, STR_ABSENT },
		{ ALL, "GET", "/metrics", "HTTP_HULYKVS_OPERATOR=1", STR_ABSENT, 404, NULL, STR_ABSENT },
		{ ALL, "GET", "/metrics", "HULYKVS_OPERATOR=", STR_ABSENT, 404, NULL, STR_ABSENT },
		{ ALL, "PUT", "/metrics", NULL, STR_ABSENT, 404, NULL, STR_ABSENT },
		{ ALL, "OPTIONS", "/metrics", NULL, STR_ABSENT, 404, NULL, STR_ABSENT },
	};
	const struct row values[] = {
		{ ALL, "GET", K, "HULYKVS_OPERATOR=1", STR_ABSENT, 404, NULL, STR_ABSENT },
		{ ALL, "DELETE", K, "HULYKVS_OPERATOR=1", STR_ABSENT, 404, NULL, STR_ABSENT },
		{ ALL, "GET", "/api/..%2Fmetrics", "HULYKVS_OPERATOR=1", STR_ABSENT, 404, NULL, STR_ABSENT },
		{ ALL, "GET", "/api/..%2Fmetrics", NULL, STR_ABSENT, 200, NULL,
		    TEXT("{\"namespace\":\"../metrics\",\"count\":0,\"keys\":[]}") },
	};
	const struct row get = { NONE, "GET", "/metrics", "HULYKVS_OPERATOR=1", STR_ABSENT, 200, NULL, STR_ABSENT };
	const struct row open = { NONE, "GET", "/metrics",
		"HULYKVS_OPERATOR=1\nHTTP_ACCEPT=application/openmetrics-text", STR_ABSENT, 200, NULL, STR_ABSENT };
	const struct row put = { NONE, "PUT", "/metrics", "HULYKVS_OPERATOR=1", STR("x"), 405, NULL, STR_ABSENT };
	struct metrics *metrics = metrics_new(1);

	if (metrics == NULL)
		tap_bail("no memory");
	api_world_play(
	    &(struct row){ NONE, "GET", "/metrics", "HULYKVS_OPERATOR=1", STR_ABSENT, 404, NULL, STR_ABSENT },
	    "no metrics are kept: ");
	world.api.metrics = metrics;
	for (size_t i = 0; i < COUNT(hidden); i++)
		api_world_play(&hidden[i], "metrics hidden: ");
	for (size_t i = 0; i < COUNT(values); i++)
		api_world_play(&values[i], "values and operators: ");
	api_world_play(&put, "metrics: ");
	api_world_perform(&get);
	tap_ok(world.response.status == 200 &&
		str_starts(buf_str(&world.answer), STR("# HELP hulykvs_http_requests_total ")),
	    "metrics");
	tap_ok(str_starts(world.response.type, STR("text/plain; version=0.0.4")), "their type");
	api_world_perform(&open);
	tap_ok(world.response.status == 200 && str_starts(world.response.type, STR("application/openmetrics-text;")),
	    "OpenMetrics");
	world.api.metrics = NULL;
	metrics_free(metrics);
}

int
main(void)
{
	api_world_open();
	play_readiness();
	is_alive();
	shows_metrics();
	api_world_close();
	return tap_end();
}
