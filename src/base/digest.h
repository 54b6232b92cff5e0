/* SPDX-License-Identifier: EPL-2.0 */
/*
 * digest: MD5, SHA-256, HMAC and HKDF, by OpenSSL.  Only this module and
 * store/xaes include OpenSSL's headers.
 *
 * MD5 is the API's entity tag and the column md5; it protects nothing.  The
 * SHA-256 of a token is its key in the token cache.  Contexts are kept per
 * thread; each thread that called this module ends with digest_thread_end().
 */
#ifndef HULYKVS_DIGEST_H
#define HULYKVS_DIGEST_H

#include "base/str.h"

struct md5 {
	unsigned char b[16];
};

struct sha256 {
	unsigned char b[32];
};

/* false: OpenSSL refused (no memory, or a provider without MD5). */
bool digest_md5(struct str s, struct md5 *out) __attribute__((warn_unused_result));
bool digest_sha256(struct str s, struct sha256 *out) __attribute__((warn_unused_result));

/* The SHA-256 of bytes that come in pieces. */
struct sha256_sum {
	void *ctx; /* NULL: not begun, or OpenSSL refused */
};

/* Begins; what goes wrong is told at the end. */
void digest_sum_begin(struct sha256_sum *sum);
void digest_sum_add(struct sha256_sum *sum, struct str s);

/* Ends and frees; out may be NULL.  false: OpenSSL refused. */
bool digest_sum_end(struct sha256_sum *sum, struct sha256 *out);

/* RFC 2104 with SHA-256. */
bool digest_hmac_sha256(struct str key, struct str s, struct sha256 *out) __attribute__((warn_unused_result));

/* Derives a key of 32 bytes for the purpose `info` (at most 255 bytes): RFC 5869 with SHA-256, no salt. */
bool digest_hkdf_sha256(struct str key, struct str info, struct sha256 *out) __attribute__((warn_unused_result));

/* Frees the calling thread's contexts. */
void digest_thread_end(void);

/* Compares in a time that does not depend on the contents. */
bool digest_eq_secret(const void *a, const void *b, size_t n);

/* Overwrites n bytes in a way that the compiler keeps. */
void digest_cleanse(void *p, size_t n);

/* OpenSSL's, "3.0.17". */
const char *digest_library_version(void);

/* 2n lower-case hex digits, no NUL. */
void digest_hex(const unsigned char *p, size_t n, char *out);

/* Exactly 2n hex digits, either case; false otherwise. */
bool digest_unhex(struct str s, unsigned char *out, size_t n) __attribute__((warn_unused_result));

#endif
