/* SPDX-License-Identifier: EPL-2.0 */
/*
 * transport: one HTTP request and its answer, by libcurl.  Only this module and
 * telemetry/http_client include its header.
 *
 * Redirects are not followed, so that no other server gets the token.  HTTP/1.1
 * only.  A write always has a connection of its own: over one that is used
 * again, libcurl sends a request once more where the server closed the
 * connection without an answer, and a write may be sent only once.
 */
#ifndef HULYKVS_TRANSPORT_H
#define HULYKVS_TRANSPORT_H

#include <stdint.h>

#include "base/buf.h"

#define TRANSPORT_ANSWER_MAX ((size_t)1024 * 1024 * 1024) /* bytes */
#define TRANSPORT_FIELD_MAX  256

struct transport;

/* All texts are NUL-terminated and borrowed during the call; NULL: the request does not have it. */
struct transport_request {
	const char *method, *url;
	const char *token; /* for Authorization */
	const char *content_type, *if_match, *if_none_match;
	struct str body; /* sent where content_type is given */
	int64_t timeout; /* milliseconds, for all of it */
	bool is_write;
};

enum transport_fault {
	TRANSPORT_NO_ANSWER,
	/* Of these, nothing was sent. */
	TRANSPORT_NO_CONNECTION,
	TRANSPORT_NO_MEMORY,
	TRANSPORT_URL,     /* libcurl cannot read it */
	TRANSPORT_CA_FILE, /* it cannot be read, or holds no certificate */
};

struct transport_answer {
	int status;                 /* 0: there is none, for this reason */
	const char *reason;         /* static, or libcurl's */
	enum transport_fault fault; /* where there is none */
	struct buf body;
	char etag[TRANSPORT_FIELD_MAX]; /* "" where the answer has none, or a longer one */
	char content_type[TRANSPORT_FIELD_MAX];
	int64_t retry_after; /* seconds; 0: none */
};

/* ca_file: NULL for those of the system; borrowed.  NULL: no memory, or no libcurl. */
struct transport *transport_new(const char *ca_file) __attribute__((warn_unused_result));

/* NULL is fine. */
void transport_free(struct transport *t);

/* Sends it once.  The body of *answer is initialized by the caller, and emptied here. */
void transport_send(struct transport *t, const struct transport_request *request, struct transport_answer *answer);

/* "libcurl/7.88.1 OpenSSL/3.0.17 …" */
const char *transport_library_version(void);

#endif
