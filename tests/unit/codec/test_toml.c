/* SPDX-License-Identifier: EPL-2.0 */
#include "codec/toml.h"

#include "base/buf.h"
#include "lib/tap.h"

/* Everything that was read, as "line:key=value;". */
struct seen {
	struct buf text;
	unsigned stop_at; /* line; 0: never */
};

static bool
note(void *ctx, struct str key, struct str value, unsigned line)
{
	struct seen *seen = ctx;

	buf_printf(&seen->text, "%u:%.*s=", line, STR_FMT(key));
	buf_puts(&seen->text, value);
	buf_putc(&seen->text, ';');
	return line != seen->stop_at;
}

static void
check(struct str text, unsigned want_line, struct str want)
{
	struct seen seen = { .stop_at = 0 };
	struct arena a;

	arena_init(&a, 65536);
	buf_init(&seen.text, 65536);
	unsigned line = toml_read(tap_edge(text), &a, note, &seen);
	tap_int(line, want_line, "line of %s", tap_show(text));
	tap_text(buf_str(&seen.text), want, "pairs of %s", tap_show(text));
	buf_free(&seen.text);
	arena_free(&a);
}

static void
reads(void)
{
	static const struct {
		struct str text, want;
	} rows[] = {
		{ { NULL, 0 }, TEXT("") },
		{ TEXT(""), TEXT("") },
		{ TEXT("\n\n"), TEXT("") },
		{ TEXT("# nothing"), TEXT("") },
		{ TEXT(" \t# nothing\n\t\n"), TEXT("") },
		{ TEXT("a = 1"), TEXT("1:a=1;") },
		{ TEXT("a=1\n"), TEXT("1:a=1;") },
		{ TEXT("a = 1\r\nb = 2\r\n"), TEXT("1:a=1;2:b=2;") },
		{ TEXT("\n# c\n a\t=\t1 # c\n\n b = 2# c"), TEXT("3:a=1;5:b=2;") },
		{ TEXT("\xef\xbb\xbf"
		       "a = 1"),
		    TEXT("1:a=1;") },
		{ TEXT("a = 1\na = 2"), TEXT("1:a=1;2:a=2;") },
		/* Keys. */
		{ TEXT("aZ09_- = 1"), TEXT("1:aZ09_-=1;") },
		{ TEXT("1 = 1"), TEXT("1:1=1;") },
		{ TEXT("\"a b\" = 1"), TEXT("1:a b=1;") },
		{ TEXT("'a=b' = 1"), TEXT("1:a=b=1;") },
		{ TEXT("\"a\\u0062\" = 1"), TEXT("1:ab=1;") },
		{ TEXT("\"\" = 1"), TEXT("1:=1;") },
		/* Numbers and booleans. */
		{ TEXT("a = 0\nb = -1\nc = +17\nd = 1_000_000"), TEXT("1:a=0;2:b=-1;3:c=+17;4:d=1000000;") },
		{ TEXT("a = 0.25\nb = 1_0.2_5\nc = -0.0"), TEXT("1:a=0.25;2:b=10.25;3:c=-0.0;") },
		{ TEXT("a = true\nb = false"), TEXT("1:a=true;2:b=false;") },
		/* Strings. */
		{ TEXT("a = \"\""), TEXT("1:a=;") },
		{ TEXT("a = ''"), TEXT("1:a=;") },
		{ TEXT("a = \"x # y = 'z'\" # c"), TEXT("1:a=x # y = 'z';") },
		{ TEXT("a = 'C:\\u0041\\' # c"), TEXT("1:a=C:\\u0041\\;") },
		{ TEXT("a = 'say \"x\"'"), TEXT("1:a=say \"x\";") },
		{ TEXT("a = \"\\b\\t\\n\\f\\r\\\"\\\\\""), TEXT("1:a=\b\t\n\f\r\"\\;") },
		{ TEXT("a = \"x\\\\\""), TEXT("1:a=x\\;") },
		{ TEXT("a = \"\\u00e9\\u20AC\\U0001F600\\uD7FF\\ue000\\U0010ffff\""),
		    TEXT("1:a=\xc3\xa9\xe2\x82\xac\xf0\x9f\x98\x80"
			 "\xed\x9f\xbf\xee\x80\x80\xf4\x8f\xbf\xbf;") },
		{ TEXT("a = \"\\u007f\\u0080\\u07ff\\u0800\\uffff\\U00010000\""),
		    TEXT("1:a=\x7f\xc2\x80\xdf\xbf\xe0\xa0\x80\xef\xbf\xbf\xf0\x90\x80\x80;") },
		{ TEXT("a = \"x\\u0000y\""), TEXT("1:a=x\0y;") },
		{ TEXT("a = \"\xc3\xa9\t\""), TEXT("1:a=\xc3\xa9\t;") },
	};

	for (size_t i = 0; i < COUNT(rows); i++)
		check(rows[i].text, 0, rows[i].want);
}

/* Each of them behind a good line and before another. */
static void
refuses(void)
{
	static const char *const rows[] = {
		"a",
		"a =",
		"= 1",
		"a = # c",
		"a 1",
		"a b = 1",
		"a == 1",
		"a: 1",
		/* The rest of TOML. */
		"[a]",
		"[[a]]",
		"a.b = 1",
		"a = [1]",
		"a = { b = 1 }",
		"a = 1979-05-27",
		"a = 07:32:00",
		"a = \"\"\"x\"\"\"",
		"a = '''x'''",
		"a = \"\"\"",
		"a = '''",
		/* Numbers. */
		"a = 01",
		"a = 0_1",
		"a = _1",
		"a = 1_",
		"a = 1__0",
		"a = --1",
		"a = +-1",
		"a = -+1",
		"a = +",
		"a = 1.",
		"a = .5",
		"a = 1._5",
		"a = 1.5_",
		"a = 1.5.2",
		"a = 0x10",
		"a = 0o7",
		"a = 0b1",
		"a = 1e3",
		"a = inf",
		"a = nan",
		"a = 1 2",
		"a = 1 b = 2",
		/* Words. */
		"a = True",
		"a = TRUE",
		"a = yes",
		"a = truefalse",
		"a = x",
		"a = true false",
		"a = true\"x\"",
		/* Strings. */
		"a = \"x",
		"a = x\"",
		"a = \"x\\\"",
		"a = \"x\\",
		"a = 'x",
		"a = 'it''s'",
		"a = 'it\\'s'",
		"a = \"x\" y",
		"a = \"x\" \"y\"",
		"a = \"\\x41\"",
		"a = \"\\'\"",
		"a = \"\\/\"",
		"a = \"\\ \"",
		"a = \"\\e\"",
		"a = \"\\u\"",
		"a = \"\\u12\"",
		"a = \"\\u12g4\"",
		"a = \"\\U0001F60\"",
		"a = \"\\ud800\"",
		"a = \"\\uDFFF\"",
		"a = \"\\U00110000\"",
		"a = \"\\Uffffffff\"",
		"\"a = 1",
		"'a' 'b' = 1",
		/* Bytes. */
		"a = \"x\x01\"",
		"a = 'x\x7f'",
		"# \x1f",
		"a = 1\r\r",
		"a\r= 1",
		"a = \"\xff\"",
		"# \xc3",
		"a = 1 # \xed\xa0\x80",
	};

	for (size_t i = 0; i < COUNT(rows); i++) {
		struct buf text;
		buf_init(&text, 1024);
		buf_printf(&text, "ok = 1\n%s\nlate = 3\n", rows[i]);
		check(buf_str(&text), 2, STR("1:ok=1;"));
		buf_free(&text);
	}
	check(STR("a = \"x\0y\""), 1, STR(""));
}

static void
stops(void)
{
	struct seen seen = { .stop_at = 2 };
	struct arena a;

	arena_init(&a, 65536);
	buf_init(&seen.text, 65536);
	tap_int(toml_read(STR("a = 1\nb = 2\nc = \n"), &a, note, &seen), 0, "stops without looking further");
	tap_text(buf_str(&seen.text), STR("1:a=1;2:b=2;"), "the pair that stopped it is the last");
	buf_free(&seen.text);
	arena_free(&a);
}

static void
without_memory(void)
{
	struct seen seen = { .stop_at = 0 };
	struct arena a;

	arena_init(&a, 0);
	buf_init(&seen.text, 65536);
	unsigned line = toml_read(STR("a = 'x'\nb = \"\\t\"\n"), &a, note, &seen);
	tap_int(line, 2, "no memory to decode that line");
	tap_text(buf_str(&seen.text), STR("1:a=x;"), "what needs no decoding needs no memory");
	buf_free(&seen.text);
	arena_free(&a);
}

int
main(void)
{
	reads();
	refuses();
	stops();
	without_memory();
	return tap_end();
}
