/* SPDX-License-Identifier: EPL-2.0 */
/*
 * upload: POSTs a JSON text to an HTTP server, by libcurl.  The only room that
 * includes it.
 *
 * A connection is kept from one to the next.  Redirects are not followed.  One
 * thread at a time; it sleeps here until the answer has come or the time is up.
 */
#ifndef HULYKVS_HTTP_CLIENT_H
#define HULYKVS_HTTP_CLIENT_H

#include <stdatomic.h>
#include <stdint.h>

#include "base/buf.h"

struct http_client;
struct kvlist;

struct http_client_result {
	bool ok;           /* 2xx */
	bool may_repeat;   /* else: later it may work (OTLP 1.x, "Retryable Response Codes") */
	int64_t pause;     /* then: how long the server wants us to wait, in nanoseconds; 0: it does not say */
	char reason[128];  /* else: why; nothing secret */
	struct str answer; /* the body, cut; lent until the next one */
};

/* Once, before any other thread is there.  False: libcurl refuses. */
bool http_client_init(void) __attribute__((warn_unused_result));

/*
 * With these headers for every request.  end: when all has to be over, which
 * another thread may bring forward (monotonic); wake: an eventfd that tells of
 * it.  Borrows both.  NULL: no memory.
 */
struct http_client *http_client_new(const struct kvlist *headers, const _Atomic int64_t *end, int wake)
    __attribute__((warn_unused_result));

/* Overwrites the headers and frees; NULL is fine. */
void http_client_free(struct http_client *u);

/* Tries once, until `due` at the latest.  url: NUL-terminated. */
void http_client_post(
    struct http_client *u, const char *url, struct str body, int64_t due, struct http_client_result *r);

#endif
