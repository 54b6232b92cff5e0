/* SPDX-License-Identifier: EPL-2.0 */
#include "store/xaes.h"

#include <openssl/evp.h>
#include <stdlib.h>

#include "base/digest.h"
#include "lib/tap.h"

#define ITERATIONS 10000 /* with XAES_ITERATIONS=1000000 in the environment: the specification's longer form */

/* C2SP, XAES-256-GCM.md, test vectors: MSB of L 0, and 1. */
static const struct {
	unsigned char key;
	const char *k1;
	struct str additional;
	const char *sealed;
} rows[] = {
	{ 1, "e531954aca063d5b8d9c47a47d4cc6f0", TEXT(""), "ce546ef63c9cc60765923609b33a9a1974e96e52daf2fcf7075e2271" },
	{ 3, "23810ec50edb99f374409466ed1f4b7b", TEXT("c2sp.org/XAES-256-GCM"),
	    "986ec1832593df5443a179437fd083bf3fdb41abd740a21f71eb769d" },
};

static const unsigned char *nonce = (const unsigned char *)"ABCDEFGHIJKLMNOPQRSTUVWX";

static struct xaes_text
whole(const struct str *s)
{
	return (struct xaes_text){ s, 1 };
}

static bool
is_hex(const void *p, size_t n, const char *want)
{
	char hex[128];

	digest_hex(p, n, hex);
	return str_eq(str_from(hex, 2 * n), str_of(want));
}

static void
test_vectors(struct xaes *x)
{
	const struct str text = TEXT("XAES-256-GCM");

	for (size_t i = 0; i < COUNT(rows); i++) {
		unsigned char key[XAES_KEY_SIZE], out[12 + XAES_TAG_SIZE];
		struct xaes_key k;

		memset(key, rows[i].key, sizeof(key));
		tap_ok(xaes_prepare(x, key, &k) && is_hex(k.k1, sizeof(k.k1), rows[i].k1), "K1 of vector %zu", i);
		tap_ok(xaes_seal(x, &k, nonce, whole(&rows[i].additional), whole(&text), out) &&
			is_hex(out, sizeof(out), rows[i].sealed),
		    "vector %zu is sealed", i);
		tap_ok(xaes_open(x, &k, nonce, whole(&rows[i].additional), out, text.n) &&
			memcmp(out, text.p, text.n) == 0,
		    "vector %zu is opened", i);
	}
}

/* Additional data and text in pieces are the same as in one. */
static void
test_pieces(struct xaes *x)
{
	static const struct str pieces[] = { TEXT("c2sp.org"), TEXT(""), TEXT("/XAES-256-GCM") };
	static const struct str text[] = { TEXT("XAES"), TEXT("-256-"), TEXT("GCM") };
	unsigned char key[XAES_KEY_SIZE], out[12 + XAES_TAG_SIZE];
	struct xaes_key k;

	memset(key, 3, sizeof(key));
	tap_ok(xaes_prepare(x, key, &k) &&
		xaes_seal(x, &k, nonce, (struct xaes_text){ pieces, 3 }, (struct xaes_text){ text, 3 }, out) &&
		is_hex(out, sizeof(out), rows[1].sealed),
	    "pieces are one text");
}

/* Any bit of what belongs together: it does not open, and the bytes are as they were. */
static void
test_flips(struct xaes *x)
{
	const struct str text = TEXT("XAES-256-GCM"), additional = TEXT("aa");
	unsigned char key[XAES_KEY_SIZE] = { 7 }, sealed[12 + XAES_TAG_SIZE], was[sizeof(sealed)], n[XAES_NONCE_SIZE];
	struct xaes_key k;
	unsigned opened = 0, changed = 0;

	memcpy(n, nonce, sizeof(n));
	if (!xaes_prepare(x, key, &k) || !xaes_seal(x, &k, n, whole(&additional), whole(&text), sealed))
		tap_bail("xaes_seal");
	for (size_t bit = 0; bit < 8 * sizeof(sealed); bit++) {
		sealed[bit / 8] ^= (unsigned char)(1 << bit % 8);
		memcpy(was, sealed, sizeof(was));
		opened += xaes_open(x, &k, n, whole(&additional), sealed, text.n);
		changed += memcmp(was, sealed, sizeof(was)) != 0;
		sealed[bit / 8] ^= (unsigned char)(1 << bit % 8);
	}
	for (size_t bit = 0; bit < 8 * sizeof(n); bit++) {
		n[bit / 8] ^= (unsigned char)(1 << bit % 8);
		opened += xaes_open(x, &k, n, whole(&additional), sealed, text.n);
		n[bit / 8] ^= (unsigned char)(1 << bit % 8);
	}
	tap_int(opened, 0, "nothing opens with a bit flipped");
	tap_int(changed, 0, "what does not open stays as it was");
	tap_ok(xaes_open(x, &k, n, whole(&additional), sealed, text.n), "it opens as it is");
}

/* SHAKE128 of the input, so many bytes. */
static void
shake(const void *in, size_t in_n, unsigned char *out, size_t n)
{
	EVP_MD_CTX *ctx = EVP_MD_CTX_new();

	if (ctx == NULL || EVP_DigestInit_ex(ctx, EVP_shake128(), NULL) != 1 || EVP_DigestUpdate(ctx, in, in_n) != 1 ||
	    EVP_DigestFinalXOF(ctx, out, n) != 1)
		tap_bail("SHAKE128");
	EVP_MD_CTX_free(ctx);
}

/* The specification's accumulated randomized test: one stream of random bytes, one hash over all ciphertexts. */
static void
test_accumulated(struct xaes *x)
{
	size_t iterations =
	    getenv("XAES_ITERATIONS") != NULL ? strtoul(getenv("XAES_ITERATIONS"), NULL, 10) : ITERATIONS;
	size_t most = iterations * (XAES_KEY_SIZE + XAES_NONCE_SIZE + 2 + 2 * 255), done = 0;
	unsigned char *random = malloc(most), *all = malloc(most), *at = random, *end = all, sum[32];
	bool opens = true;

	if (random == NULL || all == NULL)
		tap_bail("malloc");
	shake("", 0, random, most);
	for (; done < iterations && opens; done++) {
		const unsigned char *key = at, *n = key + XAES_KEY_SIZE, *text_n = n + XAES_NONCE_SIZE;
		const unsigned char *additional_n = text_n + 1 + *text_n;
		struct str text = { (const char *)text_n + 1, *text_n };
		struct str additional = { (const char *)additional_n + 1, *additional_n };
		unsigned char copy[255 + XAES_TAG_SIZE];
		struct xaes_key k;

		opens = xaes_prepare(x, key, &k) && xaes_seal(x, &k, n, whole(&additional), whole(&text), end);
		memcpy(copy, end, text.n + XAES_TAG_SIZE);
		opens =
		    opens && xaes_open(x, &k, n, whole(&additional), copy, text.n) && memcmp(copy, text.p, text.n) == 0;
		end += text.n + XAES_TAG_SIZE;
		at = (unsigned char *)additional.p + additional.n;
	}
	tap_ok(opens, "all of the accumulated tests open again");
	shake(all, (size_t)(end - all), sum, sizeof(sum));
	tap_ok(is_hex(sum, sizeof(sum),
		   iterations == ITERATIONS ? "e6b9edf2df6cec60c8cbd864e2211b597fb69a529160cd040d56c0c210081939"
					    : "2163ae1445985a30b60585ee67daa55674df06901b890593e824b8a7c885ab15"),
	    "the sum of %zu accumulated tests", done);
	free(random);
	free(all);
}

static void
test_nonces(struct xaes *x)
{
	static unsigned char nonces[1000][XAES_NONCE_SIZE];
	unsigned same = 0;

	for (size_t i = 0; i < COUNT(nonces); i++) {
		if (!xaes_nonce(x, nonces[i]))
			tap_bail("xaes_nonce");
		for (size_t j = 0; j < i; j++)
			same += memcmp(nonces[i], nonces[j], XAES_NONCE_SIZE) == 0;
	}
	tap_int(same, 0, "no nonce comes twice");
}

int
main(void)
{
	struct xaes *x = xaes_new();

	if (x == NULL)
		tap_bail("xaes_new");
	test_vectors(x);
	test_pieces(x);
	test_flips(x);
	test_accumulated(x);
	test_nonces(x);
	xaes_free(x);
	return tap_end();
}
