/* SPDX-License-Identifier: EPL-2.0 */
#include "store/store_sealed.h"

#include <stdio.h>

#include "base/clock.h"
#include "lib/keys.h"
#include "lib/store_mem.h"
#include "lib/tap.h"

static struct store_mem mem;
static struct store *sealed;

/* What the owner of the one ticket was told last. */
static struct {
	struct store_ticket ticket;
	unsigned done;
	struct store_result result;
	char value[4096];
} owner;

static void
on_done(struct store_ticket *t, struct store_result *r)
{
	if (t != &owner.ticket)
		tap_bail("another ticket");
	owner.done++;
	owner.result = *r;
	if (r->value.p != NULL) {
		memcpy(owner.value, r->value.p, r->value.n);
		owner.result.value.p = owner.value;
	}
}

static const struct store_client client = { .done = on_done };

/* The keys in force, which the store is told of when it asks; and those that it has. */
static struct keyring *newest, *known;

static void
renew(void *ctx)
{
	(void)ctx;
	if (known == newest)
		return;
	if (sealed != NULL)
		store_sealed_change(sealed, newest);
	keyring_free(known);
	known = newest;
}

/* Takes the keys. */
static void
publish(struct keyring *keys)
{
	if (newest != known)
		keyring_free(newest);
	newest = keys;
}

static void
open_store(enum seal_mode mode, const char *namespaces)
{
	renew(NULL);

	const struct store_sealed_options options = { mode, str_of(namespaces), known, renew, NULL };

	sealed = store_sealed_new(&mem.store, &options);
	if (sealed == NULL)
		tap_bail("store_sealed_new");
}

static void
close_store(void)
{
	if (store_sealed_free(sealed) != &mem.store)
		tap_bail("not the inner store");
	sealed = NULL;
}

static void
use(const char *ids)
{
	publish(ids != NULL ? keys_new(ids) : NULL);
}

static struct store_op
op(enum store_kind kind, const char *ns, const char *key)
{
	return (struct store_op){ .kind = kind, .workspace = { { 7 } }, .ns = str_of(ns), .key = str_of(key) };
}

static void
submit(struct store_op o)
{
	owner.ticket.op = o;
	owner.ticket.client = &client;
	owner.done = 0;
	sealed->calls->submit(sealed, &owner.ticket);
}

static enum store_outcome
run(struct store_op o)
{
	submit(o);
	if (owner.done != 1 || owner.ticket.op.kind != o.kind || owner.ticket.client != &client)
		tap_bail("the ticket did not come back as it was");
	return owner.result.outcome;
}

static struct md5
md5_of(struct str value)
{
	struct md5 md5;

	if (!digest_md5(value, &md5))
		tap_bail("digest_md5");
	return md5;
}

static struct store_op
put(const char *ns, const char *key, struct str value)
{
	struct store_op o = op(STORE_PUT, ns, key);

	o.value = value;
	o.md5 = md5_of(value);
	return o;
}

static struct store_op
if_match(struct store_op o, const struct md5 *tag, size_t n)
{
	o.condition = STORE_IF_MATCH;
	o.tags = tag;
	o.tag_count = n;
	return o;
}

/* As it stands in the inner store. */
static struct str
stored(const char *ns, const char *key)
{
	const struct uuid workspace = { { 7 } };

	return store_mem_get(&mem, &workspace, str_of(ns), str_of(key));
}

static bool
reads(const char *ns, const char *key, struct str value)
{
	struct md5 md5 = md5_of(value);

	return run(op(STORE_GET, ns, key)) == STORE_DONE && str_eq(owner.result.value, value) &&
	    owner.result.length == value.n && memcmp(owner.result.md5.b, md5.b, sizeof(md5.b)) == 0;
}

static void
flip(const char *ns, const char *key, size_t at)
{
	((char *)stored(ns, key).p)[at] ^= 1;
}

static void
begin(const char *ids, enum seal_mode mode, const char *namespaces)
{
	store_mem_init(&mem);
	use(ids);
	open_store(mode, namespaces);
}

static void
end(void)
{
	close_store();
	tap_int(mem.lent, 0, "nothing was kept");
	store_mem_free(&mem);
}

static void
test_values(void)
{
	struct md5 md5 = md5_of(STR("hello"));

	begin("a", SEAL_ON, "all");
	tap_int(run(put("n", "k", STR("hello"))), STORE_DONE, "PUT");
	tap_ok(seal_has_magic(stored("n", "k")) && memmem(stored("n", "k").p, stored("n", "k").n, "hello", 5) == NULL,
	    "is sealed");
	tap_ok(reads("n", "k", STR("hello")), "GET opens");
	tap_int(run(op(STORE_HEAD, "n", "k")), STORE_DONE, "HEAD");
	tap_ok(owner.result.length == 5 && owner.result.value.p == NULL &&
		memcmp(owner.result.md5.b, md5.b, sizeof(md5.b)) == 0,
	    "tells length and MD5");
	tap_int(run(op(STORE_GET, "n", "x")), STORE_NO_KEY, "GET of nothing");
	tap_int(run(op(STORE_HEAD, "n", "x")), STORE_NO_KEY, "HEAD of nothing");
	tap_int(run(put("n", "empty", STR(""))), STORE_DONE, "an empty value");
	tap_ok(reads("n", "empty", STR("")), "is one");
	tap_int(run(op(STORE_DELETE, "n", "k")), STORE_DONE, "DELETE");
	tap_int(run(op(STORE_DELETE, "n", "k")), STORE_NO_KEY, "deletes");
	end();
}

static void
test_conditions(void)
{
	struct md5 tags[] = { md5_of(STR("other")), md5_of(STR("one")), md5_of(STR("two")), md5_of(STR("three")) };
	const struct uuid workspace = { { 7 } };

	begin("a", SEAL_ON, "all");
	store_mem_put(&mem, &workspace, STR("n"), STR("k"), STR("one"));
	tap_int(run(if_match(put("n", "k", STR("two")), tags, 1)), STORE_MISMATCH, "another tag");
	tap_ok(reads("n", "k", STR("one")), "changes nothing");
	tap_int(run(if_match(put("n", "k", STR("two")), tags, 2)), STORE_DONE, "the tag of a plain row");
	tap_int(run(if_match(put("n", "k", STR("x")), tags, 2)), STORE_MISMATCH, "is none of the sealed one");
	use("ba");
	tap_int(
	    run(if_match(put("n", "k", STR("three")), &tags[2], 1)), STORE_DONE, "the tag of a row under an older key");
	tap_ok(reads("n", "k", STR("three")), "which is written");
	tap_int(run(if_match(op(STORE_DELETE, "n", "k"), tags, 3)), STORE_MISMATCH, "DELETE with another tag");
	tap_int(run(if_match(op(STORE_DELETE, "n", "k"), tags, 4)), STORE_DONE, "DELETE with the tag");
	struct store_op absent = put("n", "k", STR("x"));
	absent.condition = STORE_IF_ABSENT;
	tap_int(run(absent), STORE_DONE, "If-None-Match");
	tap_int(run(absent), STORE_MISMATCH, "holds once");
	tap_ok(reads("n", "k", STR("x")), "and writes what it should");
	end();
}

static void
test_namespaces(void)
{
	const struct uuid workspace = { { 7 } };

	begin("a", SEAL_ON, "secret, tokens");
	tap_int(run(put("open", "k", STR("v"))), STORE_DONE, "a namespace that is not named");
	tap_text(stored("open", "k"), STR("v"), "stays plain");
	tap_int(run(put("tokens", "k", STR("v"))), STORE_DONE, "one that is");
	tap_ok(seal_has_magic(stored("tokens", "k")), "is sealed");
	store_mem_put(&mem, &workspace, STR("secret"), STR("k"), STR("old"));
	tap_ok(reads("secret", "k", STR("old")) && reads("open", "k", STR("v")) && reads("tokens", "k", STR("v")),
	    "plain and sealed stand side by side");
	close_store();
	open_store(SEAL_REQUIRED, "secret");
	tap_int(run(op(STORE_GET, "secret", "k")), STORE_FAULT, "required: a plain value is refused");
	tap_ok(owner.result.value.p == NULL, "and not told");
	tap_int(run(op(STORE_HEAD, "secret", "k")), STORE_FAULT, "HEAD as well");
	tap_ok(reads("open", "k", STR("v")), "elsewhere it is not");
	struct md5 tag = md5_of(STR("old"));
	tap_int(run(if_match(put("secret", "k", STR("new")), &tag, 1)), STORE_FAULT, "nor is its tag looked at");
	tap_int(run(put("secret", "k", STR("new"))), STORE_DONE, "it may be written over");
	tap_ok(reads("secret", "k", STR("new")), "and is fine then");
	end();
}

static void
test_back(void)
{
	begin("a", SEAL_ON, "all");
	tap_int(run(put("n", "k", STR("v"))), STORE_DONE, "PUT");
	close_store();
	open_store(SEAL_OFF, "all");
	tap_ok(reads("n", "k", STR("v")), "off: what is sealed is still opened");
	tap_int(run(put("n", "l", STR("w"))), STORE_DONE, "PUT");
	tap_text(stored("n", "l"), STR("w"), "writes plain");
	struct md5 tag = md5_of(STR("v"));
	tap_int(run(if_match(put("n", "k", STR("x")), &tag, 1)), STORE_DONE, "a sealed row has its tag");
	tap_text(stored("n", "k"), STR("x"), "and is plain from now on");
	end();
}

/* Values that look sealed, as clients may write them. */
static void
test_mimicry(void)
{
	const struct uuid workspace = { { 7 } };
	char copy[512];
	struct str s;

	begin("a", SEAL_ON, "some");
	tap_int(run(put("some", "k", STR("v"))), STORE_DONE, "PUT");
	s = stored("some", "k");
	memcpy(copy, s.p, s.n);
	s.p = copy;
	store_mem_put(&mem, &workspace, STR("some"), STR("k"), s);
	tap_int(
	    run(op(STORE_GET, "some", "k")), STORE_FAULT, "sealed bytes under their own MD5, where values are sealed");
	close_store();
	open_store(SEAL_OFF, "some");
	tap_ok(reads("some", "k", s), "where they are not, a plain value");
	close_store();
	open_store(SEAL_ON, "some");
	tap_int(run(put("other", "k", s)), STORE_DONE, "they may be written");
	tap_ok(reads("other", "k", s), "and come back");
	tap_int(run(put("some", "k", s)), STORE_DONE, "sealed once more");
	tap_ok(reads("some", "k", s), "they do, too");
	end();
}

static void
test_damage(void)
{
	size_t n, refused = 0;

	begin("a", SEAL_ON, "all");
	tap_int(run(put("n", "k", STR("value"))), STORE_DONE, "PUT");
	n = stored("n", "k").n;
	for (size_t i = 0; i < n; i++) {
		flip("n", "k", i);
		refused += run(op(STORE_GET, "n", "k")) == STORE_FAULT && owner.result.value.p == NULL;
		flip("n", "k", i);
	}
	tap_int(refused, n, "a changed byte anywhere is refused");
	tap_ok(reads("n", "k", STR("value")), "changed back, it is not");
	use("b");
	tap_int(run(op(STORE_GET, "n", "k")), STORE_FAULT, "without the key it is refused");
	tap_int(run(op(STORE_HEAD, "n", "k")), STORE_FAULT, "and so is HEAD");
	use("a");
	tap_ok(reads("n", "k", STR("value")), "with it, it is not");
	end();
}

static void
test_proof(void)
{
	begin("a", SEAL_ON, "all");
	tap_int(run(op(STORE_CHECK, "", "")), STORE_DONE, "a new key is ready");
	tap_int(owner.result.keys, STORE_KEYS_GOOD, "and good");
	tap_int(mem.count, 1, "its proof is kept");
	publish(keys_new_wrong("a"));
	tap_int(run(op(STORE_CHECK, "", "")), STORE_UNAVAILABLE, "another one of that id is not ready");
	tap_ok(owner.result.keys == STORE_KEYS_WRONG && owner.result.reached && owner.result.reason.n > 0, "and wrong");
	tap_int(run(put("n", "k", STR("v"))), STORE_FAULT, "nothing is sealed with it");
	tap_int(mem.count, 1, "nor written at all");
	close_store();
	open_store(SEAL_ON, "all");
	tap_int(run(put("n", "k", STR("v"))), STORE_FAULT, "not by the next program either");
	tap_int(run(op(STORE_DELETE, "n", "k")), STORE_NO_KEY, "what needs no key is done");
	use("ba");
	tap_int(run(put("n", "k", STR("v"))), STORE_DONE, "a key under a new id proves itself");
	tap_int(run(op(STORE_CHECK, "", "")), STORE_DONE, "and is ready");
	tap_int(mem.count, 3, "with a proof of its own");
	close_store();
	publish(keys_new_wrong("b"));
	open_store(SEAL_OFF, "all");
	tap_int(run(op(STORE_CHECK, "", "")), STORE_UNAVAILABLE, "off: a wrong key is not ready either");
	use("c");
	tap_int(run(op(STORE_CHECK, "", "")), STORE_DONE, "off: a key that never sealed is");
	tap_int(mem.count, 3, "and leaves no proof");
	end();
}

/* The proof takes its time; what needs it waits. */
static void
test_waiting(void)
{
	begin("a", SEAL_ON, "all");
	mem.slow = true;
	submit(put("n", "k", STR("v")));
	tap_ok(store_mem_step(&mem) && owner.done == 0, "the proof is looked for");
	tap_ok(store_mem_step(&mem) && owner.done == 0, "and written");
	tap_ok(store_mem_step(&mem) && owner.done == 1, "then the value");
	tap_int(owner.result.outcome, STORE_DONE, "is there");
	submit(put("n", "l", STR("w")));
	tap_ok(store_mem_step(&mem) && owner.done == 1 && !store_mem_step(&mem), "the next one needs no proof");
	use("b");
	submit(put("n", "k", STR("v")));
	use("c");
	while (store_mem_step(&mem))
		;
	tap_ok(owner.done == 1 && owner.result.outcome == STORE_DONE, "a ring that changes under a proof");
	mem.outcome = STORE_UNAVAILABLE;
	use("d");
	submit(put("n", "k", STR("v")));
	while (store_mem_step(&mem))
		;
	tap_ok(owner.done == 1 && owner.result.outcome == STORE_UNAVAILABLE, "no database, no proof");
	submit(op(STORE_CHECK, "", ""));
	while (store_mem_step(&mem))
		;
	tap_ok(owner.done == 1 && owner.result.outcome == STORE_UNAVAILABLE, "and not ready");
	mem.outcome = STORE_DONE;
	mem.slow = false;
	tap_int(run(put("n", "k", STR("v"))), STORE_DONE, "until it is back");
	end();
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
	use("b");
	mem.slow = true;
	sealed->calls->submit(sealed, &writes[2]);
}

/* A ring that comes between two writes which waited for the same proof: none is said to be done that is not. */
static void
test_nested(void)
{
	static const struct store_client writer = { .done = on_written };
	static const char *const keys[] = { "first", "second", "third" };

	begin("a", SEAL_ON, "all");
	mem.slow = true;
	for (size_t i = 0; i < COUNT(writes); i++)
		writes[i] = (struct store_ticket){ .op = put("n", keys[i], STR("v")), .client = &writer };
	sealed->calls->submit(sealed, &writes[0]);
	sealed->calls->submit(sealed, &writes[1]);
	tap_ok(store_mem_step(&mem) && written == 0, "both wait for the proof");
	mem.slow = false;
	while (store_mem_step(&mem))
		;
	tap_int(written, 3, "all are done");
	for (size_t i = 0; i < COUNT(writes); i++)
		tap_ok(stored("n", keys[i]).n > 0, "and there is the %s", keys[i]);
	end();
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

	writes[i] = (struct store_ticket){ .op = put("n", key, STR("v")), .client = &writer, .deadline = deadline };
	sealed->calls->submit(sealed, &writes[i]);
}

/* The database is slow, and the time of the first write that waits for the proof ends: the others have time left. */
static void
test_deadlines(void)
{
	int64_t later = clock_mono() + 60 * CLOCK_S;

	written = 0;
	begin("a", SEAL_ON, "all");
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
	use("b");
	submit_write(0, "first", later);
	submit_write(1, "second", 1);
	mem.outcome = STORE_UNAVAILABLE;
	tap_ok(store_mem_step(&mem) && !store_mem_step(&mem) && written == 5,
	    "one that ends before its deadline is not asked again");
	tap_ok(ends[0] == STORE_UNAVAILABLE && ends[1] == STORE_UNAVAILABLE, "all are refused");
	mem.outcome = STORE_DONE;
	end();
}

/* Another worker knows the new ring already, and has sealed with it. */
static void
test_ahead(void)
{
	begin("b", SEAL_ON, "all");
	tap_int(run(put("n", "k", STR("v"))), STORE_DONE, "PUT under a key");
	close_store();
	use("a");
	open_store(SEAL_ON, "all");
	mem.slow = true;
	submit(op(STORE_GET, "n", "k"));
	use("ba");
	tap_ok(store_mem_step(&mem) && owner.done == 1, "a read under way while that key comes");
	tap_int(owner.result.outcome, STORE_DONE, "opens it");
	tap_text(owner.result.value, STR("v"), "rightly");
	end();
}

/* Keys that come to a store without any, and go again, also while a write waits for their proof. */
static void
test_without_keys(void)
{
	begin(NULL, SEAL_OFF, "all");
	tap_int(run(put("n", "k", STR("plain"))), STORE_DONE, "without keys: PUT");
	tap_ok(reads("n", "k", STR("plain")), "and GET");
	tap_int(run(op(STORE_CHECK, "", "")), STORE_DONE, "and it is ready");
	mem.slow = true;
	submit(op(STORE_GET, "n", "k"));
	use("a");
	tap_ok(store_mem_step(&mem) && owner.done == 1, "keys that come while a value is read");
	tap_int(owner.result.outcome, STORE_DONE, "do not harm");
	submit(op(STORE_CHECK, "", ""));
	publish(NULL);
	renew(NULL);
	while (store_mem_step(&mem))
		;
	tap_ok(owner.done == 1 && owner.result.outcome == STORE_DONE, "keys that go while they are proved");
	use("a");
	submit(op(STORE_GET, "n", "k"));
	publish(NULL);
	renew(NULL);
	while (store_mem_step(&mem))
		;
	tap_ok(owner.done == 1 && owner.result.outcome == STORE_DONE, "keys that go while a value is read");
	mem.slow = false;
	end();
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
	struct md5 md5 = md5_of(STR("")), column;
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

	begin("a", SEAL_ON, "all");
	tap_int(run(put("n", "k", STR("v"))), STORE_DONE, "PUT under a");
	copy_row(&zeros, "a", &zeros, "b", SEAL_PROOF_NS);
	use("ba");
	tap_int(run(put("n", "k", STR("w"))), STORE_FAULT, "with a row in the place of its proof, b seals nothing");
	end();
}

/* A database with sealed values, and a program without keys. */
static void
test_missing_keys(void)
{
	begin("a", SEAL_ON, "n");
	tap_int(run(put("n", "k", STR("v"))), STORE_DONE, "PUT");
	close_store();
	publish(NULL);
	open_store(SEAL_OFF, "n");
	tap_int(run(op(STORE_CHECK, "", "")), STORE_UNAVAILABLE, "without keys it is not ready");
	tap_ok(owner.result.keys == STORE_KEYS_MISSING && owner.result.reached && owner.result.reason.n > 0,
	    "and says that they are missing");
	tap_int(run(op(STORE_GET, "n", "k")), STORE_DONE, "GET");
	tap_ok(owner.result.looks_sealed, "tells that the value is sealed");
	tap_int(run(op(STORE_HEAD, "n", "k")), STORE_DONE, "HEAD");
	tap_ok(owner.result.looks_sealed, "too");
	tap_int(run(put("n", "l", STR("w"))), STORE_FAULT, "nothing is written plain where values were sealed");
	tap_ok(stored("n", "l").p == NULL, "really");
	tap_int(run(put("open", "l", STR("w"))), STORE_DONE, "elsewhere it is");
	use("a");
	tap_int(run(put("n", "l", STR("w"))), STORE_DONE, "with keys again all is well");
	publish(NULL);
	tap_int(run(put("n", "l", STR("x"))), STORE_FAULT, "keys that go are missing");
	end();

	begin(NULL, SEAL_OFF, "all");
	mem.outcome = STORE_UNAVAILABLE;
	tap_int(run(put("n", "k", STR("v"))), STORE_UNAVAILABLE, "as long as nobody knows, nothing is written");
	tap_int(run(op(STORE_CHECK, "", "")), STORE_UNAVAILABLE, "readiness");
	tap_ok(owner.result.keys == STORE_KEYS_NONE, "tells of the database only");
	mem.outcome = STORE_DONE;
	tap_int(run(put("n", "k", STR("v"))), STORE_DONE, "then it is");
	end();
}

/* "The condition does not hold" is said only if that is so. */
static void
test_true_mismatch(void)
{
	struct md5 tag = md5_of(STR("v")), other = md5_of(STR("w"));

	begin("b", SEAL_ON, "all");
	tap_int(run(put("n", "k", STR("v"))), STORE_DONE, "PUT under b");
	close_store();
	use("a");
	open_store(SEAL_ON, "all");
	tap_int(
	    run(if_match(put("n", "k", STR("x")), &tag, 1)), STORE_UNAVAILABLE, "a replica that does not have b yet");
	tap_int(run(if_match(put("n", "k", STR("x")), &other, 1)), STORE_UNAVAILABLE, "cannot know another tag either");
	tap_int(run(if_match(op(STORE_DELETE, "n", "k"), &tag, 1)), STORE_UNAVAILABLE, "DELETE as well");
	tap_int(run(if_match(put("n", "none", STR("x")), &tag, 1)), STORE_MISMATCH,
	    "where there is no row, it does not hold");
	publish(NULL);
	tap_int(run(if_match(op(STORE_DELETE, "n", "k"), &tag, 1)), STORE_UNAVAILABLE, "without any key: not known");
	use("ab");
	tap_int(run(if_match(put("n", "k", STR("x")), &other, 1)), STORE_MISMATCH, "with b: it does not hold");
	tap_int(run(if_match(put("n", "k", STR("x")), &tag, 1)), STORE_DONE, "or it does");
	close_store();
	publish(NULL);
	open_store(SEAL_OFF, "all");
	store_mem_put(&mem, &(struct uuid){ { 7 } }, STR("n"), STR("plain"), STR("v"));
	tap_int(run(if_match(op(STORE_DELETE, "n", "plain"), &other, 1)), STORE_MISMATCH, "a plain value needs no key");
	end();

	/* Between the write and the look another client stores what the condition names. */
	begin("a", SEAL_ON, "all");
	tap_int(run(put("n", "k", STR("w"))), STORE_DONE, "PUT");
	mem.slow = true;
	submit(if_match(put("n", "k", STR("x")), &tag, 1));
	tap_ok(store_mem_step(&mem) && owner.done == 0, "a mismatch is looked at");
	mem.slow = false;
	store_mem_put(&mem, &(struct uuid){ { 7 } }, STR("n"), STR("k"), STR("v"));
	while (store_mem_step(&mem))
		;
	tap_ok(owner.done == 1 && owner.result.outcome == STORE_UNAVAILABLE,
	    "a value that has just become the wanted one");
	end();
}

/* The last list, and its rows as text. */
static enum store_list listing;
static struct buf listed;

static void
on_row(struct store_ticket *t, struct store_row *row)
{
	char hex[2 * sizeof(row->md5.b)];

	(void)t;
	digest_hex(row->md5.b, sizeof(row->md5.b), hex);
	buf_printf(&listed, "%.*s", STR_FMT(row->name));
	if (row->looks_sealed)
		buf_puts(&listed, STR(" sealed"));
	else if (listing != STORE_LIST_KEYS)
		buf_printf(&listed, " %zu %.4s", (size_t)row->length, hex);
	if (listing == STORE_LIST_VALUES && !row->looks_sealed)
		buf_printf(&listed, " %.*s", STR_FMT(row->value));
	buf_puts(&listed, STR("; "));
}

static void
lists(enum store_list list, struct str want, const char *name)
{
	static const struct store_client lister = { on_done, on_row };

	buf_clear(&listed);
	listing = list;
	owner.ticket.op = op(STORE_LIST, "n", "");
	owner.ticket.op.list = list;
	owner.ticket.client = &lister;
	owner.ticket.op.range.from = STR("");
	owner.done = 0;
	sealed->calls->submit(sealed, &owner.ticket);
	while (store_mem_step(&mem))
		;
	tap_ok(owner.done == 1 && owner.result.outcome == STORE_DONE && owner.ticket.client == &lister &&
		owner.ticket.op.list == list,
	    "%s: it ends, and the ticket is its owner's", name);
	tap_text(buf_str(&listed), want, "%s: its rows", name);
}

/* Lists tell of plain values, wherever they are: beginning with 9e36 is the MD5 of "v", with ad57 that of "ww". */
static void
test_lists(void)
{
	static const struct str plain = TEXT("a 1 9e36; b 2 ad57; "), values = TEXT("a 1 9e36 v; b 2 ad57 ww; ");

	buf_init(&listed, 1024);
	begin("a", SEAL_ON, "all");
	tap_int(run(put("n", "a", STR("v"))), STORE_DONE, "PUT");
	tap_int(run(put("n", "b", STR("ww"))), STORE_DONE, "PUT");
	lists(STORE_LIST_KEYS, STR("a; b; "), "a list of keys");
	lists(STORE_LIST_METADATA, plain, "sealed metadata");
	lists(STORE_LIST_VALUES, values, "sealed values");
	store_mem_put(&mem, &(struct uuid){ { 7 } }, STR("n"), STR("b"), STR("ww"));
	lists(STORE_LIST_METADATA, plain, "metadata, also of a plain value");
	lists(STORE_LIST_VALUES, values, "values, also a plain one");
	/* A receiver that wants no more. */
	mem.slow = true;
	owner.ticket.op.list = STORE_LIST_METADATA;
	sealed->calls->submit(sealed, &owner.ticket);
	sealed->calls->cancel(sealed, &owner.ticket);
	tap_ok(owner.ticket.op.list == STORE_LIST_METADATA && !store_mem_step(&mem), "a list is cancelled");
	mem.slow = false;
	lists(STORE_LIST_METADATA, plain, "and asked for again");
	close_store();
	open_store(SEAL_ON, "other");
	lists(STORE_LIST_METADATA, plain, "metadata of a namespace that is not sealed any more");
	close_store();
	open_store(SEAL_REQUIRED, "all");
	lists(STORE_LIST_METADATA, STR("a 1 9e36; b sealed; "), "metadata where values have to be sealed");
	lists(STORE_LIST_VALUES, STR("a 1 9e36 v; b sealed; "), "values where they have to be sealed");
	publish(NULL);
	close_store();
	open_store(SEAL_OFF, "all");
	lists(STORE_LIST_VALUES, STR("a sealed; b 2 ad57 ww; "), "values without keys");
	end();
	buf_free(&listed);
}

/* What the owner of a BATCH was told of its parts. */
static struct {
	struct store_ticket ticket[3];
	enum store_outcome outcome[3];
	char value[3][64];
	unsigned done;
} parts;

static void
on_part_done(struct store_ticket *t, struct store_result *r)
{
	size_t i = (size_t)(t - parts.ticket);

	parts.done++;
	parts.outcome[i] = r->outcome;
	(void)snprintf(
	    parts.value[i], sizeof(parts.value[i]), "%.*s", (int)r->value.n, r->value.n > 0 ? r->value.p : "");
}

/* The outcome of these three as one. */
static enum store_outcome
run_batch(struct store_op a, struct store_op b, struct store_op c)
{
	static const struct store_client part_client = { .done = on_part_done };
	struct store_ticket *ticket[] = { &parts.ticket[0], &parts.ticket[1], &parts.ticket[2] };
	const struct store_op ops[] = { a, b, c };
	struct store_op whole = op(STORE_BATCH, "n", "");

	memset(&parts, 0, sizeof(parts));
	whole.ns = a.ns;
	whole.parts = ticket;
	whole.part_count = COUNT(ticket);
	for (size_t i = 0; i < COUNT(ticket); i++) {
		parts.ticket[i] = (struct store_ticket){ .op = ops[i], .client = &part_client };
		whole.parts_write |= store_writes(&ops[i]);
	}
	(void)run(whole);
	for (size_t i = 0; i < COUNT(ticket); i++)
		if (parts.ticket[i].client != &part_client || parts.ticket[i].sealed.memory != NULL ||
		    parts.ticket[i].op.value.p != ops[i].value.p || parts.ticket[i].op.tags != ops[i].tags)
			tap_bail("a part did not come back as it was");
	return owner.result.outcome;
}

static void
test_batches(void)
{
	struct md5 one = md5_of(STR("one")), two = md5_of(STR("two"));

	begin("a", SEAL_ON, "n");
	tap_int(run_batch(put("n", "a", STR("one")), put("n", "b", STR("two")), op(STORE_GET, "n", "c")), STORE_DONE,
	    "a batch");
	tap_ok(parts.done == 3 && parts.outcome[2] == STORE_NO_KEY, "its parts end");
	tap_ok(seal_has_magic(stored("n", "a")) && seal_has_magic(stored("n", "b")), "its values are sealed");
	tap_int(run_batch(op(STORE_GET, "n", "b"), op(STORE_GET, "n", "c"), op(STORE_GET, "n", "a")), STORE_DONE,
	    "a batch of reads");
	tap_ok(strcmp(parts.value[0], "two") == 0 && strcmp(parts.value[2], "one") == 0, "opens them");
	tap_int(run_batch(if_match(put("n", "a", STR("new")), &one, 1), op(STORE_GET, "n", "b"),
		    if_match(op(STORE_DELETE, "n", "b"), &one, 1)),
	    STORE_MISMATCH, "a tag of another value");
	tap_ok(owner.result.part == 2 && parts.done == 0 && reads("n", "a", STR("one")), "changes nothing");
	tap_int(run_batch(if_match(put("n", "a", STR("new")), &one, 1), op(STORE_GET, "n", "c"),
		    if_match(op(STORE_DELETE, "n", "b"), &two, 1)),
	    STORE_DONE, "the tags of sealed values");
	tap_ok(reads("n", "a", STR("new")) && run(op(STORE_GET, "n", "b")) == STORE_NO_KEY, "change them");
	tap_int(run(put("n", "b", STR("two"))), STORE_DONE, "a value");
	flip("n", "b", stored("n", "b").n - 1);
	tap_int(run_batch(put("n", "a", STR("x")), op(STORE_GET, "n", "b"), op(STORE_GET, "n", "a")), STORE_DONE,
	    "a batch that reads a broken value");
	tap_ok(parts.outcome[1] == STORE_FAULT && parts.value[1][0] == '\0', "does not tell it");
	tap_int(
	    run_batch(op(STORE_GET, "n", "a"), op(STORE_GET, "n", "c"), if_match(op(STORE_DELETE, "n", "b"), &two, 1)),
	    STORE_DONE, "its tag is in another column");
	end();
}

int
main(void)
{
	if (freopen("/dev/null", "w", stderr) == NULL)
		tap_bail("freopen");
	test_values();
	test_conditions();
	test_namespaces();
	test_back();
	test_mimicry();
	test_damage();
	test_proof();
	test_waiting();
	test_nested();
	test_deadlines();
	test_ahead();
	test_without_keys();
	test_forged_proof();
	test_missing_keys();
	test_true_mismatch();
	test_lists();
	test_batches();
	publish(NULL);
	renew(NULL);
	digest_thread_end();
	return tap_end();
}
