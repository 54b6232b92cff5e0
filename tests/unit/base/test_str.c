/* SPDX-License-Identifier: EPL-2.0 */
#include "base/str.h"

#include "lib/tap.h"

static void
equal(void)
{
	static const struct {
		struct str a, b;
		bool eq, eq_nocase;
	} rows[] = {
		{ TEXT(""), TEXT(""), true, true },
		{ { NULL, 0 }, TEXT(""), true, true },
		{ TEXT("a"), TEXT("a"), true, true },
		{ TEXT("a"), TEXT("b"), false, false },
		{ TEXT("a"), TEXT(""), false, false },
		{ TEXT("abc"), TEXT("ab"), false, false },
		{ TEXT("Bearer"), TEXT("bEARER"), false, true },
		{ TEXT("AZ"), TEXT("az"), false, true },
		/* Neighbours of the letters, 0x20 apart. */
		{ TEXT("@"), TEXT("`"), false, false },
		{ TEXT("["), TEXT("{"), false, false },
		{ TEXT("0"), TEXT("\x10"), false, false },
		/* Latin capital and small letters of other alphabets stay apart. */
		{ TEXT("\xc3\x84"), TEXT("\xc3\xa4"), false, false },
		{ TEXT("\xc4"), TEXT("\xe4"), false, false },
		{ TEXT("a\0b"), TEXT("a\0b"), true, true },
		{ TEXT("a\0b"), TEXT("a\0c"), false, false },
	};

	for (size_t i = 0; i < COUNT(rows); i++) {
		struct str a = rows[i].a, b = rows[i].b;
		tap_int(str_eq(a, b), rows[i].eq, "str_eq %s %s", tap_show(a), tap_show(b));
		tap_int(str_eq_nocase(a, b), rows[i].eq_nocase, "str_eq_nocase %s %s", tap_show(a), tap_show(b));
	}
}

static int
sign(int n)
{
	return (n > 0) - (n < 0);
}

static void
order(void)
{
	/* Ascending; every pair is compared both ways. */
	static const struct str rows[] = {
		TEXT(""),
		TEXT("\0"),
		TEXT("\0\0"),
		TEXT("A"),
		TEXT("Aa"),
		TEXT("B"),
		TEXT("a"),
		TEXT("a\0"),
		TEXT("a\0b"),
		TEXT("a\0c"),
		TEXT("aa"),
		TEXT("b"),
		TEXT("\x7f"),
		TEXT("\x80"),
		TEXT("\xc3\xa4"),
		TEXT("\xff"),
	};

	for (size_t i = 0; i < COUNT(rows); i++) {
		bool pass = true;
		for (size_t j = 0; j < COUNT(rows); j++)
			pass = pass && sign(str_cmp(rows[i], rows[j])) == sign((int)i - (int)j);
		tap_ok(pass, "str_cmp %s in its place", tap_show(rows[i]));
	}
	tap_int(str_cmp(STR_ABSENT, STR("")), 0, "str_cmp absent and empty");
}

static void
starts(void)
{
	static const struct {
		struct str s, prefix;
		bool want;
	} rows[] = {
		{ TEXT("abc"), TEXT("abc"), true },
		{ TEXT("abc"), TEXT("ab"), true },
		{ TEXT("abc"), TEXT(""), true },
		{ TEXT(""), TEXT(""), true },
		{ { NULL, 0 }, TEXT(""), true },
		{ TEXT("abc"), TEXT("abcd"), false },
		{ TEXT("abc"), TEXT("bc"), false },
		{ TEXT("abc"), TEXT("AB"), false },
		{ TEXT(""), TEXT("a"), false },
		{ { NULL, 0 }, TEXT("a"), false },
	};

	for (size_t i = 0; i < COUNT(rows); i++)
		tap_int(str_starts(tap_edge(rows[i].s), rows[i].prefix), rows[i].want, "str_starts %s %s",
		    tap_show(rows[i].s), tap_show(rows[i].prefix));
}

static void
trim(void)
{
	static const struct {
		struct str s, want;
	} rows[] = {
		{ TEXT("a"), TEXT("a") },
		{ TEXT(" a "), TEXT("a") },
		{ TEXT("\t \ta b\t \t"), TEXT("a b") },
		{ TEXT(""), TEXT("") },
		{ TEXT(" "), TEXT("") },
		{ TEXT(" \t "), TEXT("") },
		{ TEXT("\na\r"), TEXT("\na\r") },
		{ TEXT("\0 a \0"), TEXT("\0 a \0") },
		{ TEXT("\xc2\xa0"), TEXT("\xc2\xa0") },
		{ { NULL, 0 }, { NULL, 0 } },
	};

	for (size_t i = 0; i < COUNT(rows); i++)
		tap_text(str_trim(tap_edge(rows[i].s)), rows[i].want, "str_trim %s", tap_show(rows[i].s));
}

static void
cut(void)
{
	static const struct {
		struct str s, head, tail;
		bool found;
	} rows[] = {
		{ TEXT("a=b"), TEXT("a"), TEXT("b"), true },
		{ TEXT("a=b=c"), TEXT("a"), TEXT("b=c"), true },
		{ TEXT("=b"), TEXT(""), TEXT("b"), true },
		{ TEXT("a="), TEXT("a"), TEXT(""), true },
		{ TEXT("="), TEXT(""), TEXT(""), true },
		{ TEXT("a"), TEXT("a"), { NULL, 0 }, false },
		{ TEXT(""), TEXT(""), { NULL, 0 }, false },
		{ { NULL, 0 }, { NULL, 0 }, { NULL, 0 }, false },
	};

	for (size_t i = 0; i < COUNT(rows); i++) {
		struct str s = rows[i].s, head, tail;
		const char *shown = tap_show(s);
		tap_int(str_cut(s, '=', &head, &tail), rows[i].found, "str_cut %s", shown);
		tap_text(head, rows[i].head, "str_cut %s: head", shown);
		tap_text(tail, rows[i].tail, "str_cut %s: tail", shown);

		struct str same = s;
		(void)str_cut(same, '=', &same, &tail);
		tap_text(same, rows[i].head, "str_cut %s: head over s", shown);
		same = s;
		(void)str_cut(same, '=', &head, &same);
		tap_text(same, rows[i].tail, "str_cut %s: tail over s", tap_show(s));
	}
}

static void
first_and_skip(void)
{
	static const struct {
		struct str s;
		size_t n;
		struct str first, skip;
	} rows[] = {
		{ TEXT("abc"), 0, TEXT(""), TEXT("abc") },
		{ TEXT("abc"), 1, TEXT("a"), TEXT("bc") },
		{ TEXT("abc"), 3, TEXT("abc"), TEXT("") },
		{ TEXT("abc"), 4, TEXT("abc"), TEXT("") },
		{ TEXT("abc"), SIZE_MAX, TEXT("abc"), TEXT("") },
		{ TEXT(""), 1, TEXT(""), TEXT("") },
		{ { NULL, 0 }, 0, { NULL, 0 }, { NULL, 0 } },
		{ { NULL, 0 }, 1, { NULL, 0 }, { NULL, 0 } },
	};

	for (size_t i = 0; i < COUNT(rows); i++) {
		struct str s = rows[i].s;
		tap_text(str_first(s, rows[i].n), rows[i].first, "str_first %s %zu", tap_show(s), rows[i].n);
		tap_text(str_skip(s, rows[i].n), rows[i].skip, "str_skip %s %zu", tap_show(s), rows[i].n);
	}
}

static void
make(void)
{
	tap_text(str_of("abc"), STR("abc"), "str_of");
	tap_text(str_of(""), STR(""), "str_of empty");
	tap_text(str_of(NULL), STR_ABSENT, "str_of NULL is absent");
	tap_int(STR("a\0b").n, 3, "STR counts a NUL inside");
}

int
main(void)
{
	equal();
	order();
	starts();
	trim();
	cut();
	first_and_skip();
	make();
	return tap_end();
}
