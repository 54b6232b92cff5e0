/* SPDX-License-Identifier: EPL-2.0 */
/*
 * str: slices: text as a pointer and a length.
 *
 * A slice borrows its bytes: it does not own them, no NUL stands after them,
 * and it is valid as long as what it was cut from (the request's arena, a
 * configuration, a literal).  A slice whose p is NULL is "absent", which is not
 * the same as "empty".  Any module may use it; nothing here allocates or fails.
 */
#ifndef HULYKVS_STR_H
#define HULYKVS_STR_H

#include <stdbool.h>
#include <stddef.h>
#include <string.h>

struct str {
	const char *p;
	size_t n;
};

#define STR(literal) ((struct str){ "" literal, sizeof(literal) - 1 })
/* The same inside the initializer of a table, where C17 wants a constant. */
#define STR_INIT(literal) \
	{ \
		"" literal, sizeof(literal) - 1 \
	}
#define STR_ABSENT ((struct str){ NULL, 0 })

/* Arguments for "%.*s". */
#define STR_FMT(s) (int)(s).n, (s).p

/* Borrows a C string; NULL gives the absent slice. */
static inline struct str
str_of(const char *c)
{
	return (struct str){ c, c != NULL ? strlen(c) : 0 };
}

static inline struct str
str_from(const char *p, size_t n)
{
	return (struct str){ p, n };
}

static inline bool
str_eq(struct str a, struct str b)
{
	return a.n == b.n && (a.n == 0 || memcmp(a.p, b.p, a.n) == 0);
}

static inline bool
str_is_digit(char c)
{
	return c >= '0' && c <= '9';
}

/* ASCII letters compare without case; every other byte as it is. */
bool str_eq_nocase(struct str a, struct str b);

/* Byte order: memcmp, then the shorter first; < 0, 0, > 0. */
int str_cmp(struct str a, struct str b);

bool str_starts(struct str s, struct str prefix);

/* Without SP and HTAB at both ends (RFC 9110 5.6.3, OWS). */
struct str str_trim(struct str s);

/*
 * Cuts s at the first `at`: head before it, tail after it.  Without `at` in
 * s: false, head is all of s and tail is absent.  head or tail may be &s.
 */
bool str_cut(struct str s, char at, struct str *head, struct str *tail);

/* The first n bytes, or all of s if it is shorter; and the bytes after the first n. */
struct str str_first(struct str s, size_t n);
struct str str_skip(struct str s, size_t n);

#endif
