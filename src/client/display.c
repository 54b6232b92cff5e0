/* SPDX-License-Identifier: EPL-2.0 */
#include "client/display.h"

#include "base/utf8.h"

/* Bytes of the UTF-8 sequence at the start of s; 0: there is none. */
static size_t
sequence_length(struct str s)
{
	for (size_t n = 1; n <= 4 && n <= s.n; n++)
		if (utf8_valid(str_first(s, n)))
			return n;
	return 0;
}

/* C0, DEL, and C1 (U+0080 to U+009F), which some terminals also obey. */
static bool
is_control(struct str c)
{
	unsigned char first = (unsigned char)c.p[0];

	if (c.n == 1)
		return first < 0x20 || first == 0x7f;
	return c.n == 2 && first == 0xc2 && (unsigned char)c.p[1] < 0xa0;
}

static void
put_escaped_bytes(struct buf *out, struct str bytes)
{
	for (size_t i = 0; i < bytes.n; i++)
		buf_printf(out, "\\x%02x", (unsigned)(unsigned char)bytes.p[i]);
}

void
display_put(struct buf *out, struct str s)
{
	while (s.n > 0) {
		size_t n = sequence_length(s);
		struct str c = str_first(s, n > 0 ? n : 1);

		if (n == 0 || is_control(c))
			put_escaped_bytes(out, c);
		else if (c.p[0] == '\\')
			buf_puts(out, STR("\\\\"));
		else
			buf_puts(out, c);
		s = str_skip(s, c.n);
	}
}

bool
display_is_text(struct str s)
{
	while (s.n > 0) {
		size_t n = sequence_length(s);

		if (n == 0 || (is_control(str_first(s, n)) && s.p[0] != '\n' && s.p[0] != '\t'))
			return false;
		s = str_skip(s, n);
	}
	return true;
}
