/* SPDX-License-Identifier: EPL-2.0 */
#include "api/listing.h"

#include "api/query.h"
#include "store/seal.h"

static enum query_list
query_of(const struct route_match *match)
{
	if (match->action == ACTION_NAMESPACES)
		return QUERY_NAMESPACES;
	if (match->action == ACTION_WORKSPACES)
		return QUERY_WORKSPACES;
	return match->route->version == 1 ? QUERY_KEYS_V1 : QUERY_KEYS;
}

/* Where the list begins, and ends. */
static enum refusal
plan_range(struct call *c, const struct query *query)
{
	switch (query->list) {
	case STORE_LIST_KEYS:
	case STORE_LIST_METADATA:
	case STORE_LIST_VALUES:
		if (!key_range_make(query->prefix, query->end, query->after, c->arena, &c->op.range))
			return REFUSAL_HEADERS_TOO_LARGE;
		break;
	case STORE_LIST_NAMESPACES:
	case STORE_LIST_COUNTS:
		c->op.range.from = query->after.p != NULL ? query->after : STR("");
		break;
	case STORE_LIST_WORKSPACES:
		if (query->after.p != NULL &&
		    (!uuid_parse(query->after, &c->op.workspace) || !key_list_next_workspace(&c->op.workspace)))
			return REFUSAL_BAD_CURSOR;
		break;
	}
	return REFUSAL_NONE;
}

enum refusal
listing_plan(struct call *c)
{
	struct query query;
	enum refusal refusal = query_read(c->request->query, query_of(&c->match), c->arena, &query);

	if (refusal == REFUSAL_NONE)
		refusal = plan_range(c, &query);
	if (refusal != REFUSAL_NONE)
		return refusal;
	c->op.kind = STORE_LIST;
	key_list_init(&c->key_list, query.list, c->workspace, c->op.ns, query.limit);
	key_list_plan_page(&c->key_list, &c->op);
	return REFUSAL_NONE;
}

/*
 * Whether a namespace or workspace is in the list: not where the proofs of keys are, and only what the rules let the
 * token list.  For a workspace those rules decide that hold for every namespace: none has the empty name.
 */
static bool
is_shown(const struct call *c, const struct store_row *row)
{
	const struct seal_place place = { c->op.workspace, row->name, STR_ABSENT };
	struct uuid target = c->op.workspace;
	const struct rules_question question = {
		.claims = &c->claims,
		.target = &target,
		.ns = c->match.action == ACTION_NAMESPACES ? row->name : STR(""),
		.operation = RULES_LIST,
		.version = c->match.route->version,
	};

	if (c->match.action == ACTION_NAMESPACES && seal_is_proof(&place))
		return false;
	if (c->match.action == ACTION_WORKSPACES && !uuid_parse(row->name, &target))
		return false;
	return c->match.action == ACTION_LIST || c->policy->rules == NULL ||
	    rules_ask(c->policy->rules, &question).allowed;
}

static void
note_sealed(struct call *c)
{
	if (!c->has_sealed)
		log_event(LOG_ERROR, "values of a list do not open: a GET of one of them says why");
	c->has_sealed = true;
}

void
listing_row(struct call *c, const struct store_row *row)
{
	struct key_list *l = &c->key_list;

	/* HEAD needs only the header of a long list. */
	if (c->request->method == METHOD_HEAD && l->begun)
		return;
	if (row->looks_sealed)
		note_sealed(c);
	if (is_shown(c, row))
		key_list_put(l, row);
	else
		key_list_skip(l, row);
}

bool
listing_next_page(struct call *c, const struct store_result *result)
{
	struct key_list *l = &c->key_list;
	bool complete = result->outcome == STORE_DONE;

	/* HEAD needs only the header of a long list. */
	if (c->request->method == METHOD_HEAD && l->begun)
		return false;
	if (complete ? !key_list_wants_page(l) : result->outcome != STORE_UNAVAILABLE || l->received == 0)
		return false;
	key_list_plan_page(l, &c->op);
	return true;
}

void
listing_finish(struct call *c, bool streamed, struct response *r)
{
	response_empty(r, 200);
	r->type = STR("application/json");
	r->streamed = streamed;
	r->body = streamed ? STR_ABSENT : buf_str(&c->key_list.out);
	r->length = r->body.n;
}
