/* SPDX-License-Identifier: EPL-2.0 */
/*
 * query: the query parameters of lists.  Unknown ones are ignored, as the
 * original does; names and values are application/x-www-form-urlencoded.  For
 * listing.
 *
 * docs/api.md is compared with these tables.
 */
#ifndef HULYKVS_QUERY_H
#define HULYKVS_QUERY_H

#include "base/arena.h"
#include "http/refusal.h"
#include "store/store.h"

/* The lists that take a parameter.  v1 ignores those of the others, as the original does; in v2 they are a mistake. */
enum query_list {
	QUERY_KEYS_V1 = 1,
	QUERY_KEYS = 2,
	QUERY_NAMESPACES = 4,
	QUERY_WORKSPACES = 8,
	QUERY_ALL = QUERY_KEYS_V1 | QUERY_KEYS | QUERY_NAMESPACES | QUERY_WORKSPACES,
};

/* X(NAME, "name", lists) */
#define QUERY_PARAMETERS(X) \
	X(PREFIX, "prefix", QUERY_KEYS_V1 | QUERY_KEYS) \
	X(END, "end", QUERY_KEYS) \
	X(LIMIT, "limit", QUERY_ALL) \
	X(CURSOR, "cursor", QUERY_ALL) \
	X(INCLUDE, "include", QUERY_KEYS | QUERY_NAMESPACES)

/* The values of include: X("value", list that takes it, what is listed then) */
#define QUERY_INCLUDES(X) \
	X("metadata", QUERY_KEYS, STORE_LIST_METADATA) \
	X("values", QUERY_KEYS, STORE_LIST_VALUES) \
	X("counts", QUERY_NAMESPACES, STORE_LIST_COUNTS)

struct query {
	struct str prefix; /* absent: none */
	struct str end;    /* absent: none */
	struct str after;  /* the name in `cursor`; absent: none */
	unsigned limit;    /* 0: none */
	enum store_list list;
};

/* Reads the raw query of this list; decoded text lives in the arena. */
enum refusal query_read(struct str raw, enum query_list list, struct arena *a, struct query *q)
    __attribute__((warn_unused_result));

#endif
