/* SPDX-License-Identifier: EPL-2.0 */
#include "lib/bearer.h"

#include "base/buf.h"
#include "base/digest.h"
#include "lib/tap.h"

#define LONGEST 65536

/* RFC 4648 5, without padding. */
static void
put_base64url(struct buf *out, struct str s)
{
	static const char alphabet[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";

	while (s.n > 0) {
		unsigned char b[3] = { 0 };
		size_t n = s.n < 3 ? s.n : 3;

		memcpy(b, s.p, n);
		buf_putc(out, alphabet[b[0] >> 2]);
		buf_putc(out, alphabet[(b[0] & 3) << 4 | b[1] >> 4]);
		if (n > 1)
			buf_putc(out, alphabet[(b[1] & 15) << 2 | b[2] >> 6]);
		if (n > 2)
			buf_putc(out, alphabet[b[2] & 63]);
		s = str_skip(s, n);
	}
}

struct str
bearer(struct str claims, struct arena *a)
{
	struct str field;
	struct sha256 signature;
	struct buf token;

	buf_init(&token, LONGEST);
	put_base64url(&token, STR("{\"alg\":\"HS256\",\"typ\":\"JWT\"}"));
	buf_putc(&token, '.');
	put_base64url(&token, claims);
	if (!digest_hmac_sha256(STR(BEARER_SECRET), buf_str(&token), &signature))
		tap_bail("digest_hmac_sha256");
	buf_putc(&token, '.');
	put_base64url(&token, str_from((const char *)signature.b, sizeof(signature.b)));
	field = arena_printf(a, "Bearer %.*s", STR_FMT(buf_str(&token)));
	if (!buf_ok(&token) || field.p == NULL)
		tap_bail("no memory for a token");
	buf_free(&token);
	return field;
}

void
bearer_policy(struct policy *policy, const struct rules *rules)
{
	static const struct token_secrets secrets = { STR_INIT(BEARER_SECRET), STR_INIT("") };

	if (!policy_init(policy, &secrets, rules))
		tap_bail("no memory for a policy");
}
