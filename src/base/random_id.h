/* SPDX-License-Identifier: EPL-2.0 */
/*
 * ids: random names for requests, unique for all practical purposes but no
 * secrets: whoever has seen some can tell the next.
 */
#ifndef HULYKVS_RANDOM_ID_H
#define HULYKVS_RANDOM_ID_H

#include <stdint.h>

#include "base/str.h"

/* A source of them; one thread at a time. */
struct random_id {
	uint64_t state;
};

/* Seeds it from the kernel. */
void random_id_init(struct random_id *ids);

#define RANDOM_ID_SIZE 32 /* hex digits, no NUL */
void random_id_make(struct random_id *ids, char out[RANDOM_ID_SIZE]);

/* Whether a name of somebody else's will do: 1 to 128 letters, digits and "._-". */
bool random_id_ok(struct str s);

#endif
