/* SPDX-License-Identifier: EPL-2.0 */
/*
 * kvlist: lists of the form "name=value,name=value", as in the variables
 * OTEL_RESOURCE_ATTRIBUTES and OTEL_EXPORTER_OTLP_HEADERS: W3C Baggage (section
 * 3.3.1) without properties; names and values are percent-decoded.
 */
#ifndef HULYKVS_KVLIST_H
#define HULYKVS_KVLIST_H

#include "base/arena.h"

#define KVLIST_MAX 64

struct kvlist_pair {
	struct str name, value;
};

struct kvlist {
	struct kvlist_pair pair[KVLIST_MAX];
	size_t n;
};

/*
 * Fills *p; borrows from s and the arena.  Where a name comes twice, the last
 * one counts; an empty element between commas is skipped.  False: a pair without a
 * name or '=', a broken escape, a control character, no UTF-8, more than
 * KVLIST_MAX, or no memory.
 */
bool kvlist_read(struct str s, struct arena *a, struct kvlist *p) __attribute__((warn_unused_result));

/* Overwrites what was decoded from s into the arena: for secrets. */
void kvlist_forget(struct kvlist *p, struct str s);

/* The value of that name; absent: there is none. */
struct str kvlist_find(const struct kvlist *p, struct str name);

#endif
