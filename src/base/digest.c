/* SPDX-License-Identifier: EPL-2.0 */
#include "base/digest.h"

#include <assert.h>
#include <openssl/crypto.h>
#include <openssl/evp.h>

#define SHA256_BLOCK 64

/* Kept per thread: fetching an algorithm costs more than hashing a small value. */
struct hasher {
	EVP_MD *md;
	EVP_MD_CTX *ctx;
};

static _Thread_local struct hasher md5_hasher, sha256_hasher;

static void
hasher_end(struct hasher *h)
{
	EVP_MD_CTX_free(h->ctx);
	EVP_MD_free(h->md);
	*h = (struct hasher){ NULL, NULL };
}

static bool
hasher_ready(struct hasher *h, const char *name)
{
	if (h->ctx != NULL)
		return true;
	h->md = EVP_MD_fetch(NULL, name, NULL);
	if (h->md != NULL)
		h->ctx = EVP_MD_CTX_new();
	if (h->ctx == NULL)
		hasher_end(h);
	return h->ctx != NULL;
}

static bool
hash(struct hasher *h, const char *name, struct str s, unsigned char *out)
{
	return hasher_ready(h, name) && EVP_DigestInit_ex2(h->ctx, h->md, NULL) == 1 &&
	    EVP_DigestUpdate(h->ctx, s.p, s.n) == 1 && EVP_DigestFinal_ex(h->ctx, out, NULL) == 1;
}

bool
digest_md5(struct str s, struct md5 *out)
{
	return hash(&md5_hasher, "MD5", s, out->b);
}

bool
digest_sha256(struct str s, struct sha256 *out)
{
	return hash(&sha256_hasher, "SHA256", s, out->b);
}

void
digest_sum_begin(struct sha256_sum *sum)
{
	sum->ctx = EVP_MD_CTX_new();
	if (sum->ctx != NULL && EVP_DigestInit_ex(sum->ctx, EVP_sha256(), NULL) != 1) {
		EVP_MD_CTX_free(sum->ctx);
		sum->ctx = NULL;
	}
}

void
digest_sum_add(struct sha256_sum *sum, struct str s)
{
	if (sum->ctx == NULL || EVP_DigestUpdate(sum->ctx, s.p, s.n) == 1)
		return;
	EVP_MD_CTX_free(sum->ctx);
	sum->ctx = NULL;
}

bool
digest_sum_end(struct sha256_sum *sum, struct sha256 *out)
{
	struct sha256 ignored;
	bool ok = sum->ctx != NULL && EVP_DigestFinal_ex(sum->ctx, (out != NULL ? out : &ignored)->b, NULL) == 1;

	EVP_MD_CTX_free(sum->ctx);
	sum->ctx = NULL;
	return ok;
}

/* The key as a block with each byte changed by `pad`, and s after it. */
static bool
hash_padded(const unsigned char key[SHA256_BLOCK], unsigned char pad, struct str s, struct sha256 *out)
{
	struct hasher *h = &sha256_hasher;
	unsigned char block[SHA256_BLOCK];
	bool ok;

	for (size_t i = 0; i < sizeof(block); i++)
		block[i] = key[i] ^ pad;
	ok = hasher_ready(h, "SHA256") && EVP_DigestInit_ex2(h->ctx, h->md, NULL) == 1 &&
	    EVP_DigestUpdate(h->ctx, block, sizeof(block)) == 1 && EVP_DigestUpdate(h->ctx, s.p, s.n) == 1 &&
	    EVP_DigestFinal_ex(h->ctx, out->b, NULL) == 1;
	digest_cleanse(block, sizeof(block));
	return ok;
}

/* RFC 2104 2.  OpenSSL's own looks the algorithm up each time, for several microseconds. */
bool
digest_hmac_sha256(struct str key, struct str s, struct sha256 *out)
{
	unsigned char block[SHA256_BLOCK] = { 0 };
	struct sha256 inner;
	bool ok = key.n <= sizeof(block) || digest_sha256(key, &inner);

	if (ok && key.n > sizeof(block))
		memcpy(block, inner.b, sizeof(inner.b));
	else if (ok && key.n > 0)
		memcpy(block, key.p, key.n);
	ok = ok && hash_padded(block, 0x36, s, &inner) &&
	    hash_padded(block, 0x5c, str_from((const char *)inner.b, sizeof(inner.b)), out);
	digest_cleanse(block, sizeof(block));
	return ok;
}

/* RFC 5869 2.2, 2.3: one block of output is all that is asked for. */
bool
digest_hkdf_sha256(struct str key, struct str info, struct sha256 *out)
{
	static const char no_salt[sizeof(*out)];
	struct sha256 prk;
	char block[256];
	bool ok;

	assert(info.n < sizeof(block));
	memcpy(block, info.p, info.n);
	block[info.n] = 1;
	ok = digest_hmac_sha256(str_from(no_salt, sizeof(no_salt)), key, &prk) &&
	    digest_hmac_sha256(str_from((const char *)prk.b, sizeof(prk.b)), str_from(block, info.n + 1), out);
	digest_cleanse(&prk, sizeof(prk));
	return ok;
}

void
digest_thread_end(void)
{
	hasher_end(&md5_hasher);
	hasher_end(&sha256_hasher);
}

bool
digest_eq_secret(const void *a, const void *b, size_t n)
{
	return CRYPTO_memcmp(a, b, n) == 0;
}

void
digest_cleanse(void *p, size_t n)
{
	OPENSSL_cleanse(p, n);
}

void
digest_hex(const unsigned char *p, size_t n, char *out)
{
	static const char digits[] = "0123456789abcdef";

	for (size_t i = 0; i < n; i++) {
		*out++ = digits[p[i] >> 4];
		*out++ = digits[p[i] & 15];
	}
}

static int
hex_value(char c)
{
	if (c >= '0' && c <= '9')
		return c - '0';
	if (c >= 'a' && c <= 'f')
		return c - 'a' + 10;
	if (c >= 'A' && c <= 'F')
		return c - 'A' + 10;
	return -1;
}

bool
digest_unhex(struct str s, unsigned char *out, size_t n)
{
	if (s.n / 2 != n || s.n % 2 != 0)
		return false;
	for (size_t i = 0; i < n; i++) {
		int high = hex_value(s.p[2 * i]);
		int low = hex_value(s.p[2 * i + 1]);
		if (high < 0 || low < 0)
			return false;
		out[i] = (unsigned char)(high * 16 + low);
	}
	return true;
}

const char *
digest_library_version(void)
{
	return OpenSSL_version(OPENSSL_VERSION_STRING);
}
