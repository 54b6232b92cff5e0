/* SPDX-License-Identifier: EPL-2.0 */
#include "api/key_list.h"

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
puts_keys(struct key_list *l, const struct str *keys)
{
	for (; keys->p != NULL; keys++)
		key_list_put(l, *keys);
}

static void
whole(void)
{
	for (size_t i = 0; i < COUNT(rows); i++) {
		struct key_list l;

		key_list_init(&l, rows[i].workspace, rows[i].ns, rows[i].limit);
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
		key_list_init(&l, STR("w"), STR("n"), pieces[i].limit);
		for (const struct str *key = pieces[i].keys; key->p != NULL; key++) {
			key_list_put(&l, *key);
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
	key_list_init(&l, STR_ABSENT, STR("n"), 0);
	/* 32 bytes a key, with quotes and comma; the first has no comma. */
	for (size_t n = 0; n < KEY_LIST_PIECE / 32; n++)
		key_list_put(&l, STR("12345678901234567890123456789"));
	tap_ok(!key_list_is_full(&l), "%zu bytes: not full", l.out.n);
	key_list_put(&l, STR(""));
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
	key_list_init(&l, STR_ABSENT, STR("n"), 0);
	key_list_put(&l, str_from(key, sizeof(key)));
	key_list_put(&l, STR("k"));
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
		key_list_init(&l, STR_ABSENT, STR("n"), 1);
		key_list_put(&l, keys[i]);
		key_list_put(&l, STR("z"));
		key_list_end(&l);
		head = str_first(buf_str(&l.out), l.out.n - 2); /* without the last quote and brace */
		cursor = str_skip(head, head.n - (4 * keys[i].n + 2) / 3 - 1);
		tap_ok(key_list_read_cursor(cursor, &a, &key), "cursor of %s", tap_show(keys[i]));
		tap_text(key, keys[i], "round");
		key_list_free(&l);
		arena_free(&a);
	}
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
	return tap_end();
}
