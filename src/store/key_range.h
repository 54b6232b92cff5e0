/* SPDX-License-Identifier: EPL-2.0 */
/*
 * range: "begins with this prefix" and "behind this key" as one half-open
 * range of texts in byte order, which an index serves as it is.  `%` and `_`
 * mean themselves, as LIKE would not have it.
 *
 * UTF-8 sorts by bytes as its code points sort by number, and no text holds a
 * NUL, so the least text behind k is k followed by U+0001.
 */
#ifndef HULYKVS_KEY_RANGE_H
#define HULYKVS_KEY_RANGE_H

#include "base/arena.h"
#include "base/buf.h"

struct key_range {
	struct str from;  /* the first text in it; "" for all */
	struct str below; /* the first text behind it; absent: no end */
};

/* prefix and after may be absent; both are UTF-8.  The range lives in the arena.  False: no memory. */
bool key_range_make(struct str prefix, struct str after, struct arena *a, struct key_range *out)
    __attribute__((warn_unused_result));

/* Appends the first text that comes after the key: where the next page of a list begins. */
void key_range_put_after(struct str key, struct buf *out);

#endif
