/* SPDX-License-Identifier: EPL-2.0 */
/*
 * http_client: POSTs a JSON text to an HTTP server, by libcurl.  In the service
 * only this module includes libcurl's header.
 *
 * The connection is kept for the next POST.  Redirects are not followed.  For
 * exporter only, one thread at a time: a call waits until the answer has come or
 * the time is up.
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
	bool may_repeat;   /* else: a later try may succeed (OTLP 1.x, "Retryable Response Codes") */
	int64_t pause;     /* then: Retry-After in nanoseconds; 0: the answer has none */
	char reason[128];  /* else: why; no secret in it */
	struct str answer; /* the body, cut where it is long; valid until the next POST */
};

/* To be called once, before any thread is made.  False: libcurl cannot be used. */
bool http_client_init(void) __attribute__((warn_unused_result));

/*
 * headers: sent with every request; copied.  end: the time (monotonic) when every
 * call returns at the latest; another thread may make it earlier, and then writes
 * to the eventfd `wake`.  Borrows both until http_client_free().  NULL: no memory.
 */
struct http_client *http_client_new(const struct kvlist *headers, const _Atomic int64_t *end, int wake)
    __attribute__((warn_unused_result));

/* Overwrites the headers and frees; NULL is fine. */
void http_client_free(struct http_client *c);

/* Tries once, until `due` (monotonic) at the latest.  url: NUL-terminated. */
void http_client_post(
    struct http_client *c, const char *url, struct str body, int64_t due, struct http_client_result *r);

#endif
