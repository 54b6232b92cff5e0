/* SPDX-License-Identifier: EPL-2.0 */
/*
 * random_id: random names for requests and spans.  Two are the same with a
 * probability that need not be considered.  They are no secrets: the next ones
 * can be computed from those seen before.
 */
#ifndef HULYKVS_RANDOM_ID_H
#define HULYKVS_RANDOM_ID_H

#include <stdint.h>

#include "base/str.h"

/* A generator; one thread at a time. */
struct random_id {
	uint64_t state;
};

/* Seeds it from the kernel. */
void random_id_init(struct random_id *ids);

#define RANDOM_ID_SIZE 32 /* hex digits, no NUL */
void random_id_make(struct random_id *ids, char out[RANDOM_ID_SIZE]);

/* Whether a name that a client sent may be used: 1 to 128 letters, digits and "._-". */
bool random_id_ok(struct str s);

#endif
