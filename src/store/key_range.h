/* SPDX-License-Identifier: EPL-2.0 */
/*
 * key_range: "begins with this prefix" and "comes after this key" as one range
 * of texts in byte order, which an index can be read by.  `%` and `_` are
 * ordinary characters, which they are not for LIKE.  Made by api, used by the
 * statements of lists.
 *
 * Texts in UTF-8 have the same order by bytes as by code points, and none
 * contains NUL, so the first text after k is k followed by U+0001.
 */
#ifndef HULYKVS_KEY_RANGE_H
#define HULYKVS_KEY_RANGE_H

#include "base/arena.h"
#include "base/buf.h"

struct key_range {
	struct str from;  /* the first text in it; "" for all */
	struct str below; /* the first text after it; absent: the range has no end */
};

/*
 * prefix, end (the first text that is not wanted any more) and after may be absent; all are UTF-8.  The range borrows
 * end, and otherwise lives in the arena.  False: no memory.
 */
bool key_range_make(struct str prefix, struct str end, struct str after, struct arena *a, struct key_range *out)
    __attribute__((warn_unused_result));

/* Appends the first text after the key, where the next page of a list begins. */
void key_range_put_after(struct str key, struct buf *out);

#endif
