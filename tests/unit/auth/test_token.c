/* SPDX-License-Identifier: EPL-2.0 */
#include "auth/token.h"

#include <dlfcn.h>

#include "lib/jws.h"
#include "telemetry/metrics.h"

#define SYSTEM      "1749089e-22e6-48de-af4e-165e18fbd2f9"
#define WS_HEX      "cccccccc222233334444555555555555"
#define NO_EXTRA(x) "{" ACCOUNT "," WORKSPACE "," x "}"
#define DIGITS_62   "12345678901234567890123456789012345678901234567890123456789012"
#define NO_WS(x)    "{" ACCOUNT "," EXTRA "," x "}"

static unsigned hashes; /* that were ended: one for the cache, two for an HMAC of ours */

/* Whether libcrypto's own HMAC, which libjwt uses, comes this way depends on its version. */
int
EVP_DigestFinal_ex(EVP_MD_CTX *ctx, unsigned char *md, unsigned *n)
{
	int (*next)(EVP_MD_CTX *, unsigned char *, unsigned *);
	void *symbol = dlsym(RTLD_NEXT, "EVP_DigestFinal_ex");

	if (symbol == NULL)
		tap_bail("dlsym");
	memcpy(&next, &symbol, sizeof(next));
	hashes++;
	return next(ctx, md, n);
}

static void
good_payloads(void)
{
	static const char *const rows[] = {
		"{" BASE "}",
		" {\n\t" BASE " } \r\n",
		"{\"extra\":{\"service\":\"google-calendar\"},\"account\":\"" SYSTEM "\"}",
		"{" ACCOUNT "}",
		"{" ACCOUNT "," EXTRA "}",
		"{" ACCOUNT "," WORKSPACE "}",
		"{\"acc\\u006funt\":\"" USER "\"}",
		/* UUID forms. */
		NO_WS("\"workspace\":null"),
		NO_WS("\"workspace\":\"CCCCCCCC-2222-3333-4444-555555555555\""),
		NO_WS("\"workspace\":\"" WS_HEX "\""),
		NO_WS("\"workspace\":\"{" WS "}\""),
		NO_WS("\"workspace\":\"urn:uuid:" WS "\""),
		"{\"account\":\"urn:uuid:" USER "\"}",
		/* extra. */
		NO_EXTRA("\"extra\":{}"),
		NO_EXTRA("\"extra\":{\"a\":\"1\",\"a\":\"2\"}"),
		NO_EXTRA("\"extra\":{\"service\":\"\"}"),
		/* Claims that do not matter, even those spelt like some that do. */
		WITH("\"iss\":\"x\",\"sub\":\"y\",\"iat\":1750000000,\"grant\":{\"a\":1}"),
		WITH("\"iss\":7,\"sub\":[],\"iat\":\"z\",\"grant\":null"),
		WITH("\"Account\":\"nope\",\"EXP\":1,\"Aud\":\"x\",\"NBF\":9999999999"),
		WITH("\"x\":{\"a\":1,\"a\":2}"),
		WITH("\"aud\":null"),
		/* exp: now is 1750000000. */
		WITH("\"exp\":1750003600"),
		WITH("\"exp\":1750003600.5"),
		WITH("\"exp\":1750000000"),
		WITH("\"exp\":1749999970"),
		WITH("\"exp\":1749999940"),
		WITH("\"exp\":1749999939.5"),
		WITH("\"exp\":1.75e9"),
		WITH("\"exp\":1e300"),
		WITH("\"exp\":9007199254740993"),
		WITH("\"exp\":9223372036854775807"),
		/* Numbers that libjwt's parser refuses. */
		WITH("\"exp\":9223372036854775808"),
		WITH("\"exp\":99999999999999999999"),
		WITH("\"iat\":99999999999999999999"),
		WITH("\"iat\":[-99999999999999999999,1e400]"),
		/* nbf. */
		WITH("\"nbf\":1749996400"),
		WITH("\"nbf\":1750000060"),
		WITH("\"nbf\":1750000060.4"),
		WITH("\"nbf\":0"),
		WITH("\"nbf\":-1"),
		WITH("\"nbf\":-1e300"),
		WITH("\"nbf\":1749996400,\"exp\":1750003600"),
	};

	for (size_t i = 0; i < COUNT(rows); i++)
		jws_check_payload(rows[i], TOKEN_VALID);
}

static void
bad_payloads(void)
{
	static const char *const rows[] = {
		/* No object. */
		"",
		"hello",
		"[1,2]",
		"null",
		"7",
		"\"x\"",
		"{",
		"{" BASE,
		BASE "}",
		"{" BASE "}x",
		"{" BASE "}{}",
		"{" BASE ",}",
		"\xef\xbb\xbf{" BASE "}",
		WITH("\"x\":\"\\u0000\""),
		WITH("\"x\":\"\xff\""),
		WITH("\"x\":01"),
		/* account. */
		"{}",
		"{" WORKSPACE "," EXTRA "}",
		"{\"Account\":\"" USER "\"}",
		"{\"account\":null}",
		"{\"account\":\"nope\"}",
		"{\"account\":\"\"}",
		"{\"account\":\" " USER "\"}",
		"{\"account\":\"" USER "\\u0000\"}",
		"{\"account\":7}",
		"{\"account\":[\"" USER "\"]}",
		/* workspace. */
		NO_WS("\"workspace\":\"\""),
		NO_WS("\"workspace\":\"nope\""),
		NO_WS("\"workspace\":\"" WS "\\u0000\""),
		NO_WS("\"workspace\":\"URN:UUID:" WS "\""),
		NO_WS("\"workspace\":false"),
		NO_WS("\"workspace\":7"),
		NO_WS("\"workspace\":{}"),
		/* extra. */
		NO_EXTRA("\"extra\":null"),
		NO_EXTRA("\"extra\":\"a\""),
		NO_EXTRA("\"extra\":[\"a\"]"),
		NO_EXTRA("\"extra\":[]"),
		NO_EXTRA("\"extra\":{\"service\":7}"),
		NO_EXTRA("\"extra\":{\"guest\":true}"),
		NO_EXTRA("\"extra\":{\"guest\":null}"),
		NO_EXTRA("\"extra\":{\"a\":\"1\",\"b\":{\"c\":\"d\"}}"),
		NO_EXTRA("\"extra\":{\"a\":[\"b\"]}"),
		/* Duplicates. */
		WITH(WORKSPACE),
		WITH(ACCOUNT),
		WITH(EXTRA),
		WITH("\"acc\\u006funt\":\"" USER "\""),
		WITH("\"iss\":\"a\",\"iss\":\"b\""),
		WITH("\"exp\":1750003600,\"exp\":1750003600"),
		/* aud. */
		WITH("\"aud\":\"x\""),
		WITH("\"aud\":\"\""),
		WITH("\"aud\":[\"x\"]"),
		WITH("\"aud\":[]"),
		WITH("\"aud\":7"),
		/* exp. */
		WITH("\"exp\":1749996400"),
		WITH("\"exp\":1749996399.5"),
		WITH("\"exp\":1749999939"),
		WITH("\"exp\":1749999939.4"),
		WITH("\"exp\":0"),
		WITH("\"exp\":-0"),
		WITH("\"exp\":-1"),
		WITH("\"exp\":-1e300"),
		WITH("\"exp\":1e400"),
		WITH("\"exp\":-1e400"),
		WITH("\"exp\":\"soon\""),
		WITH("\"exp\":\"1750003600\""),
		WITH("\"exp\":null"),
		WITH("\"exp\":true"),
		WITH("\"exp\":[1750003600]"),
		/* nbf. */
		WITH("\"nbf\":1750003600"),
		WITH("\"nbf\":1750000061"),
		WITH("\"nbf\":1750000060.5"),
		WITH("\"nbf\":1e300"),
		WITH("\"nbf\":-1e400"),
		WITH("\"nbf\":\"soon\""),
		WITH("\"nbf\":null"),
		WITH("\"nbf\":1750003600,\"exp\":1750003600"),
	};

	for (size_t i = 0; i < COUNT(rows); i++)
		jws_check_payload(rows[i], TOKEN_INVALID);
}

static void
check_claims(const char *payload, const struct claims *want, const char *name)
{
	struct token_verifier *v = jws_verifier(STR(SECRET));
	struct str token = jws_sign(HEADER, payload);
	struct claims got;

	for (int round = 1; round <= 2; round++) {
		bool ok = jws_verify(v, token, NOW, &got) == TOKEN_VALID;
		tap_ok(ok && uuid_eq(&got.account, &want->account), "%s: account, round %d", name, round);
		tap_ok(ok && got.has_workspace == want->has_workspace &&
			(!got.has_workspace || uuid_eq(&got.workspace, &want->workspace)),
		    "%s: workspace", name);
		if (ok)
			tap_text(str_of(got.service), str_of(want->service), "%s: service", name);
		tap_ok(ok && got.service_cut == want->service_cut, "%s: whole or not", name);
	}
	token_verifier_free(v);
	arena_reset(&jws_arena);
}

static void
claims(void)
{
	struct claims want = { .has_workspace = true, .service = "test" };
	struct uuid hexed;

	if (!uuid_parse(STR(USER), &want.account) || !uuid_parse(STR(WS), &want.workspace) ||
	    !uuid_parse(STR(WS_HEX), &hexed))
		tap_bail("uuid_parse");
	check_claims("{" BASE "}", &want, "all of them");
	check_claims(NO_WS("\"workspace\":\"" WS_HEX "\""), &want, "32 hex digits");
	check_claims(
	    NO_EXTRA("\"extra\":{\"service\":\"first\",\"x\":\"y\",\"service\":\"test\"}"), &want, "the last counts");
	(void)strcpy(want.service, "");
	check_claims("{" ACCOUNT "," WORKSPACE "}", &want, "no extra");
	check_claims(NO_EXTRA("\"extra\":{\"Service\":\"x\",\"guest\":\"true\"}"), &want, "no service");
	(void)strcpy(want.service, DIGITS_62 "3");
	check_claims(NO_EXTRA("\"extra\":{\"service\":\"" DIGITS_62 "3\"}"), &want, "a service of 63 bytes");
	want.service_cut = true;
	check_claims(NO_EXTRA("\"extra\":{\"service\":\"" DIGITS_62 "34\"}"), &want, "a long service is cut");
	(void)strcpy(want.service, DIGITS_62);
	check_claims(NO_EXTRA("\"extra\":{\"service\":\"" DIGITS_62 "\xc3\xa9\"}"), &want, "not within a character");
	want.service_cut = false;
	(void)strcpy(want.service, "");
	check_claims(NO_EXTRA("\"extra\":{\"service\":\"" DIGITS_62 "34\",\"service\":\"\"}"), &want,
	    "a long one that another one follows");
	want.has_workspace = false;
	check_claims("{" ACCOUNT "}", &want, "no workspace");
	check_claims("{" ACCOUNT ",\"workspace\":null}", &want, "a null workspace");
}

/* What a verifier with this key says of a token signed with that one. */
static void
check_keys(struct str key, struct str signing_key, enum token_verdict want, const char *name)
{
	static const struct str headers[] = { TEXT(HEADER), TEXT(HEADER_TYP) };
	struct claims claims;

	for (size_t i = 0; i < COUNT(headers); i++) {
		struct token_verifier *v = jws_verifier(key);
		struct str head = jws_base64url(headers[i]), body = jws_base64url(STR("{" BASE "}"));
		struct str token = jws_sign_raw(head, body, EVP_sha256(), signing_key);
		tap_int(jws_verify(v, token, NOW, &claims), want, "%s", name);
		token_verifier_free(v);
		arena_reset(&jws_arena);
	}
}

static void
keys(void)
{
	char longer[200];

	memset(longer, 's', sizeof(longer));
	check_keys(str_from(longer, 200), str_from(longer, 200), TOKEN_VALID, "a key of 200 bytes");
	check_keys(str_from(longer, 200), str_from(longer, 199), TOKEN_INVALID, "and one shorter by a byte");
	check_keys(STR("a\0b"), STR("a\0b"), TOKEN_VALID, "a key with a NUL");
	check_keys(STR("a\0b"), STR("a"), TOKEN_INVALID, "does not end there");
	check_keys(STR("a"), STR("a\0b"), TOKEN_INVALID, "nor go on behind it");
	check_keys(STR(""), STR(""), TOKEN_INVALID, "an empty key is no key");
	token_verifier_free(NULL);
}

static enum token_verdict
verify_signed(struct token_verifier *v, const char *header, const char *secret)
{
	struct claims claims;

	return jws_verify(v, jws_sign_with(header, STR("{" BASE "}"), secret), NOW, &claims);
}

/* While one key takes the place of the other. */
static void
two_keys(void)
{
	static const char *const headers[] = { HEADER, HEADER_TYP };
	struct token_secrets both = { STR("new"), STR("old") }, only = { STR("new"), STR("") };
	struct token_secrets other = { STR("newest"), STR("new") };
	struct metrics *m = metrics_new(1);

	if (m == NULL)
		tap_bail("no memory");
	metrics_attach(m, 0);
	for (size_t i = 0; i < COUNT(headers); i++) {
		struct token_verifier *v = token_verifier_new(&both);

		if (v == NULL)
			tap_bail("no memory");
		tap_int(verify_signed(v, headers[i], "new"), TOKEN_VALID, "the key of now");
		tap_int(verify_signed(v, headers[i], "old"), TOKEN_VALID, "the key before it");
		tap_int(verify_signed(v, headers[i], "old"), TOKEN_VALID, "and again");
		tap_int(verify_signed(v, headers[i], "older"), TOKEN_INVALID, "no other");
		tap_int(verify_signed(v, headers[i], ""), TOKEN_INVALID, "nor none");
		token_verifier_renew(v, &only);
		tap_int(verify_signed(v, headers[i], "old"), TOKEN_INVALID, "the old one is forgotten");
		tap_int(verify_signed(v, headers[i], ""), TOKEN_INVALID, "and no empty one is in its place");
		tap_int(verify_signed(v, headers[i], "new"), TOKEN_VALID, "the new one is not");
		token_verifier_renew(v, &other);
		tap_int(verify_signed(v, headers[i], "new"), TOKEN_VALID, "until it is the old one");
		token_verifier_free(v);
	}
	tap_int(
	    (int64_t)metrics_sum(m, METRICS_TOKENS_ACCEPTED + METRICS_SECRET_CURRENT), 4, "counted: the key of now");
	tap_int((int64_t)metrics_sum(m, METRICS_TOKENS_ACCEPTED + METRICS_SECRET_PREVIOUS), 6, "the one before it");
	metrics_attach(NULL, 0);
	metrics_free(m);
}

/* Who computes the MAC of a token is decided before, so that it is computed once for each secret. */
static void
test_macs(void)
{
	static const struct {
		const char *header, *payload, *secret;
		unsigned libjwt, ours;
	} rows[] = {
		{ HEADER, "{" BASE "}", SECRET, 1, 0 },
		{ HEADER, "{" BASE "}", "other", 1, 0 },
		{ "{\"alg\":\"HS256\",\"typ\":\"jwt\"}", "{" BASE "}", "other", 1, 0 },
		{ "{\"alg\":\"HS256\",\"typ\":null}", "{" BASE "}", "other", 1, 0 },
		{ "{\"alg\":\"HS256\"}", "{" BASE "}", "other", 1, 0 },
		{ HEADER, WITH("\"x\":[9223372036854775807,-9223372036854775808,1e308,0.5e-400]"), "other", 1, 0 },
		{ HEADER, WITH("\"x\":\"99999999999999999999 1e400 \\\" 1e400\""), "other", 1, 0 },
		{ HEADER_TYP, "{" BASE "}", SECRET, 0, 1 },
		{ HEADER_TYP, "{" BASE "}", "other", 0, 1 },
		{ HEADER, WITH("\"x\":9223372036854775808"), "other", 0, 1 },
		{ HEADER, WITH("\"x\":\"\\\"\",\"y\":1e400"), SECRET, 0, 1 },
		{ "{\"alg\":\"HS256\",\"x\":-1e400}", "{" BASE "}", "other", 0, 1 },
	};
	unsigned once = 0; /* hashes where libjwt computes the MAC */

	for (size_t i = 0; i < COUNT(rows); i++) {
		struct token_verifier *v = jws_verifier(STR(SECRET));
		struct str token = jws_sign_with(rows[i].header, str_of(rows[i].payload), rows[i].secret);
		struct claims claims;
		const char *shown = tap_show(str_of(rows[i].payload));

		jws_decodes = hashes = 0;
		tap_int(jws_verify(v, token, NOW, &claims),
		    strcmp(rows[i].secret, SECRET) == 0 ? TOKEN_VALID : TOKEN_INVALID, "%s %s", rows[i].header, shown);
		tap_int(jws_decodes, rows[i].libjwt, "libjwt is asked or not");
		if (i == 0)
			once = hashes;
		tap_int(hashes, rows[i].ours > 0 ? 3 : once, "the MAC is computed once");
		token_verifier_free(v);
		arena_reset(&jws_arena);
	}
}

/* Why a token is invalid, and whose it says that it is. */
static void
test_faults(void)
{
	static const struct {
		const char *header, *payload, *secret;
		enum token_reason reason;
		const char *service;
	} rows[] = {
		{ HEADER, "{" BASE "}", "other", TOKEN_SIGNATURE, "test" },
		{ HEADER, "{\"extra\":{\"service\":\"mail\"}}", "other", TOKEN_SIGNATURE, "mail" },
		{ HEADER, "no JSON", "other", TOKEN_MALFORMED, "" },
		{ HEADER, "no JSON", SECRET, TOKEN_MALFORMED, "" },
		{ HEADER_TYP, "no JSON", SECRET, TOKEN_MALFORMED, "" },
		{ HEADER, "{" EXTRA "}", SECRET, TOKEN_CLAIMS, "test" },
		{ HEADER, WITH("\"aud\":\"x\""), SECRET, TOKEN_CLAIMS, "test" },
		{ HEADER, "{" ACCOUNT ",\"extra\":{\"service\":7}}", SECRET, TOKEN_CLAIMS, "" },
		{ HEADER, WITH("\"exp\":1749996400"), SECRET, TOKEN_EXPIRED, "test" },
		{ HEADER, WITH("\"nbf\":1750003600"), SECRET, TOKEN_NOT_YET_VALID, "test" },
		{ HEADER, WITH("\"nbf\":1750003600,\"exp\":1749996400"), SECRET, TOKEN_EXPIRED, "test" },
		{ HEADER, WITH("\"exp\":1749996400"), "other", TOKEN_SIGNATURE, "test" },
		{ "{\"alg\":\"none\"}", "{" BASE "}", SECRET, TOKEN_MALFORMED, "" },
		{ "no JSON", "{" BASE "}", SECRET, TOKEN_MALFORMED, "" },
	};
	struct token_verifier *v = jws_verifier(STR(SECRET));
	struct claims claims;

	for (size_t i = 0; i < COUNT(rows); i++) {
		const char *shown = tap_show(str_of(rows[i].payload));

		(void)jws_verify(
		    v, jws_sign_with(rows[i].header, str_of(rows[i].payload), rows[i].secret), NOW, &claims);
		tap_int(token_last_fault(v)->reason, rows[i].reason, "%s %s", rows[i].header, shown);
		tap_text(str_of(token_last_fault(v)->service), str_of(rows[i].service), "its service");
		arena_reset(&jws_arena);
	}
	(void)jws_verify(v, STR("a.b"), NOW, &claims);
	tap_int(token_last_fault(v)->reason, TOKEN_MALFORMED, "two parts");
	struct str longest =
	    jws_sign_with(HEADER, jws_print("{" ACCOUNT "," EXTRA ",\"x\":\"%0*d\"}", 1024, 0), "other");
	(void)jws_verify(v, longest, NOW, &claims);
	tap_text(str_of(token_last_fault(v)->service), STR(""), "a long payload that nobody signed is not read");
	tap_text(token_reason_word(TOKEN_NOT_YET_VALID), STR("not yet valid"), "in words");
	/* A token that was valid, and is remembered. */
	struct str token = jws_sign(HEADER, WITH("\"exp\":1750000000"));
	tap_int(jws_verify(v, token, NOW, &claims), TOKEN_VALID, "valid now");
	tap_int(jws_verify(v, token, NOW + 3600, &claims), TOKEN_INVALID, "not in an hour");
	tap_int(token_last_fault(v)->reason, TOKEN_EXPIRED, "since it has expired");
	tap_text(str_of(token_last_fault(v)->service), STR("test"), "whose it was");
	token_verifier_free(v);
	arena_reset(&jws_arena);
}

static void
bare_claims(void)
{
	struct claims got;

	tap_ok(
	    token_read_claims(STR("{" BASE "}"), &got) && strcmp(got.service, "test") == 0, "claims without a token");
	tap_ok(!token_read_claims(STR("{" EXTRA "}"), &got), "not without an account");
	tap_ok(!token_read_claims(STR("{" BASE "} "
				      "x"),
		   &got),
	    "nor with something behind them");
}

int
main(void)
{
	jws_open();
	good_payloads();
	bad_payloads();
	claims();
	keys();
	two_keys();
	test_macs();
	test_faults();
	bare_claims();
	jws_close();
	return tap_end();
}
