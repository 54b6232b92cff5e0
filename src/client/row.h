/* SPDX-License-Identifier: EPL-2.0 */
/*
 * row: a line of an exported namespace, NDJSON: {"key":"…","value":"…"} with the
 * value as base64.  For dump and load.
 */
#ifndef HULYKVS_ROW_H
#define HULYKVS_ROW_H

#include "base/buf.h"

/* Appends the line with its LF.  value: base64. */
void row_put(struct buf *out, struct str key, struct str value);

/*
 * Appends key and value (its bytes) of the line, without its LF.  NULL: done.
 * Else what is wrong with the line, and nothing was appended.
 */
const char *row_read(struct str line, struct buf *key, struct buf *value) __attribute__((warn_unused_result));

#endif
