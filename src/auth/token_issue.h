/* SPDX-License-Identifier: EPL-2.0 */
/*
 * token_issue: makes a token that token_verify() accepts, signed with HS256 by
 * libjwt.  For hulykvsctl; the service itself issues none.
 */
#ifndef HULYKVS_TOKEN_ISSUE_H
#define HULYKVS_TOKEN_ISSUE_H

#include <stdint.h>

#include "base/buf.h"
#include "codec/uuid.h"

struct token_issue_claims {
	struct uuid account;
	const struct uuid *workspace; /* NULL: none, as in the tokens of Huly's own services */
	struct str service;           /* extra.service, UTF-8 without NUL; empty: none */
	int64_t expires;              /* exp, seconds since the epoch */
};

/* Appends the token in its compact form.  false: no memory, an empty secret, or libjwt refused. */
bool token_issue(struct str secret, const struct token_issue_claims *claims, struct buf *token)
    __attribute__((warn_unused_result));

#endif
