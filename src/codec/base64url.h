/* SPDX-License-Identifier: EPL-2.0 */
/*
 * base64url: the parts of a JSON Web Token (RFC 7515 2, RFC 4648 5).
 *
 * Decoding is strict, as in the original: no padding, no line breaks, no bytes
 * outside the alphabet, and unused bits at the end are zero, so that no two
 * texts decode to the same bytes.
 */
#ifndef HULYKVS_BASE64URL_H
#define HULYKVS_BASE64URL_H

#include "base/buf.h"

/* Writes at most max bytes to out and their number to *n.  false: not base64url, or longer than max. */
bool base64url_decode(struct str s, unsigned char *out, size_t max, size_t *n) __attribute__((warn_unused_result));

/* Appends the bytes of s as base64url without padding. */
void base64url_put(struct buf *out, struct str s);

#endif
