/* SPDX-License-Identifier: EPL-2.0 */
#include "api/condition.h"

enum refusal
condition_tags(
    struct str field, enum etag_comparison comparison, enum refusal malformed, struct arena *a, struct etag_list *list)
{
	switch (etag_list_parse(field, comparison, a, list)) {
	case ETAG_OK:
		return REFUSAL_NONE;
	case ETAG_MALFORMED:
		return malformed;
	case ETAG_TOO_MANY:
	case ETAG_NO_MEMORY:
		break;
	}
	return REFUSAL_HEADERS_TOO_LARGE;
}

/* RFC 9110 13.1.1: If-Match as the condition of a write. */
enum refusal
condition_if_match(const struct request *request, struct arena *a, struct store_op *op)
{
	struct etag_list list;
	enum refusal refusal;

	if (request->if_match.p == NULL)
		return REFUSAL_NONE;
	refusal = condition_tags(request->if_match, ETAG_STRONG, REFUSAL_BAD_IF_MATCH, a, &list);
	if (refusal != REFUSAL_NONE)
		return refusal;
	op->condition = list.any ? STORE_IF_PRESENT : STORE_IF_MATCH;
	op->tags = list.tag;
	op->tag_count = list.n;
	return REFUSAL_NONE;
}

enum refusal
condition_any(const struct request *request)
{
	return str_eq(str_trim(request->if_none_match), STR("*")) ? REFUSAL_NONE : REFUSAL_IF_NONE_MATCH_NOT_ANY;
}

enum refusal
condition_of_put(const struct request *request, struct arena *a, struct store_op *op)
{
	/* COMPAT: If-None-Match is looked at first. */
	if (request->if_none_match.p == NULL)
		return condition_if_match(request, a, op);
	op->condition = STORE_IF_ABSENT;
	return condition_any(request);
}
