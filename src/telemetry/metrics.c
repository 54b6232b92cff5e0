/* SPDX-License-Identifier: EPL-2.0 */
#include "telemetry/metrics.h"

#include <assert.h>
#include <stdalign.h>
#include <stdatomic.h>
#include <stdlib.h>

#include "base/base.h"

/* Every metric but that of requests shows all of its series, so that an alert sees the first increase. */
#define X(NAME, kind, name, help, a, b, c) \
	_Static_assert(METRICS_N_##a * METRICS_N_##b * METRICS_N_##c <= METRICS_FEW_SERIES || \
		METRICS_##NAME == METRICS_HTTP_REQUESTS, \
	    name " has more than METRICS_FEW_SERIES series");
METRICS(X)
#undef X

struct block {
	alignas(CACHE_LINE) _Atomic uint64_t cell[METRICS_CELLS];
};

struct metrics {
	unsigned threads;
	struct block block[];
};

static _Thread_local struct block *mine;

struct metrics *
metrics_new(unsigned threads)
{
	size_t size = sizeof(struct metrics) + threads * sizeof(struct block);
	struct metrics *m = aligned_alloc(CACHE_LINE, size);

	if (m == NULL)
		return NULL;
	memset(m, 0, size);
	m->threads = threads;
	return m;
}

void
metrics_free(struct metrics *m)
{
	free(m);
}

void
metrics_attach(struct metrics *m, unsigned thread)
{
	assert(m == NULL || thread < m->threads);
	mine = m != NULL ? &m->block[thread] : NULL;
}

/* No other thread writes the cell, so no locked instruction is needed. */
static void
add_to_cell(struct block *b, size_t cell, uint64_t n)
{
	_Atomic uint64_t *at = &b->cell[cell];

	atomic_store_explicit(at, atomic_load_explicit(at, memory_order_relaxed) + n, memory_order_relaxed);
}

void
metrics_add(size_t cell, uint64_t n)
{
	if (mine != NULL)
		add_to_cell(mine, cell, n);
}

void
metrics_set(size_t cell, uint64_t n)
{
	if (mine != NULL)
		atomic_store_explicit(&mine->cell[cell], n, memory_order_relaxed);
}

#define X(value, text) { value, STR_INIT(text) },
static const struct metrics_bound seconds[] = { METRICS_SECONDS(X) };
static const struct metrics_bound bytes[] = { METRICS_BYTES(X) };
static const struct metrics_bound sizes[] = { METRICS_SIZES(X) };
#undef X

static void
observe(size_t cell, const struct metrics_bound *bound, size_t bounds, uint64_t n)
{
	size_t i = 0;

	if (mine == NULL)
		return;
	while (i < bounds && n > bound[i].value)
		i++;
	add_to_cell(mine, cell + i, 1);
	add_to_cell(mine, cell + bounds + 1, n);
}

void
metrics_observe_time(size_t cell, int64_t ns)
{
	observe(cell, seconds, ARRAY_SIZE(seconds), ns > 0 ? (uint64_t)ns : 0);
}

void
metrics_observe_bytes(size_t cell, uint64_t n)
{
	observe(cell, bytes, ARRAY_SIZE(bytes), n);
}

void
metrics_observe_size(size_t cell, uint64_t n)
{
	observe(cell, sizes, ARRAY_SIZE(sizes), n);
}

static const struct {
	unsigned status;
	struct str text;
} codes[] = {
#define X(status, reason) { status, STR_INIT(#status) },
	RESPONSE_STATUSES(X) X(499, "")
#undef X
};

_Static_assert(ARRAY_SIZE(codes) == METRICS_CODES, "a code for each status");

void
metrics_count_request(enum method method, const struct route *route, unsigned status)
{
	size_t code = 0;

	while (code < METRICS_CODES - 1 && codes[code].status != status)
		code++;
	metrics_add(
	    METRICS_HTTP_REQUESTS + ((size_t)method * METRICS_N_ROUTE + route_number(route)) * METRICS_N_CODE + code,
	    1);
}

uint64_t
metrics_sum(const struct metrics *m, size_t cell)
{
	uint64_t sum = 0;

	for (unsigned i = 0; i < m->threads; i++)
		sum += atomic_load_explicit(&m->block[i].cell[cell], memory_order_relaxed);
	return sum;
}

static struct str
value_METHOD(size_t i)
{
	return request_method_name((enum method)i);
}

static struct str
value_ROUTE(size_t i)
{
	return i < ROUTE_COUNT ? route_template((enum route_number)i) : STR("none");
}

static struct str
value_CODE(size_t i)
{
	return codes[i].text;
}

static struct str
value_OPERATION(size_t i)
{
	static const struct str names[] = { [STORE_GET] = STR_INIT("get"),
		[STORE_HEAD] = STR_INIT("head"),
		[STORE_PUT] = STR_INIT("put"),
		[STORE_DELETE] = STR_INIT("delete"),
		[STORE_LIST] = STR_INIT("list"),
		[STORE_BATCH] = STR_INIT("batch"),
		[STORE_CHECK] = STR_INIT("check") };

	_Static_assert(ARRAY_SIZE(names) == METRICS_N_OPERATION, "a name for each operation");
	return names[i];
}

static struct str
value_OUTCOME(size_t i)
{
	static const struct str names[] = { [STORE_DONE] = STR_INIT("done"),
		[STORE_NO_KEY] = STR_INIT("no_key"),
		[STORE_MISMATCH] = STR_INIT("mismatch"),
		[STORE_TOO_LONG] = STR_INIT("too_long"),
		[STORE_TOO_LARGE] = STR_INIT("too_large"),
		[STORE_UNAVAILABLE] = STR_INIT("unavailable"),
		[STORE_BUSY] = STR_INIT("busy"),
		[STORE_UNKNOWN] = STR_INIT("unknown"),
		[STORE_FAULT] = STR_INIT("fault") };

	_Static_assert(ARRAY_SIZE(names) == METRICS_N_OUTCOME, "a name for each outcome");
	return names[i];
}

static struct str
value_STATE(size_t i)
{
	static const struct str names[] = { [METRICS_IDLE] = STR_INIT("idle"),
		[METRICS_BUSY] = STR_INIT("busy"),
		[METRICS_CONNECTING] = STR_INIT("connecting") };

	_Static_assert(ARRAY_SIZE(names) == METRICS_N_STATE, "a name for each state");
	return names[i];
}

static struct str
value_SQLSTATE(size_t i)
{
	return db_error_code((enum db_error)i);
}

static struct str
value_RETRY(size_t i)
{
	static const struct str names[] = { [METRICS_RETRY_CONFLICT] = STR_INIT("conflict"),
		[METRICS_RETRY_GROUP] = STR_INIT("group"),
		[METRICS_RETRY_MOVED] = STR_INIT("moved"),
		[METRICS_RETRY_LOST] = STR_INIT("lost") };

	_Static_assert(ARRAY_SIZE(names) == METRICS_N_RETRY, "a name for each reason");
	return names[i];
}

static struct str
value_AUTH(size_t i)
{
	static const struct str names[] = { [METRICS_AUTH_NO_TOKEN] = STR_INIT("no_token"),
		[METRICS_AUTH_MALFORMED] = STR_INIT("token_malformed"),
		[METRICS_AUTH_SIGNATURE] = STR_INIT("token_signature"),
		[METRICS_AUTH_CLAIMS] = STR_INIT("token_claims"),
		[METRICS_AUTH_EXPIRED] = STR_INIT("token_expired"),
		[METRICS_AUTH_NOT_YET_VALID] = STR_INIT("token_not_yet_valid"),
		[METRICS_AUTH_NO_WORKSPACE] = STR_INIT("no_workspace"),
		[METRICS_AUTH_WORKSPACE_MISMATCH] = STR_INIT("workspace_mismatch"),
		[METRICS_AUTH_SYSTEM_ONLY] = STR_INIT("system_account_only"),
		[METRICS_AUTH_NAMESPACE_FORBIDDEN] = STR_INIT("namespace_forbidden") };

	_Static_assert(ARRAY_SIZE(names) == METRICS_N_AUTH, "a name for each refusal");
	return names[i];
}

static struct str
value_SECRET(size_t i)
{
	static const struct str names[] = {
		[METRICS_SECRET_CURRENT] = STR_INIT("current"), [METRICS_SECRET_PREVIOUS] = STR_INIT("previous")
	};

	_Static_assert(ARRAY_SIZE(names) == METRICS_N_SECRET, "a name for each secret");
	return names[i];
}

static struct str
value_DROP(size_t i)
{
	static const struct str names[] = { [METRICS_DROP_FULL] = STR_INIT("queue_full"),
		[METRICS_DROP_UNREACHABLE] = STR_INIT("unreachable"),
		[METRICS_DROP_REFUSED] = STR_INIT("refused") };

	_Static_assert(ARRAY_SIZE(names) == METRICS_N_DROP, "a name for each reason");
	return names[i];
}

#define X(label, name, n) static const struct metrics_label label_##label = { name, METRICS_N_##label, value_##label };
METRICS_LABELS(X)
#undef X

#define LABEL_NO        NULL
#define LABEL_METHOD    &label_METHOD
#define LABEL_ROUTE     &label_ROUTE
#define LABEL_CODE      &label_CODE
#define LABEL_OPERATION &label_OPERATION
#define LABEL_OUTCOME   &label_OUTCOME
#define LABEL_STATE     &label_STATE
#define LABEL_SQLSTATE  &label_SQLSTATE
#define LABEL_RETRY     &label_RETRY
#define LABEL_AUTH      &label_AUTH
#define LABEL_SECRET    &label_SECRET
#define LABEL_DROP      &label_DROP

#define KIND_COUNTER METRICS_COUNTER
#define KIND_GAUGE   METRICS_GAUGE
#define KIND_SECONDS METRICS_HISTOGRAM
#define KIND_BYTES   METRICS_HISTOGRAM
#define KIND_SIZES   METRICS_HISTOGRAM

#define BOUND_COUNTER NULL
#define BOUND_GAUGE   NULL
#define BOUND_SECONDS seconds
#define BOUND_BYTES   bytes
#define BOUND_SIZES   sizes

#define UNIT_COUNTER    ""
#define UNIT_GAUGE      ""
#define UNIT_SECONDS    "s"
#define UNIT_BYTES      "By"
#define UNIT_SIZES      ""
#define IS_TIME_COUNTER false
#define IS_TIME_GAUGE   false
#define IS_TIME_SECONDS true
#define IS_TIME_BYTES   false
#define IS_TIME_SIZES   false

const struct metrics_family metrics_families[] = {
#define X(NAME, kind, name, help, a, b, c) \
	{ name, help, KIND_##kind, METRICS_##NAME, METRICS_WIDTH_##kind, { LABEL_##a, LABEL_##b, LABEL_##c }, \
		BOUND_##kind, UNIT_##kind, IS_TIME_##kind },
	METRICS(X)
#undef X
};

const size_t metrics_family_count = ARRAY_SIZE(metrics_families);
