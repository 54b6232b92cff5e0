/* SPDX-License-Identifier: EPL-2.0 */
#include "os/heartbeat.h"

#include <assert.h>
#include <stdatomic.h>
#include <stdlib.h>

#define ENDED INT64_MAX

struct heartbeat {
	atomic_bool draining;
	unsigned workers;
	_Atomic int64_t beat[]; /* written once a second, so it does not matter that they share a cache line */
};

struct heartbeat *
heartbeat_new(unsigned workers, int64_t now)
{
	struct heartbeat *h = calloc(1, sizeof(*h) + workers * sizeof(h->beat[0]));

	if (h == NULL)
		return NULL;
	h->workers = workers;
	for (unsigned i = 0; i < workers; i++)
		atomic_init(&h->beat[i], now);
	return h;
}

void
heartbeat_free(struct heartbeat *h)
{
	free(h);
}

void
heartbeat_beat(struct heartbeat *h, unsigned worker, int64_t now)
{
	assert(worker < h->workers);
	atomic_store_explicit(&h->beat[worker], now, memory_order_relaxed);
}

void
heartbeat_end(struct heartbeat *h, unsigned worker)
{
	heartbeat_beat(h, worker, ENDED);
}

bool
heartbeat_find_stuck(const struct heartbeat *h, int64_t now, unsigned *worker, int64_t *silence)
{
	for (unsigned i = 0; i < h->workers; i++) {
		int64_t beat = atomic_load_explicit(&h->beat[i], memory_order_relaxed);

		if (beat == ENDED || now - beat <= HEARTBEAT_SILENCE)
			continue;
		*worker = i;
		*silence = now - beat;
		return true;
	}
	return false;
}

void
heartbeat_drain(struct heartbeat *h)
{
	atomic_store(&h->draining, true);
}

bool
heartbeat_is_draining(const struct heartbeat *h)
{
	return atomic_load(&h->draining);
}
