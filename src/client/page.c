/* SPDX-License-Identifier: EPL-2.0 */
#include "client/page.h"

#include "base/base.h"
#include "codec/percent.h"

#define QUERY_MAX ((size_t)256 * 1024)
#define PAGE_SIZE 1000

void
page_free(struct page *page)
{
	cJSON_Delete(page->json);
	*page = (struct page){ .json = NULL };
}

struct str
page_name(const cJSON *item)
{
	const cJSON *name = item;

	if (cJSON_IsObject(item)) {
		name = cJSON_GetObjectItemCaseSensitive(item, "key");
		if (name == NULL)
			name = cJSON_GetObjectItemCaseSensitive(item, "namespace");
	}
	return cJSON_IsString(name) ? str_of(name->valuestring) : STR_ABSENT;
}

static void
put_query_parameter(struct buf *query, const char *name, struct str value)
{
	if (value.p == NULL)
		return;
	buf_printf(query, "&%s=", name);
	percent_put(query, value);
}

static void
put_query(struct buf *out, const struct page *page, const struct page_query *query)
{
	buf_printf(out, "limit=%llu", (unsigned long long)(query->limit < PAGE_SIZE ? query->limit : PAGE_SIZE));
	put_query_parameter(out, "prefix", query->prefix);
	put_query_parameter(out, "include", str_of(query->include));
	put_query_parameter(out, "cursor", str_of(page->cursor));
}

/* Every item has a name, so that the users of the page need not check it. */
static bool
is_list_of_names(const cJSON *items)
{
	const cJSON *item;

	if (!cJSON_IsArray(items))
		return false;
	cJSON_ArrayForEach(item, items)
	{
		if (page_name(item).p == NULL)
			return false;
	}
	return true;
}

static const cJSON *
find_items(const cJSON *json)
{
	static const char *const names[] = { "entries", "keys", "namespaces" };
	const cJSON *items = NULL;

	for (size_t i = 0; i < ARRAY_SIZE(names) && items == NULL; i++)
		items = cJSON_GetObjectItemCaseSensitive(json, names[i]);
	return items;
}

static enum exitstatus
parse_page(struct page *page, struct str text, struct buf *error)
{
	cJSON *json = json_parse_object(text);
	const cJSON *items = find_items(json), *cursor = cJSON_GetObjectItemCaseSensitive(json, "cursor");

	if (!is_list_of_names(items) || (cursor != NULL && !cJSON_IsString(cursor)) ||
	    (cursor != NULL && page->cursor != NULL && strcmp(cursor->valuestring, page->cursor) == 0)) {
		cJSON_Delete(json);
		buf_puts(error, STR("the answer is not a list of the service: look at --url"));
		return EXITSTATUS_UNAVAILABLE;
	}
	page_free(page);
	*page = (struct page){ json, items, cursor != NULL ? cursor->valuestring : NULL };
	return EXITSTATUS_DONE;
}

/* A path that the service does not know; an unknown namespace is an empty list. */
static enum exitstatus
fail_without_list(struct buf *error)
{
	buf_clear(error);
	buf_puts(error, STR("the service has no such list: it is the original, or an older version"));
	return EXITSTATUS_REFUSED;
}

enum exitstatus
page_next(struct page *page, struct session *s, const struct page_query *query, struct buf *error)
{
	struct transport_answer answer = { .status = 0 };
	enum exitstatus status;
	struct buf text;

	buf_init(&text, QUERY_MAX);
	buf_init(&answer.body, TRANSPORT_ANSWER_MAX);
	put_query(&text, page, query);
	status = session_call(s,
	    &(struct session_request){
		.method = "GET", .namespace = query->namespace, .query = buf_str(&text), .is_read = true },
	    &answer, error);
	if (status == EXITSTATUS_DONE)
		status = parse_page(page, buf_str(&answer.body), error);
	else if (status == EXITSTATUS_NOT_FOUND)
		status = fail_without_list(error);
	buf_free(&text);
	buf_free(&answer.body);
	return status;
}
