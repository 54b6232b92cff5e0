/*
 * ids: random names for requests, unique for all practical purposes but no
 * secrets: whoever has seen some can tell the next.
 */
#ifndef HULYKVS_IDS_H
#define HULYKVS_IDS_H

#include <stdint.h>

#include "base/str.h"

/* A source of them; one thread at a time. */
struct ids {
	uint64_t state;
};

/* Seeds it from the kernel. */
void ids_init(struct ids *ids);

#define IDS_SIZE 32 /* hex digits, no NUL */
void ids_make(struct ids *ids, char out[IDS_SIZE]);

/* Whether a name of somebody else's will do: 1 to 128 letters, digits and "._-". */
bool ids_ok(struct str s);

#endif
