/* SPDX-License-Identifier: EPL-2.0 */
#include "auth/policy.h"

#include <openssl/crypto.h>
#include <stdlib.h>

#include "auth/guard.h"
#include "auth/rulefile.h"
#include "base/clock.h"
#include "lib/tap.h"

static atomic_uint cleansed; /* secrets seen by OPENSSL_cleanse(), which stands before the library's own */

void
OPENSSL_cleanse(void *p, size_t n)
{
	volatile char *bytes = p;

	if (n >= 4 && memmem(p, n, "hush", 4) != NULL)
		atomic_fetch_add(&cleansed, 1);
	for (size_t i = 0; i < n; i++)
		bytes[i] = 0;
}

static struct policy *
new_policy(const char *secret, const char *previous, struct rules *rules)
{
	struct policy *p = policy_new(str_of(secret), str_of(previous), rules);

	if (p == NULL)
		tap_bail("no memory");
	return p;
}

static void
holds(void)
{
	struct policy_shelf shelf;
	struct policy *mine = NULL, *theirs = NULL;

	policy_shelf_init(&shelf);
	policy_shelf_put(&shelf, new_policy("hush1", "hush2", NULL));
	tap_ok(policy_shelf_take(&shelf, &mine) && mine != NULL, "the first is taken");
	tap_ok(!policy_shelf_take(&shelf, &mine), "once");
	tap_ok(policy_shelf_take(&shelf, &theirs) && theirs == mine, "others get the same");
	tap_ok(policy_shelf_wait(&shelf, 2, 0), "both have it");

	policy_shelf_put(&shelf, new_policy("hush3", "", NULL));
	tap_int(cleansed, 0, "a policy lives as long as it is held");
	tap_ok(!policy_shelf_wait(&shelf, 1, 0), "nobody has the new one");
	tap_text(mine->secrets.previous, STR("hush2"), "and is whole");
	tap_ok(policy_shelf_take(&shelf, &mine) && mine != theirs, "one takes the next");
	tap_text(mine->secrets.current, STR("hush3"), "which is that one");
	tap_int(cleansed, 0, "the other has not let go");
	tap_ok(policy_shelf_wait(&shelf, 1, 0) && !policy_shelf_wait(&shelf, 2, 0), "one of two has it");
	tap_ok(policy_shelf_take(&shelf, &theirs), "the other takes it too");
	tap_int(cleansed, 2, "the old secrets are overwritten");
	policy_drop(mine);
	policy_drop(theirs);
	tap_int(cleansed, 2, "the newest lies on the shelf");
	policy_shelf_free(&shelf);
	tap_int(cleansed, 3, "until that goes");
	policy_drop(NULL);
}

/* Both halves of a policy, its secret and its default, tell the same number: whoever sees them differ sees half of each. */
#define THREADS 3
#define ROUNDS  300

static struct policy_shelf busy;
static atomic_bool done;
static atomic_uint torn;

static void *
judge(void *arg)
{
	struct guard guard;
	const struct claims claims = { .has_workspace = false };
	const struct uuid target = { { 0 } };
	const struct rules_question question = { &claims, &target, STR("n"), RULES_READ, 2 };

	(void)arg;
	if (!guard_init(&guard, &busy))
		tap_bail("no memory");
	while (!atomic_load(&done)) {
		for (int i = 0; i < 20; i++)
			if (rules_ask(guard.policy->rules, &question).allowed !=
			    (guard.policy->secrets.current.n % 2 == 0))
				atomic_fetch_add(&torn, 1);
		guard_renew(&guard, &busy);
	}
	guard_free(&guard);
	return NULL;
}

static struct policy *
numbered_policy(unsigned n)
{
	static const char secrets[] = "hushhush";
	const struct rulefile_terms terms = { .allow_by_default = n % 2 == 0 };
	unsigned line;
	struct buf why;
	struct rules *rules;

	buf_init(&why, 256);
	rules = rulefile_read(STR("deny namespace=x"), &terms, &line, &why);
	if (rules == NULL)
		tap_bail("rules");
	buf_free(&why);
	return new_policy(secrets + 2 - n % 2, "", rules);
}

static void
under_load(void)
{
	pthread_t thread[THREADS];
	unsigned late = 0;

	cleansed = 0;
	policy_shelf_init(&busy);
	policy_shelf_put(&busy, numbered_policy(0));
	for (unsigned i = 0; i < THREADS; i++)
		if (pthread_create(&thread[i], NULL, judge, NULL) != 0)
			tap_bail("pthread_create");
	for (unsigned n = 1; n <= ROUNDS; n++) {
		policy_shelf_put(&busy, numbered_policy(n));
		late += !policy_shelf_wait(&busy, THREADS, 20 * CLOCK_S);
	}
	atomic_store(&done, true);
	for (unsigned i = 0; i < THREADS; i++)
		(void)pthread_join(thread[i], NULL);
	policy_shelf_free(&busy);
	tap_int(late, 0, "every thread takes every policy");
	tap_int(torn, 0, "and none sees half of two");
	tap_int(cleansed, ROUNDS + 1, "no secret is left");
}

int
main(void)
{
	holds();
	under_load();
	return tap_end();
}
