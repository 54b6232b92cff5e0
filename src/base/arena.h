/* SPDX-License-Identifier: EPL-2.0 */
/*
 * arena: the memory of one request.
 *
 * Everything that a request needs until its answer (decoded names, tag lists,
 * header text) is taken from here and given back at once by arena_reset().
 * It grows in chunks up to a hard cap, so that no peer can make it large.
 * The body is not kept here (see buf).  One thread at a time.
 */
#ifndef HULYKVS_ARENA_H
#define HULYKVS_ARENA_H

#include "base/str.h"

struct arena_chunk;

struct arena {
	struct arena_chunk *chunks; /* newest first */
	size_t used;                /* bytes taken from the newest chunk */
	size_t total;               /* bytes in all chunks */
	size_t cap;                 /* total never exceeds it */
	bool starved;               /* since the last reset malloc failed, so that nothing can be said of the cap */
};

/* Takes no memory yet; cap in bytes. */
void arena_init(struct arena *a, size_t cap);

/* Borrowed until the next reset, aligned for any type, not cleared.  NULL: cap reached or malloc failed. */
void *arena_alloc(struct arena *a, size_t n) __attribute__((warn_unused_result));

/* A copy of s with a NUL behind it.  The absent slice on failure, and where s is absent. */
struct str arena_copy(struct arena *a, struct str s) __attribute__((warn_unused_result));

/* A formatted text with a NUL behind it.  The absent slice on failure. */
struct str arena_printf(struct arena *a, const char *fmt, ...)
    __attribute__((format(printf, 2, 3), warn_unused_result));

/* Ends every loan; keeps one small chunk for the next request. */
void arena_reset(struct arena *a);

/* Ends every loan and gives all memory back; the arena may be used again. */
void arena_free(struct arena *a);

#endif
