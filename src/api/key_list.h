/* SPDX-License-Identifier: EPL-2.0 */
/*
 * key_list: the JSON answer of a list, made as the rows arrive: of keys, with or
 * without what is known of their values; of namespaces; of workspaces.  For api,
 * conn and cgi.
 *
 * A short list has the original's order of members and a Content-Length.  A list
 * of more than KEY_LIST_PIECE bytes is sent before the count is known: then
 * "count" comes after the rows.  Only the text is kept, not the rows.
 *
 * A list is read from the store in pages, each of them a statement of its own.
 * conn reads a page to its end before it waits for a slow client, so that no
 * client keeps a database connection in use, and a list can be continued after a
 * connection was lost.  A key that is written or deleted while the list is being
 * read may be in it or not; every other key is in it exactly once, in order.
 */
#ifndef HULYKVS_KEY_LIST_H
#define HULYKVS_KEY_LIST_H

#include <stdint.h>

#include "base/arena.h"
#include "base/buf.h"
#include "store/store.h"

#define KEY_LIST_PIECE     (size_t)(32 * 1024) /* bytes; a piece of the answer is sent when it has this size */
#define KEY_LIST_MAX_LIMIT 10000
#define KEY_LIST_VALUES    ((uint64_t)8 * 1024 * 1024) /* bytes of values in an answer; one larger value is alone in it */

struct key_list {
	enum store_list list;
	struct str workspace; /* as in the path, but decoded; absent where the path has none */
	struct str ns;        /* absent: a list of namespaces or workspaces */
	unsigned limit;       /* rows in this answer; 0: all */
	uint64_t count;       /* rows put so far */
	bool more;            /* there are more rows than the limit, or than KEY_LIST_VALUES allows */
	bool begun;           /* the header and a first piece were sent */
	bool skipped;         /* some rows were not put */
	struct buf out;
	unsigned page;       /* rows asked for in this page */
	unsigned received;   /* rows received in this page */
	uint64_t page_bytes; /* VALUES: of the values in this page, as they are stored */
	uint64_t rows;       /* received so far */
	uint64_t bytes;      /* which they are estimated to take in memory */
	uint64_t values;     /* VALUES: bytes of values put so far */
	struct buf last;     /* the name of the last row put */
	struct buf passed;   /* the name of the last row received */
	struct buf next;     /* the first key of this page, if it is not the first page */
};

/* workspace and ns are borrowed; either may be absent. */
void key_list_init(struct key_list *l, enum store_list list, struct str workspace, struct str ns, unsigned limit);
void key_list_free(struct key_list *l);

/* Adds the next row.  One beyond the limit only sets `more`. */
void key_list_put(struct key_list *l, const struct store_row *row);

/* Leaves out the next row. */
void key_list_skip(struct key_list *l, const struct store_row *row);

/*
 * Plans the first or next page: sets what op says of the list, limit and bytes,
 * and, from the second page on, range.from or workspace; range.from borrows from l
 * until the next call.
 */
void key_list_plan_page(struct key_list *l, struct store_op *op);

/* When a page was read to its end: whether there may be more rows to read. */
bool key_list_wants_page(const struct key_list *l);

/* Whether a piece is complete: the caller sends `out` and clears it. */
bool key_list_is_full(const struct key_list *l);

/* To be called before the first piece is sent: puts the beginning of the object before it. */
void key_list_begin(struct key_list *l);

/* To be called after the last row: then `out` is the end of the answer, or all of it if nothing was sent. */
void key_list_end(struct key_list *l);

/* Reads the name from a cursor ("k" and base64url) into the arena.  False: no cursor of ours. */
bool key_list_read_cursor(struct str cursor, struct arena *a, struct str *name) __attribute__((warn_unused_result));

/* The first workspace after this one.  False: there is none. */
bool key_list_next_workspace(struct uuid *workspace) __attribute__((warn_unused_result));

#endif
