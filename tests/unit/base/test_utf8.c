/* SPDX-License-Identifier: EPL-2.0 */
#include "base/utf8.h"

#include "lib/tap.h"

static void
table(void)
{
	static const struct {
		struct str s;
		bool valid, text;
	} rows[] = {
		{ TEXT(""), true, true },
		{ { NULL, 0 }, true, true },
		{ TEXT("plain"), true, true },
		{ TEXT("\x01\x7f\n"), true, true },
		{ TEXT("\0"), true, false },
		{ TEXT("a\0b"), true, false },
		{ TEXT("\xc3\xa4"), true, true },
		{ TEXT("\xe2\x82\xac"), true, true },
		{ TEXT("\xf0\x9f\x98\x80"), true, true },
		{ TEXT("a\xc3\xa4"
		       "b\xe2\x82\xac"
		       "c\xf0\x9f\x98\x80"
		       "d"),
		    true, true },
		/* First and last of each length. */
		{ TEXT("\xc2\x80\xdf\xbf"), true, true },
		{ TEXT("\xe0\xa0\x80\xef\xbf\xbf"), true, true },
		{ TEXT("\xf0\x90\x80\x80\xf4\x8f\xbf\xbf"), true, true },
		{ TEXT("\xed\x9f\xbf\xee\x80\x80"), true, true },   /* around the surrogates */
		{ TEXT("\xef\xbb\xbf\xef\xbf\xbe"), true, true },   /* U+FEFF, U+FFFE */
		{ TEXT("\xed\xa0\x80"), false, false },             /* U+D800 */
		{ TEXT("\xed\xbf\xbf"), false, false },             /* U+DFFF */
		{ TEXT("\xed\xa0\xbd\xed\xb8\x80"), false, false }, /* a pair of surrogates */
		{ TEXT("\xc0\x80"), false, false },                 /* overlong NUL */
		{ TEXT("\xc0\xaf"), false, false },                 /* overlong '/' */
		{ TEXT("\xc1\xbf"), false, false },
		{ TEXT("\xe0\x80\xaf"), false, false },
		{ TEXT("\xe0\x9f\xbf"), false, false },
		{ TEXT("\xf0\x80\x80\xaf"), false, false },
		{ TEXT("\xf0\x8f\xbf\xbf"), false, false },
		{ TEXT("\xf4\x90\x80\x80"), false, false }, /* U+110000 */
		{ TEXT("\xf5\x80\x80\x80"), false, false },
		{ TEXT("\xf8\x88\x80\x80\x80"), false, false },
		{ TEXT("\xfc\x84\x80\x80\x80\x80"), false, false },
		{ TEXT("\xfe"), false, false },
		{ TEXT("\xff"), false, false },
		{ TEXT("\x80"), false, false },
		{ TEXT("a\xbf"), false, false },
		{ TEXT("\xc3\xa4\xa4"), false, false },
		{ TEXT("\xc3("), false, false },
		{ TEXT("\xe2\x82("), false, false },
		{ TEXT("\xe2(\xac"), false, false },
		{ TEXT("\xf0\x9f\x98("), false, false },
		{ TEXT("\xf0\x9f(\x80"), false, false },
		{ TEXT("\xc3\xc3\xa4"), false, false },
		/* Cut short. */
		{ TEXT("\xc3"), false, false },
		{ TEXT("\xe2"), false, false },
		{ TEXT("\xe2\x82"), false, false },
		{ TEXT("\xf0"), false, false },
		{ TEXT("\xf0\x9f"), false, false },
		{ TEXT("abc\xf0\x9f\x98"), false, false },
	};

	for (size_t i = 0; i < COUNT(rows); i++) {
		struct str s = tap_edge(rows[i].s);
		tap_int(utf8_valid(s), rows[i].valid, "utf8_valid %s", tap_show(rows[i].s));
		tap_int(utf8_is_text(s), rows[i].text, "utf8_is_text %s", tap_show(rows[i].s));
	}
}

static size_t
encode(uint32_t c, char out[4])
{
	size_t n = c < 0x80 ? 1 : c < 0x800 ? 2 : c < 0x10000 ? 3 : 4;
	static const unsigned char lead[] = { 0, 0, 0xc0, 0xe0, 0xf0 };

	for (size_t i = n; i-- > 1; c >>= 6)
		out[i] = (char)(0x80 | (c & 0x3f));
	out[0] = (char)(lead[n] | c);
	return n;
}

static void
every_character(void)
{
	uint32_t accepted = 0, surrogates = 0;

	for (uint32_t c = 0; c <= 0x10ffff; c++) {
		char p[4];
		bool valid = utf8_valid(str_from(p, encode(c, p)));
		if (c >= 0xd800 && c <= 0xdfff)
			surrogates += valid;
		else
			accepted += valid;
	}
	tap_int(accepted, 0x110000 - 0x800, "every scalar value is accepted");
	tap_int(surrogates, 0, "no surrogate is");
}

/* All accepted, and the number accepted is the number there are: so nothing else is accepted. */
static void
every_short_string(void)
{
	const int64_t one = 0x80, two = 0x800 - 0x80, three = 0x10000 - 0x800 - 0x800;
	int64_t count[4] = { 0 };

	for (uint32_t v = 0; v < 1u << 24; v++) {
		char p[3] = { (char)(v & 0xff), (char)(v >> 8 & 0xff), (char)(v >> 16) };
		count[3] += utf8_valid(str_from(p, 3));
		if (v < 1u << 16)
			count[2] += utf8_valid(str_from(p, 2));
		if (v < 1u << 8)
			count[1] += utf8_valid(str_from(p, 1));
	}
	tap_int(count[1], one, "strings of 1 byte");
	tap_int(count[2], one * one + two, "strings of 2 bytes");
	tap_int(count[3], one * one * one + 2 * one * two + three, "strings of 3 bytes");
}

/* Every first and second byte of the long forms, with the edges of the third and fourth. */
static void
long_strings(void)
{
	static const unsigned char edges[] = { 0x00, 0x7f, 0x80, 0xbf, 0xc0, 0xff };
	int count = 0;

	for (unsigned lead = 0xf0; lead <= 0xff; lead++)
		for (unsigned second = 0; second <= 0xff; second++)
			for (size_t i = 0; i < COUNT(edges) * COUNT(edges); i++) {
				char p[4] = { (char)lead, (char)second, (char)edges[i % COUNT(edges)],
					(char)edges[i / COUNT(edges)] };
				count += utf8_valid(str_from(p, 4));
			}
	/* f0 has 48 second bytes, f1 to f3 64 each, f4 16; of each edge pair, 2 x 2 continue. */
	tap_int(count, (48 + 3 * 64 + 16) * 4, "strings of 4 bytes");
}

int
main(void)
{
	table();
	every_character();
	every_short_string();
	long_strings();
	return tap_end();
}
