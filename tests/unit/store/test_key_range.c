/* SPDX-License-Identifier: EPL-2.0 */
#include "store/key_range.h"

#include "base/utf8.h"
#include "lib/tap.h"

#define CAP 65536

/* The last code point of each length, and the ones around the surrogates. */
#define LAST_1 "\x7f"
#define LAST_2 "\xdf\xbf"
#define LAST_3 "\xef\xbf\xbf"
#define LAST_4 "\xf4\x8f\xbf\xbf"
#define U_D7FF "\xed\x9f\xbf"
#define U_E000 "\xee\x80\x80"

static const struct row {
	struct str prefix, after, from, below;
} rows[] = {
	/* No prefix, no cursor. */
	{ { NULL, 0 }, { NULL, 0 }, TEXT(""), { NULL, 0 } },
	{ TEXT(""), { NULL, 0 }, TEXT(""), { NULL, 0 } },
	{ { NULL, 0 }, TEXT(""), TEXT(""), { NULL, 0 } },
	/* Successors within a length. */
	{ TEXT("a"), { NULL, 0 }, TEXT("a"), TEXT("b") },
	{ TEXT("\1"), { NULL, 0 }, TEXT("\1"), TEXT("\2") },
	{ TEXT("~"), { NULL, 0 }, TEXT("~"), TEXT(LAST_1) },
	{ TEXT("abc"), { NULL, 0 }, TEXT("abc"), TEXT("abd") },
	{ TEXT("user%"), { NULL, 0 }, TEXT("user%"), TEXT("user&") },
	{ TEXT("user_"), { NULL, 0 }, TEXT("user_"), TEXT("user`") },
	{ TEXT("\xc3\xa4"), { NULL, 0 }, TEXT("\xc3\xa4"), TEXT("\xc3\xa5") },
	{ TEXT("x\xc3\xbf"), { NULL, 0 }, TEXT("x\xc3\xbf"), TEXT("x\xc4\x80") },
	{ TEXT("\xe2\x82\xac"), { NULL, 0 }, TEXT("\xe2\x82\xac"), TEXT("\xe2\x82\xad") },
	{ TEXT("\xe2\x82\xbf"), { NULL, 0 }, TEXT("\xe2\x82\xbf"), TEXT("\xe2\x83\x80") },
	{ TEXT("\xf0\x9f\x98\x80"), { NULL, 0 }, TEXT("\xf0\x9f\x98\x80"), TEXT("\xf0\x9f\x98\x81") },
	{ TEXT("\xf0\x9f\xbf\xbf"), { NULL, 0 }, TEXT("\xf0\x9f\xbf\xbf"), TEXT("\xf0\xa0\x80\x80") },
	/* The last of a length: the successor is longer. */
	{ TEXT(LAST_1), { NULL, 0 }, TEXT(LAST_1), TEXT("\xc2\x80") },
	{ TEXT("a" LAST_1), { NULL, 0 }, TEXT("a" LAST_1), TEXT("a\xc2\x80") },
	{ TEXT(LAST_2), { NULL, 0 }, TEXT(LAST_2), TEXT("\xe0\xa0\x80") },
	{ TEXT(LAST_3), { NULL, 0 }, TEXT(LAST_3), TEXT("\xf0\x90\x80\x80") },
	/* Surrogates are no text. */
	{ TEXT(U_D7FF), { NULL, 0 }, TEXT(U_D7FF), TEXT(U_E000) },
	{ TEXT("k" U_D7FF), { NULL, 0 }, TEXT("k" U_D7FF), TEXT("k" U_E000) },
	{ TEXT(U_E000), { NULL, 0 }, TEXT(U_E000), TEXT("\xee\x80\x81") },
	/* The last of all has no successor: the one before it steps on. */
	{ TEXT("a" LAST_4), { NULL, 0 }, TEXT("a" LAST_4), TEXT("b") },
	{ TEXT("a" LAST_4 LAST_4), { NULL, 0 }, TEXT("a" LAST_4 LAST_4), TEXT("b") },
	{ TEXT(U_D7FF LAST_4), { NULL, 0 }, TEXT(U_D7FF LAST_4), TEXT(U_E000) },
	{ TEXT(LAST_1 LAST_4), { NULL, 0 }, TEXT(LAST_1 LAST_4), TEXT("\xc2\x80") },
	{ TEXT("ab" LAST_4 "c" LAST_4), { NULL, 0 }, TEXT("ab" LAST_4 "c" LAST_4), TEXT("ab" LAST_4 "d") },
	{ TEXT(LAST_4), { NULL, 0 }, TEXT(LAST_4), { NULL, 0 } },
	{ TEXT(LAST_4 LAST_4), { NULL, 0 }, TEXT(LAST_4 LAST_4), { NULL, 0 } },
	{ TEXT("\xf4\x8f\xbf\xbe"), { NULL, 0 }, TEXT("\xf4\x8f\xbf\xbe"), TEXT(LAST_4) },
	/* A cursor without a prefix. */
	{ { NULL, 0 }, TEXT("k"), TEXT("k\1"), { NULL, 0 } },
	{ { NULL, 0 }, TEXT(LAST_4), TEXT(LAST_4 "\1"), { NULL, 0 } },
	/* A cursor before, at, within and behind the prefix. */
	{ TEXT("m"), TEXT("a"), TEXT("m"), TEXT("n") },
	{ TEXT("mm"), TEXT("m"), TEXT("mm"), TEXT("mn") },
	{ TEXT("m"), TEXT("lzz"), TEXT("m"), TEXT("n") },
	{ TEXT("m"), TEXT("m"), TEXT("m\1"), TEXT("n") },
	{ TEXT("m"), TEXT("m1"), TEXT("m1\1"), TEXT("n") },
	{ TEXT("m"), TEXT("m\1"), TEXT("m\1\1"), TEXT("n") },
	{ TEXT("m"), TEXT("m" LAST_4), TEXT("m" LAST_4 "\1"), TEXT("n") },
	{ TEXT("m"), TEXT("n"), TEXT("n\1"), TEXT("n") },
	{ TEXT("m"), TEXT("z"), TEXT("z\1"), TEXT("n") },
	{ TEXT(LAST_4), TEXT("a"), TEXT(LAST_4), { NULL, 0 } },
};

static bool
in_range(const struct key_range *r, struct str s)
{
	return str_cmp(s, r->from) >= 0 && (r->below.p == NULL || str_cmp(s, r->below) < 0);
}

static bool
is_wanted(const struct row *row, struct str s)
{
	return str_starts(s, row->prefix) && (row->after.n == 0 || str_cmp(s, row->after) > 0);
}

/* What a range is for: of all texts those that begin so and stand behind the cursor, no others. */
static bool
holds_what_it_should(const struct row *row, const struct key_range *range)
{
	static const struct str tails[] = { TEXT(""), TEXT("\1"), TEXT("0"), TEXT("a"), TEXT("n"), TEXT(LAST_1),
		TEXT(LAST_2), TEXT(U_D7FF), TEXT(U_E000), TEXT(LAST_3), TEXT(LAST_4), TEXT(LAST_4 LAST_4 "\1") };
	char text[64];

	for (size_t i = 0; i < COUNT(rows); i++) {
		const struct str heads[] = { rows[i].prefix, rows[i].after, rows[i].from, rows[i].below };

		for (size_t h = 0; h < COUNT(heads); h++)
			for (size_t t = 0; t < COUNT(tails); t++) {
				if (heads[h].n > 0)
					memcpy(text, heads[h].p, heads[h].n);
				memcpy(text + heads[h].n, tails[t].p, tails[t].n);
				struct str s = str_from(text, heads[h].n + tails[t].n);
				if (in_range(range, s) != is_wanted(row, s))
					return false;
			}
	}
	return true;
}

static void
makes(void)
{
	struct arena a;

	arena_init(&a, CAP);
	for (size_t i = 0; i < COUNT(rows); i++) {
		const struct row *row = &rows[i];
		const char *prefix = tap_show(row->prefix), *after = tap_show(row->after);
		struct key_range range;

		if (!key_range_make(tap_edge(row->prefix), STR_ABSENT, row->after, &a, &range))
			tap_bail("key_range_make");
		tap_text(range.from, row->from, "prefix %s, after %s: from", prefix, after);
		tap_text(range.below, row->below, "prefix %s, after %s: below", prefix, after);
		tap_ok(
		    utf8_is_text(range.from) && utf8_is_text(range.below), "prefix %s, after %s: text", prefix, after);
		tap_ok(holds_what_it_should(row, &range), "prefix %s, after %s: holds what it should", prefix, after);
		arena_reset(&a);
	}
	arena_free(&a);
}

static void
without_memory(void)
{
	struct arena a;
	struct key_range range;

	arena_init(&a, 0);
	tap_ok(key_range_make(STR_ABSENT, STR_ABSENT, STR_ABSENT, &a, &range), "no memory: none needed");
	tap_ok(!key_range_make(STR("a"), STR_ABSENT, STR_ABSENT, &a, &range), "no memory for a prefix");
	tap_ok(!key_range_make(STR_ABSENT, STR_ABSENT, STR("a"), &a, &range), "no memory for a cursor");
	arena_free(&a);
}

/* The nearer end counts; an empty one is none. */
static void
ends(void)
{
	static const struct {
		struct str prefix, end, below;
	} cases[] = {
		{ { NULL, 0 }, TEXT("m"), TEXT("m") },
		{ { NULL, 0 }, TEXT(""), { NULL, 0 } },
		{ TEXT("m"), TEXT("mm"), TEXT("mm") },
		{ TEXT("m"), TEXT("a"), TEXT("a") },
		{ TEXT("m"), TEXT("n"), TEXT("n") },
		{ TEXT("m"), TEXT("z"), TEXT("n") },
		{ TEXT(LAST_4), TEXT("z"), TEXT("z") },
	};

	for (size_t i = 0; i < COUNT(cases); i++) {
		struct key_range range;
		struct arena a;

		arena_init(&a, CAP);
		tap_ok(key_range_make(cases[i].prefix, cases[i].end, STR_ABSENT, &a, &range), "end %zu", i);
		tap_text(range.below, cases[i].below, "end %zu: the first text behind it", i);
		arena_free(&a);
	}
}

int
main(void)
{
	makes();
	ends();
	without_memory();
	return tap_end();
}
