/* SPDX-License-Identifier: EPL-2.0 */
/*
 * api: what each route does, in steps that never block and use neither sockets
 * nor a database.  For server/conn, server/cgi and program/access_check.
 *
 *   api_begin() -> API_BODY: the caller reads the body -> api_body()
 *               -> API_STORE: the store executes call->op -> api_finish()
 *               -> API_ANSWER: the response is complete
 *
 * The call borrows request and arena until its response was sent.  A list
 * (call->op.kind == STORE_LIST) is answered through call->key_list instead of the
 * result's value, see listing.h.  api_end() is due at the end of every call.
 */
#ifndef HULYKVS_API_H
#define HULYKVS_API_H

#include "api/call.h"

#define API_ARENA_MAX ((size_t)512 * 1024) /* bytes; names and tags of one request */

/* The same for every call. */
struct api {
	size_t payload_limit; /* bytes */
	struct uuid default_workspace;
	const struct metrics *metrics;  /* NULL: no metrics */
	const struct heartbeat *health; /* NULL: not known, as in CGI */
};

enum api_step {
	API_ANSWER,
	API_BODY,  /* read content_length bytes of body, then api_body() */
	API_STORE, /* execute call->op, then api_finish() */
};

/*
 * Makes all decisions that need only the header of the request.  now: seconds since the epoch, for the token.  The
 * policy is borrowed until the call ends.
 */
enum api_step api_begin(const struct api *api, const struct policy *policy, int64_t now, struct call *c,
    const struct request *request, struct arena *arena, struct response *r);

/*
 * The refusal that api_begin() would answer to a request whose token has these
 * claims, or REFUSAL_NONE; c->verdict is the decision of the rules.  Nothing has
 * to be executed or freed afterwards.
 */
enum refusal api_ask(const struct api *api, const struct rules *rules, const struct claims *claims, struct call *c,
    const struct request *request, struct arena *arena);

/* Bytes of memory that are needed for the body and for what is made of it; to be called after API_BODY. */
size_t api_body_memory(const struct call *c);

/* The body was read completely; it is borrowed until api_finish(). */
enum api_step api_body(struct call *c, struct str body, struct response *r);

/* The operation ended.  Not for a list that is DONE: see listing.h. */
void api_finish(struct call *c, const struct store_result *result, struct response *r);

/* Frees what the call has, but not its arena.  One that is all zeros is fine. */
void api_end(struct call *c);

/* Answers with a refusal that the caller found (incomplete body, no memory, …). */
void api_refuse(struct call *c, enum refusal refusal, struct response *r);

#endif
