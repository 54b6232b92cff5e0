/* SPDX-License-Identifier: EPL-2.0 */
/*
 * bearer: tokens for the tests, signed with BEARER_SECRET.
 */
#ifndef HULYKVS_BEARER_H
#define HULYKVS_BEARER_H

#include "auth/guard.h"
#include "base/arena.h"

#define BEARER_SECRET "a secret of the tests"

/* The value of Authorization for these claims (JSON), in the arena. */
struct str bearer(struct str claims, struct arena *a);

/* A shelf with a policy of that secret and these rules (taken; NULL: none), and a guard that has it. */
void bearer_guard(struct guard *guard, struct policy_shelf *shelf, struct rules *rules);

#endif
