/* SPDX-License-Identifier: EPL-2.0 */
/*
 * buf: a growing byte buffer with a size limit.
 *
 * Functions that put need no check after each call: a failure (limit reached,
 * or malloc) is remembered, and every later put does nothing, so that a buffer
 * never holds a text with a part missing.  Who uses the result asks buf_ok()
 * once.  Used for bodies, answers and log lines.
 */
#ifndef HULYKVS_BUF_H
#define HULYKVS_BUF_H

#include <stdint.h>

#include "base/str.h"

struct buf {
	char *p;
	size_t n;   /* bytes in use */
	size_t cap; /* bytes allocated */
	size_t max; /* limit of n */
	bool failed;
};

/* Takes no memory yet; max in bytes. */
void buf_init(struct buf *b, size_t max);

/* buf_put() where memory has to be allocated first. */
void buf_put_growing(struct buf *b, const void *p, size_t n);

static inline void
buf_put(struct buf *b, const void *p, size_t n)
{
	if (n == 0)
		return;
	if (b->failed || n > b->max - b->n || n > b->cap - b->n) {
		buf_put_growing(b, p, n);
		return;
	}
	memcpy(b->p + b->n, p, n);
	b->n += n;
}

static inline void
buf_puts(struct buf *b, struct str s)
{
	buf_put(b, s.p, s.n);
}

static inline void
buf_putc(struct buf *b, char c)
{
	buf_put(b, &c, 1);
}

void buf_put_number(struct buf *b, int64_t n); /* in decimal; faster than printf */
void buf_printf(struct buf *b, const char *fmt, ...) __attribute__((format(printf, 2, 3)));

/* Space for n more bytes at the end, which the caller fills before it calls buf_grew().  NULL on failure. */
char *buf_reserve(struct buf *b, size_t n) __attribute__((warn_unused_result));
void buf_grew(struct buf *b, size_t n);

/* Removes the first n bytes. */
void buf_drop(struct buf *b, size_t n);

static inline bool
buf_ok(const struct buf *b)
{
	return !b->failed;
}

/* Borrows the bytes until the next put. */
static inline struct str
buf_str(const struct buf *b)
{
	return (struct str){ b->p != NULL ? b->p : "", b->n };
}

/* Empties; keeps the memory and clears the failure. */
void buf_clear(struct buf *b);

/* Empties and frees the memory; the buffer may be used again. */
void buf_free(struct buf *b);

#endif
