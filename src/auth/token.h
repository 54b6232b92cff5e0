/* SPDX-License-Identifier: EPL-2.0 */
/*
 * token: from the Authorization field to verified claims.
 *
 * RFC 6750 2.1 for the field, RFC 7515 and RFC 7519 for the token.  libjwt
 * checks the signature (only token and token_issue include it).  Tokens that
 * the original accepts and libjwt refuses (see libjwt_can_read in token.c) are
 * checked by ask_hmac with an HMAC of our own.  cJSON reads header and claims.
 * What libjwt 1.10 does not check is checked here: HS256 exactly, no padding,
 * three parts that are not empty, types of all claims, exp and nbf with 60 s
 * leeway, no aud.  TOKEN_MAX_LENGTH allows for about 6 KiB of claims, the usual
 * header and the signature.
 *
 * There may be two secrets, while the new one replaces the old one.
 *
 * A verifier belongs to one thread.  It remembers valid tokens, by their
 * SHA-256, until their exp (at most TOKEN_CACHE_SLOTS of them): services send
 * the same token with every request, and to check a signature costs more than
 * everything else that is done for a request.
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
	bool service_cut;                    /* the name was longer than is kept, so that no rule matches it */
	char service[TOKEN_SERVICE_MAX + 1]; /* extra.service; "" where absent */
};

enum token_verdict {
	TOKEN_VALID,
	TOKEN_MISSING,   /* no Authorization field, another scheme than Bearer, or no token after it */
	TOKEN_INVALID,   /* see struct token_fault */
	TOKEN_UNCHECKED, /* not checked, because there is no memory */
};

/* Why a token is invalid.  X(NAME, "word for logs and --access-check") */
#define TOKEN_REASONS(X) \
	X(MALFORMED, \
	    "malformed") /* not three parts of base64url with JSON, or a header that is not accepted, or too long */ \
	X(SIGNATURE, "signature") /* signed with another secret, or changed */ \
	X(CLAIMS, "claims")       /* signed, but the claims lack something or have a wrong type */ \
	X(EXPIRED, "expired") \
	X(NOT_YET_VALID, "not yet valid")

enum token_reason {
#define X(name, word) TOKEN_##name,
	TOKEN_REASONS(X)
#undef X
};

struct token_fault {
	enum token_reason reason;
	/*
	 * extra.service of the token, "" if it cannot be read.  With
	 * TOKEN_SIGNATURE nobody has proved it: anybody may have written it.
	 */
	char service[TOKEN_SERVICE_MAX + 1];
};

/* A token may be signed with either of them; an empty one is not used. */
struct token_secrets {
	struct str current, previous;
};

struct token_verifier;

/* Returns new; borrows the secrets.  NULL: no memory. */
struct token_verifier *token_verifier_new(const struct token_secrets *secrets) __attribute__((warn_unused_result));

/* Borrows these secrets from now on, and forgets all tokens. */
void token_verifier_renew(struct token_verifier *v, const struct token_secrets *secrets);

/* NULL is fine. */
void token_verifier_free(struct token_verifier *v);

/*
 * Checks one field value (absent where the request has none) at `now`,
 * seconds since the epoch.  *claims is set only on TOKEN_VALID.
 */
enum token_verdict token_verify(struct token_verifier *v, struct str authorization, int64_t now, struct claims *claims)
    __attribute__((warn_unused_result));

/* What was wrong with the last token that was TOKEN_INVALID.  Borrowed until the next token_verify(). */
const struct token_fault *token_last_fault(const struct token_verifier *v);

/* The word of TOKEN_REASONS. */
struct str token_reason_word(enum token_reason reason);

/* Reads claims without a signature, for --access-check; false: no valid token can have such claims. */
bool token_read_claims(struct str payload, struct claims *claims) __attribute__((warn_unused_result));

#endif
