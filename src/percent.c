#include "percent.h"

#include "digest.h"
#include "utf8.h"

static bool
is_plain(struct str in, enum percent_form form)
{
	if (in.n == 0)
		return true;
	if (memchr(in.p, '%', in.n) != NULL)
		return false;
	return form == PERCENT_SEGMENT || memchr(in.p, '+', in.n) == NULL;
}

/* The number of bytes written, or -1: '%' without its two digits. */
static ptrdiff_t
decode(struct str in, enum percent_form form, char *out)
{
	char *end = out;

	for (size_t i = 0; i < in.n; i++) {
		char c = in.p[i];

		if (c == '%') {
			unsigned char byte;
			if (!digest_unhex(str_first(str_skip(in, i + 1), 2), &byte, 1))
				return -1; /* RFC 3986 2.1 */
			c = (char)byte;
			i += 2;
		} else if (c == '+' && form == PERCENT_QUERY) {
			c = ' ';
		}
		*end++ = c;
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
		ptrdiff_t n = decode(in, form, p);
		if (n < 0)
			return PERCENT_MALFORMED;
		decoded = str_from(p, (size_t)n);
	}
	if (!utf8_is_text(decoded))
		return PERCENT_NOT_TEXT;
	*out = decoded;
	return PERCENT_OK;
}
