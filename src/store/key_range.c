/* SPDX-License-Identifier: EPL-2.0 */
#include "store/key_range.h"

#include <stdint.h>

#define LAST_CODE_POINT 0x10ffff

/* The code point whose n bytes begin at p. */
static uint32_t
decode_bound(const unsigned char *p, size_t n)
{
	uint32_t c = n == 1 ? p[0] : p[0] & (0x7fu >> n);

	for (size_t i = 1; i < n; i++)
		c = c << 6 | (p[i] & 0x3f);
	return c;
}

static size_t
encode(uint32_t c, unsigned char *p)
{
	size_t n = c < 0x80 ? 1 : c < 0x800 ? 2 : c < 0x10000 ? 3 : 4;
	static const unsigned char lead[] = { 0, 0, 0xc0, 0xe0, 0xf0 };

	for (size_t i = n; i-- > 1; c >>= 6)
		p[i] = (unsigned char)(0x80 | (c & 0x3f));
	p[0] = (unsigned char)(lead[n] | c);
	return n;
}

/*
 * Makes s[0..n) the first text after all that begin with it: the last code point that has a successor is replaced by
 * it, and what comes after is cut off.  Returns the new length; 0: there is no such text.
 */
static size_t
make_successor(unsigned char *s, size_t n)
{
	while (n > 0) {
		size_t start = n - 1;
		uint32_t c;

		while (start > 0 && (s[start] & 0xc0) == 0x80)
			start--;
		c = decode_bound(s + start, n - start);
		if (c != LAST_CODE_POINT)
			return start + encode(c == 0xd7ff ? 0xe000 : c + 1, s + start); /* no surrogates */
		n = start;
	}
	return 0;
}

bool
key_range_make(struct str prefix, struct str end, struct str after, struct arena *a, struct key_range *out)
{
	char *p;

	*out = (struct key_range){ .from = STR(""), .below = STR_ABSENT };
	if (prefix.n > 0) {
		size_t n;

		p = arena_alloc(a, prefix.n + 1); /* a successor is at most one byte longer */
		if (p == NULL)
			return false;
		memcpy(p, prefix.p, prefix.n);
		n = make_successor((unsigned char *)p, prefix.n);
		if (n > 0)
			out->below = str_from(p, n);
		out->from = prefix;
	}
	if (end.n > 0 && (out->below.p == NULL || str_cmp(end, out->below) < 0))
		out->below = end;
	if (after.n > 0 && str_cmp(after, out->from) >= 0) {
		p = arena_alloc(a, after.n + 1);
		if (p == NULL)
			return false;
		memcpy(p, after.p, after.n);
		p[after.n] = 1;
		out->from = str_from(p, after.n + 1);
	}
	return true;
}

void
key_range_put_after(struct str key, struct buf *out)
{
	buf_puts(out, key);
	buf_putc(out, '\1');
}
