/* SPDX-License-Identifier: EPL-2.0 */
/*
 * etag: entity tags, and the field values of If-Match and If-None-Match
 * (RFC 9110 8.8.3, 13.1.1, 13.1.2).
 *
 * Our own tags are strong: the MD5 of the value as 32 lower-case hex digits
 * between quotes.  COMPAT: 32 hex digits without quotes, in either case, count as
 * such a tag, because clients of the original send them.  A well-formed tag that
 * cannot be one of ours (another length, upper case, weak under strong comparison)
 * is left out of the list: it never matches.
 */
#ifndef HULYKVS_ETAG_H
#define HULYKVS_ETAG_H

#include "base/arena.h"
#include "base/digest.h"

struct etag_list {
	bool any;        /* "*" */
	size_t n;        /* tags that could be ours */
	struct md5 *tag; /* borrowed from the arena */
};

/* Tags in one field value.  Each is compared with each row's, in the database; who needs more sends "*". */
#define ETAG_LIST_MAX 64

enum etag_comparison {
	ETAG_STRONG, /* If-Match: weak tags never match */
	ETAG_WEAK,   /* If-None-Match: W/ makes no difference */
};

enum etag_result {
	ETAG_OK,
	ETAG_MALFORMED,
	ETAG_TOO_MANY,
	ETAG_NO_MEMORY,
};

/* Reads one field value; lists joined by a web server (", ") are one value. */
enum etag_result etag_list_parse(struct str field, enum etag_comparison comparison, struct arena *a,
    struct etag_list *out) __attribute__((warn_unused_result));

/* Whether the list holds this tag; true for "*". */
bool etag_list_has(const struct etag_list *list, const struct md5 *tag);

/* The field value of ETag: quotes included, no NUL. */
#define ETAG_TEXT_LENGTH 34
void etag_text(const struct md5 *tag, char out[ETAG_TEXT_LENGTH]);

#endif
