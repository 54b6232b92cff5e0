/* SPDX-License-Identifier: EPL-2.0 */
/* Authorization, its three parts, and how they are encoded. */
#include <stdlib.h>

#include "lib/jws.h"

/* Tokens signed by another implementation. */
static void
known_answer(void)
{
	jws_check(STR("eyJhbGciOiJIUzI1NiIsInR5cCI6IkpXVCJ9.eyJhY2NvdW50IjoiMTc0OTA4OWUtMjJlNi00OGRlLWF"
		      "mNGUtMTY1ZTE4ZmJkMmY5IiwiZXh0cmEiOnsic2VydmljZSI6InRlc3QifX0"
		      ".PQ1JXCqA6xaJV2Q8SBvDlCmFWfYAgO1Ii9lat0uO7uE"),
	    TOKEN_VALID, "a token made elsewhere");
	jws_check(STR("eyJhbGciOiJIUzI1NiIsInR5cCI6ImF0K2p3dCJ9.eyJhY2NvdW50IjoiMTc0OTA4OWUtMjJlNi00OGR"
		      "lLWFmNGUtMTY1ZTE4ZmJkMmY5IiwiZXh0cmEiOnsic2VydmljZSI6InRlc3QifX0"
		      ".0CAWjJeI0JMqyLmffZ_idFJMe1WF-ZPtllaMHq-0mXE"),
	    TOKEN_VALID, "a token made elsewhere, another typ");
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
		jws_check(jws_sign(rows[i].header, "{" BASE "}"), rows[i].want, tap_show(str_of(rows[i].header)));
}

static void
algorithms(void)
{
	struct str payload = STR("{" BASE "}");

	struct str hs384 = jws_base64url(STR("{\"alg\":\"HS384\",\"typ\":\"JWT\"}"));
	jws_check(jws_sign_raw(hs384, jws_base64url(payload), EVP_sha384(), STR(SECRET)), TOKEN_INVALID, "HS384");
	struct str hs512 = jws_base64url(STR("{\"alg\":\"HS512\",\"typ\":\"JWT\"}"));
	jws_check(jws_sign_raw(hs512, jws_base64url(payload), EVP_sha512(), STR(SECRET)), TOKEN_INVALID, "HS512");
	struct str hs256 = jws_base64url(STR(HEADER_TYP));
	jws_check(jws_sign_raw(hs256, jws_base64url(payload), EVP_sha512(), STR(SECRET)), TOKEN_INVALID, "not HS256");
	struct str none = jws_base64url(STR("{\"alg\":\"none\"}")), body = jws_base64url(payload);
	jws_check(jws_print("%.*s.%.*s.", STR_FMT(none), STR_FMT(body)), TOKEN_INVALID, "none, unsigned");

	jws_check(jws_sign_with(HEADER, payload, "other"), TOKEN_INVALID, "another key");
	jws_check(jws_sign_with(HEADER_TYP, payload, "other"), TOKEN_INVALID, "another key, another typ");
	jws_check(jws_sign_with(HEADER, payload, ""), TOKEN_INVALID, "an empty key");
}

/* The last letter stands for bits behind the last byte, too: sets the lowest of them. */
static struct str
with_loose_bits(struct str s)
{
	static const char alphabet[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";
	const char *letter = strchr(alphabet, s.p[s.n - 1]);

	if (letter == NULL || (letter - alphabet) % 2 != 0)
		tap_bail("there are no such bits");
	return jws_print("%.*s%c", (int)s.n - 1, s.p, alphabet[(letter - alphabet) | 1]);
}

/* The parts as they are written; they are signed as such. */
static struct str
sign_parts(struct str header, struct str payload)
{
	return jws_sign_raw(header, payload, EVP_sha256(), STR(SECRET));
}

static void
loose_bits(void)
{
	struct str head = STR("eyJhbGciOiJIUzI1NiJ9IA"); /* {"alg":"HS256"} and a space */
	struct str body = STR("{" ACCOUNT "}  ");
	struct str s;

	jws_check(sign_parts(head, jws_base64url(body)), TOKEN_VALID, "canonical parts");
	jws_check(sign_parts(with_loose_bits(head), jws_base64url(body)), TOKEN_INVALID, "loose bits in the header");
	jws_check(sign_parts(head, with_loose_bits(jws_base64url(body))), TOKEN_INVALID, "loose bits in the payload");
	s = jws_sign(HEADER, "{" ACCOUNT "}");
	jws_check(with_loose_bits(s), TOKEN_INVALID, "loose bits in the signature");
	s = jws_sign(HEADER_TYP, "{" ACCOUNT "}");
	jws_check(with_loose_bits(s), TOKEN_INVALID, "loose bits in the signature, another typ");
}

static void
encodings(void)
{
	struct str body = STR("{" ACCOUNT "}");

	jws_check(sign_parts(STR("eyJhbGciOiJIUzI1NiJ9IA=="), jws_base64url(body)), TOKEN_INVALID, "a padded header");
	jws_decodes = 0;
	jws_check(sign_parts(jws_base64url(STR(HEADER)), STR("")), TOKEN_INVALID, "no payload");
	jws_check(sign_parts(jws_base64url(STR(HEADER)), STR("A")), TOKEN_INVALID, "a payload of no bytes");
	jws_check(sign_parts(jws_base64url(STR(HEADER)), STR("e30=")), TOKEN_INVALID, "a padded payload");
	jws_check(sign_parts(STR(""), jws_base64url(body)), TOKEN_INVALID, "no header");
	tap_int(jws_decodes, 0, "libjwt does not see them");
	/* {"alg":"HS256","kid":"~~~???"} */
	jws_check(sign_parts(STR("eyJhbGciOiJIUzI1NiIsImtpZCI6In5-fj8_PyJ9"), jws_base64url(body)), TOKEN_VALID,
	    "the alphabet of RFC 4648 5");
	jws_check(sign_parts(STR("eyJhbGciOiJIUzI1NiIsImtpZCI6In5+fj8/PyJ9"), jws_base64url(body)), TOKEN_INVALID,
	    "the alphabet of RFC 4648 4");
}

static void
shapes(void)
{
	static const char *const rows[] = { ".", "..", "...", "x", "x.y", "x.y.z", "a.b.c.d", ".e30." };

	for (size_t i = 0; i < COUNT(rows); i++)
		jws_check(str_of(rows[i]), TOKEN_INVALID, tap_show(str_of(rows[i])));
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
			struct str token = jws_sign(headers[j], "{" BASE "}");
			int n = (int)(token.n - rows[i].cut);
			jws_check(jws_print("%s%.*s%s", rows[i].before, n, token.p, rows[i].behind), TOKEN_INVALID,
			    rows[i].name);
		}
	}
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
	struct token_verifier *v = jws_verifier(STR(SECRET));
	struct str token = jws_sign(HEADER, "{" BASE "}");
	struct claims claims;

	for (size_t i = 0; i < COUNT(rows); i++) {
		struct str field = jws_print("%s%.*s%s", rows[i].before, STR_FMT(token), rows[i].after);
		enum token_verdict got = jws_verify_field(v, field, NOW, &claims);
		tap_int(got, rows[i].want, "%s before and %s behind the token", tap_show(str_of(rows[i].before)),
		    tap_show(str_of(rows[i].after)));
	}
	struct str nul = jws_print("Bearer %.*s%cx", STR_FMT(token), '\0');
	tap_int(jws_verify_field(v, nul, NOW, &claims), TOKEN_INVALID, "a NUL behind the token");
	token_verifier_free(v);
	arena_reset(&jws_arena);
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
	struct token_verifier *v = jws_verifier(STR(SECRET));
	struct claims claims;

	for (size_t i = 0; i < COUNT(rows); i++)
		tap_int(jws_verify_field(v, rows[i], NOW, &claims), TOKEN_MISSING, "field %s", tap_show(rows[i]));
	token_verifier_free(v);
}

/* A signed token of exactly n bytes. */
static struct str
token_of_length(const char *header, size_t n)
{
	for (int pad = (int)n / 2; pad < (int)n; pad++) {
		arena_reset(&jws_arena);
		struct str payload = jws_print("{" ACCOUNT ",\"extra\":{\"service\":\"%0*d\"}}", pad, 0);
		struct str token = jws_sign_with(header, payload, SECRET);
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
			jws_check(token_of_length(headers[j], rows[i].n), rows[i].want, name);
		}
	}
}

static void
long_headers(void)
{
	struct str kid = jws_print("{\"alg\":\"HS256\",\"kid\":\"%0*d\"}", 1000, 0);
	jws_check(jws_sign(kid.p, "{" BASE "}"), TOKEN_VALID, "a header of 1 KiB");
	kid = jws_print("{\"alg\":\"HS256\",\"kid\":\"%0*d\"}", 1001, 0);
	jws_check(jws_sign(kid.p, "{" BASE "}"), TOKEN_INVALID, "a header over 1 KiB");
}

static void
huge_tokens(void)
{
	char *huge = malloc(1 << 20);
	struct token_verifier *v = jws_verifier(STR(SECRET));
	struct claims claims;
	if (huge == NULL)
		tap_bail("no memory");
	memset(huge, 'A', 1 << 20);
	memcpy(huge, "Bearer ", 7);
	jws_decodes = 0;
	tap_int(token_verify(v, str_from(huge, 1 << 20), NOW, &claims), TOKEN_INVALID, "1 MiB");
	tap_int(jws_decodes, 0, "does not reach libjwt");
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
		jws_check_payload(payload, rows[i].want);
		memset(p + n, '[', n);
		jws_check_payload(payload, TOKEN_INVALID);
	}
}

int
main(void)
{
	jws_open();
	known_answer();
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
	jws_close();
	return tap_end();
}
