/* SPDX-License-Identifier: EPL-2.0 */
/*
 * xaes: authenticated encryption with XAES-256-GCM (C2SP, XAES-256-GCM.md), with
 * OpenSSL's AES-256.  Its nonces of 192 bits can be chosen at random for any
 * number of messages; the 96 bits of AES-GCM alone are too few for that.  Used
 * by seal.
 *
 * A key is prepared once.  Each message then costs two blocks of AES, which
 * make a key for this message only, and AES-256-GCM with that key.  One thread
 * for each struct xaes; keys may be shared.
 */
#ifndef HULYKVS_XAES_H
#define HULYKVS_XAES_H

#include "base/str.h"

#define XAES_KEY_SIZE   32
#define XAES_NONCE_SIZE 24
#define XAES_TAG_SIZE   16

/* Secret: its owner overwrites it before freeing it. */
struct xaes_key {
	unsigned char k[XAES_KEY_SIZE];
	unsigned char k1[16]; /* CMAC's subkey, step 2 of the specification */
};

/* Contexts of OpenSSL, which are used again for each message. */
struct xaes;

/* NULL: no memory, or an OpenSSL without AES. */
struct xaes *xaes_new(void) __attribute__((warn_unused_result));
void xaes_free(struct xaes *x);

bool xaes_prepare(struct xaes *x, const unsigned char key[XAES_KEY_SIZE], struct xaes_key *out)
    __attribute__((warn_unused_result));

/* A text in several parts, in order. */
struct xaes_text {
	const struct str *part;
	size_t n;
};

/* Writes the ciphertext of text, and the tag after it, to out, which must not overlap with text. */
bool xaes_seal(struct xaes *x, const struct xaes_key *key, const unsigned char nonce[XAES_NONCE_SIZE],
    struct xaes_text additional, struct xaes_text text, unsigned char *out) __attribute__((warn_unused_result));

/*
 * Decrypts n bytes of ciphertext, which the tag follows, in place.  False: key, nonce, additional data, ciphertext and
 * tag do not belong together; then all bytes are unchanged.
 */
bool xaes_open(struct xaes *x, const struct xaes_key *key, const unsigned char nonce[XAES_NONCE_SIZE],
    struct xaes_text additional, unsigned char *text, size_t n) __attribute__((warn_unused_result));

/* A new nonce, at random. */
bool xaes_nonce(struct xaes *x, unsigned char out[XAES_NONCE_SIZE]) __attribute__((warn_unused_result));

#endif
