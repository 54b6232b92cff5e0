/* SPDX-License-Identifier: EPL-2.0 */
/*
 * token: from the Authorization field to verified claims.
 *
 * RFC 6750 2.1 for the field, RFC 7515 and RFC 7519 for the token.  libjwt
 * checks the signature (this is the only room that includes it), cJSON reads
 * header and claims, and everything that libjwt 1.10 leaves open is checked
 * here: HS256 exactly, no padding, three parts that are not empty, types of
 * all claims, exp with 60 s leeway, no aud; and 8 KiB of claims at most, with
 * room beside them for the usual header and the signature.
 *
 * There may be two keys, while one takes the place of the other.
 *
 * A verifier belongs to one thread.  It remembers tokens that verified, by
 * their SHA-256, until their exp (at most TOKEN_CACHE_SLOTS of them): services
 * send the same token with every request, and a signature check costs more
 * than the rest of the request's own work.
 */
#ifndef HULYKVS_TOKEN_H
#define HULYKVS_TOKEN_H

#include <stdint.h>

#include "base/str.h"
#include "codec/uuid.h"

#define TOKEN_MAX_LENGTH  8320 /* bytes of the compact serialization */
#define TOKEN_LEEWAY      60   /* seconds */
#define TOKEN_CACHE_SLOTS 1024
#define TOKEN_SERVICE_MAX 63 /* bytes kept of extra.service */

struct claims {
	struct uuid account;
	struct uuid workspace; /* where has_workspace */
	bool has_workspace;
	bool service_cut;                    /* its name was longer than is kept: nobody's that a rule knows */
	char service[TOKEN_SERVICE_MAX + 1]; /* extra.service; "" where absent */
};

enum token_verdict {
	TOKEN_VALID,
	TOKEN_MISSING,   /* no Authorization, or not Bearer, or nothing behind it */
	TOKEN_INVALID,   /* everything else that is wrong with it */
	TOKEN_UNCHECKED, /* no memory to find out */
};

/* Either may have signed a token; an empty one never has. */
struct token_secrets {
	struct str current, previous;
};

struct token_verifier;

/* Returns new; borrows the secrets.  NULL: no memory. */
struct token_verifier *token_verifier_new(const struct token_secrets *secrets) __attribute__((warn_unused_result));

/* Borrows others from now on, and forgets all tokens. */
void token_verifier_renew(struct token_verifier *v, const struct token_secrets *secrets);

/* NULL is fine. */
void token_verifier_free(struct token_verifier *v);

/*
 * Checks one field value (absent where the request has none) at `now`,
 * seconds since the epoch.  *claims is set only on TOKEN_VALID.
 */
enum token_verdict token_verify(struct token_verifier *v, struct str authorization, int64_t now, struct claims *claims)
    __attribute__((warn_unused_result));

/* Claims that nobody has signed, for an operator's questions; false: they could be no token's. */
bool token_read_claims(struct str payload, struct claims *claims) __attribute__((warn_unused_result));

#endif
