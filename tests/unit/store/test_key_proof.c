/* SPDX-License-Identifier: EPL-2.0 */
/* Keys that prove themselves, come, go, or are missing. */
#include "store/key_proof.h"

#include "base/clock.h"
#include "lib/vault.h"

static void
test_proof(void)
{
	vault_begin("a", SEAL_ON, "all");
	tap_int(vault_run(vault_op(STORE_CHECK, "", "")), STORE_DONE, "a new key is ready");
	tap_int(owner.result.keys, STORE_KEYS_GOOD, "and good");
	tap_int(mem.count, 1, "its proof is kept");
	vault_publish(keys_new_wrong("a"));
	tap_int(vault_run(vault_op(STORE_CHECK, "", "")), STORE_UNAVAILABLE, "another one of that id is not ready");
	tap_ok(owner.result.keys == STORE_KEYS_WRONG && owner.result.reached && owner.result.reason.n > 0, "and wrong");
	tap_int(vault_run(vault_put("n", "k", STR("v"))), STORE_FAULT, "nothing is sealed with it");
	tap_int(mem.count, 1, "nor written at all");
	vault_close();
	vault_open(SEAL_ON, "all");
	tap_int(vault_run(vault_put("n", "k", STR("v"))), STORE_FAULT, "not by the next program either");
	tap_int(vault_run(vault_op(STORE_DELETE, "n", "k")), STORE_NO_KEY, "what needs no key is done");
	vault_use("ba");
	tap_int(vault_run(vault_put("n", "k", STR("v"))), STORE_DONE, "a key under a new id proves itself");
	tap_int(vault_run(vault_op(STORE_CHECK, "", "")), STORE_DONE, "and is ready");
	tap_int(mem.count, 3, "with a proof of its own");
	vault_close();
	vault_publish(keys_new_wrong("b"));
	vault_open(SEAL_OFF, "all");
	tap_int(vault_run(vault_op(STORE_CHECK, "", "")), STORE_UNAVAILABLE, "off: a wrong key is not ready either");
	vault_use("c");
	tap_int(vault_run(vault_op(STORE_CHECK, "", "")), STORE_DONE, "off: a key that never sealed is");
	tap_int(mem.count, 3, "and leaves no proof");
	vault_end();
}

/* The proof takes its time; what needs it waits. */
static void
test_waiting(void)
{
	vault_begin("a", SEAL_ON, "all");
	mem.slow = true;
	vault_submit(vault_put("n", "k", STR("v")));
	tap_ok(store_mem_step(&mem) && owner.done == 0, "the proof is looked for");
	tap_ok(store_mem_step(&mem) && owner.done == 0, "and written");
	tap_ok(store_mem_step(&mem) && owner.done == 1, "then the value");
	tap_int(owner.result.outcome, STORE_DONE, "is there");
	vault_submit(vault_put("n", "l", STR("w")));
	tap_ok(store_mem_step(&mem) && owner.done == 1 && !store_mem_step(&mem), "the next one needs no proof");
	vault_use("b");
	vault_submit(vault_put("n", "k", STR("v")));
	vault_use("c");
	while (store_mem_step(&mem))
		;
	tap_ok(owner.done == 1 && owner.result.outcome == STORE_DONE, "a ring that changes under a proof");
	mem.outcome = STORE_UNAVAILABLE;
	vault_use("d");
	vault_submit(vault_put("n", "k", STR("v")));
	while (store_mem_step(&mem))
		;
	tap_ok(owner.done == 1 && owner.result.outcome == STORE_UNAVAILABLE, "no database, no proof");
	vault_submit(vault_op(STORE_CHECK, "", ""));
	while (store_mem_step(&mem))
		;
	tap_ok(owner.done == 1 && owner.result.outcome == STORE_UNAVAILABLE, "and not ready");
	mem.outcome = STORE_DONE;
	mem.slow = false;
	tap_int(vault_run(vault_put("n", "k", STR("v"))), STORE_DONE, "until it is back");
	vault_end();
}

static struct store_ticket writes[3];
static unsigned written;

/* The first one's end brings another ring, and the next request of its connection with it. */
static void
on_written(struct store_ticket *t, struct store_result *r)
{
	written += r->outcome == STORE_DONE;
	if (t != &writes[0])
		return;
	vault_use("b");
	mem.slow = true;
	sealed->calls->submit(sealed, &writes[2]);
}

/* A ring that comes between two writes which waited for the same proof: none is said to be done that is not. */
static void
test_nested(void)
{
	static const struct store_client writer = { .done = on_written };
	static const char *const keys[] = { "first", "second", "third" };

	vault_begin("a", SEAL_ON, "all");
	mem.slow = true;
	for (size_t i = 0; i < COUNT(writes); i++)
		writes[i] = (struct store_ticket){ .op = vault_put("n", keys[i], STR("v")), .client = &writer };
	sealed->calls->submit(sealed, &writes[0]);
	sealed->calls->submit(sealed, &writes[1]);
	tap_ok(store_mem_step(&mem) && written == 0, "both wait for the proof");
	mem.slow = false;
	while (store_mem_step(&mem))
		;
	tap_int(written, 3, "all are done");
	for (size_t i = 0; i < COUNT(writes); i++)
		tap_ok(vault_stored("n", keys[i]).n > 0, "and there is the %s", keys[i]);
	vault_end();
}

static enum store_outcome ends[COUNT(writes)];

static void
on_end(struct store_ticket *t, struct store_result *r)
{
	ends[t - writes] = r->outcome;
	written++;
}

static void
submit_write(size_t i, const char *key, int64_t deadline)
{
	static const struct store_client writer = { .done = on_end };

	writes[i] =
	    (struct store_ticket){ .op = vault_put("n", key, STR("v")), .client = &writer, .deadline = deadline };
	sealed->calls->submit(sealed, &writes[i]);
}

/* The database is slow, and the time of the first write that waits for the proof ends: the others have time left. */
static void
test_deadlines(void)
{
	int64_t later = clock_mono() + 60 * CLOCK_S;

	written = 0;
	vault_begin("a", SEAL_ON, "all");
	mem.slow = true;
	submit_write(0, "first", 1);
	submit_write(1, "second", later + 1);
	submit_write(2, "third", later);
	mem.outcome = STORE_UNAVAILABLE;
	tap_ok(store_mem_step(&mem) && written == 1, "a question that ends by its deadline");
	tap_int(ends[0], STORE_UNAVAILABLE, "refuses the write whose deadline this was");
	tap_ok(mem.waiting != NULL && mem.waiting->deadline == later, "it is asked again, with the next deadline");
	mem.outcome = STORE_DONE;
	while (store_mem_step(&mem))
		;
	tap_ok(written == 3 && ends[1] == STORE_DONE && ends[2] == STORE_DONE, "for the others, which are done");
	vault_use("b");
	submit_write(0, "first", later);
	submit_write(1, "second", 1);
	mem.outcome = STORE_UNAVAILABLE;
	tap_ok(store_mem_step(&mem) && !store_mem_step(&mem) && written == 5,
	    "one that ends before its deadline is not asked again");
	tap_ok(ends[0] == STORE_UNAVAILABLE && ends[1] == STORE_UNAVAILABLE, "all are refused");
	mem.outcome = STORE_DONE;
	vault_end();
}

/* Another worker knows the new ring already, and has sealed with it. */
static void
test_ahead(void)
{
	vault_begin("b", SEAL_ON, "all");
	tap_int(vault_run(vault_put("n", "k", STR("v"))), STORE_DONE, "PUT under a key");
	vault_close();
	vault_use("a");
	vault_open(SEAL_ON, "all");
	mem.slow = true;
	vault_submit(vault_op(STORE_GET, "n", "k"));
	vault_use("ba");
	tap_ok(store_mem_step(&mem) && owner.done == 1, "a read under way while that key comes");
	tap_int(owner.result.outcome, STORE_DONE, "opens it");
	tap_text(owner.result.value, STR("v"), "rightly");
	vault_end();
}

/* Keys that come to a store without any, and go again, also while a write waits for their proof. */
static void
test_without_keys(void)
{
	vault_begin(NULL, SEAL_OFF, "all");
	tap_int(vault_run(vault_put("n", "k", STR("plain"))), STORE_DONE, "without keys: PUT");
	tap_ok(vault_reads("n", "k", STR("plain")), "and GET");
	tap_int(vault_run(vault_op(STORE_CHECK, "", "")), STORE_DONE, "and it is ready");
	mem.slow = true;
	vault_submit(vault_op(STORE_GET, "n", "k"));
	vault_use("a");
	tap_ok(store_mem_step(&mem) && owner.done == 1, "keys that come while a value is read");
	tap_int(owner.result.outcome, STORE_DONE, "do not harm");
	vault_submit(vault_op(STORE_CHECK, "", ""));
	vault_publish(NULL);
	vault_renew(NULL);
	while (store_mem_step(&mem))
		;
	tap_ok(owner.done == 1 && owner.result.outcome == STORE_DONE, "keys that go while they are proved");
	vault_use("a");
	vault_submit(vault_op(STORE_GET, "n", "k"));
	vault_publish(NULL);
	vault_renew(NULL);
	while (store_mem_step(&mem))
		;
	tap_ok(owner.done == 1 && owner.result.outcome == STORE_DONE, "keys that go while a value is read");
	mem.slow = false;
	vault_end();
}

/* Settings that are read again, without keys before and after: the next write does not wait for an answer. */
static void
test_no_keys_again(void)
{
	vault_begin(NULL, SEAL_OFF, "all");
	tap_int(vault_run(vault_put("n", "k", STR("v"))), STORE_DONE, "without keys: PUT");
	mem.slow = true;
	store_sealed_change(sealed, NULL);
	vault_submit(vault_put("n", "k", STR("w")));
	tap_ok(mem.waiting != NULL && mem.waiting->op.kind == STORE_PUT,
	    "after other settings the next one is sent at once");
	tap_ok(store_mem_step(&mem) && owner.done == 1, "and done");
	store_sealed_warn_if_keys_missing(sealed, 1);
	tap_ok(!store_sealed_is_idle(sealed), "the store is not idle while it asks on its own");
	tap_ok(mem.waiting != NULL && mem.waiting->op.kind == STORE_ANY, "with what needs no connection for lists");
	tap_ok(store_mem_step(&mem) && store_sealed_is_idle(sealed), "afterwards it is");
	vault_end();
}

/* As the row is in the inner store, under another name. */
static void
copy_row(const struct uuid *from, const char *from_key, const struct uuid *to, const char *to_key, const char *ns)
{
	char copy[512];
	struct str s = store_mem_get(&mem, from, str_of(ns), str_of(from_key));

	if (s.n == 0 || s.n > sizeof(copy))
		tap_bail("no such row");
	memcpy(copy, s.p, s.n);
	store_mem_put(&mem, to, str_of(ns), str_of(to_key), str_from(copy, s.n));
}

/* A proof of key b that key a has sealed is none: whoever has both could have put it there. */
static void
test_forged_proof(void)
{
	const struct uuid zeros = { { 0 } };
	struct keyring *ring = keys_new("ab");
	struct seal *seal = seal_new(ring);
	const struct seal_place place = seal_proof_place(STR("b"));
	struct md5 md5 = vault_md5(STR("")), column;
	char proof[512];
	size_t n = seal_size(seal, 0);

	if (!seal_value(seal, &place, STR(""), &md5, proof, &column))
		tap_bail("seal_value");
	tap_ok(!seal_proves(seal, &place, &column, proof, n), "a proof that another key has sealed proves nothing");
	seal_free(seal);
	keyring_free(ring);
	ring = keys_new("ba");
	seal = seal_new(ring);
	if (!seal_value(seal, &place, STR(""), &md5, proof, &column))
		tap_bail("seal_value");
	tap_ok(seal_proves(seal, &place, &column, proof, n), "one that the key itself has sealed does");
	seal_free(seal);
	keyring_free(ring);

	vault_begin("a", SEAL_ON, "all");
	tap_int(vault_run(vault_put("n", "k", STR("v"))), STORE_DONE, "PUT under a");
	copy_row(&zeros, "a", &zeros, "b", SEAL_PROOF_NS);
	vault_use("ba");
	tap_int(vault_run(vault_put("n", "k", STR("w"))), STORE_FAULT,
	    "with a row in the place of its proof, b seals nothing");
	vault_end();
}

/* A database with sealed values, and a program without keys. */
static void
test_missing_keys(void)
{
	vault_begin("a", SEAL_ON, "n");
	tap_int(vault_run(vault_put("n", "k", STR("v"))), STORE_DONE, "PUT");
	vault_close();
	vault_publish(NULL);
	vault_open(SEAL_OFF, "n");
	tap_int(vault_run(vault_op(STORE_CHECK, "", "")), STORE_UNAVAILABLE, "without keys it is not ready");
	tap_ok(owner.result.keys == STORE_KEYS_MISSING && owner.result.reached && owner.result.reason.n > 0,
	    "and says that they are missing");
	tap_int(vault_run(vault_op(STORE_GET, "n", "k")), STORE_DONE, "GET");
	tap_ok(owner.result.looks_sealed, "tells that the value is sealed");
	tap_int(vault_run(vault_op(STORE_HEAD, "n", "k")), STORE_DONE, "HEAD");
	tap_ok(owner.result.looks_sealed, "too");
	tap_int(
	    vault_run(vault_put("n", "l", STR("w"))), STORE_FAULT, "nothing is written plain where values were sealed");
	tap_ok(vault_stored("n", "l").p == NULL, "really");
	tap_int(vault_run(vault_put("open", "l", STR("w"))), STORE_DONE, "elsewhere it is");
	vault_use("a");
	tap_int(vault_run(vault_put("n", "l", STR("w"))), STORE_DONE, "with keys again all is well");
	vault_publish(NULL);
	tap_int(vault_run(vault_put("n", "l", STR("x"))), STORE_FAULT, "keys that go are missing");
	vault_end();

	vault_begin(NULL, SEAL_OFF, "all");
	mem.outcome = STORE_UNAVAILABLE;
	tap_int(
	    vault_run(vault_put("n", "k", STR("v"))), STORE_UNAVAILABLE, "as long as nobody knows, nothing is written");
	tap_int(vault_run(vault_op(STORE_CHECK, "", "")), STORE_UNAVAILABLE, "readiness");
	tap_ok(owner.result.keys == STORE_KEYS_NONE, "tells of the database only");
	mem.outcome = STORE_DONE;
	tap_int(vault_run(vault_put("n", "k", STR("v"))), STORE_DONE, "then it is");
	vault_end();
}

int
main(void)
{
	vault_set_up();
	test_proof();
	test_waiting();
	test_nested();
	test_deadlines();
	test_ahead();
	test_without_keys();
	test_no_keys_again();
	test_forged_proof();
	test_missing_keys();
	vault_tear_down();
	return tap_end();
}
