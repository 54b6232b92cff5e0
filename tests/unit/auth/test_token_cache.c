/* SPDX-License-Identifier: EPL-2.0 */
/* Tokens that a verifier remembers. */
#include <stdio.h>

#include "lib/jws.h"

static void
cache_remembers(void)
{
	struct token_verifier *v = jws_verifier(STR(SECRET));
	struct str token = jws_sign(HEADER, "{" BASE "}"), wrong = jws_sign_with(HEADER, STR("{" BASE "}"), "other");
	struct claims claims;

	jws_decodes = 0;
	for (int i = 0; i < 10; i++)
		if (jws_verify(v, token, NOW, &claims) != TOKEN_VALID)
			tap_ok(false, "valid each time");
	tap_int(jws_decodes, 1, "a good token is checked once");
	for (int i = 0; i < 10; i++)
		if (jws_verify(v, wrong, NOW, &claims) != TOKEN_INVALID)
			tap_ok(false, "invalid each time");
	tap_int(jws_decodes, 11, "a bad one every time");
	token_verifier_free(v);
	arena_reset(&jws_arena);
}

static void
cache_keeps_time(void)
{
	struct token_verifier *v = jws_verifier(STR(SECRET));
	struct str token = jws_sign(HEADER, WITH("\"nbf\":1750000000,\"exp\":1750000100"));
	struct claims claims;

	jws_decodes = 0;
	tap_int(jws_verify(v, token, NOW - 61, &claims), TOKEN_INVALID, "too early");
	tap_int(jws_verify(v, token, NOW, &claims), TOKEN_VALID, "in time");
	tap_int(jws_verify(v, token, NOW + 160, &claims), TOKEN_VALID, "in the last second of the leeway");
	tap_int(jws_verify(v, token, NOW + 161, &claims), TOKEN_INVALID, "remembered, but expired");
	tap_int(jws_verify(v, token, INT64_MAX, &claims), TOKEN_INVALID, "at the end of time");
	tap_int(jws_verify(v, token, NOW - 60, &claims), TOKEN_VALID, "after the clock was set back");
	tap_int(jws_verify(v, token, NOW - 61, &claims), TOKEN_INVALID, "too far back");
	tap_int(jws_decodes, 2, "remembered since it first was in time");

	token = jws_sign(HEADER, WITH("\"exp\":-1"));
	tap_int(jws_verify(v, token, 0, &claims), TOKEN_INVALID, "a negative exp, even in leeway");
	token = jws_sign(HEADER, "{" BASE "}");
	tap_int(jws_verify(v, token, INT64_MAX, &claims), TOKEN_VALID, "without exp there is no end");
	tap_int(jws_verify(v, token, 0, &claims), TOKEN_VALID, "nor a beginning");
	token_verifier_free(v);
	arena_reset(&jws_arena);
}

/* Every single bit of a remembered token. */
static void
cache_is_exact(void)
{
	static const char *const headers[] = { HEADER, HEADER_TYP };
	struct token_verifier *v = jws_verifier(STR(SECRET));
	struct claims claims;

	for (size_t i = 0; i < COUNT(headers); i++) {
		struct str token = jws_sign(headers[i], "{" BASE "}");
		unsigned accepted = 0;

		tap_int(jws_verify(v, token, NOW, &claims), TOKEN_VALID, "the token itself");
		for (size_t bit = 0; bit < token.n * 8; bit++) {
			char field[1024] = "Bearer ";
			memcpy(field + 7, token.p, token.n);
			field[7 + bit / 8] = (char)(field[7 + bit / 8] ^ 1 << bit % 8);
			struct str flipped = str_from(field, 7 + token.n);
			accepted += token_verify(v, flipped, NOW, &claims) == TOKEN_VALID;
		}
		tap_int(accepted, 0, "none with a flipped bit");
		tap_int(jws_verify(v, token, NOW, &claims), TOKEN_VALID, "the token itself, still");
	}
	token_verifier_free(v);
	arena_reset(&jws_arena);
}

static bool
is_account(struct token_verifier *v, unsigned i)
{
	char account[UUID_TEXT_SIZE];
	struct claims claims;

	(void)snprintf(account, sizeof(account), "aaaaaaaa-1111-2222-3333-%012u", i);
	struct str payload = jws_print("{\"account\":\"%s\"}", account);
	bool ok = jws_verify(v, jws_sign_with(HEADER, payload, SECRET), NOW, &claims) == TOKEN_VALID;
	char got[UUID_TEXT_SIZE] = "";
	if (ok)
		uuid_text(&claims.account, got);
	arena_reset(&jws_arena);
	return ok && strcmp(got, account) == 0;
}

static void
cache_evicts(void)
{
	struct token_verifier *v = jws_verifier(STR(SECRET));
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
	struct token_verifier *one = jws_verifier(STR(SECRET)), *other = jws_verifier(STR("other"));
	struct str token = jws_sign(HEADER, "{" BASE "}");
	struct claims claims;

	tap_int(jws_verify(one, token, NOW, &claims), TOKEN_VALID, "good for one key");
	tap_int(jws_verify(other, token, NOW, &claims), TOKEN_INVALID, "not for another");
	token_verifier_free(one);
	token_verifier_free(other);
	arena_reset(&jws_arena);
}

int
main(void)
{
	jws_open();
	cache_remembers();
	cache_keeps_time();
	cache_is_exact();
	cache_evicts();
	verifiers_share_nothing();
	jws_close();
	return tap_end();
}
