/* SPDX-License-Identifier: EPL-2.0 */
#include "codec/percent.h"

#include "base/digest.h"
#include "base/utf8.h"

static bool
is_plain(struct str in, enum percent_form form)
{
	if (in.n == 0)
		return true;
	if (memchr(in.p, '%', in.n) != NULL)
		return false;
	return form == PERCENT_SEGMENT || memchr(in.p, '+', in.n) == NULL;
}

/* Takes the first byte off; false: '%' without its two digits (RFC 3986 2.1). */
static bool
take_byte(struct str *in, char *c)
{
	size_t n = 1;

	*c = in->p[0];
	if (*c == '%') {
		unsigned char byte;

		if (!digest_unhex(str_first(str_skip(*in, 1), 2), &byte, 1))
			return false;
		*c = (char)byte;
		n = 3;
	}
	*in = str_skip(*in, n);
	return true;
}

/* The number of bytes written, or -1: malformed. */
static ptrdiff_t
decode_bytes(struct str in, enum percent_form form, char *out)
{
	char *end = out;

	while (in.n > 0) {
		bool space = form == PERCENT_QUERY && in.p[0] == '+';

		if (!take_byte(&in, end))
			return -1;
		if (space)
			*end = ' ';
		end++;
	}
	return end - out;
}

enum percent_result
percent_decode(struct str in, enum percent_form form, struct arena *a, struct str *out)
{
	struct str decoded = in;

	if (!is_plain(in, form)) {
		char *p = arena_alloc(a, in.n);
		if (p == NULL)
			return PERCENT_NO_MEMORY;
		ptrdiff_t n = decode_bytes(in, form, p);
		if (n < 0)
			return PERCENT_MALFORMED;
		decoded = str_from(p, (size_t)n);
	}
	if (!utf8_is_text(decoded))
		return PERCENT_NOT_TEXT;
	*out = decoded;
	return PERCENT_OK;
}

bool
percent_equals(struct str segment, struct str word)
{
	char c;

	for (; segment.n > 0 && word.n > 0; word = str_skip(word, 1))
		if (!take_byte(&segment, &c) || c != word.p[0])
			return false;
	return segment.n == 0 && word.n == 0;
}

/* RFC 3986 2.3 */
static bool
is_unreserved(char c)
{
	return (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z') || str_is_digit(c) || c == '-' || c == '.' ||
	    c == '_' || c == '~';
}

void
percent_put(struct buf *out, struct str s)
{
	for (size_t i = 0; i < s.n; i++) {
		if (is_unreserved(s.p[i]))
			buf_putc(out, s.p[i]);
		else
			buf_printf(out, "%%%02X", (unsigned)(unsigned char)s.p[i]);
	}
}
