/* SPDX-License-Identifier: EPL-2.0 */
/*
 * bearer: tokens for the tests, signed with BEARER_SECRET.
 */
#ifndef HULYKVS_BEARER_H
#define HULYKVS_BEARER_H

#include "auth/policy.h"
#include "base/arena.h"

#define BEARER_SECRET "a secret of the tests"

/* The value of Authorization for these claims (JSON), in the arena. */
struct str bearer(struct str claims, struct arena *a);

/* A policy of that secret and these rules (borrowed; NULL: none). */
void bearer_policy(struct policy *policy, const struct rules *rules);

#endif
