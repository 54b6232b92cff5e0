/* SPDX-License-Identifier: EPL-2.0 */
/*
 * json: parses JSON of others, by cJSON with stricter checks in front of it, and
 * writes JSON strings.  Includes cJSON's header for its callers.
 */
#ifndef HULYKVS_JSON_H
#define HULYKVS_JSON_H

#include <cjson/cJSON.h>

#include "base/buf.h"

/*
 * Parses one JSON object (RFC 8259) that fills all of s.  Returns new (free
 * with cJSON_Delete).  NULL: no object, bytes left over, no UTF-8, a NUL or
 * \u0000 (cJSON's strings would end there), a member name twice in the object
 * itself; or no memory, and then errno is ENOMEM, else 0.
 */
cJSON *json_parse_object(struct str s) __attribute__((warn_unused_result));

/* Why a text was refused. */
enum json_fault {
	JSON_FINE,
	JSON_NO_MEMORY,
	JSON_NOT_UTF8,
	JSON_NUL,       /* a NUL, or \u0000 */
	JSON_MALFORMED, /* no JSON, or cut; or no object */
	JSON_REPEATED,  /* a member name twice in the object itself */
	JSON_LARGE,     /* more of { [ : , than allowed, outside of strings */
};

/* The same for a text of a peer that may be large: marks is the most of { [ : , that it may have. */
cJSON *json_parse_body(struct str s, size_t marks, enum json_fault *fault) __attribute__((warn_unused_result));

/* Appends s as a JSON string with its quotes.  s is UTF-8. */
void json_put_string(struct buf *b, struct str s);

#endif
