/* SPDX-License-Identifier: EPL-2.0 */
#include "config/snapshot.h"

#include <openssl/crypto.h>
#include <stdlib.h>

#include "auth/policy.h"
#include "auth/rulefile.h"
#include "base/base.h"
#include "base/clock.h"
#include "lib/keys.h"
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

static struct snapshot *
new_snapshot(const char *secret, const char *previous, struct rules *rules, struct keyring *keys)
{
	const struct config c = { .token_secret = (char *)secret,
		.token_secret_previous = (char *)previous,
		.log_level = LOG_WARN,
		.log_format = LOG_JSON };
	struct snapshot *s = snapshot_new(&c, rules, keys);

	if (s == NULL)
		tap_bail("no memory");
	return s;
}

static unsigned exchanged;

static void
on_exchange(struct snapshot_holder *h, const struct snapshot *next)
{
	exchanged++;
	tap_ok(h->held == next, "exchange is told of what is held from then on");
}

static void
test_holds(void)
{
	struct snapshot_publisher p;
	struct snapshot_holder mine, theirs;
	const struct snapshot *first;

	snapshot_publisher_init(&p);
	snapshot_publish(&p, new_snapshot("hush1", "hush2", NULL, keys_new("a")));
	snapshot_holder_init(&mine, &p, NULL);
	snapshot_holder_init(&theirs, &p, on_exchange);
	first = mine.held;
	tap_ok(first != NULL && theirs.held == first, "both hold the same");
	tap_ok(
	    first->log_level == LOG_WARN && first->log_format == LOG_JSON && !first->access_log, "it says how to log");
	tap_ok(snapshot_wait(&p, 2, 0), "both have taken it");
	snapshot_renew(&theirs);
	tap_int(exchanged, 0, "there is no newer one");

	snapshot_publish(&p, new_snapshot("hush3", "", NULL, NULL));
	tap_int(cleansed, 0, "a snapshot lives as long as it is held");
	tap_ok(!snapshot_wait(&p, 1, 0), "nobody has taken the new one");
	tap_text(mine.held->secrets.previous, STR("hush2"), "and the old one is whole");
	tap_text(keyring_id(mine.held->keys, 0), STR("a"), "with its keys");
	snapshot_renew(&mine);
	tap_ok(mine.held != first, "one holder takes the next");
	tap_text(mine.held->secrets.current, STR("hush3"), "with its secret");
	tap_int(cleansed, 0, "the other one still holds the old one");
	tap_ok(snapshot_wait(&p, 1, 0) && !snapshot_wait(&p, 2, 0), "one of two has taken it");
	snapshot_renew(&theirs);
	tap_int(exchanged, 1, "the other one exchanges it too");
	tap_int(cleansed, 2, "the old secrets are overwritten");
	snapshot_renew(&theirs);
	tap_int(exchanged, 1, "once");
	snapshot_release(&mine);
	snapshot_release(&theirs);
	snapshot_release(&theirs);
	tap_int(cleansed, 2, "the publisher holds the newest");
	snapshot_publisher_free(&p);
	tap_int(cleansed, 3, "until it is freed");
	snapshot_drop(NULL);
}

/* Secret, rules and keys of a snapshot all tell its number: a thread that sees them differ sees parts of two. */
#define THREADS 3
#define ROUNDS  300

static struct snapshot_publisher busy;
static atomic_bool done;
static atomic_uint torn;

struct judge {
	struct snapshot_holder settings;
	struct policy policy;
	size_t secret_n;
	const struct keyring *keys;
};

static void
exchange(struct snapshot_holder *h, const struct snapshot *next)
{
	struct judge *j = container_of(h, struct judge, settings);

	policy_change(&j->policy, &next->secrets, next->rules);
	j->secret_n = next->secrets.current.n;
	j->keys = next->keys;
}

static void *
judge(void *arg)
{
	struct judge j;
	const struct claims claims = { .has_workspace = false };
	const struct uuid target = { { 0 } };
	const struct rules_question question = { &claims, &target, STR("n"), RULES_READ, 2 };

	(void)arg;
	snapshot_holder_init(&j.settings, &busy, exchange);
	if (!policy_init(&j.policy, &j.settings.held->secrets, j.settings.held->rules))
		tap_bail("no memory");
	exchange(&j.settings, j.settings.held);
	while (!atomic_load(&done)) {
		for (int i = 0; i < 20; i++) {
			bool even = j.secret_n % 2 == 0;

			if (rules_ask(j.policy.rules, &question).allowed != even || (j.keys->n % 2 == 0) != even)
				atomic_fetch_add(&torn, 1);
		}
		snapshot_renew(&j.settings);
	}
	policy_free(&j.policy);
	snapshot_release(&j.settings);
	return NULL;
}

static struct snapshot *
numbered_snapshot(unsigned n)
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
	return new_snapshot(secrets + 2 - n % 2, "", rules, keys_new(n % 2 == 0 ? "ab" : "a"));
}

static void
test_under_load(void)
{
	pthread_t thread[THREADS];
	unsigned late = 0;

	cleansed = 0;
	snapshot_publisher_init(&busy);
	snapshot_publish(&busy, numbered_snapshot(0));
	for (unsigned i = 0; i < THREADS; i++)
		if (pthread_create(&thread[i], NULL, judge, NULL) != 0)
			tap_bail("pthread_create");
	for (unsigned n = 1; n <= ROUNDS; n++) {
		snapshot_publish(&busy, numbered_snapshot(n));
		late += !snapshot_wait(&busy, THREADS, 20 * CLOCK_S);
	}
	atomic_store(&done, true);
	for (unsigned i = 0; i < THREADS; i++)
		(void)pthread_join(thread[i], NULL);
	snapshot_publisher_free(&busy);
	tap_int(late, 0, "every thread takes every snapshot");
	tap_int(torn, 0, "and none sees parts of two");
	tap_int(cleansed, ROUNDS + 1, "no secret is left");
}

int
main(void)
{
	test_holds();
	test_under_load();
	return tap_end();
}
