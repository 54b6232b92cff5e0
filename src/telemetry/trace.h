/* SPDX-License-Identifier: EPL-2.0 */
/*
 * trace: decides which requests are traced, and passes their spans from the
 * workers to the exporter.
 *
 * Each worker puts the requests that have ended into its own ring buffer, and one
 * thread, the exporter, takes them from all rings.  No thread waits for another:
 * where a ring is full, the span is lost and counted.
 */
#ifndef HULYKVS_TRACE_H
#define HULYKVS_TRACE_H

#include "base/random_id.h"
#include "http/request.h"
#include "http/route.h"
#include "store/store.h"

#define TRACE_ID_SIZE   32 /* hex digits */
#define TRACE_SPAN_SIZE 16

/*
 * The samplers of the OpenTelemetry specification.
 * X(NAME, "name", whether the parent decides where there is one, the rule otherwise)
 */
#define TRACE_SAMPLERS(X) \
	X(ALWAYS_ON, "always_on", false, ALL) \
	X(ALWAYS_OFF, "always_off", false, NONE) \
	X(RATIO, "traceidratio", false, SHARE) \
	X(PARENT_ALWAYS_ON, "parentbased_always_on", true, ALL) \
	X(PARENT_ALWAYS_OFF, "parentbased_always_off", true, NONE) \
	X(PARENT_RATIO, "parentbased_traceidratio", true, SHARE)

enum trace_sampler {
#define X(name, text, parent, rule) TRACE_##name,
	TRACE_SAMPLERS(X)
#undef X
};

bool trace_sampler_parse(struct str name, enum trace_sampler *sampler) __attribute__((warn_unused_result));
struct str trace_sampler_name(enum trace_sampler sampler);

/* A sampled request and its operation in the database.  Times are monotonic. */
struct trace_span {
	char trace_id[TRACE_ID_SIZE];
	char id[TRACE_SPAN_SIZE];
	char parent_id[TRACE_SPAN_SIZE];
	bool has_parent;
	bool is_secure; /* came over TLS */
	enum method method;
	enum route_number route;
	unsigned status; /* TRACE_GONE: the client left before the answer */
	int64_t began, ended;
	bool has_operation;
	struct {
		char id[TRACE_SPAN_SIZE];
		int64_t began, ended;
		enum store_outcome outcome;
		struct store_description what;
		unsigned group;
		char sqlstate[STORE_SQLSTATE_SIZE];
	} operation;
};

#define TRACE_GONE 499

struct trace;      /* all rings */
struct trace_ring; /* a worker's */

/* Returns new: a ring of `size` requests for each worker.  ratio: 0 to 1.  NULL: no memory or descriptors. */
struct trace *trace_new(unsigned workers, size_t size, enum trace_sampler sampler, double ratio)
    __attribute__((warn_unused_result));
void trace_free(struct trace *t);

/* The ring of a worker; NULL where t is NULL. */
struct trace_ring *trace_ring(struct trace *t, unsigned worker);

/* Whether the request is sampled; if so, *s has its ids and is otherwise empty. */
bool trace_begin(struct trace_ring *r, struct random_id *ids, const struct traceparent *parent, struct trace_span *s);

/* Puts the span of a request that has ended; copies it. */
void trace_put(struct trace_ring *r, const struct trace_span *s);

/* For the exporter: how many spans wait, and the next one; false: there is none. */
size_t trace_waiting(const struct trace *t);
bool trace_take(struct trace *t, struct trace_span *s);

/* An eventfd that becomes readable when a ring is half full, or by trace_wake(). */
int trace_descriptor(const struct trace *t);
void trace_wake(struct trace *t);

#endif
