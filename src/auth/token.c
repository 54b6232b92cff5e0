/* SPDX-License-Identifier: EPL-2.0 */
#include "auth/token.h"

#include <errno.h>
#include <inttypes.h>
#include <jwt.h>
#include <math.h>
#include <stdlib.h>

#include "base/digest.h"
#include "codec/base64url.h"
#include "codec/json.h"
#include "telemetry/metrics.h"

#define DECODED_MAX (TOKEN_MAX_LENGTH / 4 * 3)
#define END_OF_TIME INT64_C(1000000000000) /* seconds; leeway cannot make it overflow */

/* Bytes.  A larger payload whose signature is wrong is not parsed, since anybody may have sent it. */
#define UNPROVED_MAX 1024

struct parts {
	struct str header, payload, signature;
	struct str signed_text; /* header and payload with the dot between them */
};

/* The time in which a token is valid, with the leeway: first <= now <= last. */
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

/* A token that is being checked. */
struct subject {
	struct str token;
	struct parts parts;
	struct str header, payload; /* decoded, in the bytes below, which end with a NUL */
	char header_bytes[UNPROVED_MAX + 1], payload_bytes[DECODED_MAX + 1];
};

struct token_verifier {
	const struct token_secrets *secrets;
	struct token_fault fault;
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
	struct str after_header;

	if (!str_cut(token, '.', &out->header, &after_header) ||
	    !str_cut(after_header, '.', &out->payload, &out->signature))
		return false;
	if (out->header.n == 0 || out->payload.n == 0)
		return false; /* libjwt 1.10 writes outside its buffer when it decodes an empty part */
	out->signed_text = str_first(token, out->header.n + 1 + out->payload.n);
	return true;
}

/* Borrows from bytes, which have space for max and a NUL. */
static bool
decode_part(struct str part, char *bytes, size_t max, struct str *out)
{
	size_t n;

	if (!base64url_decode(part, (unsigned char *)bytes, max, &n))
		return false;
	bytes[n] = '\0';
	*out = str_from(bytes, n);
	return true;
}

static bool
read_parts(struct subject *s, struct str token)
{
	s->token = token;
	return split(token, &s->parts) && decode_part(s->parts.header, s->header_bytes, UNPROVED_MAX, &s->header) &&
	    decode_part(s->parts.payload, s->payload_bytes, DECODED_MAX, &s->payload);
}

static const cJSON *
member(const cJSON *object, const char *name)
{
	return cJSON_GetObjectItemCaseSensitive(object, name);
}

/* The original also treats null as an absent claim. */
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

	/* RFC 8725 3.1: the program chooses the algorithm, not the token. */
	if (!cJSON_IsString(alg) || strcmp(alg->valuestring, "HS256") != 0)
		return false;
	/* RFC 7515 4.1.11: the program understands no extension.  DIFFERS. */
	if (member(header, "crit") != NULL)
		return false;
	return is_string_or_absent(header, "typ") && is_string_or_absent(header, "kid");
}

static enum token_verdict
verdict_of(bool ok)
{
	return ok ? TOKEN_VALID : TOKEN_INVALID;
}

/* For the error number that libjwt returned. */
static enum token_verdict
verdict_of_error(int error)
{
	return error == ENOMEM ? TOKEN_UNCHECKED : TOKEN_INVALID;
}

/* An integer that fits into 64 bits, or a number that fits into a double: *end is the byte after it. */
static bool
libjwt_holds_number(const char *number, const char **end)
{
	size_t n = strspn(number, "+-.0123456789eE");
	bool is_integer = strcspn(number, ".eE") >= n;
	char *stop;
	bool fits;

	errno = 0;
	if (is_integer)
		(void)strtoimax(number, &stop, 10);
	fits = is_integer ? errno != ERANGE : isfinite(strtod(number, &stop));
	*end = number + n;
	return fits;
}

/* The byte after the string that begins at p; the NUL if the string does not end. */
static const char *
skip_token_string(const char *p)
{
	for (p++; *p != '"' && *p != '\0'; p++)
		if (*p == '\\' && p[1] != '\0')
			p++;
	return *p == '"' ? p + 1 : p;
}

/* Whether the JSON text has no number that libjwt's parser refuses.  Any answer is right where it is no JSON. */
static bool
libjwt_holds_numbers(struct str text)
{
	const char *p = text.p;

	while (*(p += strcspn(p, "\"-0123456789")) != '\0') {
		if (*p == '"')
			p = skip_token_string(p);
		else if (!libjwt_holds_number(p, &p))
			return false;
	}
	return true;
}

/*
 * COMPAT: the original accepts any `typ`, and numbers of any size; libjwt 1.10
 * refuses a `typ` that is not JWT, and numbers that neither an int64_t nor a
 * double can hold.  Such a token is not handed to it.
 */
static bool
libjwt_can_read(const cJSON *header, const struct subject *s)
{
	const cJSON *typ = member_not_null(header, "typ");

	return (typ == NULL || strcasecmp(typ->valuestring, "JWT") == 0) && libjwt_holds_numbers(s->header) &&
	    libjwt_holds_numbers(s->payload);
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
check_signature(struct str secret, const cJSON *header, const struct subject *s)
{
	struct sha256 signature;
	size_t n;

	if (!base64url_decode(s->parts.signature, signature.b, sizeof(signature.b), &n) || n != sizeof(signature.b))
		return TOKEN_INVALID;
	if (secret.n == 0)
		return TOKEN_INVALID; /* libjwt would accept an empty secret, but then everybody could sign */
	return libjwt_can_read(header, s) ? ask_libjwt(secret, s->token) : ask_hmac(secret, &s->parts, &signature);
}

/* *secret: which of the two signed the token. */
static enum token_verdict
find_secret(
    const struct token_secrets *secrets, const cJSON *header, const struct subject *s, enum metrics_secret *secret)
{
	enum token_verdict verdict = check_signature(secrets->current, header, s);

	*secret = METRICS_SECRET_CURRENT;
	if (verdict != TOKEN_INVALID || secrets->previous.n == 0)
		return verdict;
	*secret = METRICS_SECRET_PREVIOUS;
	return check_signature(secrets->previous, header, s);
}

static bool
read_uuid(const cJSON *claim, struct uuid *out)
{
	return cJSON_IsString(claim) && uuid_parse(str_of(claim->valuestring), out);
}

/* Copies at most TOKEN_SERVICE_MAX bytes, and cuts between two characters, so that the copy is valid UTF-8. */
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
	/* RFC 7519 4.1.3: a token with an audience is refused, because this service has no name that could be in it. */
	if (member_not_null(payload, "aud") != NULL)
		return false;
	return read_window(payload, window);
}

/* A token that is never valid, because it expires before it becomes valid, is called expired. */
static enum token_verdict
check_window(struct token_verifier *v, const struct slot *slot, int64_t now)
{
	bool early = now<slot->window.first, late = now> slot->window.last;

	if (!early && !late)
		return TOKEN_VALID;
	v->fault.reason = late ? TOKEN_EXPIRED : TOKEN_NOT_YET_VALID;
	(void)strcpy(v->fault.service, slot->claims.service);
	return TOKEN_INVALID;
}

static enum token_verdict
find_fault(struct token_verifier *v, enum token_reason reason, const cJSON *payload)
{
	struct claims claims = { .service = "" };

	v->fault.reason = reason;
	if (payload != NULL && read_extra(member(payload, "extra"), &claims))
		(void)strcpy(v->fault.service, claims.service);
	return TOKEN_INVALID;
}

/*
 * libjwt does not say whether the signature or the payload was wrong.  The name
 * of the service is read, so that operators find a service that still uses an
 * old secret.  A large payload is not parsed, because anybody may have sent it.
 */
static enum token_verdict
find_wrong_signature(struct token_verifier *v, const struct subject *s)
{
	cJSON *payload = s->payload.n <= UNPROVED_MAX ? json_parse_object(s->payload) : NULL;
	bool is_json = payload != NULL || s->payload.n > UNPROVED_MAX;
	enum token_verdict verdict = find_fault(v, is_json ? TOKEN_SIGNATURE : TOKEN_MALFORMED, payload);

	cJSON_Delete(payload);
	return verdict;
}

static enum token_verdict
check_claims(struct token_verifier *v, const struct subject *s, struct slot *out)
{
	cJSON *payload = json_parse_object(s->payload);
	enum token_verdict verdict = TOKEN_VALID;

	if (payload == NULL && errno == ENOMEM)
		return TOKEN_UNCHECKED;
	if (payload == NULL)
		return find_fault(v, TOKEN_MALFORMED, NULL);
	if (!read_token_claims(payload, &out->claims, &out->window))
		verdict = find_fault(v, TOKEN_CLAIMS, payload);
	cJSON_Delete(payload);
	return verdict;
}

/* Checks everything except the time. */
static enum token_verdict
check_token(struct token_verifier *v, struct str token, struct slot *out)
{
	struct subject s;
	cJSON *header;
	enum token_verdict verdict;

	if (!read_parts(&s, token))
		return find_fault(v, TOKEN_MALFORMED, NULL);
	header = json_parse_object(s.header);
	if (header == NULL && errno == ENOMEM)
		return TOKEN_UNCHECKED;
	if (header == NULL || !header_ok(header))
		verdict = find_fault(v, TOKEN_MALFORMED, NULL);
	else if ((verdict = find_secret(v->secrets, header, &s, &out->secret)) == TOKEN_VALID)
		verdict = check_claims(v, &s, out);
	else if (verdict == TOKEN_INVALID)
		verdict = find_wrong_signature(v, &s);
	cJSON_Delete(header);
	return verdict;
}

/* The slot of the cache for this digest. */
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

	v->fault = (struct token_fault){ .service = "" };
	if (!bearer(authorization, &token))
		return TOKEN_MISSING;
	if (token.n > TOKEN_MAX_LENGTH)
		return find_fault(v, TOKEN_MALFORMED, NULL);
	if (!digest_sha256(token, &checked.key))
		return TOKEN_UNCHECKED;

	struct slot *slot = slot_of(v, &checked.key);
	bool known = slot_holds(slot, &checked.key);
	metrics_add(known ? METRICS_TOKEN_CACHE_HITS : METRICS_TOKEN_CACHE_MISSES, 1);
	if (!known)
		verdict = check_token(v, token, &checked);
	if (verdict == TOKEN_VALID)
		verdict = check_window(v, known ? slot : &checked, now);
	if (verdict != TOKEN_VALID)
		return verdict;
	if (!known)
		*slot = checked;
	metrics_add(METRICS_TOKENS_ACCEPTED + slot->secret, 1);
	*claims = slot->claims;
	return TOKEN_VALID;
}

const struct token_fault *
token_last_fault(const struct token_verifier *v)
{
	return &v->fault;
}

struct str
token_reason_word(enum token_reason reason)
{
	static const struct str words[] = {
#define X(name, word) [TOKEN_##name] = STR_INIT(word),
		TOKEN_REASONS(X)
#undef X
	};

	return words[reason];
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
