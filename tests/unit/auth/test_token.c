/* SPDX-License-Identifier: EPL-2.0 */
#include "auth/token.h"

#include <dlfcn.h>
#include <jwt.h>
#include <openssl/evp.h>
#include <openssl/hmac.h>
#include <stdlib.h>

#include "base/arena.h"
#include "base/digest.h"
#include "lib/tap.h"
#include "telemetry/metrics.h"

#define NOW INT64_C(1750000000)

#define SECRET      "secret"
#define USER        "aaaaaaaa-1111-2222-3333-444444444444"
#define SYSTEM      "1749089e-22e6-48de-af4e-165e18fbd2f9"
#define WS          "cccccccc-2222-3333-4444-555555555555"
#define WS_HEX      "cccccccc222233334444555555555555"
#define ACCOUNT     "\"account\":\"" USER "\""
#define WORKSPACE   "\"workspace\":\"" WS "\""
#define EXTRA       "\"extra\":{\"service\":\"test\"}"
#define BASE        ACCOUNT "," WORKSPACE "," EXTRA
#define WITH(x)     "{" BASE "," x "}"
#define NO_EXTRA(x) "{" ACCOUNT "," WORKSPACE "," x "}"
#define DIGITS_62   "12345678901234567890123456789012345678901234567890123456789012"
#define NO_WS(x)    "{" ACCOUNT "," EXTRA "," x "}"

#define HEADER     "{\"alg\":\"HS256\",\"typ\":\"JWT\"}"
#define HEADER_TYP "{\"alg\":\"HS256\",\"typ\":\"at+jwt\"}" /* which libjwt refuses */

static struct arena arena; /* of the case that runs */
static unsigned decodes;   /* calls of libjwt */
static unsigned hashes;    /* that were ended: one for the cache, two for an HMAC of ours */

/* This one stands before the library's own. */
int
jwt_decode(jwt_t **jwt, const char *token, const unsigned char *key, int key_len)
{
	int (*next)(jwt_t **, const char *, const unsigned char *, int);
	void *symbol = dlsym(RTLD_NEXT, "jwt_decode");

	if (symbol == NULL)
		tap_bail("dlsym");
	memcpy(&next, &symbol, sizeof(next));
	decodes++;
	return next(jwt, token, key, key_len);
}

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

/* Building tokens, with OpenSSL alone. */

static struct str
some(struct str s)
{
	if (s.p == NULL)
		tap_bail("no memory");
	return s;
}

#define print(...) some(arena_printf(&arena, __VA_ARGS__))

static struct str
base64url(struct str s)
{
	char *p = arena_alloc(&arena, (s.n + 2) / 3 * 4 + 1);

	if (p == NULL)
		tap_bail("no memory");
	int n = EVP_EncodeBlock((unsigned char *)p, (const unsigned char *)s.p, (int)s.n);
	while (n > 0 && p[n - 1] == '=')
		n--;
	for (int i = 0; i < n; i++)
		p[i] = p[i] == '+' ? '-' : p[i] == '/' ? '_' : p[i];
	return str_from(p, (size_t)n);
}

static struct str
sign_raw(struct str header, struct str payload, const EVP_MD *md, struct str secret)
{
	struct str message = print("%.*s.%.*s", STR_FMT(header), STR_FMT(payload));
	unsigned char mac[EVP_MAX_MD_SIZE];
	unsigned n = 0;

	if (HMAC(md, secret.p, (int)secret.n, (const unsigned char *)message.p, message.n, mac, &n) == NULL)
		tap_bail("HMAC");
	struct str signature = base64url(str_from((const char *)mac, n));
	return print("%.*s.%.*s", STR_FMT(message), STR_FMT(signature));
}

static struct str
sign_with(const char *header, struct str payload, const char *secret)
{
	return sign_raw(base64url(str_of(header)), base64url(payload), EVP_sha256(), str_of(secret));
}

static struct str
sign(const char *header, const char *payload)
{
	return sign_with(header, str_of(payload), SECRET);
}

static struct token_verifier *
new_verifier(struct str secret)
{
	static struct token_secrets secrets[8]; /* as many as live at once, and more */
	static unsigned next;
	struct token_secrets *mine = &secrets[next++ % COUNT(secrets)];
	struct token_verifier *v = token_verifier_new(mine);

	*mine = (struct token_secrets){ .current = secret, .previous = STR("") };
	if (v == NULL)
		tap_bail("no memory");
	return v;
}

/* What token_verify() says; claims are left alone where it says no. */
static enum token_verdict
verify_field(struct token_verifier *v, struct str field, int64_t now, struct claims *claims)
{
	struct claims before;

	memset(&before, 0x5a, sizeof(before));
	*claims = before;
	enum token_verdict verdict = token_verify(v, tap_edge(field), now, claims);
	if (verdict != TOKEN_VALID && memcmp(claims, &before, sizeof(before)) != 0)
		tap_ok(false, "claims are left alone");
	return verdict;
}

static enum token_verdict
verify(struct token_verifier *v, struct str token, int64_t now, struct claims *claims)
{
	return verify_field(v, print("Bearer %.*s", STR_FMT(token)), now, claims);
}

/* By a verifier of its own, and again by the same, which may remember it. */
static void
check(struct str token, enum token_verdict want, const char *name)
{
	struct token_verifier *v = new_verifier(STR(SECRET));
	struct claims claims;

	tap_int(verify(v, token, NOW, &claims), want, "%s", name);
	tap_int(verify(v, token, NOW, &claims), want, "%s, again", name);
	token_verifier_free(v);
	arena_reset(&arena);
}

/* A payload under both ways of checking a signature. */
static void
check_payload(const char *payload, enum token_verdict want)
{
	const char *shown = tap_show(str_of(payload));

	check(sign(HEADER, payload), want, shown);
	check(sign(HEADER_TYP, payload), want, shown);
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
		check_payload(rows[i], TOKEN_VALID);
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
		check_payload(rows[i], TOKEN_INVALID);
}

static void
headers(void)
{
	static const struct {
		const char *header;
		enum token_verdict want;
	} rows[] = {
		{ HEADER, TOKEN_VALID },
		{ HEADER_TYP, TOKEN_VALID },
		{ "{\"alg\":\"HS256\"}", TOKEN_VALID },
		{ " { \"alg\" : \"HS256\" } ", TOKEN_VALID },
		{ "{\"typ\":\"jwt\",\"alg\":\"HS256\"}", TOKEN_VALID },
		{ "{\"typ\":\"\",\"alg\":\"HS256\"}", TOKEN_VALID },
		{ "{\"alg\":\"HS256\",\"typ\":\"JWT\",\"x\":99999999999999999999}", TOKEN_VALID },
		{ "{\"typ\":null,\"alg\":\"HS256\",\"kid\":null}", TOKEN_VALID },
		{ "{\"alg\":\"HS256\",\"kid\":\"../../x\",\"typ\":\"JWT\"}", TOKEN_VALID },
		{ "{\"alg\":\"HS256\",\"x\":{\"a\":[1]},\"Alg\":\"none\"}", TOKEN_VALID },
		{ "{\"alg\":\"hs256\",\"typ\":\"JWT\"}", TOKEN_INVALID },
		{ "{\"alg\":\"HS384\",\"typ\":\"JWT\"}", TOKEN_INVALID },
		{ "{\"alg\":\"HS256 \"}", TOKEN_INVALID },
		{ "{\"alg\":\"HS256\\u0000\"}", TOKEN_INVALID },
		{ "{\"alg\":\"none\"}", TOKEN_INVALID },
		{ "{\"alg\":\"\"}", TOKEN_INVALID },
		{ "{\"alg\":null}", TOKEN_INVALID },
		{ "{\"alg\":[\"HS256\"]}", TOKEN_INVALID },
		{ "{\"alg\":1}", TOKEN_INVALID },
		{ "{\"Alg\":\"HS256\"}", TOKEN_INVALID },
		{ "{\"typ\":\"JWT\"}", TOKEN_INVALID },
		{ "{\"alg\":\"HS256\",\"alg\":\"HS256\"}", TOKEN_INVALID },
		{ "{\"alg\":\"none\",\"alg\":\"HS256\"}", TOKEN_INVALID },
		{ "{\"alg\":\"HS256\",\"typ\":7}", TOKEN_INVALID },
		{ "{\"alg\":\"HS256\",\"kid\":7}", TOKEN_INVALID },
		{ "{\"alg\":\"HS256\",\"crit\":[\"x\"],\"x\":1}", TOKEN_INVALID },
		{ "{\"alg\":\"HS256\",\"crit\":[]}", TOKEN_INVALID },
		{ "{\"alg\":\"HS256\",\"crit\":null}", TOKEN_INVALID },
		{ "{\"alg\":\"HS256\"}x", TOKEN_INVALID },
		{ "[\"HS256\"]", TOKEN_INVALID },
		{ "\"HS256\"", TOKEN_INVALID },
		{ "{}", TOKEN_INVALID },
		{ "", TOKEN_INVALID },
	};

	for (size_t i = 0; i < COUNT(rows); i++)
		check(sign(rows[i].header, "{" BASE "}"), rows[i].want, tap_show(str_of(rows[i].header)));
}

static void
algorithms(void)
{
	struct str payload = STR("{" BASE "}");

	struct str hs384 = base64url(STR("{\"alg\":\"HS384\",\"typ\":\"JWT\"}"));
	check(sign_raw(hs384, base64url(payload), EVP_sha384(), STR(SECRET)), TOKEN_INVALID, "HS384");
	struct str hs512 = base64url(STR("{\"alg\":\"HS512\",\"typ\":\"JWT\"}"));
	check(sign_raw(hs512, base64url(payload), EVP_sha512(), STR(SECRET)), TOKEN_INVALID, "HS512");
	struct str hs256 = base64url(STR(HEADER_TYP));
	check(sign_raw(hs256, base64url(payload), EVP_sha512(), STR(SECRET)), TOKEN_INVALID, "not HS256");
	struct str none = base64url(STR("{\"alg\":\"none\"}")), body = base64url(payload);
	check(print("%.*s.%.*s.", STR_FMT(none), STR_FMT(body)), TOKEN_INVALID, "none, unsigned");

	check(sign_with(HEADER, payload, "other"), TOKEN_INVALID, "another key");
	check(sign_with(HEADER_TYP, payload, "other"), TOKEN_INVALID, "another key, another typ");
	check(sign_with(HEADER, payload, ""), TOKEN_INVALID, "an empty key");
}

/* The last letter stands for bits behind the last byte, too: sets the lowest of them. */
static struct str
with_loose_bits(struct str s)
{
	static const char alphabet[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";
	const char *letter = strchr(alphabet, s.p[s.n - 1]);

	if (letter == NULL || (letter - alphabet) % 2 != 0)
		tap_bail("there are no such bits");
	return print("%.*s%c", (int)s.n - 1, s.p, alphabet[(letter - alphabet) | 1]);
}

/* The parts as they are written; they are signed as such. */
static struct str
sign_parts(struct str header, struct str payload)
{
	return sign_raw(header, payload, EVP_sha256(), STR(SECRET));
}

static void
loose_bits(void)
{
	struct str head = STR("eyJhbGciOiJIUzI1NiJ9IA"); /* {"alg":"HS256"} and a space */
	struct str body = STR("{" ACCOUNT "}  ");
	struct str s;

	check(sign_parts(head, base64url(body)), TOKEN_VALID, "canonical parts");
	check(sign_parts(with_loose_bits(head), base64url(body)), TOKEN_INVALID, "loose bits in the header");
	check(sign_parts(head, with_loose_bits(base64url(body))), TOKEN_INVALID, "loose bits in the payload");
	s = sign(HEADER, "{" ACCOUNT "}");
	check(with_loose_bits(s), TOKEN_INVALID, "loose bits in the signature");
	s = sign(HEADER_TYP, "{" ACCOUNT "}");
	check(with_loose_bits(s), TOKEN_INVALID, "loose bits in the signature, another typ");
}

static void
encodings(void)
{
	struct str body = STR("{" ACCOUNT "}");

	check(sign_parts(STR("eyJhbGciOiJIUzI1NiJ9IA=="), base64url(body)), TOKEN_INVALID, "a padded header");
	decodes = 0;
	check(sign_parts(base64url(STR(HEADER)), STR("")), TOKEN_INVALID, "no payload");
	check(sign_parts(base64url(STR(HEADER)), STR("A")), TOKEN_INVALID, "a payload of no bytes");
	check(sign_parts(base64url(STR(HEADER)), STR("e30=")), TOKEN_INVALID, "a padded payload");
	check(sign_parts(STR(""), base64url(body)), TOKEN_INVALID, "no header");
	tap_int(decodes, 0, "libjwt does not see them");
	/* {"alg":"HS256","kid":"~~~???"} */
	check(sign_parts(STR("eyJhbGciOiJIUzI1NiIsImtpZCI6In5-fj8_PyJ9"), base64url(body)), TOKEN_VALID,
	    "the alphabet of RFC 4648 5");
	check(sign_parts(STR("eyJhbGciOiJIUzI1NiIsImtpZCI6In5+fj8/PyJ9"), base64url(body)), TOKEN_INVALID,
	    "the alphabet of RFC 4648 4");
}

static void
shapes(void)
{
	static const char *const rows[] = { ".", "..", "...", "x", "x.y", "x.y.z", "a.b.c.d", ".e30." };

	for (size_t i = 0; i < COUNT(rows); i++)
		check(str_of(rows[i]), TOKEN_INVALID, tap_show(str_of(rows[i])));
}

/* A good token, cut and spliced. */
static void
spliced(void)
{
	static const struct {
		const char *before;
		size_t cut; /* bytes off the end */
		const char *behind, *name;
	} rows[] = {
		{ "", 44, "", "two parts" },
		{ "", 43, "", "an empty signature" },
		{ "", 4, "", "a short signature" },
		{ "", 1, "", "a signature of an odd length" },
		{ "", 4, "AAAA", "a wrong signature" },
		{ "", 0, "A", "one letter more" },
		{ "", 0, "AAAA", "three bytes more" },
		{ "", 0, "=", "padding" },
		{ "", 0, ".", "a dot behind" },
		{ ".", 0, "", "a dot before" },
		{ "", 0, ".x", "four parts" },
		{ "", 0, "\"", "a quote behind" },
		{ "", 0, "\xff", "a byte that is no ASCII" },
	};
	static const char *const headers[] = { HEADER, HEADER_TYP };

	for (size_t i = 0; i < COUNT(rows); i++) {
		for (size_t j = 0; j < COUNT(headers); j++) {
			struct str token = sign(headers[j], "{" BASE "}");
			int n = (int)(token.n - rows[i].cut);
			check(
			    print("%s%.*s%s", rows[i].before, n, token.p, rows[i].behind), TOKEN_INVALID, rows[i].name);
		}
	}
}

/* Tokens signed by another implementation. */
static void
known_answer(void)
{
	check(STR("eyJhbGciOiJIUzI1NiIsInR5cCI6IkpXVCJ9.eyJhY2NvdW50IjoiMTc0OTA4OWUtMjJlNi00OGRlLWF"
		  "mNGUtMTY1ZTE4ZmJkMmY5IiwiZXh0cmEiOnsic2VydmljZSI6InRlc3QifX0"
		  ".PQ1JXCqA6xaJV2Q8SBvDlCmFWfYAgO1Ii9lat0uO7uE"),
	    TOKEN_VALID, "a token made elsewhere");
	check(STR("eyJhbGciOiJIUzI1NiIsInR5cCI6ImF0K2p3dCJ9.eyJhY2NvdW50IjoiMTc0OTA4OWUtMjJlNi00OGR"
		  "lLWFmNGUtMTY1ZTE4ZmJkMmY5IiwiZXh0cmEiOnsic2VydmljZSI6InRlc3QifX0"
		  ".0CAWjJeI0JMqyLmffZ_idFJMe1WF-ZPtllaMHq-0mXE"),
	    TOKEN_VALID, "a token made elsewhere, another typ");
}

static void
fields(void)
{
	static const struct {
		const char *before, *after;
		enum token_verdict want;
	} rows[] = {
		{ "Bearer ", "", TOKEN_VALID },
		{ "bearer ", "", TOKEN_VALID },
		{ "BEARER ", "", TOKEN_VALID },
		{ "bEaReR ", "", TOKEN_VALID },
		{ "Bearer      ", "", TOKEN_VALID },
		{ "Bearer ", "  \t", TOKEN_VALID },
		{ "  Bearer ", "", TOKEN_VALID },
		{ "", "", TOKEN_MISSING },
		{ "Bearer", "", TOKEN_MISSING },
		{ "Bearer\t", "", TOKEN_MISSING },
		{ "Bearer,", "", TOKEN_MISSING },
		{ "Bearers ", "", TOKEN_MISSING },
		{ "Beare ", "", TOKEN_MISSING },
		{ "Basic ", "", TOKEN_MISSING },
		{ "Token Bearer ", "", TOKEN_MISSING },
		{ "\"Bearer\" ", "", TOKEN_MISSING },
		{ "Bearer Bearer ", "", TOKEN_INVALID },
		{ "Bearer ", ", Basic x", TOKEN_INVALID },
		{ "Bearer ", ",", TOKEN_INVALID },
		{ "Bearer \"", "\"", TOKEN_INVALID },
		{ "Bearer token=", "", TOKEN_INVALID },
		{ "Bearer x ", "", TOKEN_INVALID },
		{ "Bearer ", "\n", TOKEN_INVALID },
	};
	struct token_verifier *v = new_verifier(STR(SECRET));
	struct str token = sign(HEADER, "{" BASE "}");
	struct claims claims;

	for (size_t i = 0; i < COUNT(rows); i++) {
		struct str field = print("%s%.*s%s", rows[i].before, STR_FMT(token), rows[i].after);
		enum token_verdict got = verify_field(v, field, NOW, &claims);
		tap_int(got, rows[i].want, "%s before and %s behind the token", tap_show(str_of(rows[i].before)),
		    tap_show(str_of(rows[i].after)));
	}
	struct str nul = print("Bearer %.*s%cx", STR_FMT(token), '\0');
	tap_int(verify_field(v, nul, NOW, &claims), TOKEN_INVALID, "a NUL behind the token");
	token_verifier_free(v);
	arena_reset(&arena);
}

static void
missing(void)
{
	static const struct str rows[] = {
		{ NULL, 0 },
		TEXT(""),
		TEXT(" "),
		TEXT("Bearer"),
		TEXT("Bearer "),
		TEXT("Bearer  \t "),
		TEXT("bearer\t"),
		TEXT("x"),
	};
	struct token_verifier *v = new_verifier(STR(SECRET));
	struct claims claims;

	for (size_t i = 0; i < COUNT(rows); i++)
		tap_int(verify_field(v, rows[i], NOW, &claims), TOKEN_MISSING, "field %s", tap_show(rows[i]));
	token_verifier_free(v);
}

/* A signed token of exactly n bytes. */
static struct str
token_of_length(const char *header, size_t n)
{
	for (int pad = (int)n / 2; pad < (int)n; pad++) {
		arena_reset(&arena);
		struct str payload = print("{" ACCOUNT ",\"extra\":{\"service\":\"%0*d\"}}", pad, 0);
		struct str token = sign_with(header, payload, SECRET);
		if (token.n == n)
			return token;
	}
	tap_bail("no token has this length");
}

static void
lengths(void)
{
	static const char *const headers[] = { "{\"alg\":\"HS256\"}", "{\"alg\":\"HS256\",\"typ\":\"xyz\"}" };
	static const struct {
		size_t n;
		enum token_verdict want;
	} rows[] = {
		{ 6144, TOKEN_VALID },
		{ 8247, TOKEN_VALID }, /* 6,000 bytes in extra.service */
		{ 8319, TOKEN_VALID },
		{ 8320, TOKEN_VALID },
		{ 8321, TOKEN_INVALID },
		{ 20000, TOKEN_INVALID },
	};

	for (size_t i = 0; i < COUNT(rows); i++) {
		for (size_t j = 0; j < COUNT(headers); j++) {
			char name[64];
			(void)snprintf(name, sizeof(name), "%zu bytes", rows[i].n);
			check(token_of_length(headers[j], rows[i].n), rows[i].want, name);
		}
	}
}

static void
long_headers(void)
{
	struct str kid = print("{\"alg\":\"HS256\",\"kid\":\"%0*d\"}", 1000, 0);
	check(sign(kid.p, "{" BASE "}"), TOKEN_VALID, "a header of 1 KiB");
	kid = print("{\"alg\":\"HS256\",\"kid\":\"%0*d\"}", 1001, 0);
	check(sign(kid.p, "{" BASE "}"), TOKEN_INVALID, "a header over 1 KiB");
}

static void
huge_tokens(void)
{
	char *huge = malloc(1 << 20);
	struct token_verifier *v = new_verifier(STR(SECRET));
	struct claims claims;
	if (huge == NULL)
		tap_bail("no memory");
	memset(huge, 'A', 1 << 20);
	memcpy(huge, "Bearer ", 7);
	decodes = 0;
	tap_int(token_verify(v, str_from(huge, 1 << 20), NOW, &claims), TOKEN_INVALID, "1 MiB");
	tap_int(decodes, 0, "does not reach libjwt");
	token_verifier_free(v);
	free(huge);
}

static void
nesting(void)
{
	static const struct {
		size_t depth;
		enum token_verdict want;
	} rows[] = { { 200, TOKEN_VALID }, { 2000, TOKEN_INVALID }, { 2900, TOKEN_INVALID } };
	char payload[6144];

	for (size_t i = 0; i < COUNT(rows); i++) {
		size_t n = rows[i].depth;
		char *p = stpcpy(payload, "{" ACCOUNT ",\"x\":");
		memset(p, '[', n);
		memset(p + n, ']', n);
		(void)strcpy(p + 2 * n, "}");
		(void)printf("# arrays %zu deep\n", n);
		check_payload(payload, rows[i].want);
		memset(p + n, '[', n);
		check_payload(payload, TOKEN_INVALID);
	}
}

static void
check_claims(const char *payload, const struct claims *want, const char *name)
{
	struct token_verifier *v = new_verifier(STR(SECRET));
	struct str token = sign(HEADER, payload);
	struct claims got;

	for (int round = 1; round <= 2; round++) {
		bool ok = verify(v, token, NOW, &got) == TOKEN_VALID;
		tap_ok(ok && uuid_eq(&got.account, &want->account), "%s: account, round %d", name, round);
		tap_ok(ok && got.has_workspace == want->has_workspace &&
			(!got.has_workspace || uuid_eq(&got.workspace, &want->workspace)),
		    "%s: workspace", name);
		if (ok)
			tap_text(str_of(got.service), str_of(want->service), "%s: service", name);
		tap_ok(ok && got.service_cut == want->service_cut, "%s: whole or not", name);
	}
	token_verifier_free(v);
	arena_reset(&arena);
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
		struct token_verifier *v = new_verifier(key);
		struct str head = base64url(headers[i]), body = base64url(STR("{" BASE "}"));
		struct str token = sign_raw(head, body, EVP_sha256(), signing_key);
		tap_int(verify(v, token, NOW, &claims), want, "%s", name);
		token_verifier_free(v);
		arena_reset(&arena);
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

	return verify(v, sign_with(header, STR("{" BASE "}"), secret), NOW, &claims);
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
		struct token_verifier *v = new_verifier(STR(SECRET));
		struct str token = sign_with(rows[i].header, str_of(rows[i].payload), rows[i].secret);
		struct claims claims;
		const char *shown = tap_show(str_of(rows[i].payload));

		decodes = hashes = 0;
		tap_int(verify(v, token, NOW, &claims),
		    strcmp(rows[i].secret, SECRET) == 0 ? TOKEN_VALID : TOKEN_INVALID, "%s %s", rows[i].header, shown);
		tap_int(decodes, rows[i].libjwt, "libjwt is asked or not");
		if (i == 0)
			once = hashes;
		tap_int(hashes, rows[i].ours > 0 ? 3 : once, "the MAC is computed once");
		token_verifier_free(v);
		arena_reset(&arena);
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
	struct token_verifier *v = new_verifier(STR(SECRET));
	struct claims claims;

	for (size_t i = 0; i < COUNT(rows); i++) {
		const char *shown = tap_show(str_of(rows[i].payload));

		(void)verify(v, sign_with(rows[i].header, str_of(rows[i].payload), rows[i].secret), NOW, &claims);
		tap_int(token_last_fault(v)->reason, rows[i].reason, "%s %s", rows[i].header, shown);
		tap_text(str_of(token_last_fault(v)->service), str_of(rows[i].service), "its service");
		arena_reset(&arena);
	}
	(void)verify(v, STR("a.b"), NOW, &claims);
	tap_int(token_last_fault(v)->reason, TOKEN_MALFORMED, "two parts");
	struct str longest = sign_with(HEADER, print("{" ACCOUNT "," EXTRA ",\"x\":\"%0*d\"}", 1024, 0), "other");
	(void)verify(v, longest, NOW, &claims);
	tap_text(str_of(token_last_fault(v)->service), STR(""), "a long payload that nobody signed is not read");
	tap_text(token_reason_word(TOKEN_NOT_YET_VALID), STR("not yet valid"), "in words");
	/* A token that was valid, and is remembered. */
	struct str token = sign(HEADER, WITH("\"exp\":1750000000"));
	tap_int(verify(v, token, NOW, &claims), TOKEN_VALID, "valid now");
	tap_int(verify(v, token, NOW + 3600, &claims), TOKEN_INVALID, "not in an hour");
	tap_int(token_last_fault(v)->reason, TOKEN_EXPIRED, "since it has expired");
	tap_text(str_of(token_last_fault(v)->service), STR("test"), "whose it was");
	token_verifier_free(v);
	arena_reset(&arena);
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

static void
cache_remembers(void)
{
	struct token_verifier *v = new_verifier(STR(SECRET));
	struct str token = sign(HEADER, "{" BASE "}"), wrong = sign_with(HEADER, STR("{" BASE "}"), "other");
	struct claims claims;

	decodes = 0;
	for (int i = 0; i < 10; i++)
		if (verify(v, token, NOW, &claims) != TOKEN_VALID)
			tap_ok(false, "valid each time");
	tap_int(decodes, 1, "a good token is checked once");
	for (int i = 0; i < 10; i++)
		if (verify(v, wrong, NOW, &claims) != TOKEN_INVALID)
			tap_ok(false, "invalid each time");
	tap_int(decodes, 11, "a bad one every time");
	token_verifier_free(v);
	arena_reset(&arena);
}

static void
cache_keeps_time(void)
{
	struct token_verifier *v = new_verifier(STR(SECRET));
	struct str token = sign(HEADER, WITH("\"nbf\":1750000000,\"exp\":1750000100"));
	struct claims claims;

	decodes = 0;
	tap_int(verify(v, token, NOW - 61, &claims), TOKEN_INVALID, "too early");
	tap_int(verify(v, token, NOW, &claims), TOKEN_VALID, "in time");
	tap_int(verify(v, token, NOW + 160, &claims), TOKEN_VALID, "in the last second of the leeway");
	tap_int(verify(v, token, NOW + 161, &claims), TOKEN_INVALID, "remembered, but expired");
	tap_int(verify(v, token, INT64_MAX, &claims), TOKEN_INVALID, "at the end of time");
	tap_int(verify(v, token, NOW - 60, &claims), TOKEN_VALID, "after the clock was set back");
	tap_int(verify(v, token, NOW - 61, &claims), TOKEN_INVALID, "too far back");
	tap_int(decodes, 2, "remembered since it first was in time");

	token = sign(HEADER, WITH("\"exp\":-1"));
	tap_int(verify(v, token, 0, &claims), TOKEN_INVALID, "a negative exp, even in leeway");
	token = sign(HEADER, "{" BASE "}");
	tap_int(verify(v, token, INT64_MAX, &claims), TOKEN_VALID, "without exp there is no end");
	tap_int(verify(v, token, 0, &claims), TOKEN_VALID, "nor a beginning");
	token_verifier_free(v);
	arena_reset(&arena);
}

/* Every single bit of a remembered token. */
static void
cache_is_exact(void)
{
	static const char *const headers[] = { HEADER, HEADER_TYP };
	struct token_verifier *v = new_verifier(STR(SECRET));
	struct claims claims;

	for (size_t i = 0; i < COUNT(headers); i++) {
		struct str token = sign(headers[i], "{" BASE "}");
		unsigned accepted = 0;

		tap_int(verify(v, token, NOW, &claims), TOKEN_VALID, "the token itself");
		for (size_t bit = 0; bit < token.n * 8; bit++) {
			char field[1024] = "Bearer ";
			memcpy(field + 7, token.p, token.n);
			field[7 + bit / 8] = (char)(field[7 + bit / 8] ^ 1 << bit % 8);
			struct str flipped = str_from(field, 7 + token.n);
			accepted += token_verify(v, flipped, NOW, &claims) == TOKEN_VALID;
		}
		tap_int(accepted, 0, "none with a flipped bit");
		tap_int(verify(v, token, NOW, &claims), TOKEN_VALID, "the token itself, still");
	}
	token_verifier_free(v);
	arena_reset(&arena);
}

static bool
is_account(struct token_verifier *v, unsigned i)
{
	char account[UUID_TEXT_SIZE];
	struct claims claims;

	(void)snprintf(account, sizeof(account), "aaaaaaaa-1111-2222-3333-%012u", i);
	struct str payload = print("{\"account\":\"%s\"}", account);
	bool ok = verify(v, sign_with(HEADER, payload, SECRET), NOW, &claims) == TOKEN_VALID;
	char got[UUID_TEXT_SIZE] = "";
	if (ok)
		uuid_text(&claims.account, got);
	arena_reset(&arena);
	return ok && strcmp(got, account) == 0;
}

static void
cache_evicts(void)
{
	struct token_verifier *v = new_verifier(STR(SECRET));
	unsigned wrong = 0;

	for (unsigned round = 0; round < 2; round++)
		for (unsigned i = 0; i < 4 * TOKEN_CACHE_SLOTS; i++)
			wrong += !is_account(v, i);
	tap_int(wrong, 0, "more tokens than slots: each has its own claims");
	token_verifier_free(v);
}

static void
verifiers_share_nothing(void)
{
	struct token_verifier *one = new_verifier(STR(SECRET)), *other = new_verifier(STR("other"));
	struct str token = sign(HEADER, "{" BASE "}");
	struct claims claims;

	tap_int(verify(one, token, NOW, &claims), TOKEN_VALID, "good for one key");
	tap_int(verify(other, token, NOW, &claims), TOKEN_INVALID, "not for another");
	token_verifier_free(one);
	token_verifier_free(other);
	arena_reset(&arena);
}

int
main(void)
{
	arena_init(&arena, 1 << 20);
	known_answer();
	good_payloads();
	bad_payloads();
	headers();
	algorithms();
	loose_bits();
	encodings();
	shapes();
	spliced();
	fields();
	missing();
	lengths();
	long_headers();
	huge_tokens();
	nesting();
	claims();
	keys();
	cache_remembers();
	cache_keeps_time();
	cache_is_exact();
	cache_evicts();
	verifiers_share_nothing();
	two_keys();
	test_macs();
	test_faults();
	bare_claims();
	arena_free(&arena);
	digest_thread_end();
	return tap_end();
}
