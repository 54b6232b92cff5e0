/* SPDX-License-Identifier: EPL-2.0 */
#include "codec/base64url.h"

/* 0 to 63, or 64 for a byte outside the alphabet. */
static unsigned
sextet_of(char c)
{
	if (c >= 'A' && c <= 'Z')
		return (unsigned)(c - 'A');
	if (c >= 'a' && c <= 'z')
		return (unsigned)(c - 'a' + 26);
	if (c >= '0' && c <= '9')
		return (unsigned)(c - '0' + 52);
	return c == '-' ? 62 : c == '_' ? 63 : 64;
}

bool
base64url_decode(struct str s, unsigned char *out, size_t max, size_t *n)
{
	unsigned bits = 0; /* the lowest `held` of them belong to a byte that is not complete */
	unsigned held = 0;
	size_t length = s.n / 4 * 3 + s.n % 4 * 6 / 8;

	if (s.n % 4 == 1 || length > max)
		return false;
	for (size_t i = 0; i < s.n; i++) {
		unsigned value = sextet_of(s.p[i]);
		if (value > 63)
			return false;
		bits = bits << 6 | value;
		held += 6;
		if (held >= 8) {
			held -= 8;
			*out++ = (unsigned char)(bits >> held);
		}
	}
	*n = length;
	return (bits & ((1U << held) - 1)) == 0; /* RFC 4648 3.5 */
}

void
base64url_put(struct buf *out, struct str s)
{
	static const char alphabet[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";
	unsigned bits = 0, held = 0; /* the lowest `held` bits are not written yet */

	for (size_t i = 0; i < s.n; i++) {
		bits = bits << 8 | (unsigned char)s.p[i];
		for (held += 8; held >= 6; held -= 6)
			buf_putc(out, alphabet[bits >> (held - 6) & 63]);
	}
	if (held > 0)
		buf_putc(out, alphabet[bits << (6 - held) & 63]);
}
