/* SPDX-License-Identifier: EPL-2.0 */
#include "codec/percent.h"

#include <stdio.h>

#include "lib/tap.h"

#define CAP 65536

struct row {
	struct str in;
	enum percent_result result;
	struct str segment, query; /* decoded in either form */
};

static const struct row rows[] = {
	{ TEXT(""), PERCENT_OK, TEXT(""), TEXT("") },
	{ { NULL, 0 }, PERCENT_OK, { NULL, 0 }, { NULL, 0 } },
	{ TEXT("plain"), PERCENT_OK, TEXT("plain"), TEXT("plain") },
	{ TEXT("a+b"), PERCENT_OK, TEXT("a+b"), TEXT("a b") },
	{ TEXT("+"), PERCENT_OK, TEXT("+"), TEXT(" ") },
	{ TEXT("%2B+%2b"), PERCENT_OK, TEXT("+++"), TEXT("+ +") },
	{ TEXT("a%20b"), PERCENT_OK, TEXT("a b"), TEXT("a b") },
	{ TEXT("%2F"), PERCENT_OK, TEXT("/"), TEXT("/") },
	{ TEXT("%2f"), PERCENT_OK, TEXT("/"), TEXT("/") },
	{ TEXT("a%2Fb%2fc"), PERCENT_OK, TEXT("a/b/c"), TEXT("a/b/c") },
	{ TEXT("%25"), PERCENT_OK, TEXT("%"), TEXT("%") },
	{ TEXT("%252F"), PERCENT_OK, TEXT("%2F"), TEXT("%2F") }, /* once only */
	{ TEXT("%2520"), PERCENT_OK, TEXT("%20"), TEXT("%20") },
	{ TEXT("%25zz"), PERCENT_OK, TEXT("%zz"), TEXT("%zz") },
	{ TEXT("%01%7F%0a"), PERCENT_OK, TEXT("\x01\x7f\n"), TEXT("\x01\x7f\n") },
	{ TEXT("%C3%A4"), PERCENT_OK, TEXT("\xc3\xa4"), TEXT("\xc3\xa4") },
	{ TEXT("%e2%82%AC"), PERCENT_OK, TEXT("\xe2\x82\xac"), TEXT("\xe2\x82\xac") },
	{ TEXT("\xc3%a4"), PERCENT_OK, TEXT("\xc3\xa4"), TEXT("\xc3\xa4") },
	{ TEXT("\xc3\xa4"), PERCENT_OK, TEXT("\xc3\xa4"), TEXT("\xc3\xa4") },
	{ TEXT("%3Cid%40host%3E"), PERCENT_OK, TEXT("<id@host>"), TEXT("<id@host>") },
	{ TEXT("&=;?#"), PERCENT_OK, TEXT("&=;?#"), TEXT("&=;?#") },
	{ TEXT("%26%3d"), PERCENT_OK, TEXT("&="), TEXT("&=") },

	{ TEXT("%"), PERCENT_MALFORMED, TEXT(""), TEXT("") },
	{ TEXT("a%"), PERCENT_MALFORMED, TEXT(""), TEXT("") },
	{ TEXT("%2"), PERCENT_MALFORMED, TEXT(""), TEXT("") },
	{ TEXT("%20%2"), PERCENT_MALFORMED, TEXT(""), TEXT("") },
	{ TEXT("%zz"), PERCENT_MALFORMED, TEXT(""), TEXT("") },
	{ TEXT("%2z"), PERCENT_MALFORMED, TEXT(""), TEXT("") },
	{ TEXT("%z2"), PERCENT_MALFORMED, TEXT(""), TEXT("") },
	{ TEXT("%%20"), PERCENT_MALFORMED, TEXT(""), TEXT("") },
	{ TEXT("%%"), PERCENT_MALFORMED, TEXT(""), TEXT("") },
	{ TEXT("% 2"), PERCENT_MALFORMED, TEXT(""), TEXT("") },
	{ TEXT("%+2"), PERCENT_MALFORMED, TEXT(""), TEXT("") },
	{ TEXT("%-1"), PERCENT_MALFORMED, TEXT(""), TEXT("") },
	{ TEXT("%0x"), PERCENT_MALFORMED, TEXT(""), TEXT("") },
	{ TEXT("%u0041"), PERCENT_MALFORMED, TEXT(""), TEXT("") },
	{ TEXT("%G0%0G"), PERCENT_MALFORMED, TEXT(""), TEXT("") },
	{ TEXT("%\0"
	       "0"),
	    PERCENT_MALFORMED, TEXT(""), TEXT("") },
	{ TEXT("%00%"), PERCENT_MALFORMED, TEXT(""), TEXT("") }, /* the escape is looked at before the text */

	{ TEXT("%00"), PERCENT_NOT_TEXT, TEXT(""), TEXT("") },
	{ TEXT("a%00b"), PERCENT_NOT_TEXT, TEXT(""), TEXT("") },
	{ TEXT("a\0b"), PERCENT_NOT_TEXT, TEXT(""), TEXT("") },
	{ TEXT("%C3%28"), PERCENT_NOT_TEXT, TEXT(""), TEXT("") },
	{ TEXT("%C3"), PERCENT_NOT_TEXT, TEXT(""), TEXT("") },
	{ TEXT("%ff"), PERCENT_NOT_TEXT, TEXT(""), TEXT("") },
	{ TEXT("\xff"), PERCENT_NOT_TEXT, TEXT(""), TEXT("") },
	{ TEXT("%C0%AF"), PERCENT_NOT_TEXT, TEXT(""), TEXT("") },
	{ TEXT("%ED%A0%80"), PERCENT_NOT_TEXT, TEXT(""), TEXT("") },
	{ TEXT("%F4%90%80%80"), PERCENT_NOT_TEXT, TEXT(""), TEXT("") },
	{ TEXT("%E2%82"), PERCENT_NOT_TEXT, TEXT(""), TEXT("") },
};

static void
check(const struct row *row, enum percent_form form, struct arena *a)
{
	struct str out = STR("untouched"), want = form == PERCENT_SEGMENT ? row->segment : row->query;
	const char *shown = tap_show(row->in), *name = form == PERCENT_SEGMENT ? "segment" : "query";
	struct str in = tap_edge(row->in);

	tap_int(percent_decode(in, form, a, &out), row->result, "%s %s: result", name, shown);
	if (row->result != PERCENT_OK) {
		tap_text(out, STR("untouched"), "%s %s: out is left alone", name, shown);
		return;
	}
	tap_text(out, want, "%s %s: text", name, shown);
	/* Where nothing was decoded the text is the input, and so where it is the same the slice is. */
	tap_int(out.p == in.p, str_eq(row->in, want), "%s %s: borrows where it can", name, shown);
}

static void
table(void)
{
	struct arena a;

	arena_init(&a, CAP);
	for (size_t i = 0; i < COUNT(rows); i++) {
		check(&rows[i], PERCENT_SEGMENT, &a);
		check(&rows[i], PERCENT_QUERY, &a);
		arena_reset(&a);
	}
	arena_free(&a);
}

/* Every ASCII byte but NUL, written as an escape in either case. */
static void
every_byte(void)
{
	struct arena a;
	int right = 0;

	arena_init(&a, CAP);
	for (int c = 1; c < 0x80; c++) {
		char in[8], want = (char)c;
		struct str out = STR_ABSENT;
		for (int upper = 0; upper < 2; upper++) {
			(void)snprintf(in, sizeof(in), upper ? "%%%02X" : "%%%02x", (unsigned)c);
			right += percent_decode(str_of(in), PERCENT_SEGMENT, &a, &out) == PERCENT_OK &&
			    str_eq(out, str_from(&want, 1));
		}
	}
	tap_int(right, 2 * 0x7f, "every ASCII byte, in either case");
	arena_free(&a);
}

static void
no_memory(void)
{
	struct str out = STR("untouched");
	struct arena a;

	arena_init(&a, 0);
	tap_int(percent_decode(STR("a%20b"), PERCENT_SEGMENT, &a, &out), PERCENT_NO_MEMORY, "no memory to decode");
	tap_text(out, STR("untouched"), "no memory: out is left alone");
	tap_int(percent_decode(STR("a+b"), PERCENT_QUERY, &a, &out), PERCENT_NO_MEMORY, "no memory for a plus");
	tap_int(percent_decode(STR("a+b"), PERCENT_SEGMENT, &a, &out), PERCENT_OK, "none needed for a plain segment");
	arena_free(&a);
}

static void
says(void)
{
	static const char *const same[] = { "api2", "%61pi2", "a%70i%32", "%61%70%69%32" };
	static const char *const other[] = { "", "api", "api22", "API2", "%41pi2", "%2561pi2", "api%32%00", "api%3",
		"api%", "a%7zi2", "%61pi", "api2%20" };

	for (size_t i = 0; i < COUNT(same); i++)
		tap_ok(percent_equals(tap_edge(str_of(same[i])), STR("api2")), "%s says api2", same[i]);
	for (size_t i = 0; i < COUNT(other); i++)
		tap_ok(!percent_equals(tap_edge(str_of(other[i])), STR("api2")), "%s does not say api2", other[i]);
	tap_ok(percent_equals(STR(""), STR("")), "nothing says nothing");
}

/* Every byte comes back, and only unreserved ones are left as they are. */
static void
encodes(void)
{
	struct str out, in = STR("az-AZ.09_~ /%+?#&=:@\x01\x7f<\xc3\xa4>");
	struct arena a;
	struct buf b;

	arena_init(&a, 65536);
	buf_init(&b, 65536);
	percent_put(&b, in);
	tap_text(buf_str(&b), STR("az-AZ.09_~%20%2F%25%2B%3F%23%26%3D%3A%40%01%7F%3C%C3%A4%3E"), "escapes");
	tap_int(percent_decode(buf_str(&b), PERCENT_SEGMENT, &a, &out), PERCENT_OK, "can be decoded as a segment");
	tap_text(out, in, "and is the same");
	tap_int(percent_decode(buf_str(&b), PERCENT_QUERY, &a, &out), PERCENT_OK, "can be decoded in a query");
	tap_text(out, in, "and is the same");
	buf_free(&b);
	arena_free(&a);
}

int
main(void)
{
	encodes();
	says();
	table();
	every_byte();
	no_memory();
	return tap_end();
}
