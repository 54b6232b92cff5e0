/* SPDX-License-Identifier: EPL-2.0 */
#include "client/display.h"

#include "lib/tap.h"

#define MAX 65536

static const struct {
	struct str text, shown;
	bool is_text;
} rows[] = {
	{ TEXT(""), TEXT(""), true },
	{ TEXT("plain <x@y>"), TEXT("plain <x@y>"), true },
	{ TEXT("\xc3\xa4\xe2\x82\xac\xf0\x9f\x98\x80"), TEXT("\xc3\xa4\xe2\x82\xac\xf0\x9f\x98\x80"), true },
	{ TEXT("a\\b"), TEXT("a\\\\b"), true },
	{ TEXT("a\nb\tc"), TEXT("a\\x0ab\\x09c"), true },
	{ TEXT("a\rb"), TEXT("a\\x0db"), false },
	{ TEXT("\x1b[31m"), TEXT("\\x1b[31m"), false },
	{ TEXT("\0"), TEXT("\\x00"), false },
	{ TEXT("\x7f"), TEXT("\\x7f"), false },
	{ TEXT("\xc2\x9b"
	       "31m"),
	    TEXT("\\xc2\\x9b31m"), false }, /* CSI in one character */
	{ TEXT("\xc2\xa0"), TEXT("\xc2\xa0"), true },
	{ TEXT("\xff"
	       "a"),
	    TEXT("\\xffa"), false },
	{ TEXT("\xc3"), TEXT("\\xc3"), false },
	{ TEXT("\xe2\x82"), TEXT("\\xe2\\x82"), false },
	{ TEXT("\xed\xa0\x80"), TEXT("\\xed\\xa0\\x80"), false },
	{ TEXT("\xc3\xc3\xa4"), TEXT("\\xc3\xc3\xa4"), false },
};

int
main(void)
{
	struct buf out;

	buf_init(&out, MAX);
	for (size_t i = 0; i < COUNT(rows); i++) {
		buf_clear(&out);
		display_put(&out, tap_edge(rows[i].text));
		tap_text(buf_str(&out), rows[i].shown, "shows %s", tap_show(rows[i].text));
		tap_ok(display_is_text(tap_edge(rows[i].text)) == rows[i].is_text, "%s is text: %d",
		    tap_show(rows[i].text), rows[i].is_text);
	}
	buf_free(&out);
	return tap_end();
}
