/* SPDX-License-Identifier: EPL-2.0 */
#include "base/buf.h"

#include <assert.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#define FIRST_SIZE 256

void
buf_init(struct buf *b, size_t max)
{
	/* One byte below what an object can have: buf_printf() needs one more than the text. */
	*b = (struct buf){ .max = max < PTRDIFF_MAX ? max : PTRDIFF_MAX - 1 };
}

/* Doubles up to the limit, so that a body of n bytes is copied log2(n) times at most. */
static bool
grow(struct buf *b, size_t need, size_t limit)
{
	size_t cap = b->cap != 0 ? b->cap : FIRST_SIZE;

	while (cap < need)
		cap = cap <= limit / 2 ? cap * 2 : limit;
	if (cap > limit)
		cap = limit != 0 ? limit : 1;

	char *p = realloc(b->p, cap);
	if (p == NULL)
		return false;
	b->p = p;
	b->cap = cap;
	return true;
}

/* spare: bytes after the n that are written but do not count (a NUL). */
static bool
make_space(struct buf *b, size_t n, size_t spare)
{
	if (b->failed)
		return false;
	if (n > b->max - b->n ||
	    ((b->p == NULL || n + spare > b->cap - b->n) && !grow(b, b->n + n + spare, b->max + spare))) {
		b->failed = true;
		return false;
	}
	return true;
}

void
buf_put_growing(struct buf *b, const void *p, size_t n)
{
	if (!make_space(b, n, 0))
		return;
	memcpy(b->p + b->n, p, n);
	b->n += n;
}

void
buf_put_number(struct buf *b, int64_t n)
{
	char digits[20];
	size_t i = sizeof(digits);
	uint64_t left = n < 0 ? -(uint64_t)n : (uint64_t)n;

	do
		digits[--i] = (char)('0' + left % 10);
	while ((left /= 10) > 0);
	if (n < 0)
		digits[--i] = '-';
	buf_put(b, digits + i, sizeof(digits) - i);
}

void
buf_printf(struct buf *b, const char *fmt, ...)
{
	va_list args, again;

	va_start(args, fmt);
	va_copy(again, args);
	int n = vsnprintf(NULL, 0, fmt, args);
	if (n < 0)
		b->failed = true;
	else if (make_space(b, (size_t)n, 1)) {
		(void)vsnprintf(b->p + b->n, (size_t)n + 1, fmt, again);
		b->n += (size_t)n;
	}
	va_end(again);
	va_end(args);
}

char *
buf_reserve(struct buf *b, size_t n)
{
	return make_space(b, n, 0) ? b->p + b->n : NULL;
}

void
buf_grew(struct buf *b, size_t n)
{
	assert(n <= b->cap - b->n && n <= b->max - b->n);
	b->n += n;
}

void
buf_drop(struct buf *b, size_t n)
{
	assert(n <= b->n);
	if (n == 0)
		return;
	b->n -= n;
	memmove(b->p, b->p + n, b->n);
}

void
buf_clear(struct buf *b)
{
	b->n = 0;
	b->failed = false;
}

void
buf_free(struct buf *b)
{
	free(b->p);
	buf_init(b, b->max);
}
