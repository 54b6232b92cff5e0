/* SPDX-License-Identifier: EPL-2.0 */
#include "api/batch.h"

#include "lib/store_mem.h"
#include "lib/tap.h"

#define OPS(text)    "{\"operations\":[" text "]}"
#define PUT(key)     "{\"op\":\"put\",\"key\":\"" key "\",\"value\":\"eA==\"}"
#define BODY_REFUSED SIZE_MAX

static struct arena arena;
static struct batch batch;
static struct batch_fault fault;
static struct store_mem store;
static enum store_outcome outcome;
static size_t part;

static const struct store_op place = { .workspace = { { 7 } }, .ns = { "n", 1 } };

static bool
reads(struct str body)
{
	batch_free(&batch);
	arena_reset(&arena);
	return batch_read(&batch, body, &place, &arena, &fault);
}

static void
on_done(struct store_ticket *t, struct store_result *r)
{
	(void)t;
	outcome = r->outcome;
	part = r->part;
}

/* The answer; absent: it was not done. */
static struct str
run(struct str body)
{
	static const struct store_client client = { .done = on_done };
	struct store_ticket ticket = { .client = &client };

	if (!reads(body))
		tap_bail("a good batch was refused");
	ticket.op = batch_op(&batch);
	store.store.calls->submit(&store.store, &ticket);
	return outcome == STORE_DONE ? batch_answer(&batch) : STR_ABSENT;
}

static void
does_operations(void)
{
	tap_text(run(STR(OPS(PUT("a") ",{\"op\":\"get\",\"key\":\"b\"},{\"op\":\"delete\",\"key\":\"c\"}"))),
	    STR("{\"results\":[{\"status\":204,\"etag\":\"\\\"9dd4e461268c8034f5c8564e155c67a6\\\"\"},{\"status\":404},"
		"{\"status\":404}]}"),
	    "the results, in order");
	tap_text(store_mem_get(&store, &place.workspace, place.ns, STR("a")), STR("x"), "it is stored");
	tap_text(run(STR(" { \"operations\" : [ {\"key\":\"\\u0061\",\"op\":\"get\"} ] } ")),
	    STR("{\"results\":[{\"status\":200,\"etag\":\"\\\"9dd4e461268c8034f5c8564e155c67a6\\\"\","
		"\"value\":\"eA==\"}]}"),
	    "members in any order, an escaped key");
}

/* Nothing is done, and the first part whose condition does not hold is named. */
static void
does_nothing(void)
{
	tap_ok(
	    run(STR(OPS(PUT("z") ",{\"op\":\"delete\",\"key\":\"none\",\"if_match\":\"*\"}"))).p == NULL, "not done");
	tap_int(outcome, STORE_MISMATCH, "a condition does not hold");
	tap_int(part, 1, "that of the second one");
	tap_ok(store_mem_get(&store, &place.workspace, place.ns, STR("z")).p == NULL, "the first one was not done");
}

static void
takes_so_many(void)
{
	struct buf body;

	buf_init(&body, 1024 * 1024);
	for (int n = 128; n <= 129; n++) {
		buf_clear(&body);
		buf_puts(&body, STR("{\"operations\":["));
		for (int i = 0; i < n; i++)
			buf_printf(&body, "%s{\"op\":\"put\",\"key\":\"k%d\",\"value\":\"eA==\",\"if_match\":\"*\"}",
			    i > 0 ? "," : "", i);
		buf_puts(&body, STR("]}"));
		tap_ok(reads(buf_str(&body)) == (n == 128), "%d operations", n);
	}
	tap_ok(!fault.of_operation && str_eq(fault.text, STR("operations must be an array of 1 to 128 objects")),
	    "and what is said");
	buf_free(&body);
}

/* Each beginning of a batch is refused, and so is one with any byte taken out of its structure. */
static void
refuses_what_is_cut(void)
{
	const struct str whole = STR(OPS(PUT("a") ",{\"op\":\"put\",\"key\":\"\\u00e4b\",\"value\":\"eHl6\"}"));

	tap_ok(reads(whole), "the whole one is taken");
	for (size_t n = 0; n < whole.n; n++)
		tap_ok(
		    !reads(tap_edge(str_first(whole, n))) && fault.refusal == REFUSAL_BAD_BATCH, "%zu bytes of it", n);
}

static void
refuses(void)
{
	static const struct {
		struct str body;
		size_t index;
		enum refusal refusal;
		const char *text;
	} rows[] = {
		{ TEXT("[]"), BODY_REFUSED, REFUSAL_BAD_BATCH, "The body must be a whole JSON object" },
		{ TEXT("{\"a\":\"\xff\"}"), BODY_REFUSED, REFUSAL_BAD_BATCH, "The body must be UTF-8" },
		{ TEXT("{\"a\":\"\\u0000\"}"), BODY_REFUSED, REFUSAL_BAD_BATCH, "The body must not have a NUL" },
		{ TEXT("{\"a\":1,\"a\":1}"), BODY_REFUSED, REFUSAL_BAD_BATCH, "A member of the body came twice" },
		{ TEXT("{\"x\":[]}"), BODY_REFUSED, REFUSAL_BAD_BATCH, "The body must have one member, operations" },
		{ TEXT(OPS("")), BODY_REFUSED, REFUSAL_BAD_BATCH, "operations must be an array of 1 to 128 objects" },
		{ TEXT(OPS("7")), 0, REFUSAL_BAD_BATCH, "must be an object" },
		{ TEXT(OPS(PUT("a") "," PUT("a"))), 1, REFUSAL_BAD_BATCH, "the key came before in this batch" },
		{ TEXT(OPS(PUT("a") "," PUT("\\u0061"))), 1, REFUSAL_BAD_BATCH, "the key came before in this batch" },
		{ TEXT(OPS(PUT("a") "," PUT(""))), 1, REFUSAL_BAD_BATCH, "key must be a string that is not empty" },
		{ TEXT(OPS("{\"op\":\"get\",\"op\":\"get\"}")), 0, REFUSAL_BAD_BATCH, "a member came twice" },
		{ TEXT(OPS("{\"op\":\"get\",\"OP\":\"get\"}")), 0, REFUSAL_BAD_BATCH,
		    "members are op, key, value, if_match and if_none_match" },
		{ TEXT(OPS("{\"op\":\"put\",\"key\":\"a\",\"value\":\"eB==\"}")), 0, REFUSAL_BAD_BATCH,
		    "value must be base64, with padding" },
	};

	for (size_t i = 0; i < COUNT(rows); i++) {
		tap_ok(!reads(tap_edge(rows[i].body)), "row %zu is refused", i);
		tap_int(fault.refusal, rows[i].refusal, "row %zu: as", i);
		tap_ok(fault.of_operation == (rows[i].index != BODY_REFUSED) &&
			(!fault.of_operation || fault.index == rows[i].index),
		    "row %zu: which operation", i);
		tap_text(fault.text, str_of(rows[i].text), "row %zu: the text", i);
	}
}

/* The rules are asked for the kind of each operation; the first one that they forbid is named. */
static void
asks_rules(void)
{
	struct rules_verdict verdicts[RULES_OPERATIONS] = { [RULES_READ] = { .allowed = true, .line = 1 },
		[RULES_WRITE] = { .allowed = true, .line = 2 },
		[RULES_DELETE] = { .allowed = true, .line = 3 } };
	struct rules_verdict verdict;
	static const enum rules_operation kinds[] = { RULES_READ, RULES_WRITE, RULES_DELETE };

	tap_ok(reads(STR(OPS("{\"op\":\"get\",\"key\":\"g\"}," PUT("p") ",{\"op\":\"delete\",\"key\":\"d\"}"))),
	    "a batch");
	tap_ok(batch_ask(&batch, verdicts, &verdict, &fault) && verdict.line == 3, "all is allowed");
	for (size_t i = 0; i < COUNT(kinds); i++) {
		verdicts[kinds[i]].allowed = false;
		tap_ok(!batch_ask(&batch, verdicts, &verdict, &fault), "kind %zu is forbidden", i);
		tap_ok(fault.refusal == REFUSAL_NAMESPACE_FORBIDDEN && fault.of_operation && fault.index == i &&
			verdict.line == i + 1,
		    "kind %zu: which one, by which rule", i);
		verdicts[kinds[i]].allowed = true;
	}
}

/* No memory in the arena of the request, whatever it was needed for. */
static void
lacks_memory(void)
{
	struct arena none;

	batch_free(&batch);
	arena_init(&none, 0);
	tap_ok(!batch_read(&batch, STR(OPS(PUT("a"))), &place, &none, &fault), "no memory");
	tap_int(fault.refusal, REFUSAL_BUSY, "no memory: as");
	arena_free(&none);
}

int
main(void)
{
	arena_init(&arena, (size_t)512 * 1024);
	store_mem_init(&store);
	does_operations();
	does_nothing();
	takes_so_many();
	refuses_what_is_cut();
	refuses();
	asks_rules();
	lacks_memory();
	batch_free(&batch);
	store_mem_free(&store);
	arena_free(&arena);
	return tap_end();
}
