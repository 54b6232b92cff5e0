/* SPDX-License-Identifier: EPL-2.0 */
#include "store/xaes.h"

#include <openssl/crypto.h>
#include <openssl/evp.h>
#include <openssl/rand.h>
#include <stdlib.h>

#define BLOCK   16
#define HALF    12 /* half of a nonce: the first makes the message's key, the second is the nonce of AES-GCM */
#define AT_ONCE ((size_t)1 << 30) /* lengths are int in OpenSSL */

#define NONCES 64 /* made at once, since each call takes time; they are not secret */

struct xaes {
	EVP_CIPHER *ecb_cipher, *gcm_cipher;
	EVP_CIPHER_CTX *ecb, *gcm;
	unsigned char nonce[NONCES][XAES_NONCE_SIZE];
	size_t nonces; /* how many of them have not been used yet */
};

struct xaes *
xaes_new(void)
{
	struct xaes *x = calloc(1, sizeof(*x));

	if (x == NULL)
		return NULL;
	x->ecb_cipher = EVP_CIPHER_fetch(NULL, "AES-256-ECB", NULL);
	x->gcm_cipher = EVP_CIPHER_fetch(NULL, "AES-256-GCM", NULL);
	x->ecb = EVP_CIPHER_CTX_new();
	x->gcm = EVP_CIPHER_CTX_new();
	if (x->ecb_cipher != NULL && x->gcm_cipher != NULL && x->ecb != NULL && x->gcm != NULL &&
	    EVP_EncryptInit_ex2(x->ecb, x->ecb_cipher, NULL, NULL, NULL) == 1 &&
	    EVP_EncryptInit_ex2(x->gcm, x->gcm_cipher, NULL, NULL, NULL) == 1)
		return x;
	xaes_free(x);
	return NULL;
}

void
xaes_free(struct xaes *x)
{
	if (x == NULL)
		return;
	EVP_CIPHER_CTX_free(x->ecb); /* and overwrites the key */
	EVP_CIPHER_CTX_free(x->gcm);
	EVP_CIPHER_free(x->ecb_cipher);
	EVP_CIPHER_free(x->gcm_cipher);
	free(x);
}

/* Whole blocks, each by itself (ECB). */
static bool
encrypt_blocks(
    struct xaes *x, const unsigned char key[XAES_KEY_SIZE], const unsigned char *in, int n, unsigned char *out)
{
	int written;

	return EVP_EncryptInit_ex2(x->ecb, NULL, key, NULL, NULL) == 1 &&
	    EVP_EncryptUpdate(x->ecb, out, &written, in, n) == 1;
}

/* Steps 1 and 2 of the specification. */
bool
xaes_prepare(struct xaes *x, const unsigned char key[XAES_KEY_SIZE], struct xaes_key *out)
{
	static const unsigned char zeros[BLOCK];
	unsigned char l[BLOCK];

	memcpy(out->k, key, sizeof(out->k));
	if (!encrypt_blocks(x, key, zeros, BLOCK, l))
		return false;
	for (int i = 0; i < BLOCK; i++)
		out->k1[i] = (unsigned char)(l[i] << 1 | (i + 1 < BLOCK ? l[i + 1] >> 7 : 0));
	out->k1[BLOCK - 1] ^= (unsigned char)(-(l[0] >> 7) & 0x87);
	OPENSSL_cleanse(l, sizeof(l));
	return true;
}

/* Steps 3 to 6: makes the message's key, and sets it in the context of AES-GCM. */
static bool
begin_cipher(struct xaes *x, const struct xaes_key *key, const unsigned char *nonce, bool seal)
{
	unsigned char m[2 * BLOCK] = { 0, 1, 'X', 0 }, message_key[2 * BLOCK];
	bool ok;

	memcpy(m + 4, nonce, HALF);
	memcpy(m + BLOCK, m, BLOCK);
	m[BLOCK + 1] = 2;
	for (int i = 0; i < 2 * BLOCK; i++)
		m[i] ^= key->k1[i % BLOCK];
	ok = encrypt_blocks(x, key->k, m, sizeof(m), message_key) &&
	    EVP_CipherInit_ex2(x->gcm, NULL, message_key, nonce + HALF, seal, NULL) == 1;
	OPENSSL_cleanse(message_key, sizeof(message_key));
	return ok;
}

/* in is additional data where out is NULL. */
static bool
update(struct xaes *x, unsigned char *out, const unsigned char *in, size_t n)
{
	while (n > 0) {
		int taken = (int)(n < AT_ONCE ? n : AT_ONCE), written;

		if (EVP_CipherUpdate(x->gcm, out, &written, in, taken) != 1)
			return false;
		in += taken;
		n -= (size_t)taken;
		if (out != NULL)
			out += taken;
	}
	return true;
}

static bool
update_all(struct xaes *x, unsigned char *out, struct xaes_text text)
{
	for (size_t i = 0; i < text.n; i++) {
		if (!update(x, out, (const unsigned char *)text.part[i].p, text.part[i].n))
			return false;
		if (out != NULL)
			out += text.part[i].n;
	}
	return true;
}

bool
xaes_seal(struct xaes *x, const struct xaes_key *key, const unsigned char nonce[XAES_NONCE_SIZE],
    struct xaes_text additional, struct xaes_text text, unsigned char *out)
{
	unsigned char *tag = out;
	int none;

	for (size_t i = 0; i < text.n; i++)
		tag += text.part[i].n;
	return begin_cipher(x, key, nonce, true) && update_all(x, NULL, additional) && update_all(x, out, text) &&
	    EVP_EncryptFinal_ex(x->gcm, tag, &none) == 1 &&
	    EVP_CIPHER_CTX_ctrl(x->gcm, EVP_CTRL_AEAD_GET_TAG, XAES_TAG_SIZE, tag) == 1;
}

bool
xaes_open(struct xaes *x, const struct xaes_key *key, const unsigned char nonce[XAES_NONCE_SIZE],
    struct xaes_text additional, unsigned char *text, size_t n)
{
	unsigned char none[BLOCK];
	int none_n;

	if (!begin_cipher(x, key, nonce, false) || !update_all(x, NULL, additional) || !update(x, text, text, n))
		return false;
	if (EVP_CIPHER_CTX_ctrl(x->gcm, EVP_CTRL_AEAD_SET_TAG, XAES_TAG_SIZE, text + n) == 1 &&
	    EVP_DecryptFinal_ex(x->gcm, none, &none_n) == 1)
		return true;
	/* Not authentic: encrypts the text again, so that the bytes are the ciphertext as before. */
	if (!begin_cipher(x, key, nonce, true) || !update(x, text, text, n))
		memset(text, 0, n);
	return false;
}

bool
xaes_nonce(struct xaes *x, unsigned char out[XAES_NONCE_SIZE])
{
	if (x->nonces == 0) {
		if (RAND_bytes(x->nonce[0], sizeof(x->nonce)) != 1)
			return false;
		x->nonces = NONCES;
	}
	memcpy(out, x->nonce[--x->nonces], XAES_NONCE_SIZE);
	return true;
}
