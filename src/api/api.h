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
 * result's value.  api_end() is due at the end of every call.
 */
#ifndef HULYKVS_API_H
#define HULYKVS_API_H

#include "api/batch.h"
#include "api/key_list.h"
#include "auth/policy.h"
#include "http/etag.h"
#include "http/response.h"
#include "store/store.h"

#define API_ARENA_MAX ((size_t)512 * 1024) /* bytes; names and tags of one request */

/* The same for every call. */
struct api {
	size_t payload_limit; /* bytes */
	struct uuid default_workspace;
	const struct metrics *metrics;  /* NULL: no metrics */
	const struct heartbeat *health; /* NULL: not known, as in CGI */
};

struct call {
	const struct request *request;
	struct arena *arena;
	struct route_match match;
	struct claims claims;           /* if the token is invalid, only its service is set, if it can be read */
	enum token_reason token_reason; /* if the refusal is INVALID_TOKEN */
	struct rules_verdict verdict;   /* if there are rules */
	struct rules_verdict verdicts[RULES_OPERATIONS]; /* BATCH, if there are rules: for each kind of operation */
	enum refusal refusal;                            /* the first one found */
	struct str reason;                               /* of a probe that failed, for the log only; absent: none */
	struct store_op op;
	struct etag_list if_match, if_none_match; /* GET and HEAD */
	struct key_list key_list;                 /* LIST */
	struct batch batch;                       /* BATCH */
	const struct heartbeat *health;           /* CHECK */
};

enum api_step {
	API_ANSWER,
	API_BODY,  /* read content_length bytes of body, then api_body() */
	API_STORE, /* execute call->op, then api_finish() */
};

/* Makes all decisions that need only the header of the request.  now: seconds since the epoch, for the token. */
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

/* The operation ended.  Not for a list that is DONE: see api_finish_list(). */
void api_finish(struct call *c, const struct store_result *result, struct response *r);

/*
 * A page of a list has ended.  True: there may be more keys, or the connection was
 * lost after some keys had come; c->op is now the next page, for the store to
 * execute.  False: it was the last page (then api_finish_list()), or it failed
 * (then api_finish(), unless a part of the list was sent).
 */
bool api_next_page(struct call *c, const struct store_result *result);

/* Makes the header of a list's answer; the body comes from call->key_list, in pieces if streamed. */
void api_finish_list(struct call *c, bool streamed, struct response *r);

/* Frees what the call has, but not its arena.  One that is all zeros is fine. */
void api_end(struct call *c);

/* Answers with a refusal that the caller found (incomplete body, no memory, …). */
void api_refuse(struct call *c, enum refusal refusal, struct response *r);

#endif
