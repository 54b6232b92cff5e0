/* SPDX-License-Identifier: EPL-2.0 */
/*
 * key_list: the JSON answer of a list, made as the keys arrive.  For api, conn and
 * cgi.
 *
 * A short list has the original's order of members and a Content-Length.  A list
 * of more than KEY_LIST_PIECE bytes is sent before the count is known: then
 * "count" comes after "keys".  Only the escaped text is kept, not the keys.
 *
 * A list is read from the store in pages, each of them a statement of its own.
 * conn reads a page to its end before it waits for a slow client, so that no
 * client keeps a database connection in use.  A list can be continued after a
 * connection was lost.  A key
 * that is written or deleted while the list is being read may be in it or not;
 * every other key is in it exactly once, in order.
 */
#ifndef HULYKVS_KEY_LIST_H
#define HULYKVS_KEY_LIST_H

#include <stdint.h>

#include "base/arena.h"
#include "base/buf.h"
#include "store/key_range.h"

#define KEY_LIST_PIECE     (size_t)(32 * 1024) /* bytes; a piece of the answer is sent when it has this size */
#define KEY_LIST_MAX_LIMIT 10000

struct key_list {
	struct str workspace; /* as in the path, but decoded; absent in v1 */
	struct str ns;
	unsigned limit; /* keys in this answer; 0: all */
	uint64_t count; /* keys put so far */
	bool more;      /* there are more keys than the limit */
	bool begun;     /* the header and a first piece were sent */
	struct buf out;
	unsigned page;     /* keys asked for in this page */
	unsigned received; /* keys received in this page */
	uint64_t bytes;    /* of all keys so far */
	struct buf last;   /* the last key put */
	struct buf next;   /* the first key of this page, if it is not the first page */
};

void key_list_init(struct key_list *l, struct str workspace, struct str ns, unsigned limit);
void key_list_free(struct key_list *l);

/* Adds the next key.  A key beyond the limit only sets `more`. */
void key_list_put(struct key_list *l, struct str key);

/*
 * Plans the first or next page: sets *limit to the keys to ask the store for,
 * and, from the second page on, range->from, which borrows from l until the next
 * call.
 */
void key_list_plan_page(struct key_list *l, struct key_range *range, unsigned *limit);

/* When a page was read to its end: whether there may be more keys to read. */
bool key_list_wants_page(const struct key_list *l);

/* Whether a piece is complete: the caller sends `out` and clears it. */
bool key_list_is_full(const struct key_list *l);

/* To be called before the first piece is sent: puts the beginning of the object before it. */
void key_list_begin(struct key_list *l);

/* To be called after the last key: then `out` is the end of the answer, or all of it if nothing was sent. */
void key_list_end(struct key_list *l);

/* Reads the key from a cursor ("k" and base64url) into the arena.  False: no cursor of ours. */
bool key_list_read_cursor(struct str cursor, struct arena *a, struct str *key) __attribute__((warn_unused_result));

#endif
