/* SPDX-License-Identifier: EPL-2.0 */
#include "lib/jws.h"

#include <dlfcn.h>
#include <jwt.h>
#include <openssl/hmac.h>

#include "base/digest.h"

struct arena jws_arena;
unsigned jws_decodes;

/* This one stands before the library's own. */
int
jwt_decode(jwt_t **jwt, const char *token, const unsigned char *key, int key_len)
{
	int (*next)(jwt_t **, const char *, const unsigned char *, int);
	void *symbol = dlsym(RTLD_NEXT, "jwt_decode");

	if (symbol == NULL)
		tap_bail("dlsym");
	memcpy(&next, &symbol, sizeof(next));
	jws_decodes++;
	return next(jwt, token, key, key_len);
}

struct str
jws_some(struct str s)
{
	if (s.p == NULL)
		tap_bail("no memory");
	return s;
}

struct str
jws_base64url(struct str s)
{
	char *p = arena_alloc(&jws_arena, (s.n + 2) / 3 * 4 + 1);

	if (p == NULL)
		tap_bail("no memory");
	int n = EVP_EncodeBlock((unsigned char *)p, (const unsigned char *)s.p, (int)s.n);
	while (n > 0 && p[n - 1] == '=')
		n--;
	for (int i = 0; i < n; i++)
		p[i] = p[i] == '+' ? '-' : p[i] == '/' ? '_' : p[i];
	return str_from(p, (size_t)n);
}

struct str
jws_sign_raw(struct str header, struct str payload, const EVP_MD *md, struct str secret)
{
	struct str message = jws_print("%.*s.%.*s", STR_FMT(header), STR_FMT(payload));
	unsigned char mac[EVP_MAX_MD_SIZE];
	unsigned n = 0;

	if (HMAC(md, secret.p, (int)secret.n, (const unsigned char *)message.p, message.n, mac, &n) == NULL)
		tap_bail("HMAC");
	struct str signature = jws_base64url(str_from((const char *)mac, n));
	return jws_print("%.*s.%.*s", STR_FMT(message), STR_FMT(signature));
}

struct str
jws_sign_with(const char *header, struct str payload, const char *secret)
{
	return jws_sign_raw(jws_base64url(str_of(header)), jws_base64url(payload), EVP_sha256(), str_of(secret));
}

struct str
jws_sign(const char *header, const char *payload)
{
	return jws_sign_with(header, str_of(payload), SECRET);
}

struct token_verifier *
jws_verifier(struct str secret)
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

enum token_verdict
jws_verify_field(struct token_verifier *v, struct str field, int64_t now, struct claims *claims)
{
	struct claims before;

	memset(&before, 0x5a, sizeof(before));
	*claims = before;
	enum token_verdict verdict = token_verify(v, tap_edge(field), now, claims);
	if (verdict != TOKEN_VALID && memcmp(claims, &before, sizeof(before)) != 0)
		tap_ok(false, "claims are left alone");
	return verdict;
}

enum token_verdict
jws_verify(struct token_verifier *v, struct str token, int64_t now, struct claims *claims)
{
	return jws_verify_field(v, jws_print("Bearer %.*s", STR_FMT(token)), now, claims);
}

void
jws_check(struct str token, enum token_verdict want, const char *name)
{
	struct token_verifier *v = jws_verifier(STR(SECRET));
	struct claims claims;

	tap_int(jws_verify(v, token, NOW, &claims), want, "%s", name);
	tap_int(jws_verify(v, token, NOW, &claims), want, "%s, again", name);
	token_verifier_free(v);
	arena_reset(&jws_arena);
}

void
jws_check_payload(const char *payload, enum token_verdict want)
{
	const char *shown = tap_show(str_of(payload));

	jws_check(jws_sign(HEADER, payload), want, shown);
	jws_check(jws_sign(HEADER_TYP, payload), want, shown);
}

void
jws_open(void)
{
	arena_init(&jws_arena, 1 << 20);
}

void
jws_close(void)
{
	arena_free(&jws_arena);
	digest_thread_end();
}
