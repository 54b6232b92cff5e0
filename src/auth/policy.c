/* SPDX-License-Identifier: EPL-2.0 */
#include "auth/policy.h"

#include <stdlib.h>

#include "base/clock.h"
#include "base/digest.h"

static bool
copy_secret(struct str secret, struct str *copy)
{
	char *p = malloc(secret.n + 1);

	if (p == NULL)
		return false;
	if (secret.n > 0)
		memcpy(p, secret.p, secret.n);
	*copy = str_from(p, secret.n);
	return true;
}

static void
free_secret(struct str secret)
{
	if (secret.p != NULL)
		digest_cleanse((char *)secret.p, secret.n);
	free((char *)secret.p);
}

struct policy *
policy_new(struct str secret, struct str previous, struct rules *rules)
{
	struct policy *p = calloc(1, sizeof(*p));

	if (p == NULL) {
		rules_free(rules);
		return NULL;
	}
	p->rules = rules;
	atomic_init(&p->holds, 1);
	if (copy_secret(secret, &p->secrets.current) && copy_secret(previous, &p->secrets.previous))
		return p;
	policy_drop(p);
	return NULL;
}

void
policy_drop(struct policy *p)
{
	if (p == NULL || atomic_fetch_sub(&p->holds, 1) > 1)
		return;
	free_secret(p->secrets.current);
	free_secret(p->secrets.previous);
	rules_free(p->rules);
	free(p);
}

void
policy_shelf_init(struct policy_shelf *s)
{
	pthread_condattr_t monotonic;

	*s = (struct policy_shelf){ .newest = NULL };
	(void)pthread_mutex_init(&s->lock, NULL);
	(void)pthread_condattr_init(&monotonic);
	(void)pthread_condattr_setclock(&monotonic, CLOCK_MONOTONIC);
	(void)pthread_cond_init(&s->moved, &monotonic);
	(void)pthread_condattr_destroy(&monotonic);
}

void
policy_shelf_free(struct policy_shelf *s)
{
	policy_drop(s->newest);
	(void)pthread_cond_destroy(&s->moved);
	(void)pthread_mutex_destroy(&s->lock);
}

void
policy_shelf_put(struct policy_shelf *s, struct policy *p)
{
	struct policy *old;

	(void)pthread_mutex_lock(&s->lock);
	old = s->newest;
	s->newest = p;
	s->holders = 0;
	(void)pthread_mutex_unlock(&s->lock);
	policy_drop(old);
}

bool
policy_shelf_take(struct policy_shelf *s, struct policy **mine)
{
	struct policy *old = *mine;

	(void)pthread_mutex_lock(&s->lock);
	if (s->newest != old) {
		*mine = s->newest;
		atomic_fetch_add(&(*mine)->holds, 1);
		s->holders++;
		(void)pthread_cond_signal(&s->moved);
	}
	(void)pthread_mutex_unlock(&s->lock);
	if (*mine == old)
		return false;
	policy_drop(old);
	return true;
}

bool
policy_shelf_wait(struct policy_shelf *s, unsigned threads, int64_t time)
{
	int64_t end = clock_mono() + time;
	struct timespec until = { .tv_sec = end / CLOCK_S, .tv_nsec = end % CLOCK_S };
	int rc = 0;
	bool all;

	(void)pthread_mutex_lock(&s->lock);
	while (s->holders < threads && rc == 0)
		rc = pthread_cond_timedwait(&s->moved, &s->lock, &until);
	all = s->holders >= threads;
	(void)pthread_mutex_unlock(&s->lock);
	return all;
}
