/* SPDX-License-Identifier: EPL-2.0 */
/*
 * listing: the JSON answer of a list, made as the keys arrive.
 *
 * A short list is answered in the original's order of members, with its
 * Content-Length.  Beyond KEY_LIST_PIECE bytes the answer has begun before the
 * count is known: then "count" stands behind "keys".  No tree of keys, no copy
 * but the escaped text.
 */
#ifndef HULYKVS_KEY_LIST_H
#define HULYKVS_KEY_LIST_H

#include <stdint.h>

#include "base/arena.h"
#include "base/buf.h"

#define KEY_LIST_PIECE     (size_t)(32 * 1024) /* bytes; what is sent at once */
#define KEY_LIST_MAX_LIMIT 10000

struct key_list {
	struct str workspace; /* as in the path, decoded; absent in v1 */
	struct str ns;
	unsigned limit; /* keys in this answer; 0: all */
	uint64_t count; /* keys put so far */
	bool more;      /* the limit left some out */
	bool begun;     /* part of it has been taken */
	struct buf out;
	struct buf last; /* the last key, for the cursor */
};

void key_list_init(struct key_list *l, struct str workspace, struct str ns, unsigned limit);
void key_list_free(struct key_list *l);

/* Adds the next key.  With a limit, the key behind it only sets `more`. */
void key_list_put(struct key_list *l, struct str key);

/* A piece is due: send out, then buf_clear() it. */
bool key_list_is_full(const struct key_list *l);

/* Before the first piece is sent: puts the opening in front of it. */
void key_list_begin(struct key_list *l);

/* After the last key; out holds the rest, or all of it where nothing was sent before. */
void key_list_end(struct key_list *l);

/* The key that a cursor stands for (hex), in the arena.  False: not one of ours. */
bool key_list_read_cursor(struct str cursor, struct arena *a, struct str *key) __attribute__((warn_unused_result));

#endif
