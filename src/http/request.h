/* SPDX-License-Identifier: EPL-2.0 */
/*
 * request: one HTTP request, read from its CGI variables (RFC 3875).
 *
 * All slices borrow the variables, which stay valid until the request is
 * answered.  Nothing is decoded or refused here; api does that.
 */
#ifndef HULYKVS_REQUEST_H
#define HULYKVS_REQUEST_H

#include <stdint.h>

#include "base/str.h"
#include "http/traceparent.h"

/*    enumerator, name (RFC 9110 9.1) */
#define METHODS(X) \
	X(GET) \
	X(HEAD) \
	X(POST) \
	X(PUT) \
	X(DELETE) \
	X(OPTIONS)

enum method {
#define X(name) METHOD_##name,
	METHODS(X)
#undef X
	    METHOD_OTHER,
};

enum request_length {
	LENGTH_ABSENT,
	LENGTH_KNOWN,
	LENGTH_MALFORMED,
};

struct request {
	enum method method;
	struct str path; /* raw, from REQUEST_URI, without scheme, authority, query and fragment; absent without that */
	struct str query; /* raw, absent without '?' */
	enum request_length length;
	uint64_t content_length; /* where LENGTH_KNOWN; a number that does not fit becomes a huge one */
	/* Fields; absent where the request has none. */
	struct str authorization;
	struct str if_match;
	struct str if_none_match;
	struct str accept;
	struct str content_type;
	struct str content_encoding;
	struct str content_range;
	struct str transfer_encoding;
	struct str origin;
	struct str cors_method;    /* Access-Control-Request-Method */
	struct str cors_headers;   /* Access-Control-Request-Headers */
	struct str request_id;     /* X-Request-Id, if random_id_ok() */
	struct str remote_address; /* of the client, or of the proxy in front of the web server */
	struct traceparent trace;
	bool
	    is_ambiguous; /* a field that decides about the request came in two variables, or with a line break in it */
	bool is_secure;   /* the client uses TLS: HTTPS=on */
	/*
	 * The web server asks only whether to take the body: it came in the role of an authorizer (FastCGI 6.3), or
	 * with HULYKVS_AUTHORIZER=1 from one that knows no such role.
	 */
	bool is_authorizer;
	bool is_preliminary; /* … in that second way: the client never sees the answer, 200 or 403 */
	unsigned
	    front_status; /* what the web server itself refused the request with: REDIRECT_STATUS, from 400 on; else 0 */
	bool is_operator; /* came to the operators' address; the web server sets HULYKVS_OPERATOR=1 */
};

/* Reads the NULL-terminated NAME=value vector of FastCGI or of the environment. */
void request_read(struct request *r, char *const *variables);

/* "GET" …; "other" for METHOD_OTHER. */
struct str request_method_name(enum method m);

/* Whether the method only reads (RFC 9110 9.2.1). */
bool request_method_is_safe(enum method m);

#endif
