/* SPDX-License-Identifier: EPL-2.0 */
/*
 * guard: who stands at the door of one thread: checks tokens with the
 * policy's keys and remembers them, and asks the policy's rules.
 */
#ifndef HULYKVS_GUARD_H
#define HULYKVS_GUARD_H

#include "auth/policy.h"

struct guard {
	struct policy *policy; /* held */
	struct token_verifier *verifier;
};

/* By the newest policy on the shelf.  False: no memory; guard_free() is called in either case. */
bool guard_init(struct guard *g, struct policy_shelf *shelf) __attribute__((warn_unused_result));

/* From now on by the newest; forgets all tokens where that is another one. */
void guard_renew(struct guard *g, struct policy_shelf *shelf);

void guard_free(struct guard *g);

#endif
