/* SPDX-License-Identifier: EPL-2.0 */
/*
 * row: a line of an exported namespace, NDJSON: {"key":"…","value":"…"} with the
 * value as base64; and the last line, {"keys":2,"sha256":"…"}, which says how many
 * there are, and the SHA-256 of all bytes before it.  For dump and load.
 */
#ifndef HULYKVS_ROW_H
#define HULYKVS_ROW_H

#include "base/buf.h"
#include "base/digest.h"

struct row_end {
	uint64_t keys;
	struct sha256 sum;
};

/* Append the line with its LF.  value: base64. */
void row_put(struct buf *out, struct str key, struct str value);
void row_put_end(struct buf *out, const struct row_end *end);

/*
 * Reads the line, without its LF: *is_end says whether it is the last one, and
 * sets *end; else key and value (its bytes) are appended.  NULL: done.  Else what
 * is wrong with the line, and nothing was appended.
 */
const char *row_read(struct str line, struct buf *key, struct buf *value, struct row_end *end, bool *is_end)
    __attribute__((warn_unused_result));

#endif
