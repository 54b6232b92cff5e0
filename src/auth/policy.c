/* SPDX-License-Identifier: EPL-2.0 */
#include "auth/policy.h"

bool
policy_init(struct policy *p, const struct token_secrets *secrets, const struct rules *rules)
{
	*p = (struct policy){ token_verifier_new(secrets), rules };
	return p->verifier != NULL;
}

void
policy_change(struct policy *p, const struct token_secrets *secrets, const struct rules *rules)
{
	token_verifier_renew(p->verifier, secrets);
	p->rules = rules;
}

void
policy_free(struct policy *p)
{
	token_verifier_free(p->verifier);
	*p = (struct policy){ .verifier = NULL };
}
