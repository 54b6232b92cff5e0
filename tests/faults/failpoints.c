/* SPDX-License-Identifier: EPL-2.0 */
/*
 * failpoints: calls into the C library's allocator and into the other libraries that fail when a test wants it.
 *
 * Linked into the programs of tests/faults/failing only, where the linker leads each call that our objects make
 * of a function named below (--wrap, see failpoints.wrap in Makefile.am) here first; production builds know
 * nothing of it.  What a library calls within itself is not reached.
 *
 * The file that HULYKVS_FAILPOINTS names is shared with the test (failpoints.py), which chooses the call that
 * is to fail, by number, and how:
 *
 *   before  the call is not made, and fails as it does for lack of memory
 *   after   the call is made, and then said to have failed; where that leaves nothing behind
 *   cut     the connection is broken, and then the call is made; functions of libpq that take one
 */
#include <cjson/cJSON.h>
#include <curl/curl.h>
#include <dirent.h>
#include <errno.h>
#include <execinfo.h>
#include <fcgiapp.h>
#include <fcntl.h>
#include <jwt.h>
#include <libpq-fe.h>
#include <openssl/evp.h>
#include <openssl/hmac.h>
#include <openssl/rand.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/mman.h>
#include <sys/signalfd.h>
#include <sys/socket.h>
#include <unistd.h>

enum mode {
	OFF,
	BEFORE,
	AFTER,
	CUT,
	MODES,
};

enum { PLACES = 65536, FRAMES = 24, OURS = 2 };

/* As failpoints.py has it. */
struct control {
	_Atomic uint64_t mode;
	_Atomic uint64_t number; /* of the call that fails; counted from 0 */
	_Atomic uint64_t calls;  /* so far, of those that can fail in this mode */
	_Atomic uint64_t fired;
	_Atomic uint64_t noting; /* lets nothing fail, and notes so many of the callers; 0: does not */
	char name[64];           /* of the function that failed */
	uint64_t place[PLACES];  /* a digest of the n-th call's callers */
};

static struct control *control;

__attribute__((constructor)) static void
share(void)
{
	const char *path = getenv("HULYKVS_FAILPOINTS");
	int fd = path != NULL ? open(path, O_RDWR | O_CLOEXEC) : -1;
	void *at;
	void *frame[1];

	if (fd < 0)
		return;
	at = mmap(NULL, sizeof(*control), PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
	(void)close(fd);
	(void)backtrace(frame, 1); /* loads what it needs now, not in the middle of a call */
	if (at != MAP_FAILED)
		control = at;
}

static void
note_place(uint64_t n)
{
	void *frame[FRAMES];
	int frames = backtrace(frame, FRAMES), depth = (int)atomic_load(&control->noting);
	uint64_t digest = 14695981039346656037u;

	for (int i = OURS; i < frames && i < OURS + depth; i++)
		digest = (digest ^ (uintptr_t)frame[i]) * 1099511628211u;
	if (n < PLACES)
		control->place[n] = digest;
}

/* Whether this call is the one. */
static bool
fires(enum mode mode, const char *name)
{
	uint64_t n;

	if (control == NULL || atomic_load(&control->mode) != mode)
		return false;
	n = atomic_fetch_add(&control->calls, 1);
	if (atomic_load(&control->noting) != 0) {
		note_place(n);
		return false;
	}
	if (n != atomic_load(&control->number))
		return false;
	(void)snprintf(control->name, sizeof(control->name), "%s", name);
	atomic_fetch_add(&control->fired, 1);
	return true;
}

static void
cut(const PGconn *conn)
{
	if (conn != NULL && PQsocket(conn) >= 0)
		(void)shutdown(PQsocket(conn), SHUT_RDWR);
}

/* The lines below are read by the linker's options, too: the name comes first. */

#define WRAPPED(name, type, parameters) \
	type __real_##name parameters; \
	type __wrap_##name parameters; \
	type __wrap_##name parameters

#define FAIL(name, type, parameters, arguments, failure) \
	WRAPPED(name, type, parameters) \
	{ \
		if (fires(BEFORE, #name)) { \
			errno = ENOMEM; \
			return failure; \
		} \
		return __real_##name arguments; \
	}

/* The same of a connection, whose first parameter is called conn. */
#define FAIL_CONN(name, type, parameters, arguments, failure) \
	WRAPPED(name, type, parameters) \
	{ \
		type result; \
\
		if (fires(BEFORE, #name)) \
			return failure; \
		if (fires(CUT, #name)) \
			cut(conn); \
		result = __real_##name arguments; \
		return fires(AFTER, #name) ? failure : result; \
	}

FAIL(malloc, void *, (size_t n), (n), NULL)
FAIL(calloc, void *, (size_t n, size_t size), (n, size), NULL)
FAIL(realloc, void *, (void *p, size_t n), (p, n), NULL)
FAIL(aligned_alloc, void *, (size_t align, size_t n), (align, n), NULL)
FAIL(strdup, char *, (const char *s), (s), NULL)
FAIL(strndup, char *, (const char *s, size_t n), (s, n), NULL)
FAIL(fopen, FILE *, (const char *path, const char *how), (path, how), NULL)
FAIL(opendir, DIR *, (const char *path), (path), NULL)

FAIL(epoll_create1, int, (int flags), (flags), -1)
FAIL(eventfd, int, (unsigned n, int flags), (n, flags), -1)
FAIL(signalfd, int, (int fd, const sigset_t *set, int flags), (fd, set, flags), -1)
FAIL(accept4, int, (int fd, struct sockaddr *a, socklen_t *n, int flags), (fd, a, n, flags), -1)
FAIL(pthread_create, int, (pthread_t * t, const pthread_attr_t *a, void *(*run)(void *), void *arg), (t, a, run, arg),
    EAGAIN)

/* Taking a descriptor off needs no memory. */
WRAPPED(epoll_ctl, int, (int epoll, int what, int fd, struct epoll_event *event))
{
	if (what != EPOLL_CTL_DEL && fires(BEFORE, "epoll_ctl")) {
		errno = ENOMEM;
		return -1;
	}
	return __real_epoll_ctl(epoll, what, fd, event);
}

FAIL(PQconnectdbParams, PGconn *, (const char *const *names, const char *const *values, int expand),
    (names, values, expand), NULL)
FAIL(PQconninfoParse, PQconninfoOption *, (const char *s, char **why), (s, why), NULL)
FAIL_CONN(PQsendQuery, int, (PGconn * conn, const char *s), (conn, s), 0)
FAIL_CONN(PQsendQueryParams, int,
    (PGconn * conn, const char *s, int n, const Oid *types, const char *const *values, const int *lengths,
	const int *formats, int format),
    (conn, s, n, types, values, lengths, formats, format), 0)
FAIL_CONN(PQsendPrepare, int, (PGconn * conn, const char *name, const char *s, int n, const Oid *types),
    (conn, name, s, n, types), 0)
FAIL_CONN(PQsendQueryPrepared, int,
    (PGconn * conn, const char *name, int n, const char *const *values, const int *lengths, const int *formats,
	int format),
    (conn, name, n, values, lengths, formats, format), 0)
FAIL_CONN(PQpipelineSync, int, (PGconn * conn), (conn), 0)
FAIL_CONN(PQenterPipelineMode, int, (PGconn * conn), (conn), 0)
FAIL_CONN(PQsetSingleRowMode, int, (PGconn * conn), (conn), 0)
FAIL_CONN(PQsetnonblocking, int, (PGconn * conn, int on), (conn, on), -1)
FAIL_CONN(PQflush, int, (PGconn * conn), (conn), -1)
FAIL_CONN(PQconsumeInput, int, (PGconn * conn), (conn), 0)

/* A result that is lost is what comes of its allocation failing. */
WRAPPED(PQgetResult, PGresult *, (PGconn * conn))
{
	PGresult *result;

	if (fires(BEFORE, "PQgetResult"))
		return NULL;
	if (fires(CUT, "PQgetResult"))
		cut(conn);
	result = __real_PQgetResult(conn);
	if (!fires(AFTER, "PQgetResult"))
		return result;
	PQclear(result);
	return NULL;
}

FAIL(FCGX_Init, int, (void), (), -1)
FAIL(FCGX_InitRequest, int, (FCGX_Request * request, int fd, int flags), (request, fd, flags), -1)
FAIL(FCGX_Accept_r, int, (FCGX_Request * request), (request), -1)
FAIL(FCGX_PutStr, int, (const char *s, int n, FCGX_Stream *stream), (s, n, stream), -1)
FAIL(FCGX_FFlush, int, (FCGX_Stream * stream), (stream), -1)

FAIL(jwt_decode, int, (jwt_t * *jwt, const char *token, const unsigned char *key, int n), (jwt, token, key, n), ENOMEM)
FAIL(cJSON_ParseWithLengthOpts, cJSON *, (const char *s, size_t n, const char **end, cJSON_bool ended),
    (s, n, end, ended), NULL)
FAIL(cJSON_CreateObject, cJSON *, (void), (), NULL)
FAIL(cJSON_AddStringToObject, cJSON *, (cJSON * object, const char *name, const char *s), (object, name, s), NULL)
FAIL(cJSON_AddNumberToObject, cJSON *, (cJSON * object, const char *name, double n), (object, name, n), NULL)
FAIL(cJSON_PrintUnformatted, char *, (const cJSON *item), (item), NULL)
FAIL(EVP_MD_fetch, EVP_MD *, (OSSL_LIB_CTX * library, const char *name, const char *properties),
    (library, name, properties), NULL)
FAIL(EVP_MD_CTX_new, EVP_MD_CTX *, (void), (), NULL)
FAIL(EVP_DigestInit_ex2, int, (EVP_MD_CTX * ctx, const EVP_MD *md, const OSSL_PARAM *params), (ctx, md, params), 0)
FAIL(EVP_DigestUpdate, int, (EVP_MD_CTX * ctx, const void *p, size_t n), (ctx, p, n), 0)
FAIL(EVP_DigestFinal_ex, int, (EVP_MD_CTX * ctx, unsigned char *out, unsigned *n), (ctx, out, n), 0)
FAIL(HMAC, unsigned char *,
    (const EVP_MD *md, const void *key, int key_n, const unsigned char *p, size_t n, unsigned char *out,
	unsigned *out_n),
    (md, key, key_n, p, n, out, out_n), NULL)
FAIL(RAND_bytes, int, (unsigned char *p, int n), (p, n), 0)
FAIL(EVP_CIPHER_fetch, EVP_CIPHER *, (OSSL_LIB_CTX * library, const char *name, const char *properties),
    (library, name, properties), NULL)
FAIL(EVP_CIPHER_CTX_new, EVP_CIPHER_CTX *, (void), (), NULL)
FAIL(EVP_CIPHER_CTX_ctrl, int, (EVP_CIPHER_CTX * ctx, int what, int n, void *p), (ctx, what, n, p), 0)
FAIL(EVP_EncryptInit_ex2, int,
    (EVP_CIPHER_CTX * ctx, const EVP_CIPHER *cipher, const unsigned char *key, const unsigned char *iv,
	const OSSL_PARAM *params),
    (ctx, cipher, key, iv, params), 0)
FAIL(EVP_CipherInit_ex2, int,
    (EVP_CIPHER_CTX * ctx, const EVP_CIPHER *cipher, const unsigned char *key, const unsigned char *iv, int encrypt,
	const OSSL_PARAM *params),
    (ctx, cipher, key, iv, encrypt, params), 0)
FAIL(EVP_EncryptUpdate, int, (EVP_CIPHER_CTX * ctx, unsigned char *out, int *n, const unsigned char *in, int in_n),
    (ctx, out, n, in, in_n), 0)
FAIL(EVP_CipherUpdate, int, (EVP_CIPHER_CTX * ctx, unsigned char *out, int *n, const unsigned char *in, int in_n),
    (ctx, out, n, in, in_n), 0)
FAIL(EVP_EncryptFinal_ex, int, (EVP_CIPHER_CTX * ctx, unsigned char *out, int *n), (ctx, out, n), 0)
FAIL(EVP_DecryptFinal_ex, int, (EVP_CIPHER_CTX * ctx, unsigned char *out, int *n), (ctx, out, n), 0)

FAIL(curl_global_init, CURLcode, (long flags), (flags), CURLE_OUT_OF_MEMORY)
FAIL(curl_easy_init, CURL *, (void), (), NULL)
FAIL(curl_multi_init, CURLM *, (void), (), NULL)
FAIL(curl_multi_add_handle, CURLMcode, (CURLM * multi, CURL *easy), (multi, easy), CURLM_OUT_OF_MEMORY)
FAIL(curl_multi_perform, CURLMcode, (CURLM * multi, int *running), (multi, running), CURLM_OUT_OF_MEMORY)
FAIL(curl_multi_poll, CURLMcode, (CURLM * multi, struct curl_waitfd *more, unsigned n, int ms, int *ready),
    (multi, more, n, ms, ready), CURLM_OUT_OF_MEMORY)
FAIL(curl_slist_append, struct curl_slist *, (struct curl_slist * list, const char *s), (list, s), NULL)
