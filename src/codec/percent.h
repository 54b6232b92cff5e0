/* SPDX-License-Identifier: EPL-2.0 */
/*
 * percent: percent-decoding of one path segment or one query component
 * (RFC 3986 2.1), exactly once; and, for clients, percent-encoding.
 */
#ifndef HULYKVS_PERCENT_H
#define HULYKVS_PERCENT_H

#include "base/arena.h"
#include "base/buf.h"

enum percent_result {
	PERCENT_OK,
	PERCENT_MALFORMED, /* '%' not followed by two hex digits */
	PERCENT_NOT_TEXT,  /* decoded, but NUL or no UTF-8 */
	PERCENT_NO_MEMORY,
};

enum percent_form {
	PERCENT_SEGMENT, /* '+' is '+' */
	PERCENT_QUERY,   /* '+' is a space (application/x-www-form-urlencoded) */
};

/*
 * Decodes `in` into *out, which borrows `in` where nothing is escaped, else the
 * arena.  *out is set only on PERCENT_OK.
 */
enum percent_result percent_decode(struct str in, enum percent_form form, struct arena *a, struct str *out)
    __attribute__((warn_unused_result));

/* Whether the segment, decoded, is the word: a letter may be written as an escape (RFC 3986 6.2.2.2). */
bool percent_equals(struct str segment, struct str word);

/* Appends s with every byte escaped that is not unreserved (RFC 3986 2.3): a segment or a query component. */
void percent_put(struct buf *out, struct str s);

#endif
