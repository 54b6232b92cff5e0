/* SPDX-License-Identifier: EPL-2.0 */
#include "auth/token_issue.h"

#include "auth/token.h"
#include "lib/tap.h"

#define MAX 65536
#define NOW INT64_C(1800000000)

static const struct token_secrets secrets = { STR_INIT("the secret"), STR_INIT("") };

static enum token_verdict
verify(struct str token, int64_t now, struct claims *claims)
{
	struct token_verifier *v = token_verifier_new(&secrets);
	enum token_verdict verdict;
	struct buf field;

	buf_init(&field, MAX);
	buf_puts(&field, STR("Bearer "));
	buf_puts(&field, token);
	if (v == NULL || !buf_ok(&field))
		tap_bail("no memory");
	verdict = token_verify(v, buf_str(&field), now, claims);
	token_verifier_free(v);
	buf_free(&field);
	return verdict;
}

static void
with_workspace(struct token_issue_claims *order)
{
	struct uuid workspace;
	struct claims claims;
	struct buf token;

	buf_init(&token, MAX);
	if (!uuid_parse(STR("00000000-0000-4000-8000-000000000002"), &workspace))
		tap_bail("uuid_parse");
	order->workspace = &workspace;
	order->service = STR("a \"service\" \\ \xc3\xa4");
	tap_ok(token_issue(secrets.current, order, &token), "signs");
	tap_int(verify(buf_str(&token), NOW, &claims), TOKEN_VALID, "the service takes it");
	tap_ok(uuid_eq(&claims.account, &order->account), "the account");
	tap_ok(claims.has_workspace && uuid_eq(&claims.workspace, &workspace), "the workspace");
	tap_text(str_of(claims.service), order->service, "the service");
	tap_int(verify(buf_str(&token), NOW + 60 + TOKEN_LEEWAY, &claims), TOKEN_VALID, "until it expires");
	tap_int(verify(buf_str(&token), NOW + 61 + TOKEN_LEEWAY, &claims), TOKEN_INVALID, "and no longer");
	token.p[token.n - 1] ^= 4;
	tap_int(verify(buf_str(&token), NOW, &claims), TOKEN_INVALID, "changed it is refused");
	buf_free(&token);
}

static void
without_workspace(struct token_issue_claims *order)
{
	struct claims claims;
	struct buf token;

	buf_init(&token, MAX);
	order->workspace = NULL;
	order->service = STR("");
	tap_ok(token_issue(secrets.current, order, &token), "signs without a workspace");
	tap_int(verify(buf_str(&token), NOW, &claims), TOKEN_VALID, "the service takes it");
	tap_ok(!claims.has_workspace, "no workspace");
	tap_text(str_of(claims.service), STR(""), "no service");
	buf_clear(&token);
	tap_ok(!token_issue(STR(""), order, &token) && token.n == 0, "nobody signs with an empty secret");
	buf_free(&token);
}

int
main(void)
{
	struct token_issue_claims order = { .expires = NOW + 60 };

	if (!uuid_parse(STR("00000000-0000-4000-8000-000000000001"), &order.account))
		tap_bail("uuid_parse");
	with_workspace(&order);
	without_workspace(&order);
	return tap_end();
}
