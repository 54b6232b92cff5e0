/* SPDX-License-Identifier: EPL-2.0 */
#include "client/credential.h"

#include <stdlib.h>

#include "auth/token.h"
#include "auth/token_issue.h"
#include "base/textfile.h"

static enum exitstatus
wrong_credential(struct buf *error, const char *what, const char *why)
{
	buf_printf(error, "%s: %s", what, why);
	return EXITSTATUS_USAGE;
}

/* The compact form has the characters of base64url and dots only (RFC 7515 7.1); anything else could end the field. */
static const char *
wrong_token(struct str token)
{
	if (token.n == 0)
		return "is empty";
	if (token.n > TOKEN_MAX_LENGTH)
		return "is longer than a token may be";
	for (size_t i = 0; i < token.n; i++) {
		char c = token.p[i];

		if (!((c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z') || str_is_digit(c) || c == '-' || c == '_' ||
			c == '.'))
			return "holds no token: a character that no token has";
	}
	return NULL;
}

static enum exitstatus
read_secret_file(const char *what, const char *path, struct buf *text, struct buf *error)
{
	const char *why;

	buf_free(text);
	why = textfile_read(path, TEXTFILE_SECRET, text);
	if (why == NULL && text->n == 0)
		why = "is empty";
	return why == NULL ? EXITSTATUS_DONE : wrong_credential(error, what, why);
}

static const char *
variable(const char *name)
{
	const char *value = getenv(name);

	return value != NULL && value[0] != '\0' ? value : NULL;
}

static enum exitstatus
check_given(const struct credential *c, const char *what, struct buf *error)
{
	const char *why = wrong_token(buf_str(&c->token));

	return why == NULL ? EXITSTATUS_DONE : wrong_credential(error, what, why);
}

static enum exitstatus
take_from_environment(struct credential *c, const struct arguments *a, struct buf *error)
{
	const char *token = a->command != ARGUMENTS_TOKEN ? variable("HULYKVS_TOKEN") : NULL;
	const char *file = variable("HULY_TOKEN_SECRET_FILE"), *secret = variable("HULY_TOKEN_SECRET");

	if (token != NULL) {
		buf_puts(&c->token, str_of(token));
		return check_given(c, "HULYKVS_TOKEN", error);
	}
	if (file != NULL)
		return read_secret_file("HULY_TOKEN_SECRET_FILE", file, &c->secret, error);
	if (secret == NULL)
		return wrong_credential(error, a->command == ARGUMENTS_TOKEN ? "secret" : "token",
		    "is missing: see --token-file and --secret-file in hulykvsctl(1)");
	buf_puts(&c->secret, str_of(secret));
	return EXITSTATUS_DONE;
}

enum exitstatus
credential_open(struct credential *c, const struct arguments *a, struct buf *error)
{
	const char *token = a->option[ARGUMENTS_OPTION_TOKEN_FILE], *secret = a->option[ARGUMENTS_OPTION_SECRET_FILE];
	enum exitstatus status;

	buf_init(&c->secret, TEXTFILE_MAX);
	buf_init(&c->token, TEXTFILE_MAX);
	c->renewal = INT64_MIN;
	if (token == NULL && secret == NULL)
		return take_from_environment(c, a, error);
	if (secret != NULL)
		return read_secret_file("--secret-file", secret, &c->secret, error);
	status = read_secret_file("--token-file", token, &c->token, error);
	return status == EXITSTATUS_DONE ? check_given(c, "--token-file", error) : status;
}

void
credential_free(struct credential *c)
{
	textfile_forget(&c->secret);
	textfile_forget(&c->token);
}

struct str
credential_token(struct credential *c, const struct arguments *a, int64_t now)
{
	struct token_issue_claims claims = {
		.account = a->account,
		.workspace = a->has_workspace ? &a->workspace : NULL,
		.service = a->service,
		.expires = now + a->ttl,
	};

	if (c->secret.n == 0 || now < c->renewal)
		return buf_str(&c->token);
	buf_clear(&c->token);
	if (!token_issue(buf_str(&c->secret), &claims, &c->token))
		return STR_ABSENT;
	c->renewal = now + a->ttl / 2;
	return buf_str(&c->token);
}
