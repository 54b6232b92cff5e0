/* SPDX-License-Identifier: EPL-2.0 */
#include "codec/base64.h"

#include "lib/tap.h"

#define MAX 65536

static const struct {
	struct str bytes, text;
} pairs[] = {
	/* RFC 4648 10 */
	{ TEXT(""), TEXT("") },
	{ TEXT("f"), TEXT("Zg==") },
	{ TEXT("fo"), TEXT("Zm8=") },
	{ TEXT("foo"), TEXT("Zm9v") },
	{ TEXT("foob"), TEXT("Zm9vYg==") },
	{ TEXT("fooba"), TEXT("Zm9vYmE=") },
	{ TEXT("foobar"), TEXT("Zm9vYmFy") },
	{ TEXT("\0"), TEXT("AA==") },
	{ TEXT("\0\0\0"), TEXT("AAAA") },
	{ TEXT("\xfb\xff\xbf"), TEXT("+/+/") },
	{ TEXT("\xff\xff\xff\xff"), TEXT("/////w==") },
};

static const struct str refused[] = {
	TEXT("A"),
	TEXT("AA"),
	TEXT("AAA"),
	TEXT("AAAAA"),
	TEXT("Zg="),
	TEXT("Zg"),
	TEXT("Z==="),
	TEXT("===="),
	TEXT("="),
	TEXT("Zg==Zg=="),
	TEXT("Zm8=Zm8="),
	TEXT("Zm9v===="),
	TEXT("Zg=A"),
	TEXT("Zm9-"),
	TEXT("Zm9_"),
	TEXT("Zm9 "),
	TEXT(" Zm9"),
	TEXT("Zm9\n"),
	TEXT("Zm9v\n"),
	TEXT("Zm9\0"),
	TEXT("Zm9\xff"),
	TEXT("Zh=="), /* bits that are not used, and not zero */
	TEXT("Zm9="),
	TEXT("//=="),
};

static void
test_pair(struct str bytes, struct str text)
{
	struct buf out;

	buf_init(&out, MAX);
	base64_put(&out, bytes);
	tap_text(buf_str(&out), text, "encodes %s", tap_show(bytes));
	tap_int(BASE64_LENGTH(bytes.n), text.n, "knows the length of %s", tap_show(text));
	buf_clear(&out);
	tap_ok(base64_decode(tap_edge(text), &out), "reads %s", tap_show(text));
	tap_text(buf_str(&out), bytes, "decodes %s", tap_show(text));
	buf_free(&out);
}

static void
test_refused(struct str text)
{
	struct buf out;

	buf_init(&out, MAX);
	buf_puts(&out, STR("before"));
	tap_ok(!base64_decode(tap_edge(text), &out), "refuses %s", tap_show(text));
	tap_text(buf_str(&out), STR("before"), "and appends nothing");
	buf_free(&out);
}

/* Each byte at each place of a group. */
static void
test_all_bytes(void)
{
	struct buf bytes, text, back;

	buf_init(&bytes, MAX);
	buf_init(&text, MAX);
	buf_init(&back, MAX);
	for (unsigned shift = 0; shift < 3; shift++) {
		for (unsigned i = 0; i < 256; i++)
			buf_putc(&bytes, (char)(unsigned char)i);
		buf_putc(&bytes, 'x');
		buf_putc(&bytes, 'y');
	}
	base64_put(&text, buf_str(&bytes));
	tap_ok(base64_decode(buf_str(&text), &back), "reads every byte");
	tap_text(buf_str(&back), buf_str(&bytes), "every byte comes back");
	buf_free(&bytes);
	buf_free(&text);
	buf_free(&back);
}

static void
test_limit(void)
{
	struct buf out;

	buf_init(&out, 7);
	base64_put(&out, STR("foobar"));
	tap_ok(!buf_ok(&out), "says that a text does not fit");
	buf_free(&out);
	buf_init(&out, 5);
	tap_ok(base64_decode(STR("Zm9vYmFy"), &out) && !buf_ok(&out), "says that the bytes do not fit");
	buf_free(&out);
}

int
main(void)
{
	for (size_t i = 0; i < COUNT(pairs); i++)
		test_pair(pairs[i].bytes, pairs[i].text);
	for (size_t i = 0; i < COUNT(refused); i++)
		test_refused(refused[i]);
	test_all_bytes();
	test_limit();
	return tap_end();
}
