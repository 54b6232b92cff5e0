/* SPDX-License-Identifier: EPL-2.0 */
#include "telemetry/trace.h"

#include <poll.h>
#include <pthread.h>

#include "lib/tap.h"
#include "telemetry/metrics.h"

#define ID      "4bf92f3577b34da6a3ce929d0e0e4736"
#define PARENT  "00f067aa0ba902b7"
#define COUNTED 20000

static struct trace *
made(size_t size, enum trace_sampler sampler, double ratio)
{
	struct trace *t = trace_new(1, size, sampler, ratio);

	if (t == NULL)
		tap_bail("no memory");
	return t;
}

/* Whether a request with this traceparent is traced. */
static bool
begins(enum trace_sampler sampler, double ratio, const char *field, struct trace_span *s)
{
	struct trace *t = made(1, sampler, ratio);
	struct traceparent parent = traceparent_parse(str_of(field));
	struct random_id ids = { .state = 1 };
	bool traced = trace_begin(trace_ring(t, 0), &ids, &parent, s);

	trace_free(t);
	return traced;
}

static void
samplers(void)
{
	static const struct {
		enum trace_sampler sampler;
		double ratio;
		bool without, sampled, unsampled; /* what becomes of requests with no parent, and with such a one */
	} rows[] = {
		{ TRACE_ALWAYS_ON, 0, true, true, true },
		{ TRACE_ALWAYS_OFF, 1, false, false, false },
		{ TRACE_RATIO, 1, true, true, true },
		{ TRACE_RATIO, 0, false, false, false },
		{ TRACE_PARENT_ALWAYS_ON, 0, true, true, false },
		{ TRACE_PARENT_ALWAYS_OFF, 1, false, true, false },
		{ TRACE_PARENT_RATIO, 1, true, true, false },
		{ TRACE_PARENT_RATIO, 0, false, true, false },
	};
	struct trace_span s;

	for (size_t i = 0; i < COUNT(rows); i++) {
		const char *name = trace_sampler_name(rows[i].sampler).p;

		tap_int(begins(rows[i].sampler, rows[i].ratio, NULL, &s), rows[i].without, "%s: without parent", name);
		tap_int(begins(rows[i].sampler, rows[i].ratio, "00-" ID "-" PARENT "-01", &s), rows[i].sampled,
		    "%s: sampled parent", name);
		tap_int(begins(rows[i].sampler, rows[i].ratio, "00-" ID "-" PARENT "-00", &s), rows[i].unsampled,
		    "%s: unsampled parent", name);
	}
}

/* The share is of the last 8 bytes, so that all services choose the same traces. */
static void
shares(void)
{
	struct trace_span s;

	tap_ok(begins(TRACE_RATIO, 0.5, "00-ffffffffffffffff7fffffffffffffff-" PARENT "-00", &s), "below the half");
	tap_ok(!begins(TRACE_RATIO, 0.5, "00-00000000000000008000000000000000-" PARENT "-01", &s), "at the half");
	tap_ok(begins(TRACE_RATIO, 0.1, "00-00000000000000001999999999999000-" PARENT "-00", &s), "below a tenth");
	tap_ok(!begins(TRACE_RATIO, 0.1, "00-00000000000000001999999999999b00-" PARENT "-00", &s), "above a tenth");
}

static void
ids(void)
{
	struct trace_span s;
	enum trace_sampler sampler;

	tap_ok(begins(TRACE_ALWAYS_ON, 1, "00-" ID "-" PARENT "-01", &s) && s.has_parent, "a parent");
	tap_text(str_from(s.trace_id, sizeof(s.trace_id)), STR(ID), "its trace is gone on with");
	tap_text(str_from(s.parent_id, sizeof(s.parent_id)), STR(PARENT), "below it");
	tap_ok(memcmp(s.id, PARENT, sizeof(s.id)) != 0 && memcmp(s.id, s.operation.id, sizeof(s.id)) != 0,
	    "with ids of their own");
	tap_ok(begins(TRACE_ALWAYS_ON, 1, "00-" ID "-" PARENT "-0", &s) && !s.has_parent, "no parent");
	tap_ok(memcmp(s.trace_id, ID, sizeof(s.trace_id)) != 0, "a trace of its own");
	tap_ok(trace_sampler_parse(STR("TraceIdRatio"), &sampler) && sampler == TRACE_RATIO, "names in any case");
	tap_ok(!trace_sampler_parse(STR("parentbased_"), &sampler), "but whole");
}

static bool
is_awake(const struct trace *t)
{
	struct pollfd fd = { .fd = trace_descriptor(t), .events = POLLIN };

	return poll(&fd, 1, 0) == 1;
}

static void
full(void)
{
	struct metrics *m = metrics_new(1);
	struct trace *t = made(3, TRACE_ALWAYS_ON, 1);
	struct trace_span s = { .status = 1 };

	metrics_attach(m, 0);
	tap_ok(!trace_take(t, &s), "nothing there");
	trace_put(trace_ring(t, 0), &s);
	tap_ok(!is_awake(t), "one of three: nobody is woken");
	s.status = 2;
	trace_put(trace_ring(t, 0), &s);
	tap_ok(is_awake(t), "half full: somebody is");
	trace_put(trace_ring(t, 0), &s);
	s.has_operation = true;
	trace_put(trace_ring(t, 0), &s);
	tap_int(trace_waiting(t), 3, "full");
	tap_int(metrics_sum(m, METRICS_SPANS_DROPPED + METRICS_DROP_FULL), 2, "the other spans are lost and counted");
	tap_ok(trace_take(t, &s) && s.status == 1 && !s.has_operation, "the oldest comes first");
	s.status = 4;
	trace_put(trace_ring(t, 0), &s);
	tap_ok(trace_take(t, &s) && s.status == 2 && trace_take(t, &s) && s.status == 2, "in order");
	tap_ok(trace_take(t, &s) && s.status == 4 && !trace_take(t, &s), "around the end of the ring");
	metrics_attach(NULL, 0);
	metrics_free(m);
	trace_free(t);
}

static void *
put_many(void *arg)
{
	struct trace *t = arg;
	struct trace_span s = { .status = 0 };

	while (s.status < COUNTED)
		if (trace_waiting(t) < 64) {
			s.status++;
			memset(s.id, (int)(s.status & 0x7f), sizeof(s.id));
			trace_put(trace_ring(t, 0), &s);
		}
	return NULL;
}

/* One thread puts, another takes: nothing is lost, torn or out of order. */
static void
threads(void)
{
	struct trace *t = made(64, TRACE_ALWAYS_ON, 1);
	pthread_t thread;
	struct trace_span s;
	unsigned last = 0;
	bool ok = true;

	if (pthread_create(&thread, NULL, put_many, t) != 0)
		tap_bail("no thread");
	while (last < COUNTED)
		if (trace_take(t, &s)) {
			ok = ok && s.status == last + 1 && s.id[0] == (char)(s.status & 0x7f) &&
			    s.id[sizeof(s.id) - 1] == s.id[0];
			last = s.status;
		}
	(void)pthread_join(thread, NULL);
	tap_ok(ok, "each span once, whole, in order");
	trace_free(t);
}

static void
rings(void)
{
	struct trace *t = trace_new(3, 2, TRACE_ALWAYS_ON, 1);
	struct trace_span s = { .status = 7 };

	tap_ok(trace_ring(NULL, 1) == NULL, "no traces, no ring");
	for (unsigned i = 0; i < 3; i++)
		trace_put(trace_ring(t, i), &s);
	tap_int(trace_waiting(t), 3, "all rings count");
	tap_ok(trace_take(t, &s) && trace_take(t, &s) && trace_take(t, &s) && !trace_take(t, &s), "all are emptied");
	trace_free(t);
}

int
main(void)
{
	samplers();
	shares();
	ids();
	full();
	threads();
	rings();
	return tap_end();
}
