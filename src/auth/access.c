/* SPDX-License-Identifier: EPL-2.0 */
#include "auth/access.h"

/* 1749089e-22e6-48de-af4e-165e18fbd2f9 */
const struct uuid access_system = { { 0x17, 0x49, 0x08, 0x9e, 0x22, 0xe6, 0x48, 0xde, 0xaf, 0x4e, 0x16, 0x5e, 0x18,
    0xfb, 0xd2, 0xf9 } };

/* b6996120-416f-49cd-841e-e4a5d2e49c9b */
const struct uuid access_guest = { { 0xb6, 0x99, 0x61, 0x20, 0x41, 0x6f, 0x49, 0xcd, 0x84, 0x1e, 0xe4, 0xa5, 0xd2, 0xe4,
    0x9c, 0x9b } };

bool
access_is_system(const struct claims *claims)
{
	return uuid_eq(&claims->account, &access_system);
}

enum refusal
access_check(const struct claims *claims, struct str segment, struct uuid *workspace)
{
	bool readable = uuid_parse(segment, workspace);

	/* COMPAT: the original's order and texts, which differ for the system account. */
	if (access_is_system(claims))
		return readable ? REFUSAL_NONE : REFUSAL_BAD_WORKSPACE_SYSTEM;
	if (!claims->has_workspace)
		return REFUSAL_NO_WORKSPACE;
	if (!readable)
		return REFUSAL_BAD_WORKSPACE;
	return uuid_eq(workspace, &claims->workspace) ? REFUSAL_NONE : REFUSAL_WORKSPACE_MISMATCH;
}
