/* SPDX-License-Identifier: EPL-2.0 */
/*
 * refusal: the table of all refusals: every answer of 4xx and 5xx.
 *
 * A refusal is decided once and passed on unchanged; only `response` makes HTTP
 * of it.  The list of errors in docs/api.md is compared with this table.
 *
 * X(NAME, status, "text for the client", log level)
 *   An empty text is an empty body, as the original answers.
 */
#ifndef HULYKVS_REFUSAL_H
#define HULYKVS_REFUSAL_H

#include "base/log.h"

#define REFUSALS(X) \
	X(NONE, 0, "", LOG_INFO) \
	/* the token */ \
	X(NO_TOKEN, 401, "NoAuthToken", LOG_INFO) \
	X(INVALID_TOKEN, 401, "InvalidToken", LOG_INFO) \
	X(NO_WORKSPACE, 403, "Missing workspace in token", LOG_INFO) \
	X(WORKSPACE_MISMATCH, 403, "Workspace mismatch", LOG_INFO) \
	X(SYSTEM_ONLY, 403, "Only the system account may list workspaces", LOG_INFO) \
	X(NAMESPACE_FORBIDDEN, 403, "Namespace forbidden", LOG_INFO) \
	/* the request */ \
	X(NO_TARGET, 400, "REQUEST_URI is missing: the web server has to tell it", LOG_ERROR) \
	X(BAD_WORKSPACE, 400, "Invalid workspace UUID", LOG_INFO) \
	X(BAD_WORKSPACE_SYSTEM, 400, "Invalid UUID in workspace", LOG_INFO) \
	X(BAD_ESCAPE, 400, "Malformed percent-encoding", LOG_INFO) \
	X(NOT_TEXT, 400, "Names and prefixes must be UTF-8 without NUL", LOG_INFO) \
	X(REPEATED_PARAMETER, 400, "prefix, end, limit, cursor and include may be given once", LOG_INFO) \
	X(OTHER_PARAMETER, 400, "prefix and end are for lists of keys, include also for namespaces", LOG_INFO) \
	X(BAD_INCLUDE, 400, "include must be metadata or values, or for namespaces counts", LOG_INFO) \
	X(BAD_LIMIT, 400, "limit must be a number from 1 to 10000", LOG_INFO) \
	X(BAD_CURSOR, 400, "cursor is not one of ours", LOG_INFO) \
	X(AMBIGUOUS_FIELD, 400, "A header field came twice, or with a line break", LOG_INFO) \
	X(BAD_IF_MATCH, 400, "If-Match must be '*' or a list of entity tags", LOG_INFO) \
	X(BAD_IF_NONE_MATCH, 400, "If-None-Match must be '*' or a list of entity tags", LOG_INFO) \
	X(IF_NONE_MATCH_NOT_ANY, 400, "If-None-Match must be '*'", LOG_INFO) \
	X(BAD_CONTENT_LENGTH, 400, "Malformed Content-Length", LOG_INFO) \
	X(CONTENT_RANGE, 400, "Content-Range: a value can only be replaced as a whole", LOG_INFO) \
	X(BAD_BATCH, 400, "The body is no batch of operations", LOG_INFO) \
	X(BATCH_CONDITION, 400, "A batch has its conditions in its operations, not in header fields", LOG_INFO) \
	X(BAD_REQUEST, 400, "Malformed request", LOG_INFO) \
	X(NOT_FOUND, 404, "", LOG_INFO) \
	X(METHOD_NOT_ALLOWED, 405, "", LOG_INFO) \
	X(NOT_IN_TIME, 408, "The request did not arrive in time", LOG_INFO) \
	X(LENGTH_REQUIRED, 411, "Content-Length is missing", LOG_INFO) \
	X(PRECONDITION_FAILED, 412, "", LOG_INFO) \
	X(TOO_LARGE, 413, "payload reached size limit", LOG_INFO) \
	X(BATCH_TOO_LARGE, 413, "The values of a batch may have 8 MiB: get fewer keys at once", LOG_INFO) \
	X(NAME_TOO_LONG, 414, "Namespace and key are too long for the database's index", LOG_INFO) \
	X(TARGET_TOO_LONG, 414, "The request's target is too long", LOG_INFO) \
	X(KEY_TOO_LONG, 414, "A new key may have at most 8192 bytes", LOG_INFO) \
	X(CONTENT_TYPE, 415, "Content-Type must be application/json", LOG_INFO) \
	X(CONTENT_CODING, 415, "Content-Encoding: values are taken as they are, not decoded", LOG_INFO) \
	X(HEADERS_TOO_LARGE, 431, "Names, conditions or headers are too long", LOG_INFO) \
	X(NOT_IMPLEMENTED, 501, "The web server does not support this method, coding or version", LOG_INFO) \
	/* not possible now; the client may try again */ \
	X(UNAVAILABLE, 503, "Database unavailable", LOG_INFO) \
	X(BUSY, 503, "Too many request bodies at once", LOG_WARN) \
	X(OVERLOADED, 503, "Too many requests at once", LOG_INFO) \
	X(LISTS_BUSY, 503, "Too many lists at once", LOG_WARN) \
	X(NOT_READY, 503, "Not ready", LOG_INFO) \
	X(NOT_ALIVE, 503, "Not alive", LOG_ERROR) \
	/* the write may have happened: the client must read before it writes again */ \
	X(OUTCOME_UNKNOWN, 503, "Outcome unknown: the write may or may not have happened", LOG_WARN) \
	X(NOT_PASSED_ON, 502, "The web server could not pass the request on; a write may have happened", LOG_WARN) \
	/* our fault */ \
	X(INTERNAL, 500, "Internal error", LOG_ERROR)

enum refusal {
#define X(name, status, text, level) REFUSAL_##name,
	REFUSALS(X)
#undef X
};

unsigned refusal_status(enum refusal r);
struct str refusal_text(enum refusal r);
enum log_level refusal_level(enum refusal r);

/* Whether the client has shown no valid token. */
bool refusal_is_anonymous(enum refusal r);

/* For a request that the web server refused itself, with this status (from 400 on). */
enum refusal refusal_of_front(unsigned status);

/* The name in this table, for log lines. */
struct str refusal_name(enum refusal r);

#endif
