/* SPDX-License-Identifier: EPL-2.0 */
/*
 * cors: the fields of the CORS protocol (WHATWG Fetch 3.3).  COMPAT: any
 * origin, method and header, with credentials, for an hour.  DIFFERS: ETag is
 * exposed, and refusals have the fields too, so that scripts can read both.
 */
#ifndef HULYKVS_CORS_H
#define HULYKVS_CORS_H

#include "base/buf.h"
#include "http/request.h"

/* An OPTIONS request with Origin and Access-Control-Request-Method: answered without a token. */
bool cors_is_preflight(const struct request *request);

/* The fields that go with an answer to the request. */
void cors_put_fields(const struct request *request, bool preflight, struct buf *out);

#endif
