/* SPDX-License-Identifier: EPL-2.0 */
#include "auth/token_issue.h"

#include <jwt.h>
#include <limits.h>
#include <stdlib.h>

#include "base/digest.h"
#include "codec/json.h"

#define CLAIMS_MAX 8192

static void
put_uuid_claim(struct buf *json, const char *name, const struct uuid *u)
{
	char text[UUID_TEXT_SIZE];

	uuid_text(u, text);
	buf_printf(json, "\"%s\":\"%s\",", name, text);
}

static void
put_claims(struct buf *json, const struct token_issue_claims *claims)
{
	buf_putc(json, '{');
	put_uuid_claim(json, "account", &claims->account);
	if (claims->workspace != NULL)
		put_uuid_claim(json, "workspace", claims->workspace);
	if (claims->service.n > 0) {
		buf_puts(json, STR("\"extra\":{\"service\":"));
		json_put_string(json, claims->service);
		buf_puts(json, STR("},"));
	}
	buf_puts(json, STR("\"exp\":"));
	buf_put_number(json, claims->expires);
	buf_put(json, "}", 2); /* with the NUL that libjwt needs */
}

/* The token is signed by libjwt and freed by the caller; NULL: refused. */
static char *
sign_claims(struct str secret, const char *claims)
{
	jwt_t *jwt = NULL;
	char *signed_token = NULL;

	if (jwt_new(&jwt) != 0)
		return NULL;
	if (jwt_add_grants_json(jwt, claims) == 0 &&
	    jwt_set_alg(jwt, JWT_ALG_HS256, (const unsigned char *)secret.p, (int)secret.n) == 0)
		signed_token = jwt_encode_str(jwt);
	jwt_free(jwt);
	return signed_token;
}

bool
token_issue(struct str secret, const struct token_issue_claims *claims, struct buf *token)
{
	char *signed_token = NULL;
	struct buf json;

	if (secret.n == 0 || secret.n > INT_MAX)
		return false;
	buf_init(&json, CLAIMS_MAX);
	put_claims(&json, claims);
	if (buf_ok(&json))
		signed_token = sign_claims(secret, json.p);
	buf_free(&json);
	if (signed_token == NULL)
		return false;
	buf_puts(token, str_of(signed_token));
	digest_cleanse(signed_token, strlen(signed_token));
	free(signed_token); /* as libjwt's jwt_free_str() does while no allocator of its own is set */
	return buf_ok(token);
}
