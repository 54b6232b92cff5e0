/* SPDX-License-Identifier: EPL-2.0 */
#include "telemetry/metrics.h"

#include <pthread.h>

#include "lib/tap.h"

static void
tables(void)
{
	size_t next = 0;

	for (size_t i = 0; i < metrics_family_count; i++) {
		const struct metrics_family *f = &metrics_families[i];
		size_t series = 1;

		for (size_t l = 0; l < METRICS_LABELS_MAX && f->label[l] != NULL; l++) {
			series *= f->label[l]->n;
			for (size_t v = 0; v < f->label[l]->n; v++)
				tap_ok(
				    f->label[l]->value(v).n > 0, "%s: %s has value %zu", f->name, f->label[l]->name, v);
		}
		tap_int(f->cell, next, "%s begins where the one before ends", f->name);
		next = f->cell + series * f->width;
		for (size_t b = 1; f->bound != NULL && b < f->width - 2; b++)
			tap_ok(f->bound[b].value > f->bound[b - 1].value, "%s: bound %zu", f->name, b);
	}
	tap_int(next, METRICS_CELLS, "and the last one at the end");
}

static void
histograms(void)
{
	static const struct {
		int64_t ns;
		size_t bucket;
	} rows[] = { { 0, 0 }, { -5, 0 }, { 1000000, 0 }, { 1000001, 1 }, { 2500000, 1 }, { 999999999, 9 },
		{ 1000000000, 9 }, { INT64_C(10000000000), 12 }, { INT64_C(10000000001), 13 }, { INT64_MAX / 4, 13 } };
	struct metrics *m = metrics_new(1);

	if (m == NULL)
		tap_bail("no memory");
	metrics_attach(m, 0);
	for (size_t i = 0; i < COUNT(rows); i++) {
		uint64_t before = metrics_sum(m, METRICS_HTTP_DURATION + rows[i].bucket);
		uint64_t sum = metrics_sum(m, METRICS_HTTP_DURATION + METRICS_WIDTH_SECONDS - 1);

		metrics_observe_time(METRICS_HTTP_DURATION, rows[i].ns);
		tap_int(metrics_sum(m, METRICS_HTTP_DURATION + rows[i].bucket), before + 1, "%lld ns are in bucket %zu",
		    (long long)rows[i].ns, rows[i].bucket);
		tap_int(metrics_sum(m, METRICS_HTTP_DURATION + METRICS_WIDTH_SECONDS - 1),
		    sum + (rows[i].ns > 0 ? (uint64_t)rows[i].ns : 0), "and in the sum");
	}
	metrics_observe_bytes(METRICS_REQUEST_BODY, 0);
	metrics_observe_bytes(METRICS_REQUEST_BODY, 65);
	metrics_observe_bytes(METRICS_REQUEST_BODY, 5000000);
	tap_int(metrics_sum(m, METRICS_REQUEST_BODY), 1, "no bytes are in the first bucket");
	tap_int(metrics_sum(m, METRICS_REQUEST_BODY + 1), 1, "65 in the second");
	tap_int(metrics_sum(m, METRICS_REQUEST_BODY + METRICS_WIDTH_BYTES - 2), 1, "5,000,000 beyond the last");
	metrics_observe_size(METRICS_DB_GROUP_SIZE, 129);
	tap_int(metrics_sum(m, METRICS_DB_GROUP_SIZE + METRICS_WIDTH_SIZES - 2), 1, "a group of 129 too");
	metrics_attach(NULL, 0);
	metrics_free(m);
}

static void
requests(void)
{
	struct metrics *m = metrics_new(1);
	struct route_match key = route_find(STR("/api/a/b"), METHOD_GET);
	const size_t get =
	    METRICS_HTTP_REQUESTS + ((size_t)METHOD_GET * METRICS_N_ROUTE + ROUTE_V1_KEY) * METRICS_N_CODE;
	const size_t last = METRICS_LAST_HTTP_REQUESTS;

	if (m == NULL)
		tap_bail("no memory");
	metrics_attach(m, 0);
	metrics_count_request(METHOD_GET, key.route, 200);
	metrics_count_request(METHOD_GET, key.route, 503);
	metrics_count_request(METHOD_GET, key.route, 503);
	metrics_count_request(METHOD_OTHER, NULL, 499);
	metrics_count_request(METHOD_OTHER, NULL, 777);
	tap_int(metrics_sum(m, get + METRICS_CODE_200), 1, "a request");
	tap_int(metrics_sum(m, get + METRICS_CODE_503), 2, "two more");
	tap_int(metrics_sum(m, last), 2, "the very last cell, also for a status that is in no table");
	metrics_attach(NULL, 0);
	metrics_count_request(METHOD_GET, key.route, 200);
	metrics_add(METRICS_TOKEN_CACHE_HITS, 1);
	metrics_set(METRICS_DB_CONNECTIONS, 1);
	metrics_observe_time(METRICS_HTTP_DURATION, 1);
	tap_int(metrics_sum(m, get + METRICS_CODE_200), 1, "a thread without a block counts nothing");
	metrics_free(m);
}

#define THREADS 4
#define EACH    200000

static struct metrics *shared;

static void *
count_some(void *arg)
{
	metrics_attach(shared, *(unsigned *)arg);
	metrics_set(METRICS_DB_CONNECTIONS, 3);
	for (int i = 0; i < EACH; i++) {
		metrics_add(METRICS_TOKEN_CACHE_HITS, 1);
		metrics_add(METRICS_HTTP_IN_FLIGHT, i % 2 == 0 ? 1 : (uint64_t)-1);
	}
	return NULL;
}

/* Read while they are written; then nothing is lost. */
static void
threads(void)
{
	unsigned number[THREADS];
	pthread_t thread[THREADS];
	uint64_t seen = 0;
	bool grows = true;

	shared = metrics_new(THREADS);
	if (shared == NULL)
		tap_bail("no memory");
	for (unsigned i = 0; i < THREADS; i++) {
		number[i] = i;
		if (pthread_create(&thread[i], NULL, count_some, &number[i]) != 0)
			tap_bail("pthread_create");
	}
	for (int i = 0; i < 1000; i++) {
		uint64_t now = metrics_sum(shared, METRICS_TOKEN_CACHE_HITS);

		grows = grows && now >= seen && now <= THREADS * EACH;
		seen = now;
	}
	for (unsigned i = 0; i < THREADS; i++)
		pthread_join(thread[i], NULL);
	tap_ok(grows, "a counter never falls");
	tap_int(metrics_sum(shared, METRICS_TOKEN_CACHE_HITS), THREADS * EACH, "and misses nothing");
	tap_int(metrics_sum(shared, METRICS_HTTP_IN_FLIGHT), 0, "a gauge goes down again");
	tap_int(metrics_sum(shared, METRICS_DB_CONNECTIONS), 3 * THREADS, "and is added up");
	metrics_free(shared);
}

int
main(void)
{
	tables();
	histograms();
	requests();
	threads();
	return tap_end();
}
