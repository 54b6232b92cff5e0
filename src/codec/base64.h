/* SPDX-License-Identifier: EPL-2.0 */
/*
 * base64: values as text inside JSON (RFC 4648 4), with padding.
 *
 * Decoding is strict (RFC 4648 3): padding is required, unused bits at the end
 * are zero, and no other byte is accepted, not even a line break.  So no two
 * texts decode to the same bytes.  The parts of a token use base64url instead.
 */
#ifndef HULYKVS_BASE64_H
#define HULYKVS_BASE64_H

#include "base/buf.h"

/* Characters that n bytes take. */
#define BASE64_LENGTH(n) (((n) + 2) / 3 * 4)

/* Appends the bytes of s as base64. */
void base64_put(struct buf *out, struct str s);

/* Appends the bytes that s stands for.  false: s is not base64, and nothing was appended.  Memory: see buf_ok(). */
bool base64_decode(struct str s, struct buf *out) __attribute__((warn_unused_result));

#endif
