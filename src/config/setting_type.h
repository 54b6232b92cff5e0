/* SPDX-License-Identifier: EPL-2.0 */
/*
 * setting_type: what the type of a setting can do, and the helpers that the
 * types of setting.c and of otelenv.c have in common.
 *
 * A member is the memory of one setting inside struct config.  Zero bytes are
 * an empty member, which may be released.
 */
#ifndef HULYKVS_SETTING_TYPE_H
#define HULYKVS_SETTING_TYPE_H

#include <stdint.h>

#include "base/buf.h"

struct setting_type {
	/* Fills the member and returns NULL, or returns what is wrong with s, without quoting it. */
	const char *(*parse)(struct str s, void *member);
	/* The value as it is in force; a secret as asterisks. */
	void (*print)(const void *member, struct buf *out);
	/* Frees; overwrites a secret first.  NULL: nothing to free. */
	void (*release)(void *member);
	size_t size; /* of the member in bytes; 0: it is an owned text, a char * */
};

/* Whether it is never printed, and may come from a file of its own. */
bool setting_type_is_secret(const struct setting_type *type);

/* Whether two members hold the same value. */
bool setting_type_same(const struct setting_type *type, const void *a, const void *b);

/* Exchanges the values of two members. */
void setting_type_swap(const struct setting_type *type, void *a, void *b);

/* Whether all characters are decimal digits; an empty text is fine. */
bool setting_type_is_digits(struct str s);

/* Ten digits; times a unit of up to 2^30 they fit into 64 bits. */
#define SETTING_TYPE_WHOLE_MAX UINT64_C(9999999999)

/* The value of decimal digits; some number above SETTING_TYPE_WHOLE_MAX where the value is. */
uint64_t setting_type_value(struct str digits);

/* Decimal digits for a number from min to max. */
bool setting_type_parse_whole(struct str s, uint64_t min, uint64_t max, uint64_t *n)
    __attribute__((warn_unused_result));

/* *text: new.  Returns NULL, or what is wrong. */
const char *setting_type_copy(struct str s, char **text);

/* For struct setting_type's release. */
void setting_type_release_text(void *member);
void setting_type_release_secret(void *member);

#endif
