/* SPDX-License-Identifier: EPL-2.0 */
/*
 * The Authorization field.  First byte even: what follows is the field's value;
 * odd: it is the claims of a token that is signed as it should be.
 */
#include "auth/token.h"
#include "base/digest.h"
#include "codec/base64url.h"
#include "fuzz.h"

#define NOW     INT64_C(1750000000)
#define HOUR    3600
#define LONGEST 65536

static size_t
encode(char *out, const unsigned char *p, size_t n)
{
	static const char alphabet[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";
	size_t length = 0;

	for (size_t bit = 0; bit < 8 * n; bit += 6) {
		size_t i = bit / 8;
		unsigned word = (unsigned)p[i] << 8 | (i + 1 < n ? p[i + 1] : 0U);

		out[length++] = alphabet[word >> (10 - bit % 8) & 63];
	}
	return length;
}

/* Returns new: the field with a signed token. */
static struct str
sign(struct str claims)
{
	static const char head[] = "Bearer eyJhbGciOiJIUzI1NiIsInR5cCI6IkpXVCJ9.";
	char *field = malloc(sizeof(head) + 2 * claims.n + 64);
	struct sha256 signature;
	size_t n = sizeof(head) - 1;

	CHECK(field != NULL);
	memcpy(field, head, n);
	n += encode(field + n, (const unsigned char *)claims.p, claims.n);
	CHECK(digest_hmac_sha256(STR(FUZZ_SECRET), str_from(field + 7, n - 7), &signature));
	field[n++] = '.';
	n += encode(field + n, signature.b, sizeof(signature.b));
	field = realloc(field, n);
	CHECK(field != NULL);
	return str_from(field, n);
}

/* Whether what is behind the last dot of the field is the signature of what is before it. */
static bool
is_signed(struct str field)
{
	struct sha256 want;
	unsigned char got[sizeof(want.b)];
	struct str token, scheme;
	size_t n = 0, dot;

	CHECK(str_cut(str_trim(field), ' ', &scheme, &token));
	token = str_trim(token);
	for (dot = token.n; dot > 0 && token.p[dot - 1] != '.';)
		dot--;
	CHECK(dot > 0);
	CHECK(digest_hmac_sha256(STR(FUZZ_SECRET), str_first(token, dot - 1), &want));
	return base64url_decode(str_skip(token, dot), got, sizeof(got), &n) && n == sizeof(got) &&
	    memcmp(got, want.b, n) == 0;
}

static const struct token_secrets secrets = { STR_INIT(FUZZ_SECRET), STR_INIT("") };

/* What a verifier says that has not seen the token, at this time. */
static enum token_verdict
judge(struct str field, int64_t now, struct claims *claims)
{
	struct token_verifier *v = token_verifier_new(&secrets);
	enum token_verdict verdict;

	CHECK(v != NULL);
	verdict = token_verify(v, field, now, claims);
	token_verifier_free(v);
	return verdict;
}

static void
check_field(struct str field)
{
	static struct token_verifier *v; /* remembers some tokens */
	struct claims fresh, again;
	enum token_verdict verdict = judge(field, NOW, &fresh);

	if (v == NULL)
		v = token_verifier_new(&secrets);
	CHECK(v != NULL);
	for (int i = 0; i < 2; i++) {
		CHECK(token_verify(v, field, NOW, &again) == verdict);
		CHECK(verdict != TOKEN_VALID ||
		    (uuid_eq(&again.account, &fresh.account) && again.has_workspace == fresh.has_workspace &&
			strcmp(again.service, fresh.service) == 0));
	}
	if (verdict != TOKEN_VALID)
		return;
	CHECK(is_signed(field));
	CHECK(memchr(fresh.service, '\0', sizeof(fresh.service)) != NULL);
	CHECK(token_verify(v, field, NOW + HOUR, &again) == judge(field, NOW + HOUR, &fresh));
	CHECK(token_verify(v, field, NOW - HOUR, &again) == judge(field, NOW - HOUR, &fresh));
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct str input = fuzz_str(data, size), field;

	if (size == 0 || size > LONGEST)
		return 0;
	input = str_skip(input, 1);
	if (data[0] % 2 == 0) {
		check_field(input);
		return 0;
	}
	field = sign(input);
	check_field(field);
	free((char *)field.p);
	return 0;
}
