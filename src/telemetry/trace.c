/* SPDX-License-Identifier: EPL-2.0 */
#include "telemetry/trace.h"

#include <stdalign.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include "base/base.h"
#include "telemetry/metrics.h"

enum rule { RULE_ALL, RULE_NONE, RULE_SHARE };

static const struct {
	struct str name;
	bool parent_decides;
	enum rule rule;
} samplers[] = {
#define X(name, text, parent, rule) { STR_INIT(text), parent, RULE_##rule },
	TRACE_SAMPLERS(X)
#undef X
};

/* The worker writes tail, the exporter head; both only grow. */
struct trace_ring {
	alignas(CACHE_LINE) _Atomic size_t tail;
	alignas(CACHE_LINE) _Atomic size_t head;
	alignas(CACHE_LINE) struct trace *trace;
	struct trace_span *slot;
};

struct trace {
	struct trace_ring *ring;
	unsigned rings;
	unsigned next; /* ring to take from */
	size_t size;   /* of each */
	int wake;
	enum trace_sampler sampler;
	uint64_t threshold; /* below it, of 2^63, is sampled */
};

bool
trace_sampler_parse(struct str name, enum trace_sampler *sampler)
{
	for (size_t i = 0; i < ARRAY_SIZE(samplers); i++)
		if (str_eq_nocase(name, samplers[i].name)) {
			*sampler = (enum trace_sampler)i;
			return true;
		}
	return false;
}

struct str
trace_sampler_name(enum trace_sampler sampler)
{
	return samplers[sampler].name;
}

static bool
make_rings(struct trace *t, unsigned workers, size_t size)
{
	t->size = size;
	t->ring = aligned_alloc(CACHE_LINE, workers * sizeof(t->ring[0]));
	if (t->ring == NULL)
		return false;
	for (; t->rings < workers; t->rings++) {
		struct trace_ring *r = &t->ring[t->rings];

		*r = (struct trace_ring){ .trace = t, .slot = calloc(size, sizeof(r->slot[0])) };
		if (r->slot == NULL)
			return false;
	}
	return true;
}

struct trace *
trace_new(unsigned workers, size_t size, enum trace_sampler sampler, double ratio)
{
	struct trace *t = calloc(1, sizeof(*t));

	if (t == NULL)
		return NULL;
	t->sampler = sampler;
	t->threshold = (uint64_t)(ratio * (double)(UINT64_C(1) << 63));
	t->wake = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	if (t->wake >= 0 && make_rings(t, workers, size))
		return t;
	trace_free(t);
	return NULL;
}

void
trace_free(struct trace *t)
{
	if (t == NULL)
		return;
	for (unsigned i = 0; i < t->rings; i++)
		free(t->ring[i].slot);
	free(t->ring);
	if (t->wake >= 0)
		(void)close(t->wake);
	free(t);
}

struct trace_ring *
trace_ring(struct trace *t, unsigned worker)
{
	return t != NULL ? &t->ring[worker] : NULL;
}

/* As the OpenTelemetry SDKs decide it, so that all sample the same traces: the last 8 bytes, without the lowest bit. */
static bool
is_in_share(uint64_t threshold, const char *trace_id)
{
	uint64_t n = 0;

	for (size_t i = TRACE_ID_SIZE / 2; i < TRACE_ID_SIZE; i++) {
		char digit = trace_id[i];

		n = n << 4 | (uint64_t)(digit <= '9' ? digit - '0' : digit - 'a' + 10);
	}
	return n >> 1 < threshold;
}

static bool
is_sampled(const struct trace *t, const struct traceparent *parent, const char *trace_id)
{
	if (parent->trace_id.p != NULL && samplers[t->sampler].parent_decides)
		return parent->sampled;
	switch (samplers[t->sampler].rule) {
	case RULE_ALL:
		return true;
	case RULE_NONE:
		return false;
	case RULE_SHARE:
		break;
	}
	return is_in_share(t->threshold, trace_id);
}

bool
trace_begin(struct trace_ring *r, struct random_id *ids, const struct traceparent *parent, struct trace_span *s)
{
	char fresh[RANDOM_ID_SIZE];
	bool has_parent = parent->trace_id.p != NULL;

	_Static_assert(RANDOM_ID_SIZE == TRACE_ID_SIZE && RANDOM_ID_SIZE == 2 * TRACE_SPAN_SIZE,
	    "one for a trace, or for two spans");
	if (!has_parent)
		random_id_make(ids, fresh);
	if (!is_sampled(r->trace, parent, has_parent ? parent->trace_id.p : fresh))
		return false;
	*s = (struct trace_span){ .has_parent = has_parent };
	memcpy(s->trace_id, has_parent ? parent->trace_id.p : fresh, sizeof(s->trace_id));
	if (has_parent)
		memcpy(s->parent_id, parent->parent_id.p, sizeof(s->parent_id));
	random_id_make(ids, fresh);
	memcpy(s->id, fresh, sizeof(s->id));
	memcpy(s->operation.id, fresh + sizeof(s->id), sizeof(s->operation.id));
	return true;
}

void
trace_put(struct trace_ring *r, const struct trace_span *s)
{
	size_t tail = atomic_load_explicit(&r->tail, memory_order_relaxed);
	size_t waiting = tail - atomic_load_explicit(&r->head, memory_order_acquire);

	if (waiting == r->trace->size) {
		metrics_add(METRICS_SPANS_DROPPED + METRICS_DROP_FULL, s->has_operation ? 2 : 1);
		return;
	}
	r->slot[tail % r->trace->size] = *s;
	atomic_store_explicit(&r->tail, tail + 1, memory_order_release);
	if (waiting + 1 == (r->trace->size + 1) / 2)
		trace_wake(r->trace);
}

static size_t
waiting_in(const struct trace_ring *r)
{
	return atomic_load_explicit(&r->tail, memory_order_acquire) -
	    atomic_load_explicit(&r->head, memory_order_relaxed);
}

size_t
trace_waiting(const struct trace *t)
{
	size_t n = 0;

	for (unsigned i = 0; i < t->rings; i++)
		n += waiting_in(&t->ring[i]);
	return n;
}

bool
trace_take(struct trace *t, struct trace_span *s)
{
	for (unsigned i = 0; i < t->rings; i++) {
		struct trace_ring *r = &t->ring[t->next++ % t->rings];
		size_t head = atomic_load_explicit(&r->head, memory_order_relaxed);

		if (waiting_in(r) == 0)
			continue;
		*s = r->slot[head % t->size];
		atomic_store_explicit(&r->head, head + 1, memory_order_release);
		return true;
	}
	return false;
}

int
trace_descriptor(const struct trace *t)
{
	return t->wake;
}

void
trace_wake(struct trace *t)
{
	uint64_t one = 1;

	/* Fails only when the counter is full, and then the exporter wakes up anyway. */
	if (write(t->wake, &one, sizeof(one)) < 0)
		return;
}
