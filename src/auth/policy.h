/* SPDX-License-Identifier: EPL-2.0 */
/*
 * policy: all that one thread needs to decide whether a request is allowed: the
 * verifier of tokens, with its cache, and the access rules.  For server.
 *
 * Secrets and rules are borrowed, from the thread's snapshot of the settings
 * (config/snapshot): they live until policy_change() or policy_free().
 */
#ifndef HULYKVS_POLICY_H
#define HULYKVS_POLICY_H

#include "auth/rules.h"
#include "auth/token.h"

struct policy {
	struct token_verifier *verifier;
	const struct rules *rules; /* NULL: every namespace is open to every token */
};

/* False: no memory; policy_free() is due in either case. */
bool policy_init(struct policy *p, const struct token_secrets *secrets, const struct rules *rules)
    __attribute__((warn_unused_result));

/* Uses these from now on, and forgets all cached tokens. */
void policy_change(struct policy *p, const struct token_secrets *secrets, const struct rules *rules);

void policy_free(struct policy *p);

#endif
