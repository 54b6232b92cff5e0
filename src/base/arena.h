/* SPDX-License-Identifier: EPL-2.0 */
/*
 * arena: the memory of one request.
 *
 * Everything that a request needs until its answer (decoded names, tag lists,
 * header text) is allocated here and freed at once by arena_reset().  It grows
 * in chunks up to a hard limit, so that no peer can make it large.  The body is
 * not kept here (see buf).  Any module may use it; one thread at a time.
 */
#ifndef HULYKVS_ARENA_H
#define HULYKVS_ARENA_H

#include "base/str.h"

struct arena_chunk;

struct arena {
	struct arena_chunk *chunks; /* newest first */
	size_t used;                /* bytes taken from the newest chunk */
	size_t total;               /* bytes in all chunks */
	size_t cap;                 /* limit of total */
	bool starved;               /* malloc has failed since the last reset, so the limit was not the reason */
};

/* Takes no memory yet; cap in bytes. */
void arena_init(struct arena *a, size_t cap);

/* Valid until the next reset, aligned for any type, not cleared.  NULL: limit reached or malloc failed. */
void *arena_alloc(struct arena *a, size_t n) __attribute__((warn_unused_result));

/* A copy of s with a NUL after it.  The absent slice on failure, and where s is absent. */
struct str arena_copy(struct arena *a, struct str s) __attribute__((warn_unused_result));

/* A formatted text with a NUL after it.  The absent slice on failure. */
struct str arena_printf(struct arena *a, const char *fmt, ...)
    __attribute__((format(printf, 2, 3), warn_unused_result));

/* Everything allocated here becomes invalid; keeps one small chunk for the next request. */
void arena_reset(struct arena *a);

/* Everything allocated here becomes invalid, and all memory is freed; the arena may be used again. */
void arena_free(struct arena *a);

#endif
