/* SPDX-License-Identifier: EPL-2.0 */
/*
 * response: an answer, and the only place where refusals become HTTP status and
 * fields.  api fills it in; server sends it.
 *
 * A response borrows everything it points to.  response_put_head() writes the
 * CGI header block (RFC 3875 6.3); the body follows unchanged.
 */
#ifndef HULYKVS_RESPONSE_H
#define HULYKVS_RESPONSE_H

#include "base/arena.h"
#include "base/buf.h"
#include "base/digest.h"
#include "http/refusal.h"
#include "http/request.h"
#include "http/route.h"

/* Every status that is answered, with its reason phrase. */
#define RESPONSE_STATUSES(X) \
	X(200, "OK") \
	X(201, "Created") \
	X(204, "No Content") \
	X(304, "Not Modified") \
	X(400, "Bad Request") \
	X(401, "Unauthorized") \
	X(403, "Forbidden") \
	X(404, "Not Found") \
	X(405, "Method Not Allowed") \
	X(408, "Request Timeout") \
	X(411, "Length Required") \
	X(412, "Precondition Failed") \
	X(413, "Content Too Large") \
	X(414, "URI Too Long") \
	X(415, "Unsupported Media Type") \
	X(431, "Request Header Fields Too Large") \
	X(500, "Internal Server Error") \
	X(501, "Not Implemented") \
	X(502, "Bad Gateway") \
	X(503, "Service Unavailable")

struct response {
	unsigned status;
	enum refusal refusal; /* REFUSAL_NONE for a success */
	struct str type;      /* Content-Type; absent: none */
	struct str body;
	uint64_t length; /* Content-Length; the body's, also where HEAD leaves the body out */
	bool streamed;   /* the length is not known yet: no Content-Length, the body comes in pieces */
	bool has_etag;
	struct md5 etag;
	int64_t modified; /* Last-Modified, microseconds since 1970; 0: none, and no Cache-Control */
	bool is_value;    /* the body is a value: X-Content-Type-Options: nosniff */
	bool is_preflight;
	const struct route *route; /* whose methods Allow lists; NULL: no Allow */
};

/* A success without a body. */
void response_empty(struct response *r, unsigned status);

/* 200 with a text. */
void response_text(struct response *r, struct str text);

/*
 * A refusal: text/plain with the table's text, or RFC 9457 where Accept asks
 * for it.  `detail` (borrowed) replaces the table's text; absent: it does not.
 */
void response_refuse(
    struct response *r, enum refusal refusal, struct str detail, const struct request *request, struct arena *a);

/*
 * A refusal because of one of the operations of a batch: its index stands in front of the text, and is a member of
 * the problem (RFC 9457 3.2).
 */
void response_refuse_operation(struct response *r, enum refusal refusal, size_t index, struct str detail,
    const struct request *request, struct arena *a);

/* The header block with its empty line. */
void response_put_head(const struct response *r, const struct request *request, struct buf *out);

/* The part of the body that is sent: none for HEAD, 204 and 304 (RFC 9110 9.3.2, 15.3.5, 15.4.5). */
struct str response_content(const struct response *r, const struct request *request);

#endif
