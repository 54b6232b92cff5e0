/* SPDX-License-Identifier: EPL-2.0 */
#include "base/utf8.h"

static bool
in_range(unsigned char c, unsigned char low, unsigned char high)
{
	return c >= low && c <= high;
}

/* Bytes of the character of two or more at p, by the table of RFC 3629 4; 0: it is not well-formed. */
static size_t
multibyte(const unsigned char *p, size_t n)
{
	unsigned char lead = p[0];
	size_t length = lead < 0xe0 ? 2 : lead < 0xf0 ? 3 : 4;

	if (!in_range(lead, 0xc2, 0xf4) || length > n)
		return 0;

	/* The second byte alone tells overlong forms, surrogates and what is above U+10FFFF. */
	unsigned char low = lead == 0xe0 ? 0xa0 : lead == 0xf0 ? 0x90 : 0x80;
	unsigned char high = lead == 0xed ? 0x9f : lead == 0xf4 ? 0x8f : 0xbf;
	if (!in_range(p[1], low, high))
		return 0;
	for (size_t i = 2; i < length; i++)
		if (!in_range(p[i], 0x80, 0xbf))
			return 0;
	return length;
}

bool
utf8_valid(struct str s)
{
	const unsigned char *p = (const unsigned char *)s.p;

	for (size_t i = 0; i < s.n;) {
		size_t length = p[i] < 0x80 ? 1 : multibyte(p + i, s.n - i);
		if (length == 0)
			return false;
		i += length;
	}
	return true;
}

bool
utf8_is_text(struct str s)
{
	return s.n == 0 || (memchr(s.p, '\0', s.n) == NULL && utf8_valid(s));
}
