/* SPDX-License-Identifier: EPL-2.0 */
/*
 * body: what is decided about the body of a request before it is read.  For api
 * only.
 */
#ifndef HULYKVS_BODY_H
#define HULYKVS_BODY_H

#include "http/refusal.h"
#include "http/request.h"

/* Why a body of at most `limit` bytes is not taken; REFUSAL_NONE: it is. */
enum refusal body_refusal(const struct request *request, size_t limit);

/* Whether its media type is application/json, with or without parameters (RFC 9110 8.3.1). */
bool body_is_json(const struct request *request);

#endif
