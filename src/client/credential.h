/* SPDX-License-Identifier: EPL-2.0 */
/*
 * credential: the token that hulykvsctl sends: one from a file or the
 * environment, or one that it signs itself, and signs again before it expires.
 * For session.
 */
#ifndef HULYKVS_CREDENTIAL_H
#define HULYKVS_CREDENTIAL_H

#include "client/arguments.h"

struct credential {
	struct buf secret; /* that signs tokens; empty: the token is a given one */
	struct buf token;
	int64_t renewal; /* seconds since the epoch: when a new one is signed */
};

/*
 * Looks for, in this order: --token-file or --secret-file, HULYKVS_TOKEN,
 * HULY_TOKEN_SECRET_FILE, HULY_TOKEN_SECRET.  EXITSTATUS_USAGE: *error says
 * what is wrong, without a byte of it.  Then, too, credential_free() is called.
 */
enum exitstatus credential_open(struct credential *c, const struct arguments *a, struct buf *error)
    __attribute__((warn_unused_result));

/* Overwrites both. */
void credential_free(struct credential *c);

/* The token, borrowed until the next call; absent where it cannot be signed (no memory). */
struct str credential_token(struct credential *c, const struct arguments *a, int64_t now)
    __attribute__((warn_unused_result));

#endif
