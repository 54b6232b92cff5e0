/* SPDX-License-Identifier: EPL-2.0 */
#include "api/api.h"

#include <assert.h>

#include "api/body.h"
#include "api/condition.h"
#include "api/listing.h"
#include "api/openapi.h"
#include "api/probe.h"
#include "auth/access.h"
#include "base/base.h"
#include "base/clock.h"
#include "base/log.h"
#include "codec/percent.h"
#include "http/cors.h"
#include "store/seal.h"

/* Returns false.  The first refusal of a call is kept; if there was no memory, it is a 5xx, not the one given. */
static bool
refuse_call(struct call *c, enum refusal refusal)
{
	if (c->refusal == REFUSAL_NONE)
		c->refusal = c->arena->starved ? REFUSAL_INTERNAL : refusal;
	return false;
}

/* The same, if there is a refusal. */
static bool
check(struct call *c, enum refusal refusal)
{
	return refusal == REFUSAL_NONE || refuse_call(c, refusal);
}

static bool
decode_segment(struct call *c, struct str segment, struct str *name)
{
	switch (percent_decode(segment, PERCENT_SEGMENT, c->arena, name)) {
	case PERCENT_OK:
		return true;
	case PERCENT_MALFORMED:
		return refuse_call(c, REFUSAL_BAD_ESCAPE);
	case PERCENT_NOT_TEXT:
		return refuse_call(c, REFUSAL_NOT_TEXT);
	case PERCENT_NO_MEMORY:
		break;
	}
	return refuse_call(c, REFUSAL_HEADERS_TOO_LARGE);
}

/* Workspace and namespace are known. */
static struct rules_verdict
ask_rules(const struct rules *rules, const struct call *c, enum rules_operation operation)
{
	const struct rules_question question = { &c->claims, &c->op.workspace, c->op.ns, operation,
		c->match.route->version };

	return rules_ask(rules, &question);
}

static bool
plan_body(const struct api *api, struct call *c)
{
	return check(c, body_refusal(c->request, api->payload_limit));
}

static bool
plan_put(const struct api *api, struct call *c)
{
	c->op.kind = STORE_PUT;
	/* COMPAT: v1 has no conditions */
	if (c->match.route->version > 1 && !check(c, condition_of_put(c->request, c->arena, &c->op)))
		return false;
	/* Longer keys, which the original may have written, can only be read and deleted. */
	if (c->op.key.n > BATCH_KEY_MAX)
		return refuse_call(c, REFUSAL_KEY_TOO_LONG);
	/* RFC 9110 14.5; v1's POST knows no ranges. */
	if (c->request->content_range.p != NULL && c->request->method == METHOD_PUT)
		return refuse_call(c, REFUSAL_CONTENT_RANGE);
	return plan_body(api, c);
}

/* Whether the rules allow at least one kind of operation; each operation is looked at when the body was read. */
static bool
plan_batch(const struct api *api, const struct rules *rules, struct call *c)
{
	for (enum rules_operation o = RULES_READ; o < RULES_OPERATIONS; o++) {
		c->verdicts[o] = (struct rules_verdict){ .allowed = rules == NULL && o != RULES_LIST };
		if (rules != NULL && o != RULES_LIST)
			c->verdicts[o] = ask_rules(rules, c, o);
		if (o == RULES_READ || c->verdicts[o].allowed)
			c->verdict = c->verdicts[o];
	}
	if (!c->verdict.allowed)
		return refuse_call(c, REFUSAL_NAMESPACE_FORBIDDEN);
	/* It would be about the namespace, which has no entity tag; a client that sends it means a key. */
	if (c->request->if_match.p != NULL || c->request->if_none_match.p != NULL)
		return refuse_call(c, REFUSAL_BATCH_CONDITION);
	return body_is_json(c->request) ? plan_body(api, c) : refuse_call(c, REFUSAL_CONTENT_TYPE);
}

static bool
plan_get(struct call *c)
{
	const struct request *request = c->request;

	c->op.kind = request->method == METHOD_HEAD ? STORE_HEAD : STORE_GET;
	if (c->match.route->version == 1)
		return true;
	if (request->if_match.p != NULL &&
	    !check(c, condition_tags(request->if_match, ETAG_STRONG, REFUSAL_BAD_IF_MATCH, c->arena, &c->if_match)))
		return false;
	return request->if_none_match.p == NULL ||
	    check(c,
		condition_tags(
		    request->if_none_match, ETAG_WEAK, REFUSAL_BAD_IF_NONE_MATCH, c->arena, &c->if_none_match));
}

static bool
plan_list(const struct rules *rules, struct call *c)
{
	enum refusal refusal = listing_plan(c);

	if (refusal != REFUSAL_NONE)
		return refuse_call(c, refusal);
	/* Sizes, tags and values are what HEAD and GET tell, so the token must be allowed to read, too. */
	if (rules == NULL || (c->op.list != STORE_LIST_METADATA && c->op.list != STORE_LIST_VALUES))
		return true;
	c->verdict = ask_rules(rules, c, RULES_READ);
	return c->verdict.allowed || refuse_call(c, REFUSAL_NAMESPACE_FORBIDDEN);
}

static bool
plan_delete(struct call *c)
{
	c->op.kind = STORE_DELETE;
	if (c->match.route->version == 1)
		return true;
	if (c->request->if_none_match.p == NULL)
		return check(c, condition_if_match(c->request, c->arena, &c->op));
	/* RFC 9110 13.1.2: the condition holds only if there is no such key, so nothing is ever deleted: HEAD is enough. */
	c->op.kind = STORE_HEAD;
	return check(c, condition_any(c->request));
}

static bool
plan_workspace(const struct api *api, struct call *c)
{
	enum refusal refusal;

	if (c->match.action == ACTION_WORKSPACES)
		return access_is_system(&c->claims) || refuse_call(c, REFUSAL_SYSTEM_ONLY);
	if (c->match.route->version == 1) {
		c->op.workspace = api->default_workspace;
		return true;
	}
	if (!decode_segment(c, c->match.workspace, &c->workspace))
		return false;
	refusal = access_check(&c->claims, c->workspace, &c->op.workspace);
	return refusal == REFUSAL_NONE || refuse_call(c, refusal);
}

static bool
plan_names(struct call *c)
{
	if (c->match.ns.p != NULL && !decode_segment(c, c->match.ns, &c->op.ns))
		return false;
	return c->match.key.p == NULL || decode_segment(c, c->match.key, &c->op.key);
}

static enum rules_operation
operation_of(enum action action)
{
	if (action == ACTION_LIST || action == ACTION_NAMESPACES || action == ACTION_WORKSPACES)
		return RULES_LIST;
	if (action == ACTION_PUT)
		return RULES_WRITE;
	if (action == ACTION_DELETE)
		return RULES_DELETE;
	return RULES_READ;
}

/* No request reads, lists or writes where the proofs of encryption keys are kept, see store/seal.h. */
static bool
refuse_proof_namespace(struct call *c)
{
	const struct seal_place place = { c->op.workspace, c->op.ns, c->op.key };

	return !seal_is_proof(&place) || refuse_call(c, REFUSAL_NAMESPACE_FORBIDDEN);
}

/* For each action but BATCH. */
static bool
apply_rules(const struct rules *rules, struct call *c)
{
	c->verdict = ask_rules(rules, c, operation_of(c->match.action));
	return c->verdict.allowed || refuse_call(c, REFUSAL_NAMESPACE_FORBIDDEN);
}

static bool
authenticate(struct call *c, struct token_verifier *verifier, int64_t now)
{
	switch (token_verify(verifier, c->request->authorization, now, &c->claims)) {
	case TOKEN_VALID:
		return true;
	case TOKEN_MISSING:
		return refuse_call(c, REFUSAL_NO_TOKEN);
	case TOKEN_UNCHECKED:
		return refuse_call(c, REFUSAL_INTERNAL);
	case TOKEN_INVALID:
		break;
	}
	c->token_reason = token_last_fault(verifier)->reason;
	(void)strcpy(c->claims.service, token_last_fault(verifier)->service);
	return refuse_call(c, REFUSAL_INVALID_TOKEN);
}

/* The step that a planned action calls for; API_ANSWER where it was refused. */
static enum api_step
plan_action(const struct api *api, const struct rules *rules, struct call *c)
{
	enum api_step step = API_STORE;
	bool planned = false;

	if (!plan_workspace(api, c) || !plan_names(c))
		return API_ANSWER;
	/* In a list of namespaces or workspaces each row is judged, see listing_row(). */
	if (c->match.ns.p != NULL && !refuse_proof_namespace(c))
		return API_ANSWER;
	if (rules != NULL && c->match.ns.p != NULL && c->match.action != ACTION_BATCH && !apply_rules(rules, c))
		return API_ANSWER;
	switch (c->match.action) {
	case ACTION_WORKSPACES:
	case ACTION_NAMESPACES:
	case ACTION_LIST:
		planned = plan_list(rules, c);
		break;
	case ACTION_GET:
		planned = plan_get(c);
		break;
	case ACTION_PUT:
		planned = plan_put(api, c);
		step = API_BODY;
		break;
	case ACTION_DELETE:
		planned = plan_delete(c);
		break;
	case ACTION_BATCH:
		planned = plan_batch(api, rules, c);
		step = API_BODY;
		break;
	case ACTION_NONE:
	case ACTION_STATUS:
	case ACTION_LIVEZ:
	case ACTION_READYZ:
	case ACTION_METRICS:
	case ACTION_OPENAPI:
		break;
	}
	return planned ? step : API_ANSWER;
}

/* Routes without a token. */
static enum api_step
plan_probe(const struct api *api, struct call *c, struct response *r)
{
	if (c->match.action == ACTION_READYZ) {
		c->op.kind = STORE_CHECK;
		c->health = api->health;
		return API_STORE;
	}
	if (c->match.action == ACTION_METRICS)
		probe_metrics(api->metrics, c->request, c->arena, r);
	else if (c->match.action == ACTION_OPENAPI)
		openapi_answer(r);
	else if (c->match.action == ACTION_LIVEZ)
		probe_live(api->health, clock_mono(), c->request, c->arena, r, &c->reason);
	else
		response_text(r, STR("ok"));
	return API_ANSWER;
}

/*
 * /metrics exists on the operators' address only, and values do not exist there.
 * The web server compares the decoded path, so for it
 * /api/x/..%2F..%2F..%2Fstatus looks like /status; so the check here is needed.
 */
static struct route_match
find_route(const struct api *api, const struct request *request)
{
	struct route_match m = route_find(request->path, request->method);
	bool hidden = m.route != NULL && m.route->version > 0 && request->is_operator;

	if (route_number(m.route) == ROUTE_METRICS)
		hidden = !request->is_operator || api->metrics == NULL;
	return hidden ? (struct route_match){ .route = NULL } : m;
}

/* The token was valid, or none is needed. */
static enum api_step
dispatch_action(const struct api *api, const struct rules *rules, struct call *c, struct response *r)
{
	if (c->match.route == NULL)
		(void)refuse_call(c, REFUSAL_NOT_FOUND);
	else if (c->request->method == METHOD_OPTIONS)
		response_empty(r, 204);
	else if (c->match.action == ACTION_NONE)
		(void)refuse_call(c, REFUSAL_METHOD_NOT_ALLOWED);
	else if (c->match.route->version == 0)
		return plan_probe(api, c, r);
	else
		return plan_action(api, rules, c);
	return API_ANSWER;
}

/*
 * A FastCGI authorizer: the web server asks whether to read a body that is not small.  With a valid token it is read,
 * and other refusals are answered after it, so that the connection can be used again.  Paths that need no token take
 * no such body.
 */
static void
authorize_body(struct call *c, struct response *r)
{
	if (!route_is_protected(c->request->path))
		(void)refuse_call(c, c->match.route == NULL ? REFUSAL_NOT_FOUND : REFUSAL_TOO_LARGE);
	else
		response_empty(r, 200);
}

/* What is wrong with the request before its path is looked at. */
static enum refusal
refusal_at_once(const struct request *request)
{
	if (request->front_status > 0)
		return refusal_of_front(request->front_status);
	if (request->path.p == NULL)
		return REFUSAL_NO_TARGET;
	return request->is_ambiguous ? REFUSAL_AMBIGUOUS_FIELD : REFUSAL_NONE;
}

/* From the path on; c->refusal is set where it is refused. */
static enum api_step
begin_call(const struct api *api, const struct policy *policy, int64_t now, struct call *c, struct response *r)
{
	const struct request *request = c->request;

	c->match = find_route(api, request);
	if (route_is_protected(request->path) && !authenticate(c, policy->verifier, now)) {
		assert(c->refusal != REFUSAL_NONE);
		return API_ANSWER;
	}
	if (!request->is_authorizer)
		return dispatch_action(api, policy->rules, c, r);
	authorize_body(c, r);
	return API_ANSWER;
}

enum api_step
api_begin(const struct api *api, const struct policy *policy, int64_t now, struct call *c,
    const struct request *request, struct arena *arena, struct response *r)
{
	enum api_step step = API_ANSWER;

	*c = (struct call){ .request = request, .arena = arena, .policy = policy };
	if (cors_is_preflight(request)) {
		response_empty(r, 204);
		r->is_preflight = true;
		return API_ANSWER;
	}
	c->refusal = refusal_at_once(request);
	if (c->refusal == REFUSAL_NONE)
		step = begin_call(api, policy, now, c, r);
	/* nginx's auth_request knows 2xx, 401 and 403 only; anything else is a fault to it. */
	if (c->refusal != REFUSAL_NONE && request->is_preliminary)
		response_empty(r, 403);
	else if (c->refusal != REFUSAL_NONE)
		api_refuse(c, c->refusal, r);
	else if (request->method == METHOD_OPTIONS)
		r->route = c->match.route;
	return step;
}

enum refusal
api_ask(const struct api *api, const struct rules *rules, const struct claims *claims, struct call *c,
    const struct request *request, struct arena *arena)
{
	struct response r;

	*c = (struct call){ .request = request, .arena = arena, .match = find_route(api, request), .claims = *claims };
	(void)dispatch_action(api, rules, c, &r);
	api_end(c);
	return c->refusal;
}

size_t
api_body_memory(const struct call *c)
{
	size_t n = (size_t)c->request->content_length;

	return c->match.action == ACTION_BATCH ? n * BATCH_BODY_COPIES : n;
}

static enum api_step
read_batch(struct call *c, struct str body, struct response *r)
{
	struct batch_fault fault;

	if (batch_read(&c->batch, body, &c->op, c->arena, &fault) &&
	    batch_ask(&c->batch, c->verdicts, &c->verdict, &fault)) {
		c->op = batch_op(&c->batch);
		return API_STORE;
	}
	if (fault.of_operation)
		response_refuse_operation(r, fault.refusal, fault.index, fault.text, c->request, c->arena);
	else
		response_refuse(r, fault.refusal, fault.text, c->request, c->arena);
	return API_ANSWER;
}

enum api_step
api_body(struct call *c, struct str body, struct response *r)
{
	if (c->match.action == ACTION_BATCH)
		return read_batch(c, body, r);
	c->op.value = body;
	if (digest_md5(body, &c->op.md5))
		return API_STORE;
	api_refuse(c, REFUSAL_INTERNAL, r);
	return API_ANSWER;
}

void
api_refuse(struct call *c, enum refusal refusal, struct response *r)
{
	response_refuse(r, refusal, STR_ABSENT, c->request, c->arena);
	if (refusal == REFUSAL_METHOD_NOT_ALLOWED)
		r->route = c->match.route;
}

/* Whether the value is still sealed, because the key is missing: neither it nor its length or MD5 is answered. */
static bool
is_still_sealed(const struct store_result *result)
{
	if (result->looks_sealed)
		log_event(LOG_ERROR, "a value is sealed, but HULY_ENCRYPTION_KEYS_FILE names no keys");
	return result->looks_sealed;
}

/* RFC 9110 8.8.2.1: Last-Modified is never later than the answer, even if the database's clock is ahead of ours. */
static int64_t
past_time(int64_t modified)
{
	int64_t now = clock_wall() * 1000000;

	return modified < now ? modified : now;
}

/* RFC 9110 13.2.2: If-Match before If-None-Match. */
static void
finish_get(struct call *c, const struct store_result *result, struct response *r)
{
	if (is_still_sealed(result)) {
		api_refuse(c, REFUSAL_INTERNAL, r);
		return;
	}
	if (c->request->if_match.p != NULL && c->match.route->version > 1 &&
	    !etag_list_has(&c->if_match, &result->md5)) {
		api_refuse(c, REFUSAL_PRECONDITION_FAILED, r);
		return;
	}
	response_empty(r, 200);
	r->has_etag = c->match.route->version > 1;
	r->etag = result->md5;
	if (r->has_etag && result->modified != 0)
		r->modified = past_time(result->modified);
	if (etag_list_has(&c->if_none_match, &result->md5)) {
		r->status = 304;
		return;
	}
	r->type = STR("application/octet-stream");
	r->is_value = true;
	r->body = result->value;
	r->length = result->length;
}

static void
finish_batch(struct call *c, struct response *r)
{
	struct str answer = batch_answer(&c->batch);

	if (answer.p == NULL) {
		api_refuse(c, c->op.parts_write ? REFUSAL_OUTCOME_UNKNOWN : REFUSAL_INTERNAL, r);
		return;
	}
	response_text(r, answer);
	r->type = STR("application/json");
}

static void
finish_success(struct call *c, const struct store_result *result, struct response *r)
{
	switch (c->op.kind) {
	case STORE_GET:
	case STORE_HEAD:
		if (c->match.action == ACTION_DELETE)
			api_refuse(c, REFUSAL_PRECONDITION_FAILED, r);
		else
			finish_get(c, result, r);
		return;
	case STORE_PUT:
		response_empty(r, c->op.condition == STORE_IF_ABSENT ? 201 : 204);
		return;
	case STORE_BATCH:
		finish_batch(c, r);
		return;
	case STORE_ANY:
	case STORE_CHECK:
	case STORE_DELETE:
	case STORE_LIST:
		break;
	}
	response_empty(r, 204);
}

static enum refusal
refusal_of(enum store_outcome outcome)
{
	switch (outcome) {
	case STORE_NO_KEY:
		return REFUSAL_NOT_FOUND;
	case STORE_MISMATCH:
		return REFUSAL_PRECONDITION_FAILED;
	case STORE_TOO_LONG:
		return REFUSAL_NAME_TOO_LONG;
	case STORE_TOO_LARGE:
		return REFUSAL_BATCH_TOO_LARGE;
	case STORE_UNAVAILABLE:
		return REFUSAL_UNAVAILABLE;
	case STORE_BUSY:
		return REFUSAL_LISTS_BUSY;
	case STORE_UNKNOWN:
		return REFUSAL_OUTCOME_UNKNOWN;
	case STORE_DONE:
	case STORE_FAULT:
		break;
	}
	return REFUSAL_INTERNAL;
}

void
api_finish(struct call *c, const struct store_result *result, struct response *r)
{
	if (c->op.kind == STORE_CHECK)
		probe_ready(c->health, result, c->request, c->arena, r, &c->reason);
	else if (result->outcome == STORE_DONE)
		finish_success(c, result, r);
	else if (c->op.kind == STORE_BATCH && (result->outcome == STORE_MISMATCH || result->outcome == STORE_TOO_LONG))
		response_refuse_operation(
		    r, refusal_of(result->outcome), result->part, STR_ABSENT, c->request, c->arena);
	else
		api_refuse(c, refusal_of(result->outcome), r);
}

void
api_end(struct call *c)
{
	if (c->op.kind == STORE_LIST)
		key_list_free(&c->key_list);
	batch_free(&c->batch);
}
