/*
 * pairs: lists of the form "name=value,name=value", as the variables
 * OTEL_RESOURCE_ATTRIBUTES and OTEL_EXPORTER_OTLP_HEADERS hold them: W3C
 * Baggage (section 3.3.1) without properties, names and values
 * percent-decoded.
 */
#ifndef HULYKVS_PAIRS_H
#define HULYKVS_PAIRS_H

#include "base/arena.h"

#define PAIRS_MAX 64

struct pair {
	struct str name, value;
};

struct pairs {
	struct pair pair[PAIRS_MAX];
	size_t n;
};

/*
 * Fills *p; borrows from s and the arena.  Of a name that comes twice the last
 * one counts; nothing between two commas is no pair.  False: a pair without a
 * name or '=', a broken escape, a control character, no UTF-8, more than
 * PAIRS_MAX, or no memory.
 */
bool pairs_read(struct str s, struct arena *a, struct pairs *p) __attribute__((warn_unused_result));

/* Overwrites what was decoded from s into the arena: for secrets. */
void pairs_forget(struct pairs *p, struct str s);

/* The value of that name; absent: there is none. */
struct str pairs_find(const struct pairs *p, struct str name);

#endif
