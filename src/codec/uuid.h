/* SPDX-License-Identifier: EPL-2.0 */
/*
 * uuid: workspace and account identifiers (RFC 9562).
 *
 * COMPAT: the forms are those of the original: hyphenated, 32 hex digits,
 * {hyphenated}, urn:uuid:hyphenated with a lower-case prefix; hex digits in
 * either case.
 */
#ifndef HULYKVS_UUID_H
#define HULYKVS_UUID_H

#include "base/str.h"

struct uuid {
	unsigned char b[16];
};

#define UUID_TEXT_SIZE 37 /* 8-4-4-4-12 and a NUL */

bool uuid_parse(struct str s, struct uuid *out) __attribute__((warn_unused_result));
void uuid_text(const struct uuid *u, char out[UUID_TEXT_SIZE]);

static inline bool
uuid_eq(const struct uuid *a, const struct uuid *b)
{
	return memcmp(a->b, b->b, sizeof(a->b)) == 0;
}

#endif
