/* SPDX-License-Identifier: EPL-2.0 */
#include "auth/token.h"

#include <errno.h>
#include <jwt.h>
#include <math.h>
#include <stdlib.h>

#include "base/digest.h"
#include "codec/base64url.h"
#include "codec/json.h"
#include "telemetry/metrics.h"

#define DECODED_MAX (TOKEN_MAX_LENGTH / 4 * 3)
#define HEADER_MAX  1024 /* json compares all names with each other, and nobody vouches for the header yet */
#define END_OF_TIME INT64_C(1000000000000) /* seconds; leeway cannot make it overflow */

struct parts {
	struct str header, payload, signature;
	struct str signed_text; /* header and payload with the dot between them */
};

/* When a token is good, leeway included: first <= now <= last. */
struct window {
	int64_t first, last;
};

struct slot {
	bool used;
	struct sha256 key; /* of the whole token */
	struct window window;
	struct claims claims;
	enum metrics_secret secret; /* that signed it */
};

struct token_verifier {
	const struct token_secrets *secrets;
	struct slot cache[TOKEN_CACHE_SLOTS];
};

struct token_verifier *
token_verifier_new(const struct token_secrets *secrets)
{
	struct token_verifier *v = calloc(1, sizeof(*v));

	if (v != NULL)
		v->secrets = secrets;
	return v;
}

void
token_verifier_renew(struct token_verifier *v, const struct token_secrets *secrets)
{
	v->secrets = secrets;
	memset(v->cache, 0, sizeof(v->cache));
}

void
token_verifier_free(struct token_verifier *v)
{
	free(v);
}

/* RFC 6750 2.1, RFC 9110 11.1: the scheme's case does not matter (DIFFERS), then one space or more. */
static bool
bearer(struct str field, struct str *token)
{
	struct str scheme;

	if (!str_cut(str_trim(field), ' ', &scheme, token) || !str_eq_nocase(scheme, STR("Bearer")))
		return false;
	*token = str_trim(*token);
	return true;
}

/* RFC 7515 7.1: three parts. */
static bool
split(struct str token, struct parts *out)
{
	struct str rest;

	if (!str_cut(token, '.', &out->header, &rest) || !str_cut(rest, '.', &out->payload, &out->signature))
		return false;
	if (out->header.n == 0 || out->payload.n == 0)
		return false; /* libjwt 1.10 writes behind its buffer when it decodes nothing */
	out->signed_text = str_first(token, out->header.n + 1 + out->payload.n);
	return true;
}

/* Borrows from bytes, which have room for max. */
static bool
decode_part(struct str part, unsigned char *bytes, size_t max, struct str *out)
{
	size_t n;

	if (!base64url_decode(part, bytes, max, &n))
		return false;
	*out = str_from((const char *)bytes, n);
	return true;
}

static const cJSON *
member(const cJSON *object, const char *name)
{
	return cJSON_GetObjectItemCaseSensitive(object, name);
}

/* null is as good as absent, as to the original. */
static const cJSON *
member_not_null(const cJSON *object, const char *name)
{
	const cJSON *item = member(object, name);

	return cJSON_IsNull(item) ? NULL : item;
}

static bool
is_string_or_absent(const cJSON *object, const char *name)
{
	const cJSON *item = member_not_null(object, name);

	return item == NULL || cJSON_IsString(item);
}

static bool
header_ok(const cJSON *header)
{
	const cJSON *alg = member(header, "alg");

	/* RFC 8725 3.1: one algorithm, and not the token's choice. */
	if (!cJSON_IsString(alg) || strcmp(alg->valuestring, "HS256") != 0)
		return false;
	/* RFC 7515 4.1.11: we understand no extension; DIFFERS. */
	if (member(header, "crit") != NULL)
		return false;
	return is_string_or_absent(header, "typ") && is_string_or_absent(header, "kid");
}

static enum token_verdict
verdict_of(bool ok)
{
	return ok ? TOKEN_VALID : TOKEN_INVALID;
}

/* Of what a library returned as its error. */
static enum token_verdict
verdict_of_error(int error)
{
	return error == ENOMEM ? TOKEN_UNCHECKED : TOKEN_INVALID;
}

static enum token_verdict
ask_libjwt(struct str secret, struct str token)
{
	char text[TOKEN_MAX_LENGTH + 1];
	jwt_t *jwt = NULL;
	int error;

	memcpy(text, token.p, token.n);
	text[token.n] = '\0';
	error = jwt_decode(&jwt, text, (const unsigned char *)secret.p, (int)secret.n);
	if (error != 0)
		return verdict_of_error(error);
	/* Checked before, but libjwt reads the header with a JSON parser of its own. */
	bool ok = jwt_get_alg(jwt) == JWT_ALG_HS256;
	jwt_free(jwt);
	return verdict_of(ok);
}

static enum token_verdict
ask_hmac(struct str secret, const struct parts *parts, const struct sha256 *signature)
{
	struct sha256 expected;

	if (!digest_hmac_sha256(secret, parts->signed_text, &expected))
		return TOKEN_UNCHECKED;
	return verdict_of(digest_eq_secret(expected.b, signature->b, sizeof(expected.b)));
}

/* RFC 7515 5.2 */
static enum token_verdict
check_signature(struct str secret, struct str token, const struct parts *parts)
{
	struct sha256 signature;
	enum token_verdict verdict;
	struct str bytes;

	if (!decode_part(parts->signature, signature.b, sizeof(signature.b), &bytes) || bytes.n != sizeof(signature.b))
		return TOKEN_INVALID;
	if (secret.n == 0)
		return TOKEN_INVALID; /* libjwt takes it; but with no secret everybody could sign */

	/* COMPAT: libjwt 1.10 refuses every typ but JWT, and numbers that no int64_t or double holds; the original takes both. */
	verdict = ask_libjwt(secret, token);
	return verdict == TOKEN_INVALID ? ask_hmac(secret, parts, &signature) : verdict;
}

/* The one that signed the token. */
static enum token_verdict
find_secret(
    const struct token_secrets *secrets, struct str token, const struct parts *parts, enum metrics_secret *secret)
{
	enum token_verdict verdict = check_signature(secrets->current, token, parts);

	*secret = METRICS_SECRET_CURRENT;
	if (verdict != TOKEN_INVALID || secrets->previous.n == 0)
		return verdict;
	*secret = METRICS_SECRET_PREVIOUS;
	return check_signature(secrets->previous, token, parts);
}

static bool
read_uuid(const cJSON *claim, struct uuid *out)
{
	return cJSON_IsString(claim) && uuid_parse(str_of(claim->valuestring), out);
}

/* Cuts between two characters, so that what remains is still UTF-8. */
static void
copy_service(const char *service, struct claims *claims)
{
	size_t n = strlen(service);

	claims->service_cut = n > TOKEN_SERVICE_MAX;
	if (claims->service_cut) {
		n = TOKEN_SERVICE_MAX;
		while (n > 0 && ((unsigned char)service[n] & 0xc0) == 0x80)
			n--;
	}
	memcpy(claims->service, service, n);
	claims->service[n] = '\0';
}

/* COMPAT: an object of strings and nothing else, not even null; of two with the same name the last counts. */
static bool
read_extra(const cJSON *extra, struct claims *claims)
{
	const cJSON *item;

	if (extra == NULL)
		return true;
	if (!cJSON_IsObject(extra))
		return false;
	cJSON_ArrayForEach(item, extra)
	{
		if (!cJSON_IsString(item))
			return false;
		if (strcmp(item->string, "service") == 0)
			copy_service(item->valuestring, claims);
	}
	return true;
}

/* RFC 7519 2, NumericDate.  COMPAT: rounded to the nearest second. */
static bool
read_date(const cJSON *claim, int64_t *seconds)
{
	if (!cJSON_IsNumber(claim) || !isfinite(claim->valuedouble))
		return false;

	double date = claim->valuedouble;
	if (date >= (double)END_OF_TIME)
		*seconds = END_OF_TIME;
	else
		*seconds = date < 0 ? -1 : (int64_t)(date + 0.5);
	return true;
}

/* DIFFERS: the original lets a malformed exp pass and does not look at nbf. */
static bool
read_window(const cJSON *payload, struct window *out)
{
	const cJSON *exp = member(payload, "exp"), *nbf = member(payload, "nbf");
	int64_t date;

	*out = (struct window){ INT64_MIN, INT64_MAX };
	if (exp != NULL) {
		if (!read_date(exp, &date) || date < 0)
			return false; /* RFC 7519 4.1.4 */
		out->last = date + TOKEN_LEEWAY;
	}
	if (nbf != NULL) {
		if (!read_date(nbf, &date))
			return false; /* RFC 7519 4.1.5 */
		out->first = date - TOKEN_LEEWAY;
	}
	return true;
}

static bool
read_token_claims(const cJSON *payload, struct claims *claims, struct window *window)
{
	const cJSON *workspace = member_not_null(payload, "workspace");

	memset(claims, 0, sizeof(*claims));
	claims->has_workspace = workspace != NULL;
	if (!read_uuid(member(payload, "account"), &claims->account))
		return false;
	if (workspace != NULL && !read_uuid(workspace, &claims->workspace))
		return false;
	if (!read_extra(member(payload, "extra"), claims))
		return false;
	/* RFC 7519 4.1.3: for somebody else, since no audience is ours. */
	if (member_not_null(payload, "aud") != NULL)
		return false;
	return read_window(payload, window);
}

static bool
in_window(const struct window *window, int64_t now)
{
	return now >= window->first && now <= window->last;
}

/* Everything but the time. */
static enum token_verdict
check_token(const struct token_secrets *secrets, struct str token, struct slot *out)
{
	unsigned char header_bytes[HEADER_MAX], payload_bytes[DECODED_MAX];
	struct str header_text, payload_text;
	struct parts parts;
	cJSON *header = NULL, *payload = NULL;
	enum token_verdict verdict = TOKEN_INVALID;

	if (!split(token, &parts) || !decode_part(parts.header, header_bytes, HEADER_MAX, &header_text) ||
	    !decode_part(parts.payload, payload_bytes, DECODED_MAX, &payload_text))
		return TOKEN_INVALID;
	header = json_parse_object(header_text);
	if (header == NULL)
		return verdict_of_error(errno);
	if (header_ok(header))
		verdict = find_secret(secrets, token, &parts, &out->secret);
	if (verdict != TOKEN_VALID)
		goto out;
	payload = json_parse_object(payload_text);
	if (payload == NULL)
		verdict = verdict_of_error(errno);
	else
		verdict = verdict_of(read_token_claims(payload, &out->claims, &out->window));
out:
	cJSON_Delete(payload);
	cJSON_Delete(header);
	return verdict;
}

/* The one place where a token with this digest can be. */
static struct slot *
slot_of(struct token_verifier *v, const struct sha256 *key)
{
	size_t n;

	memcpy(&n, key->b, sizeof(n));
	return &v->cache[n % TOKEN_CACHE_SLOTS];
}

static bool
slot_holds(const struct slot *slot, const struct sha256 *key)
{
	return slot->used && digest_eq_secret(slot->key.b, key->b, sizeof(key->b));
}

enum token_verdict
token_verify(struct token_verifier *v, struct str authorization, int64_t now, struct claims *claims)
{
	struct slot checked = { .used = true };
	enum token_verdict verdict = TOKEN_VALID;
	struct str token;

	if (!bearer(authorization, &token))
		return TOKEN_MISSING;
	if (token.n > TOKEN_MAX_LENGTH)
		return TOKEN_INVALID;
	if (!digest_sha256(token, &checked.key))
		return TOKEN_UNCHECKED;

	struct slot *slot = slot_of(v, &checked.key);
	bool known = slot_holds(slot, &checked.key);
	metrics_add(known ? METRICS_TOKEN_CACHE_HITS : METRICS_TOKEN_CACHE_MISSES, 1);
	if (!known)
		verdict = check_token(v->secrets, token, &checked);
	if (verdict != TOKEN_VALID)
		return verdict;
	if (!in_window(known ? &slot->window : &checked.window, now))
		return TOKEN_INVALID;
	if (!known)
		*slot = checked;
	metrics_add(METRICS_TOKENS_ACCEPTED + slot->secret, 1);
	*claims = slot->claims;
	return TOKEN_VALID;
}

bool
token_read_claims(struct str payload, struct claims *claims)
{
	cJSON *object = json_parse_object(payload);
	struct window window;
	bool ok = object != NULL && read_token_claims(object, claims, &window);

	cJSON_Delete(object);
	return ok;
}
