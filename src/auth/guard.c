/* SPDX-License-Identifier: EPL-2.0 */
#include "auth/guard.h"

bool
guard_init(struct guard *g, struct policy_shelf *shelf)
{
	*g = (struct guard){ .policy = NULL };
	(void)policy_shelf_take(shelf, &g->policy);
	g->verifier = token_verifier_new(&g->policy->secrets);
	return g->verifier != NULL;
}

void
guard_renew(struct guard *g, struct policy_shelf *shelf)
{
	if (policy_shelf_take(shelf, &g->policy))
		token_verifier_renew(g->verifier, &g->policy->secrets);
}

void
guard_free(struct guard *g)
{
	token_verifier_free(g->verifier);
	policy_drop(g->policy);
	*g = (struct guard){ .policy = NULL };
}
