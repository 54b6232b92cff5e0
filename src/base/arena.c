/* SPDX-License-Identifier: EPL-2.0 */
#include "base/arena.h"

#include <assert.h>
#include <stdalign.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

#define CHUNK_SIZE 4096 /* bytes: enough for nearly every request */

struct arena_chunk {
	struct arena_chunk *next;
	size_t size; /* of bytes */
	alignas(max_align_t) unsigned char bytes[];
};

/* Under AddressSanitizer no chunk is kept: then it reports a slice that is used after its request. */
#if defined(__SANITIZE_ADDRESS__)
#define KEEP_CHUNK false
#elif defined(__has_feature)
#if __has_feature(address_sanitizer)
#define KEEP_CHUNK false
#endif
#endif
#ifndef KEEP_CHUNK
#define KEEP_CHUNK true
#endif

void
arena_init(struct arena *a, size_t cap)
{
	*a = (struct arena){ .cap = cap };
}

static bool
add_chunk(struct arena *a, size_t n)
{
	size_t left = a->cap - a->total;
	size_t size = CHUNK_SIZE - sizeof(struct arena_chunk);

	if (left < sizeof(struct arena_chunk) || n > left - sizeof(struct arena_chunk))
		return false;
	if (size > left - sizeof(struct arena_chunk) || size < n)
		size = n;

	struct arena_chunk *chunk = malloc(sizeof(*chunk) + size);
	a->starved |= chunk == NULL;
	if (chunk == NULL)
		return false;
	chunk->next = a->chunks;
	chunk->size = size;
	a->chunks = chunk;
	a->used = 0;
	a->total += sizeof(*chunk) + size;
	return true;
}

void *
arena_alloc(struct arena *a, size_t n)
{
	size_t align = alignof(max_align_t);

	if (a->chunks == NULL || n > a->chunks->size - a->used) {
		if (!add_chunk(a, n))
			return NULL;
	}
	void *p = a->chunks->bytes + a->used;
	size_t left = a->chunks->size - a->used - n;
	size_t padding = (align - n % align) % align;
	a->used += n + (padding < left ? padding : left);
	return p;
}

struct str
arena_copy(struct arena *a, struct str s)
{
	if (s.p == NULL || s.n == SIZE_MAX)
		return STR_ABSENT;

	char *p = arena_alloc(a, s.n + 1);
	if (p == NULL)
		return STR_ABSENT;
	memcpy(p, s.p, s.n);
	p[s.n] = '\0';
	return str_from(p, s.n);
}

static char *print_new(struct arena *a, size_t n, const char *fmt, va_list args) __attribute__((format(printf, 3, 0)));

static char *
print_new(struct arena *a, size_t n, const char *fmt, va_list args)
{
	char *p = arena_alloc(a, n + 1);

	if (p != NULL) {
		int printed = vsnprintf(p, n + 1, fmt, args);
		assert(printed >= 0 && (size_t)printed == n);
	}
	return p;
}

struct str
arena_printf(struct arena *a, const char *fmt, ...)
{
	va_list args, again;
	struct str s = STR_ABSENT;

	va_start(args, fmt);
	va_copy(again, args);
	int n = vsnprintf(NULL, 0, fmt, args);
	if (n >= 0) {
		char *p = print_new(a, (size_t)n, fmt, again);
		if (p != NULL)
			s = str_from(p, (size_t)n);
	}
	va_end(again);
	va_end(args);
	return s;
}

void
arena_reset(struct arena *a)
{
	struct arena_chunk *kept = NULL;

	for (struct arena_chunk *chunk = a->chunks, *next; chunk != NULL; chunk = next) {
		next = chunk->next;
		if (KEEP_CHUNK && kept == NULL && sizeof(*chunk) + chunk->size <= CHUNK_SIZE) {
			kept = chunk;
			kept->next = NULL;
		} else {
			free(chunk);
		}
	}
	a->chunks = kept;
	a->used = 0;
	a->starved = false;
	a->total = kept != NULL ? sizeof(*kept) + kept->size : 0;
}

void
arena_free(struct arena *a)
{
	for (struct arena_chunk *chunk = a->chunks, *next; chunk != NULL; chunk = next) {
		next = chunk->next;
		free(chunk);
	}
	arena_init(a, a->cap);
}
