/* SPDX-License-Identifier: EPL-2.0 */
#include "store/store_sealed.h"

#include <stdio.h>

#include "lib/vault.h"

static void
test_values(void)
{
	struct md5 md5 = vault_md5(STR("hello"));

	vault_begin("a", SEAL_ON, "all");
	tap_int(vault_run(vault_put("n", "k", STR("hello"))), STORE_DONE, "PUT");
	tap_ok(seal_has_magic(vault_stored("n", "k")) &&
		memmem(vault_stored("n", "k").p, vault_stored("n", "k").n, "hello", 5) == NULL,
	    "is sealed");
	tap_ok(vault_reads("n", "k", STR("hello")), "GET opens");
	tap_int(vault_run(vault_op(STORE_HEAD, "n", "k")), STORE_DONE, "HEAD");
	tap_ok(owner.result.length == 5 && owner.result.value.p == NULL &&
		memcmp(owner.result.md5.b, md5.b, sizeof(md5.b)) == 0,
	    "tells length and MD5");
	tap_int(vault_run(vault_op(STORE_GET, "n", "x")), STORE_NO_KEY, "GET of nothing");
	tap_int(vault_run(vault_op(STORE_HEAD, "n", "x")), STORE_NO_KEY, "HEAD of nothing");
	tap_int(vault_run(vault_put("n", "empty", STR(""))), STORE_DONE, "an empty value");
	tap_ok(vault_reads("n", "empty", STR("")), "is one");
	tap_int(vault_run(vault_op(STORE_DELETE, "n", "k")), STORE_DONE, "DELETE");
	tap_int(vault_run(vault_op(STORE_DELETE, "n", "k")), STORE_NO_KEY, "deletes");
	vault_end();
}

static void
test_conditions(void)
{
	struct md5 tags[] = { vault_md5(STR("other")), vault_md5(STR("one")), vault_md5(STR("two")),
		vault_md5(STR("three")) };

	vault_begin("a", SEAL_ON, "all");
	store_mem_put(&mem, &vault_workspace, STR("n"), STR("k"), STR("one"));
	tap_int(vault_run(vault_if_match(vault_put("n", "k", STR("two")), tags, 1)), STORE_MISMATCH, "another tag");
	tap_ok(vault_reads("n", "k", STR("one")), "changes nothing");
	tap_int(
	    vault_run(vault_if_match(vault_put("n", "k", STR("two")), tags, 2)), STORE_DONE, "the tag of a plain row");
	tap_int(vault_run(vault_if_match(vault_put("n", "k", STR("x")), tags, 2)), STORE_MISMATCH,
	    "is none of the sealed one");
	vault_use("ba");
	tap_int(vault_run(vault_if_match(vault_put("n", "k", STR("three")), &tags[2], 1)), STORE_DONE,
	    "the tag of a row under an older key");
	tap_ok(vault_reads("n", "k", STR("three")), "which is written");
	tap_int(vault_run(vault_if_match(vault_op(STORE_DELETE, "n", "k"), tags, 3)), STORE_MISMATCH,
	    "DELETE with another tag");
	tap_int(
	    vault_run(vault_if_match(vault_op(STORE_DELETE, "n", "k"), tags, 4)), STORE_DONE, "DELETE with the tag");
	struct store_op absent = vault_put("n", "k", STR("x"));
	absent.condition = STORE_IF_ABSENT;
	tap_int(vault_run(absent), STORE_DONE, "If-None-Match");
	tap_int(vault_run(absent), STORE_MISMATCH, "holds once");
	tap_ok(vault_reads("n", "k", STR("x")), "and writes what it should");
	vault_end();
}

static void
test_namespaces(void)
{
	vault_begin("a", SEAL_ON, "secret,tokens");
	tap_int(vault_run(vault_put("open", "k", STR("v"))), STORE_DONE, "a namespace that is not named");
	tap_text(vault_stored("open", "k"), STR("v"), "stays plain");
	tap_int(vault_run(vault_put("tokens", "k", STR("v"))), STORE_DONE, "one that is");
	tap_ok(seal_has_magic(vault_stored("tokens", "k")), "is sealed");
	store_mem_put(&mem, &vault_workspace, STR("secret"), STR("k"), STR("old"));
	tap_ok(vault_reads("secret", "k", STR("old")) && vault_reads("open", "k", STR("v")) &&
		vault_reads("tokens", "k", STR("v")),
	    "plain and sealed stand side by side");
	vault_close();
	vault_open(SEAL_REQUIRED, "secret");
	tap_int(vault_run(vault_op(STORE_GET, "secret", "k")), STORE_FAULT, "required: a plain value is refused");
	tap_ok(owner.result.value.p == NULL, "and not told");
	tap_int(vault_run(vault_op(STORE_HEAD, "secret", "k")), STORE_FAULT, "HEAD as well");
	tap_ok(vault_reads("open", "k", STR("v")), "elsewhere it is not");
	struct md5 tag = vault_md5(STR("old"));
	tap_int(vault_run(vault_if_match(vault_put("secret", "k", STR("new")), &tag, 1)), STORE_FAULT,
	    "nor is its tag looked at");
	tap_int(vault_run(vault_put("secret", "k", STR("new"))), STORE_DONE, "it may be written over");
	tap_ok(vault_reads("secret", "k", STR("new")), "and is fine then");
	vault_end();
}

static void
test_back(void)
{
	vault_begin("a", SEAL_ON, "all");
	tap_int(vault_run(vault_put("n", "k", STR("v"))), STORE_DONE, "PUT");
	vault_close();
	vault_open(SEAL_OFF, "all");
	tap_ok(vault_reads("n", "k", STR("v")), "off: what is sealed is still opened");
	tap_int(vault_run(vault_put("n", "l", STR("w"))), STORE_DONE, "PUT");
	tap_text(vault_stored("n", "l"), STR("w"), "writes plain");
	struct md5 tag = vault_md5(STR("v"));
	tap_int(
	    vault_run(vault_if_match(vault_put("n", "k", STR("x")), &tag, 1)), STORE_DONE, "a sealed row has its tag");
	tap_text(vault_stored("n", "k"), STR("x"), "and is plain from now on");
	vault_end();
}

/* Values that look sealed, as clients may write them. */
static void
test_mimicry(void)
{
	char copy[512];
	struct str s;

	vault_begin("a", SEAL_ON, "some");
	tap_int(vault_run(vault_put("some", "k", STR("v"))), STORE_DONE, "PUT");
	s = vault_stored("some", "k");
	memcpy(copy, s.p, s.n);
	s.p = copy;
	store_mem_put(&mem, &vault_workspace, STR("some"), STR("k"), s);
	tap_int(vault_run(vault_op(STORE_GET, "some", "k")), STORE_FAULT,
	    "sealed bytes under their own MD5, where values are sealed");
	vault_close();
	vault_open(SEAL_OFF, "some");
	tap_ok(vault_reads("some", "k", s), "where they are not, a plain value");
	vault_close();
	vault_open(SEAL_ON, "some");
	tap_int(vault_run(vault_put("other", "k", s)), STORE_DONE, "they may be written");
	tap_ok(vault_reads("other", "k", s), "and come back");
	tap_int(vault_run(vault_put("some", "k", s)), STORE_DONE, "sealed once more");
	tap_ok(vault_reads("some", "k", s), "they do, too");
	vault_end();
}

static void
flip(const char *ns, const char *key, size_t at)
{
	((char *)vault_stored(ns, key).p)[at] ^= 1;
}

static void
test_damage(void)
{
	size_t n, refused = 0;

	vault_begin("a", SEAL_ON, "all");
	tap_int(vault_run(vault_put("n", "k", STR("value"))), STORE_DONE, "PUT");
	n = vault_stored("n", "k").n;
	for (size_t i = 0; i < n; i++) {
		flip("n", "k", i);
		refused += vault_run(vault_op(STORE_GET, "n", "k")) == STORE_FAULT && owner.result.value.p == NULL;
		flip("n", "k", i);
	}
	tap_int(refused, n, "a changed byte anywhere is refused");
	tap_ok(vault_reads("n", "k", STR("value")), "changed back, it is not");
	vault_use("b");
	tap_int(vault_run(vault_op(STORE_GET, "n", "k")), STORE_FAULT, "without the key it is refused");
	tap_int(vault_run(vault_op(STORE_HEAD, "n", "k")), STORE_FAULT, "and so is HEAD");
	vault_use("a");
	tap_ok(vault_reads("n", "k", STR("value")), "with it, it is not");
	vault_end();
}

/* "The condition does not hold" is said only if that is so. */
static void
test_true_mismatch(void)
{
	struct md5 tag = vault_md5(STR("v")), other = vault_md5(STR("w"));

	vault_begin("b", SEAL_ON, "all");
	tap_int(vault_run(vault_put("n", "k", STR("v"))), STORE_DONE, "PUT under b");
	vault_close();
	vault_use("a");
	vault_open(SEAL_ON, "all");
	tap_int(vault_run(vault_if_match(vault_put("n", "k", STR("x")), &tag, 1)), STORE_UNAVAILABLE,
	    "a replica that does not have b yet");
	tap_int(vault_run(vault_if_match(vault_put("n", "k", STR("x")), &other, 1)), STORE_UNAVAILABLE,
	    "cannot know another tag either");
	tap_int(
	    vault_run(vault_if_match(vault_op(STORE_DELETE, "n", "k"), &tag, 1)), STORE_UNAVAILABLE, "DELETE as well");
	tap_int(vault_run(vault_if_match(vault_put("n", "none", STR("x")), &tag, 1)), STORE_MISMATCH,
	    "where there is no row, it does not hold");
	vault_publish(NULL);
	tap_int(vault_run(vault_if_match(vault_op(STORE_DELETE, "n", "k"), &tag, 1)), STORE_UNAVAILABLE,
	    "without any key: not known");
	vault_use("ab");
	tap_int(vault_run(vault_if_match(vault_put("n", "k", STR("x")), &other, 1)), STORE_MISMATCH,
	    "with b: it does not hold");
	tap_int(vault_run(vault_if_match(vault_put("n", "k", STR("x")), &tag, 1)), STORE_DONE, "or it does");
	vault_close();
	vault_publish(NULL);
	vault_open(SEAL_OFF, "all");
	store_mem_put(&mem, &vault_workspace, STR("n"), STR("plain"), STR("v"));
	tap_int(vault_run(vault_if_match(vault_op(STORE_DELETE, "n", "plain"), &other, 1)), STORE_MISMATCH,
	    "a plain value needs no key");
	vault_end();

	/* Between the write and the look another client stores what the condition names. */
	vault_begin("a", SEAL_ON, "all");
	tap_int(vault_run(vault_put("n", "k", STR("w"))), STORE_DONE, "PUT");
	mem.slow = true;
	vault_submit(vault_if_match(vault_put("n", "k", STR("x")), &tag, 1));
	tap_ok(store_mem_step(&mem) && owner.done == 0, "a mismatch is looked at");
	mem.slow = false;
	store_mem_put(&mem, &vault_workspace, STR("n"), STR("k"), STR("v"));
	while (store_mem_step(&mem))
		;
	tap_ok(owner.done == 1 && owner.result.outcome == STORE_UNAVAILABLE,
	    "a value that has just become the wanted one");
	vault_end();
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
	static const struct store_client lister = { vault_on_done, on_row };

	buf_clear(&listed);
	listing = list;
	owner.ticket.op = vault_op(STORE_LIST, "n", "");
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
	vault_begin("a", SEAL_ON, "all");
	tap_int(vault_run(vault_put("n", "a", STR("v"))), STORE_DONE, "PUT");
	tap_int(vault_run(vault_put("n", "b", STR("ww"))), STORE_DONE, "PUT");
	lists(STORE_LIST_KEYS, STR("a; b; "), "a list of keys");
	lists(STORE_LIST_METADATA, plain, "sealed metadata");
	lists(STORE_LIST_VALUES, values, "sealed values");
	store_mem_put(&mem, &vault_workspace, STR("n"), STR("b"), STR("ww"));
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
	vault_close();
	vault_open(SEAL_ON, "other");
	lists(STORE_LIST_METADATA, plain, "metadata of a namespace that is not sealed any more");
	vault_close();
	vault_open(SEAL_REQUIRED, "all");
	lists(STORE_LIST_METADATA, STR("a 1 9e36; b sealed; "), "metadata where values have to be sealed");
	lists(STORE_LIST_VALUES, STR("a 1 9e36 v; b sealed; "), "values where they have to be sealed");
	vault_publish(NULL);
	vault_close();
	vault_open(SEAL_OFF, "all");
	lists(STORE_LIST_VALUES, STR("a sealed; b 2 ad57 ww; "), "values without keys");
	vault_end();
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
	struct store_op whole = vault_op(STORE_BATCH, "n", "");

	memset(&parts, 0, sizeof(parts));
	whole.ns = a.ns;
	whole.parts = ticket;
	whole.part_count = COUNT(ticket);
	for (size_t i = 0; i < COUNT(ticket); i++) {
		parts.ticket[i] = (struct store_ticket){ .op = ops[i], .client = &part_client };
		whole.parts_write |= store_writes(&ops[i]);
	}
	(void)vault_run(whole);
	for (size_t i = 0; i < COUNT(ticket); i++)
		if (parts.ticket[i].client != &part_client || parts.ticket[i].sealed.memory != NULL ||
		    parts.ticket[i].op.value.p != ops[i].value.p || parts.ticket[i].op.tags != ops[i].tags)
			tap_bail("a part did not come back as it was");
	return owner.result.outcome;
}

static void
test_batches(void)
{
	struct md5 one = vault_md5(STR("one")), two = vault_md5(STR("two"));

	vault_begin("a", SEAL_ON, "n");
	tap_int(
	    run_batch(vault_put("n", "a", STR("one")), vault_put("n", "b", STR("two")), vault_op(STORE_GET, "n", "c")),
	    STORE_DONE, "a batch");
	tap_ok(parts.done == 3 && parts.outcome[2] == STORE_NO_KEY, "its parts end");
	tap_ok(
	    seal_has_magic(vault_stored("n", "a")) && seal_has_magic(vault_stored("n", "b")), "its values are sealed");
	tap_int(run_batch(vault_op(STORE_GET, "n", "b"), vault_op(STORE_GET, "n", "c"), vault_op(STORE_GET, "n", "a")),
	    STORE_DONE, "a batch of reads");
	tap_ok(strcmp(parts.value[0], "two") == 0 && strcmp(parts.value[2], "one") == 0, "opens them");
	tap_int(run_batch(vault_if_match(vault_put("n", "a", STR("new")), &one, 1), vault_op(STORE_GET, "n", "b"),
		    vault_if_match(vault_op(STORE_DELETE, "n", "b"), &one, 1)),
	    STORE_MISMATCH, "a tag of another value");
	tap_ok(owner.result.part == 2 && parts.done == 0 && vault_reads("n", "a", STR("one")), "changes nothing");
	tap_int(run_batch(vault_if_match(vault_put("n", "a", STR("new")), &one, 1), vault_op(STORE_GET, "n", "c"),
		    vault_if_match(vault_op(STORE_DELETE, "n", "b"), &two, 1)),
	    STORE_DONE, "the tags of sealed values");
	tap_ok(vault_reads("n", "a", STR("new")) && vault_run(vault_op(STORE_GET, "n", "b")) == STORE_NO_KEY,
	    "change them");
	tap_int(vault_run(vault_put("n", "b", STR("two"))), STORE_DONE, "a value");
	flip("n", "b", vault_stored("n", "b").n - 1);
	tap_int(run_batch(vault_put("n", "a", STR("x")), vault_op(STORE_GET, "n", "b"), vault_op(STORE_GET, "n", "a")),
	    STORE_DONE, "a batch that reads a broken value");
	tap_ok(parts.outcome[1] == STORE_FAULT && parts.value[1][0] == '\0', "does not tell it");
	tap_int(run_batch(vault_op(STORE_GET, "n", "a"), vault_op(STORE_GET, "n", "c"),
		    vault_if_match(vault_op(STORE_DELETE, "n", "b"), &two, 1)),
	    STORE_DONE, "its tag is in another column");
	vault_end();
}

int
main(void)
{
	vault_set_up();
	test_values();
	test_conditions();
	test_namespaces();
	test_back();
	test_mimicry();
	test_damage();
	test_true_mismatch();
	test_lists();
	test_batches();
	vault_tear_down();
	return tap_end();
}
