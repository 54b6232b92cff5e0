/* SPDX-License-Identifier: EPL-2.0 */
#include "api/key_list.h"

#include <stdlib.h>

#include "lib/tap.h"

#define CAP 65536

/* Keys end with an absent one. */
static const struct {
	const char *name;
	struct str workspace, ns;
	unsigned limit;
	struct str keys[5];
	struct str text;
} rows[] = {
	{ "empty", { NULL, 0 }, TEXT("n"), 0, { { NULL, 0 } }, TEXT("{\"namespace\":\"n\",\"count\":0,\"keys\":[]}") },
	{ "empty, with a workspace", TEXT("W"), TEXT("n"), 0, { { NULL, 0 } },
	    TEXT("{\"workspace\":\"W\",\"namespace\":\"n\",\"count\":0,\"keys\":[]}") },
	{ "empty, with a limit", { NULL, 0 }, TEXT("n"), 3, { { NULL, 0 } },
	    TEXT("{\"namespace\":\"n\",\"count\":0,\"keys\":[]}") },
	{ "one", { NULL, 0 }, TEXT("n"), 0, { TEXT("k"), { NULL, 0 } },
	    TEXT("{\"namespace\":\"n\",\"count\":1,\"keys\":[\"k\"]}") },
	{ "an empty key", { NULL, 0 }, TEXT("n"), 0, { TEXT(""), TEXT("k"), { NULL, 0 } },
	    TEXT("{\"namespace\":\"n\",\"count\":2,\"keys\":[\"\",\"k\"]}") },
	{ "in the order given", TEXT("w"), TEXT("n"), 0, { TEXT("b"), TEXT("a"), TEXT("c"), { NULL, 0 } },
	    TEXT("{\"workspace\":\"w\",\"namespace\":\"n\",\"count\":3,\"keys\":[\"b\",\"a\",\"c\"]}") },
	{ "escapes", TEXT("w\""), TEXT("n\\"), 0, { TEXT("\"\\\n\x01"), TEXT("\xc3\xa4/\x7f"), { NULL, 0 } },
	    TEXT("{\"workspace\":\"w\\\"\",\"namespace\":\"n\\\\\",\"count\":2,"
		 "\"keys\":[\"\\\"\\\\\\n\\u0001\",\"\xc3\xa4/\x7f\"]}") },
	{ "fewer than the limit", { NULL, 0 }, TEXT("n"), 3, { TEXT("a"), TEXT("b"), { NULL, 0 } },
	    TEXT("{\"namespace\":\"n\",\"count\":2,\"keys\":[\"a\",\"b\"]}") },
	{ "as many as the limit", { NULL, 0 }, TEXT("n"), 2, { TEXT("a"), TEXT("b"), { NULL, 0 } },
	    TEXT("{\"namespace\":\"n\",\"count\":2,\"keys\":[\"a\",\"b\"]}") },
	{ "more than the limit", { NULL, 0 }, TEXT("n"), 2, { TEXT("a"), TEXT("kz"), TEXT("x"), { NULL, 0 } },
	    TEXT("{\"namespace\":\"n\",\"count\":2,\"keys\":[\"a\",\"kz\"],\"cursor\":\"ka3o\"}") },
	{ "a limit of one", { NULL, 0 }, TEXT("n"), 1, { TEXT("\xc3\xa4\xf4"), TEXT("b"), { NULL, 0 } },
	    TEXT("{\"namespace\":\"n\",\"count\":1,\"keys\":[\"\xc3\xa4\xf4\"],\"cursor\":\"kw6T0\"}") },
};

static void
put(struct key_list *l, struct str key)
{
	const struct store_row row = { .name = key };

	key_list_put(l, &row);
}

static void
puts_keys(struct key_list *l, const struct str *keys)
{
	for (; keys->p != NULL; keys++)
		put(l, *keys);
}

static void
whole(void)
{
	for (size_t i = 0; i < COUNT(rows); i++) {
		struct key_list l;

		key_list_init(&l, STORE_LIST_KEYS, rows[i].workspace, rows[i].ns, rows[i].limit);
		puts_keys(&l, rows[i].keys);
		tap_ok(!key_list_is_full(&l), "%s: no piece is due", rows[i].name);
		key_list_end(&l);
		tap_ok(buf_ok(&l.out), "%s: ok", rows[i].name);
		tap_text(buf_str(&l.out), rows[i].text, "%s", rows[i].name);
		key_list_free(&l);
	}
}

/* Takes what is there as a piece. */
static void
take(struct key_list *l, struct buf *sent)
{
	if (!l->begun)
		key_list_begin(l);
	buf_puts(sent, buf_str(&l->out));
	buf_clear(&l->out);
}

/* A piece after every key: the count comes last, everything else stays. */
static void
in_pieces(void)
{
	static const struct {
		unsigned limit;
		struct str keys[5], text;
	} pieces[] = {
		{ 0, { TEXT("a"), { NULL, 0 } },
		    TEXT("{\"workspace\":\"w\",\"namespace\":\"n\",\"keys\":[\"a\"],\"count\":1}") },
		{ 0, { TEXT("a"), TEXT("b"), TEXT("\""), { NULL, 0 } },
		    TEXT("{\"workspace\":\"w\",\"namespace\":\"n\",\"keys\":[\"a\",\"b\",\"\\\"\"],"
			 "\"count\":3}") },
		{ 2, { TEXT("a"), TEXT("b"), TEXT("c"), TEXT("d"), { NULL, 0 } },
		    TEXT("{\"workspace\":\"w\",\"namespace\":\"n\",\"keys\":[\"a\",\"b\"],"
			 "\"count\":2,\"cursor\":\"kYg\"}") },
	};

	for (size_t i = 0; i < COUNT(pieces); i++) {
		struct key_list l;
		struct buf sent;

		buf_init(&sent, CAP);
		key_list_init(&l, STORE_LIST_KEYS, STR("w"), STR("n"), pieces[i].limit);
		for (const struct str *key = pieces[i].keys; key->p != NULL; key++) {
			put(&l, *key);
			take(&l, &sent);
		}
		key_list_end(&l);
		take(&l, &sent);
		tap_text(buf_str(&sent), pieces[i].text, "in pieces %zu", i);
		key_list_free(&l);
		buf_free(&sent);
	}
}

static void
fills(void)
{
	struct key_list l;
	struct buf sent;

	buf_init(&sent, SIZE_MAX);
	key_list_init(&l, STORE_LIST_KEYS, STR_ABSENT, STR("n"), 0);
	/* 32 bytes a key, with quotes and comma; the first has no comma. */
	for (size_t n = 0; n < KEY_LIST_PIECE / 32; n++)
		put(&l, STR("12345678901234567890123456789"));
	tap_ok(!key_list_is_full(&l), "%zu bytes: not full", l.out.n);
	put(&l, STR(""));
	tap_ok(key_list_is_full(&l), "%zu bytes: full", l.out.n);
	take(&l, &sent);
	tap_ok(!key_list_is_full(&l), "taken: not full");
	key_list_free(&l);
	buf_free(&sent);
}

/* A key that does not fit in memory spoils the whole list, and says so. */
static void
fails(void)
{
	static char key[400 * 1024];
	struct key_list l;

	memset(key, 'k', sizeof(key));
	key_list_init(&l, STORE_LIST_KEYS, STR_ABSENT, STR("n"), 0);
	put(&l, str_from(key, sizeof(key)));
	put(&l, STR("k"));
	key_list_end(&l);
	tap_ok(!buf_ok(&l.out), "a failure is kept");
	key_list_free(&l);
}

static void
reads_cursors(void)
{
	static const struct str bad[] = { { NULL, 0 }, TEXT(""), TEXT("6"), TEXT("6b"), TEXT("aw"), TEXT("k"),
		TEXT("ka"), TEXT("kax"), TEXT("kAA"), TEXT("kawA"), TEXT("k_w"), TEXT("kww"), TEXT("k7aCA"),
		TEXT(" kaw"), TEXT("kaw "), TEXT("kaw=="), TEXT("Kaw") };
	static const struct {
		struct str cursor, key;
	} good[] = { { TEXT("kaw"), TEXT("k") }, { TEXT("ka3o"), TEXT("kz") },
		{ TEXT("kw6T0j7-_"), TEXT("\xc3\xa4\xf4\x8f\xbf\xbf") }, { TEXT("kAQ"), TEXT("\1") } };
	struct arena a;
	struct str key;

	arena_init(&a, CAP);
	for (size_t i = 0; i < COUNT(bad); i++)
		tap_ok(!key_list_read_cursor(tap_edge(bad[i]), &a, &key), "no cursor: %s", tap_show(bad[i]));
	for (size_t i = 0; i < COUNT(good); i++) {
		const char *shown = tap_show(good[i].cursor);

		if (tap_ok(key_list_read_cursor(tap_edge(good[i].cursor), &a, &key), "a cursor: %s", shown))
			tap_text(key, good[i].key, "%s: its key", shown);
	}
	arena_free(&a);
	arena_init(&a, 0);
	tap_ok(!key_list_read_cursor(STR("kaw"), &a, &key), "no memory for a cursor");
	arena_free(&a);
}

/* What a list gives as its cursor is what the next one continues behind. */
static void
cursor_goes_round(void)
{
	static const struct str keys[] = { TEXT("k"), TEXT("<a.b@c>+/%#"), TEXT("\xc3\xa4\xf4\x8f\xbf\xbf"),
		TEXT("\1\x7f") };

	for (size_t i = 0; i < COUNT(keys); i++) {
		struct key_list l;
		struct str head, cursor, key = STR_ABSENT;
		struct arena a;

		arena_init(&a, CAP);
		key_list_init(&l, STORE_LIST_KEYS, STR_ABSENT, STR("n"), 1);
		put(&l, keys[i]);
		put(&l, STR("z"));
		key_list_end(&l);
		head = str_first(buf_str(&l.out), l.out.n - 2); /* without the last quote and brace */
		cursor = str_skip(head, head.n - (4 * keys[i].n + 2) / 3 - 1);
		tap_ok(key_list_read_cursor(cursor, &a, &key), "cursor of %s", tap_show(keys[i]));
		tap_text(key, keys[i], "round");
		key_list_free(&l);
		arena_free(&a);
	}
}

/* --- lists of other things --- */

#define A_MD5 \
	{ \
		{ \
			0x0c, 0xc1, 0x75, 0xb9, 0xc0, 0xf1, 0xb6, 0xa8, 0x31, 0xc3, 0x99, 0xe2, 0x69, 0x77, 0x26, 0x61 \
		} \
	}
#define A_TAG "\"etag\":\"\\\"0cc175b9c0f1b6a831c399e269772661\\\"\""

static void
puts_entries(void)
{
	static const struct store_row entries[] = {
		{ .name = TEXT("k\""), .md5 = A_MD5, .length = 1, .modified = 784111777000001, .value = TEXT("a") },
		{ .name = TEXT("l"), .md5 = A_MD5, .length = 0, .value = TEXT("") },
		{ .name = TEXT("m"), .looks_sealed = true, .length = 7, .modified = 1, .value = TEXT("hidden") },
		{ .name = TEXT("n"), .length = 2 },
	};
	static const struct {
		enum store_list list;
		unsigned limit;
		struct str text;
	} texts[] = {
		{ STORE_LIST_METADATA, 3,
		    TEXT("{\"workspace\":\"w\",\"namespace\":\"n\",\"count\":3,\"entries\":["
			 "{\"key\":\"k\\\"\",\"size\":1," A_TAG ",\"modified\":\"1994-11-06T08:49:37.000001Z\"},"
			 "{\"key\":\"l\",\"size\":0," A_TAG ",\"modified\":null},"
			 "{\"key\":\"m\",\"size\":null,\"etag\":null,\"modified\":\"1970-01-01T00:00:00.000001Z\"}"
			 "],\"cursor\":\"kbQ\"}") },
		{ STORE_LIST_VALUES, 3,
		    TEXT("{\"workspace\":\"w\",\"namespace\":\"n\",\"count\":3,\"entries\":["
			 "{\"key\":\"k\\\"\",\"size\":1," A_TAG ",\"modified\":\"1994-11-06T08:49:37.000001Z\","
			 "\"value\":\"YQ==\"},"
			 "{\"key\":\"l\",\"size\":0," A_TAG ",\"modified\":null,\"value\":\"\"},"
			 "{\"key\":\"m\",\"size\":null,\"etag\":null,\"modified\":\"1970-01-01T00:00:00.000001Z\","
			 "\"value\":null}],\"cursor\":\"kbQ\"}") },
	};

	for (size_t i = 0; i < COUNT(texts); i++) {
		struct key_list l;

		key_list_init(&l, texts[i].list, STR("w"), STR("n"), texts[i].limit);
		for (size_t j = 0; j < COUNT(entries); j++)
			key_list_put(&l, &entries[j]);
		key_list_end(&l);
		tap_text(buf_str(&l.out), texts[i].text, "entries %zu", i);
		key_list_free(&l);
	}
}

static void
puts_names(void)
{
	static const struct {
		enum store_list list;
		struct str workspace, text;
	} texts[] = {
		{ STORE_LIST_NAMESPACES, TEXT("w"),
		    TEXT("{\"workspace\":\"w\",\"count\":1,\"namespaces\":[\"a\"],\"cursor\":\"kYQ\"}") },
		{ STORE_LIST_COUNTS, TEXT("w"),
		    TEXT("{\"workspace\":\"w\",\"count\":1,\"namespaces\":[{\"namespace\":\"a\",\"count\":7}],"
			 "\"cursor\":\"kYQ\"}") },
		{ STORE_LIST_WORKSPACES, { NULL, 0 }, TEXT("{\"count\":1,\"workspaces\":[\"a\"],\"cursor\":\"kYQ\"}") },
	};
	static const struct store_row a = { .name = TEXT("a"), .count = 7 }, hidden = { .name = TEXT("h") },
				      z = { .name = TEXT("z") };

	for (size_t i = 0; i < COUNT(texts); i++) {
		struct key_list l;

		key_list_init(&l, texts[i].list, texts[i].workspace, STR_ABSENT, 1);
		key_list_put(&l, &a);
		key_list_skip(&l, &hidden);
		key_list_put(&l, &z);
		key_list_end(&l);
		tap_text(buf_str(&l.out), texts[i].text, "names %zu, one of them skipped", i);
		key_list_free(&l);
	}
}

/* --- pages --- */

static void
plans_pages(void)
{
	static const struct {
		const char *name;
		enum store_list list;
		unsigned limit;
		struct store_row rows[3];
		size_t received; /* of them, as if the page had asked for so many */
		bool wants;
		struct str from;
	} pages[] = {
		{ "keys", STORE_LIST_KEYS, 0, { { .name = TEXT("a") } }, 1, true, TEXT("a\1") },
		{ "keys with a limit", STORE_LIST_KEYS, 1, { { .name = TEXT("a") }, { .name = TEXT("b") } }, 2, false,
		    TEXT("b\1") },
		{ "namespaces", STORE_LIST_NAMESPACES, 0, { { .name = TEXT("a") } }, 1, true, TEXT("a") },
		{ "workspaces", STORE_LIST_WORKSPACES, 0, { { .name = TEXT("00000000-0000-0000-0000-0000000000ff") } },
		    1, true, { NULL, 0 } },
		{ "the last workspace", STORE_LIST_WORKSPACES, 0,
		    { { .name = TEXT("ffffffff-ffff-ffff-ffff-ffffffffffff") } }, 1, false, { NULL, 0 } },
	};

	for (size_t i = 0; i < COUNT(pages); i++) {
		struct store_op op = { .range = { .from = STR_ABSENT } };
		struct key_list l;

		key_list_init(&l, pages[i].list, STR_ABSENT, STR_ABSENT, pages[i].limit);
		key_list_plan_page(&l, &op);
		tap_ok(op.list == pages[i].list && op.limit == l.page && op.range.from.p == NULL, "%s: the first page",
		    pages[i].name);
		for (size_t j = 0; j < pages[i].received; j++)
			key_list_put(&l, &pages[i].rows[j]);
		tap_ok(!key_list_wants_page(&l), "%s: a page that is not full is the last one", pages[i].name);
		l.page = (unsigned)pages[i].received;
		tap_ok(key_list_wants_page(&l) == pages[i].wants, "%s: a full one", pages[i].name);
		if (pages[i].wants) {
			key_list_plan_page(&l, &op);
			tap_text(op.range.from, pages[i].from, "%s: where the next one begins", pages[i].name);
			tap_ok(buf_ok(&l.out) && l.received == 0, "%s: it begins", pages[i].name);
		}
		if (pages[i].list == STORE_LIST_WORKSPACES && pages[i].wants)
			tap_ok(op.workspace.b[15] == 0 && op.workspace.b[14] == 1, "%s: which is the next one",
			    pages[i].name);
		key_list_free(&l);
	}
}

/* An answer ends before the value that would be too much for it, a page behind the one that reaches its bytes. */
static void
ends_by_bytes(void)
{
	static char megabyte[1024 * 1024];
	struct store_row row = { .name = STR("k"), .length = sizeof(megabyte), .stored_length = sizeof(megabyte) };
	struct store_op op = { .limit = 0 };
	struct key_list l;

	row.value = str_from(megabyte, sizeof(megabyte));
	key_list_init(&l, STORE_LIST_VALUES, STR("w"), STR("n"), 0);
	key_list_plan_page(&l, &op);
	tap_ok(op.bytes == sizeof(megabyte), "values are asked for by bytes");
	key_list_put(&l, &row);
	tap_ok(l.page > 1 && key_list_wants_page(&l), "a page that was cut off is not the last one");
	for (int i = 2; i <= 8; i++)
		key_list_put(&l, &row);
	tap_ok(!l.more && l.count == 8, "8 MiB");
	row.value.n = 0;
	key_list_put(&l, &row);
	tap_ok(!l.more && l.count == 9, "an empty value still fits");
	row.value.n = 1;
	key_list_put(&l, &row);
	row.value.n = 0;
	key_list_put(&l, &row);
	tap_ok(l.more && l.count == 9 && !key_list_wants_page(&l), "and no other, nor what comes behind it");
	key_list_free(&l);
	row.value = str_from(megabyte, sizeof(megabyte));
	key_list_init(&l, STORE_LIST_METADATA, STR("w"), STR("n"), 0);
	key_list_plan_page(&l, &op);
	tap_ok(op.bytes == 0, "the values of metadata do not count");
	for (int i = 1; i <= 9; i++)
		key_list_put(&l, &row);
	tap_ok(!l.more && l.count == 9, "in the answer, either");
	key_list_free(&l);
}

/* One value may be larger than an answer is to be. */
static void
takes_one_large_value(void)
{
	size_t n = KEY_LIST_VALUES + 1;
	char *large = calloc(1, n);
	struct store_row row = { .name = STR("k"), .length = n, .stored_length = n, .value = { large, n } };
	struct key_list l;

	if (large == NULL)
		tap_bail("no memory");
	key_list_init(&l, STORE_LIST_VALUES, STR("w"), STR("n"), 0);
	key_list_put(&l, &row);
	tap_ok(buf_ok(&l.out) && !l.more && l.count == 1, "a value larger than 8 MiB");
	row.value.n = 1;
	key_list_put(&l, &row);
	tap_ok(l.more && l.count == 1, "is alone");
	key_list_free(&l);
	free(large);
}

int
main(void)
{
	whole();
	in_pieces();
	fills();
	fails();
	reads_cursors();
	cursor_goes_round();
	puts_entries();
	puts_names();
	plans_pages();
	ends_by_bytes();
	takes_one_large_value();
	return tap_end();
}
