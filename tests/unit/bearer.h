/*
 * bearer: tokens for the tests, signed with BEARER_SECRET.
 */
#ifndef HULYKVS_BEARER_H
#define HULYKVS_BEARER_H

#include "arena.h"

#define BEARER_SECRET "a secret of the tests"

/* The value of Authorization for these claims (JSON), in the arena. */
struct str bearer(struct str claims, struct arena *a);

#endif
