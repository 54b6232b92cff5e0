#include "os/heartbeat.h"

#include <assert.h>
#include <stdatomic.h>
#include <stdlib.h>

#define ENDED INT64_MAX

struct health {
	atomic_bool draining;
	unsigned workers;
	_Atomic int64_t beat[]; /* written once a second: no need for cache lines of their own */
};

struct health *
health_new(unsigned workers, int64_t now)
{
	struct health *h = calloc(1, sizeof(*h) + workers * sizeof(h->beat[0]));

	if (h == NULL)
		return NULL;
	h->workers = workers;
	for (unsigned i = 0; i < workers; i++)
		atomic_init(&h->beat[i], now);
	return h;
}

void
health_free(struct health *h)
{
	free(h);
}

void
health_beat(struct health *h, unsigned worker, int64_t now)
{
	assert(worker < h->workers);
	atomic_store_explicit(&h->beat[worker], now, memory_order_relaxed);
}

void
health_end(struct health *h, unsigned worker)
{
	health_beat(h, worker, ENDED);
}

bool
health_find_stuck(const struct health *h, int64_t now, unsigned *worker, int64_t *silence)
{
	for (unsigned i = 0; i < h->workers; i++) {
		int64_t beat = atomic_load_explicit(&h->beat[i], memory_order_relaxed);

		if (beat == ENDED || now - beat <= HEALTH_SILENCE)
			continue;
		*worker = i;
		*silence = now - beat;
		return true;
	}
	return false;
}

void
health_drain(struct health *h)
{
	atomic_store(&h->draining, true);
}

bool
health_is_draining(const struct health *h)
{
	return atomic_load(&h->draining);
}
