/* SPDX-License-Identifier: EPL-2.0 */
/*
 * query: the query parameters of a list.  Unknown ones are ignored, as the
 * original does; names and values are application/x-www-form-urlencoded.
 */
#ifndef HULYKVS_QUERY_H
#define HULYKVS_QUERY_H

#include "base/arena.h"
#include "http/refusal.h"

struct query {
	struct str prefix; /* absent: none */
	struct str after;  /* the key in `cursor`; absent: none */
	unsigned limit;    /* 0: none */
};

/* Reads the raw query; decoded text lives in the arena. */
enum refusal query_read(struct str raw, struct arena *a, struct query *q) __attribute__((warn_unused_result));

#endif
