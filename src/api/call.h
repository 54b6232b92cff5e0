/* SPDX-License-Identifier: EPL-2.0 */
/*
 * call: what api keeps of one request.  Made by api_begin(); others read it.
 */
#ifndef HULYKVS_CALL_H
#define HULYKVS_CALL_H

#include "api/batch.h"
#include "api/key_list.h"
#include "auth/policy.h"
#include "http/etag.h"
#include "http/response.h"

struct call {
	const struct request *request;
	struct arena *arena;
	struct route_match match;
	struct claims claims;           /* if the token is invalid, only its service is set, if it can be read */
	enum token_reason token_reason; /* if the refusal is INVALID_TOKEN */
	struct rules_verdict verdict;   /* if there are rules */
	struct rules_verdict verdicts[RULES_OPERATIONS]; /* BATCH, if there are rules: for each kind of operation */
	enum refusal refusal;                            /* the first one found */
	struct str reason;                               /* of a probe that failed, for the log only; absent: none */
	struct str workspace;                            /* v2: decoded */
	struct store_op op;
	struct etag_list if_match, if_none_match; /* GET and HEAD */
	struct key_list key_list;                 /* LIST */
	bool has_sealed;                          /* LIST: it was logged that values do not open */
	/* LIST of namespaces or workspaces: by its rules, which may change, it is decided what is shown. */
	const struct policy *policy;
	struct batch batch;             /* BATCH */
	const struct heartbeat *health; /* CHECK */
};

#endif
