/* SPDX-License-Identifier: EPL-2.0 */
#include "codec/base64url.h"

#include "lib/tap.h"

/* RFC 4648 10 without its padding, and every letter of the alphabet of its section 5. */
static void
accepts(void)
{
	static const struct {
		struct str s, want;
	} rows[] = {
		{ TEXT(""), TEXT("") },
		{ { NULL, 0 }, TEXT("") },
		{ TEXT("Zg"), TEXT("f") },
		{ TEXT("Zm8"), TEXT("fo") },
		{ TEXT("Zm9v"), TEXT("foo") },
		{ TEXT("Zm9vYg"), TEXT("foob") },
		{ TEXT("Zm9vYmE"), TEXT("fooba") },
		{ TEXT("Zm9vYmFy"), TEXT("foobar") },
		{ TEXT("AA"), TEXT("\0") },
		{ TEXT("_w"), TEXT("\xff") },
		{ TEXT("-_-_"), TEXT("\xfb\xff\xbf") },
		{ TEXT("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_"),
		    TEXT("\x00\x10\x83\x10\x51\x87\x20\x92\x8b\x30\xd3\x8f\x41\x14\x93\x51"
			 "\x55\x97\x61\x96\x9b\x71\xd7\x9f\x82\x18\xa3\x92\x59\xa7\xa2\x9a"
			 "\xab\xb2\xdb\xaf\xc3\x1c\xb3\xd3\x5d\xb7\xe3\x9e\xbb\xf3\xdf\xbf") },
	};

	for (size_t i = 0; i < COUNT(rows); i++) {
		unsigned char out[64];
		size_t n = 99;
		bool ok = base64url_decode(tap_edge(rows[i].s), out, rows[i].want.n, &n);
		struct str got = str_from((const char *)out, n);
		struct buf text;

		tap_ok(ok && str_eq(got, rows[i].want), "decodes %s", tap_show(rows[i].s));
		buf_init(&text, 128);
		base64url_put(&text, rows[i].want);
		tap_ok(str_eq(buf_str(&text), rows[i].s), "encodes %s", tap_show(rows[i].s));
		buf_free(&text);
	}
}

static void
refuses(void)
{
	static const struct str rows[] = {
		/* No text has these lengths. */
		TEXT("Z"),
		TEXT("A"),
		TEXT("Zm9vA"),
		TEXT("Zm9vY"),
		/* Padding, other alphabets, line breaks. */
		TEXT("Zg=="),
		TEXT("Zm8="),
		TEXT("Zg="),
		TEXT("="),
		TEXT("+/+/"),
		TEXT("Zm9v\n"),
		TEXT("Zm 9"),
		TEXT("Zm9\0"),
		TEXT("Zm9."),
		TEXT("Zm9\xc3"),
		TEXT("Zm9@"),
		TEXT("Zm9["),
		TEXT("Zm9`"),
		TEXT("Zm9{"),
		TEXT("Zm9/"),
		TEXT("Zm9:"),
		TEXT("Zm9^"),
		/* Bits behind the last byte. */
		TEXT("Zh"),
		TEXT("Zj"),
		TEXT("Zv"),
		TEXT("Zm9"),
		TEXT("Zm-"),
		TEXT("Zm9vYh"),
		/* Longer than there is room for. */
		TEXT("Zm9vYmFyZm9vYmFyZg"),
	};

	for (size_t i = 0; i < COUNT(rows); i++) {
		unsigned char out[12];
		size_t n;
		bool ok = base64url_decode(tap_edge(rows[i]), out, sizeof(out), &n);
		tap_ok(!ok, "refuses %s", tap_show(rows[i]));
	}
}

static void
keeps_to_the_room(void)
{
	static const struct str rows[] = { TEXT("Zg"), TEXT("Zm8"), TEXT("Zm9v"), TEXT("Zm9vYg") };

	for (size_t i = 0; i < COUNT(rows); i++) {
		unsigned char out[5] = { 0x5a, 0x5a, 0x5a, 0x5a, 0x5a };
		size_t n = 0;
		bool fits = base64url_decode(rows[i], out, i + 1, &n);
		tap_ok(fits && n == i + 1 && out[n] == 0x5a, "%zu bytes into %zu", i + 1, i + 1);
		tap_ok(!base64url_decode(rows[i], out, i, &n), "%zu bytes not into %zu", i + 1, i);
	}
}

int
main(void)
{
	accepts();
	refuses();
	keeps_to_the_room();
	return tap_end();
}
