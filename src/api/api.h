/* SPDX-License-Identifier: EPL-2.0 */
/*
 * api: what each route does, as a sequence of steps that never block and know
 * neither a socket nor a database:
 *
 *   api_begin -> (API_BODY: body read -> api_body) -> (API_STORE: call->op run -> api_finish) -> response
 *
 * A step that returns API_ANSWER has filled the response and is the last one.
 * The call borrows request and arena until then.  A list (call->op.kind ==
 * STORE_LIST) is answered through call->listing instead of the result's value.
 */
#ifndef HULYKVS_API_H
#define HULYKVS_API_H

#include "api/key_list.h"
#include "auth/policy.h"
#include "http/etag.h"
#include "http/response.h"
#include "store/store.h"

#define API_ARENA_MAX ((size_t)512 * 1024) /* bytes; names and tags of one request */

/* What is the same for every call. */
struct api {
	size_t payload_limit; /* bytes */
	struct uuid default_workspace;
	const struct metrics *metrics;  /* NULL: there are none */
	const struct heartbeat *health; /* NULL: nobody watches */
};

struct call {
	const struct request *request;
	struct arena *arena;
	struct route_match match;
	struct claims claims;
	struct rules_verdict verdict; /* where there are rules */
	enum refusal refusal;         /* the first one wins */
	struct store_op op;
	struct etag_list if_match, if_none_match; /* GET and HEAD */
	struct key_list listing;                  /* LIST */
	const struct heartbeat *health;           /* CHECK */
};

enum api_step {
	API_ANSWER,
	API_BODY,  /* read content_length bytes of body, then api_body() */
	API_STORE, /* run call->op, then api_finish() */
};

/* Decides as much as can be known from the header alone.  now: seconds since the epoch, for the token. */
enum api_step api_begin(const struct api *api, const struct policy *policy, int64_t now, struct call *c,
    const struct request *request, struct arena *arena, struct response *r);

/*
 * What would become of a request whose token has these claims: the refusal
 * that api_begin() would answer, or REFUSAL_NONE; c->verdict tells of the
 * rules.  Nothing is to be run or freed afterwards.
 */
enum refusal api_ask(const struct api *api, const struct rules *rules, const struct claims *claims, struct call *c,
    const struct request *request, struct arena *arena);

/* The body is there, whole; it stays lent until api_finish(). */
enum api_step api_body(struct call *c, struct str body, struct response *r);

/* The operation ended.  Not for a list that is DONE: see api_finish_list(). */
void api_finish(struct call *c, const struct store_result *result, struct response *r);

/* Starts the answer of a list: the body is call->listing's, in pieces where streamed. */
void api_finish_list(struct call *c, bool streamed, struct response *r);

/* Answers with a refusal that was found outside (body too long, no memory, …). */
void api_refuse(struct call *c, enum refusal refusal, struct response *r);

#endif
