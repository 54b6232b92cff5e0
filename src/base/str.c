/* SPDX-License-Identifier: EPL-2.0 */
#include "base/str.h"

/* Not tolower(): its answer depends on the locale. */
static unsigned char
ascii_lower(char c)
{
	unsigned char u = (unsigned char)c;

	return u >= 'A' && u <= 'Z' ? (unsigned char)(u - 'A' + 'a') : u;
}

static bool
is_ows(char c)
{
	return c == ' ' || c == '\t';
}

bool
str_eq_nocase(struct str a, struct str b)
{
	if (a.n != b.n)
		return false;
	for (size_t i = 0; i < a.n; i++)
		if (ascii_lower(a.p[i]) != ascii_lower(b.p[i]))
			return false;
	return true;
}

int
str_cmp(struct str a, struct str b)
{
	size_t n = a.n < b.n ? a.n : b.n;
	int order = n != 0 ? memcmp(a.p, b.p, n) : 0;

	return order != 0 ? order : (a.n > b.n) - (a.n < b.n);
}

bool
str_starts(struct str s, struct str prefix)
{
	return str_eq(str_first(s, prefix.n), prefix);
}

struct str
str_trim(struct str s)
{
	while (s.n > 0 && is_ows(s.p[0]))
		s = str_skip(s, 1);
	while (s.n > 0 && is_ows(s.p[s.n - 1]))
		s.n--;
	return s;
}

bool
str_cut(struct str s, char at, struct str *head, struct str *tail)
{
	const char *found = s.n != 0 ? memchr(s.p, at, s.n) : NULL;

	if (found == NULL) {
		*tail = STR_ABSENT;
		*head = s;
		return false;
	}
	size_t before = (size_t)(found - s.p);
	*head = str_first(s, before);
	*tail = str_skip(s, before + 1);
	return true;
}

struct str
str_first(struct str s, size_t n)
{
	return (struct str){ s.p, n < s.n ? n : s.n };
}

struct str
str_skip(struct str s, size_t n)
{
	if (s.n == 0)
		return s; /* an absent slice has no pointer to move */
	if (n > s.n)
		n = s.n;
	return (struct str){ s.p + n, s.n - n };
}
