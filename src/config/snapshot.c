/* SPDX-License-Identifier: EPL-2.0 */
#include "config/snapshot.h"

#include <assert.h>
#include <stdlib.h>

#include "base/clock.h"
#include "base/digest.h"

static bool
copy_secret(const char *secret, struct str *copy)
{
	char *p = strdup(secret);

	*copy = p != NULL ? str_of(p) : STR_ABSENT;
	return p != NULL;
}

static void
free_secret(struct str secret)
{
	if (secret.p != NULL)
		digest_cleanse((char *)secret.p, secret.n);
	free((char *)secret.p);
}

struct snapshot *
snapshot_new(const struct config *c, struct rules *rules, struct keyring *keys)
{
	struct snapshot *s = calloc(1, sizeof(*s));

	if (s == NULL) {
		rules_free(rules);
		keyring_free(keys);
		return NULL;
	}
	s->rules = rules;
	s->keys = keys;
	s->log_level = c->log_level;
	s->log_format = c->log_format;
	s->access_log = c->access_log;
	s->log_client_address = c->log_client_address;
	atomic_init(&s->holders, 1);
	if (copy_secret(c->token_secret, &s->secrets.current) &&
	    copy_secret(c->token_secret_previous, &s->secrets.previous))
		return s;
	snapshot_drop(s);
	return NULL;
}

void
snapshot_drop(struct snapshot *s)
{
	if (s == NULL || atomic_fetch_sub(&s->holders, 1) > 1)
		return;
	free_secret(s->secrets.current);
	free_secret(s->secrets.previous);
	rules_free(s->rules);
	keyring_free(s->keys);
	free(s);
}

void
snapshot_publisher_init(struct snapshot_publisher *p)
{
	pthread_condattr_t monotonic;

	*p = (struct snapshot_publisher){ .newest = NULL };
	(void)pthread_mutex_init(&p->lock, NULL);
	(void)pthread_condattr_init(&monotonic);
	(void)pthread_condattr_setclock(&monotonic, CLOCK_MONOTONIC);
	(void)pthread_cond_init(&p->taken, &monotonic);
	(void)pthread_condattr_destroy(&monotonic);
}

void
snapshot_publisher_free(struct snapshot_publisher *p)
{
	snapshot_drop(p->newest);
	(void)pthread_cond_destroy(&p->taken);
	(void)pthread_mutex_destroy(&p->lock);
}

void
snapshot_publish(struct snapshot_publisher *p, struct snapshot *s)
{
	struct snapshot *old;

	assert(s != NULL);
	(void)pthread_mutex_lock(&p->lock);
	old = p->newest;
	p->newest = s;
	p->takers = 0;
	(void)atomic_fetch_add(&p->number, 1);
	(void)pthread_mutex_unlock(&p->lock);
	snapshot_drop(old);
}

bool
snapshot_wait(struct snapshot_publisher *p, unsigned holders, int64_t time)
{
	int64_t end = clock_mono() + time;
	struct timespec until = { .tv_sec = end / CLOCK_S, .tv_nsec = end % CLOCK_S };
	int rc = 0;
	bool all;

	(void)pthread_mutex_lock(&p->lock);
	while (p->takers < holders && rc == 0)
		rc = pthread_cond_timedwait(&p->taken, &p->lock, &until);
	all = p->takers >= holders;
	(void)pthread_mutex_unlock(&p->lock);
	return all;
}

/* A hold on the newest. */
static struct snapshot *
take_newest(struct snapshot_publisher *p, unsigned *number)
{
	struct snapshot *newest;

	(void)pthread_mutex_lock(&p->lock);
	newest = p->newest;
	assert(newest != NULL);
	(void)atomic_fetch_add(&newest->holders, 1);
	*number = atomic_load(&p->number);
	(void)pthread_mutex_unlock(&p->lock);
	return newest;
}

/* snapshot_wait() may end: whatever the thread has borrowed from the one before has been exchanged. */
static void
report_taken(struct snapshot_publisher *p, unsigned number)
{
	(void)pthread_mutex_lock(&p->lock);
	if (number == atomic_load(&p->number)) {
		p->takers++;
		(void)pthread_cond_signal(&p->taken);
	}
	(void)pthread_mutex_unlock(&p->lock);
}

void
snapshot_holder_init(struct snapshot_holder *h, struct snapshot_publisher *p,
    void (*exchange)(struct snapshot_holder *h, const struct snapshot *next))
{
	*h = (struct snapshot_holder){ .publisher = p, .exchange = exchange };
	h->held = take_newest(p, &h->number);
	report_taken(p, h->number);
}

void
snapshot_renew(struct snapshot_holder *h)
{
	struct snapshot *old = h->held;

	if (atomic_load_explicit(&h->publisher->number, memory_order_acquire) == h->number)
		return;
	h->held = take_newest(h->publisher, &h->number);
	if (h->exchange != NULL)
		h->exchange(h, h->held);
	snapshot_drop(old);
	report_taken(h->publisher, h->number);
}

void
snapshot_release(struct snapshot_holder *h)
{
	snapshot_drop(h->held);
	h->held = NULL;
}
