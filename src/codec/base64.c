/* SPDX-License-Identifier: EPL-2.0 */
#include "codec/base64.h"

#include <stdint.h>

static const char base64_alphabet[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

/* Four characters for the first n (1 to 3) bytes at b. */
static void
encode_group(const unsigned char *b, size_t n, char *out)
{
	uint32_t bits = (uint32_t)b[0] << 16 | (n > 1 ? (uint32_t)b[1] << 8 : 0) | (n > 2 ? b[2] : 0);

	out[0] = base64_alphabet[bits >> 18];
	out[1] = base64_alphabet[bits >> 12 & 63];
	out[2] = '=';
	out[3] = '=';
	if (n > 1)
		out[2] = base64_alphabet[bits >> 6 & 63];
	if (n > 2)
		out[3] = base64_alphabet[bits & 63];
}

void
base64_put(struct buf *out, struct str s)
{
	size_t length = BASE64_LENGTH(s.n);
	char *to;

	if (s.n == 0)
		return;
	to = buf_reserve(out, length);
	if (to == NULL)
		return;
	for (size_t i = 0; i < s.n; i += 3, to += 4)
		encode_group((const unsigned char *)s.p + i, s.n - i < 3 ? s.n - i : 3, to);
	buf_grew(out, length);
}

/* 0 to 63, or 64 for a byte outside the alphabet. */
static uint32_t
base64_sextet(char c)
{
	if (c >= 'A' && c <= 'Z')
		return (uint32_t)(c - 'A');
	if (c >= 'a' && c <= 'z')
		return (uint32_t)(c - 'a' + 26);
	if (c >= '0' && c <= '9')
		return (uint32_t)(c - '0' + 52);
	return c == '+' ? 62 : c == '/' ? 63 : 64;
}

/* n characters (2 to 4) at s, to n - 1 bytes. */
static bool
decode_group(const char *s, size_t n, char *out)
{
	uint32_t bits = 0;

	for (size_t i = 0; i < n; i++) {
		uint32_t sextet = base64_sextet(s[i]);

		if (sextet > 63)
			return false;
		bits |= sextet << (18 - 6 * i);
	}
	for (size_t i = 0; i < n - 1; i++)
		out[i] = (char)(unsigned char)(bits >> (16 - 8 * i));
	return n == 4 || (bits & (n == 3 ? 0xff : 0xffff)) == 0; /* RFC 4648 3.5 */
}

static size_t
padding_of(struct str s)
{
	if (s.p[s.n - 1] != '=')
		return 0;
	return s.p[s.n - 2] == '=' ? 2 : 1;
}

bool
base64_decode(struct str s, struct buf *out)
{
	size_t padding, length;
	char *to;

	if (s.n % 4 != 0)
		return false;
	if (s.n == 0)
		return true;
	padding = padding_of(s);
	length = s.n / 4 * 3 - padding;
	to = buf_reserve(out, length);
	if (to == NULL)
		return true;
	for (size_t i = 0; i < s.n; i += 4, to += 3)
		if (!decode_group(s.p + i, i + 4 < s.n ? 4 : 4 - padding, to))
			return false;
	buf_grew(out, length);
	return true;
}
