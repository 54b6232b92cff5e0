/* SPDX-License-Identifier: EPL-2.0 */
/*
 * policy: what requests are judged by: the keys that sign tokens, and the
 * rules of access to namespaces.
 *
 * One is made from each reading of the settings, and never changes.  It is
 * shared: each thread holds the one it judges by, and the last to let go
 * overwrites the keys and frees.  The newest lies on a shelf; a thread takes
 * it when it is told to, between two requests, so that no request ever sees
 * half of the old and half of the new, and none needs a lock.
 */
#ifndef HULYKVS_POLICY_H
#define HULYKVS_POLICY_H

#include <pthread.h>
#include <stdatomic.h>

#include "auth/rules.h"
#include "auth/token.h"

struct policy {
	struct token_secrets secrets;
	struct rules *rules; /* NULL: every namespace is open to every token */
	_Atomic unsigned holds;
};

/* Returns new, held once; copies the secrets (previous: empty where there is none), takes the rules.  NULL: no memory. */
struct policy *policy_new(struct str secret, struct str previous, struct rules *rules)
    __attribute__((warn_unused_result));

/* Lets go; NULL is fine. */
void policy_drop(struct policy *p);

struct policy_shelf {
	pthread_mutex_t lock;
	pthread_cond_t moved;
	struct policy *newest;
	unsigned holders; /* threads that have taken it */
};

void policy_shelf_init(struct policy_shelf *s);
void policy_shelf_free(struct policy_shelf *s);

/* Takes the hold; the one that lay there is let go. */
void policy_shelf_put(struct policy_shelf *s, struct policy *p);

/* Exchanges the thread's hold (NULL: it had none) for one of the newest; false: it had that already. */
bool policy_shelf_take(struct policy_shelf *s, struct policy **mine);

/* Waits until so many threads have taken the newest; false: not within the time (nanoseconds). */
bool policy_shelf_wait(struct policy_shelf *s, unsigned threads, int64_t time);

#endif
