/*
 * listing: the JSON answer of a list, made as the keys arrive.
 *
 * A short list is answered in the original's order of members, with its
 * Content-Length.  Beyond LISTING_PIECE bytes the answer has begun before the
 * count is known: then "count" stands behind "keys".  No tree of keys, no copy
 * but the escaped text.
 */
#ifndef HULYKVS_LISTING_H
#define HULYKVS_LISTING_H

#include <stdint.h>

#include "base/arena.h"
#include "base/buf.h"

#define LISTING_PIECE     (size_t)(32 * 1024) /* bytes; what is sent at once */
#define LISTING_MAX_LIMIT 10000

struct listing {
	struct str workspace; /* as in the path, decoded; absent in v1 */
	struct str ns;
	unsigned limit;   /* keys in this answer; 0: all */
	uint64_t count;   /* keys put so far */
	bool more;        /* the limit left some out */
	bool begun;       /* part of it has been taken */
	struct buf out;
	struct buf last;  /* the last key, for the cursor */
};

void listing_init(struct listing *l, struct str workspace, struct str ns, unsigned limit);
void listing_free(struct listing *l);

/* Adds the next key.  With a limit, the key behind it only sets `more`. */
void listing_put(struct listing *l, struct str key);

/* A piece is due: send out, then buf_clear() it. */
bool listing_is_full(const struct listing *l);

/* Before the first piece is sent: puts the opening in front of it. */
void listing_begin(struct listing *l);

/* After the last key; out holds the rest, or all of it where nothing was sent before. */
void listing_end(struct listing *l);

/* The key that a cursor stands for (hex), in the arena.  False: not one of ours. */
bool listing_read_cursor(struct str cursor, struct arena *a, struct str *key) __attribute__((warn_unused_result));

#endif
