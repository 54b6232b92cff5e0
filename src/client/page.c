/* SPDX-License-Identifier: EPL-2.0 */
#include "client/page.h"

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
page_key(const cJSON *item)
{
	if (cJSON_IsObject(item))
		item = cJSON_GetObjectItemCaseSensitive(item, "key");
	return cJSON_IsString(item) ? str_of(item->valuestring) : STR_ABSENT;
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
put_query(struct buf *query, const struct page *page, const struct arguments *a, const char *include, uint64_t limit)
{
	buf_printf(query, "limit=%llu", (unsigned long long)(limit < PAGE_SIZE ? limit : PAGE_SIZE));
	put_query_parameter(query, "prefix", str_of(a->option[ARGUMENTS_OPTION_PREFIX]));
	put_query_parameter(query, "include", str_of(include));
	put_query_parameter(query, "cursor", str_of(page->cursor));
}

/* Every item has a key, so that those who use the page need not ask. */
static bool
is_key_list(const cJSON *items)
{
	const cJSON *item;

	if (!cJSON_IsArray(items))
		return false;
	cJSON_ArrayForEach(item, items)
	{
		if (page_key(item).p == NULL)
			return false;
	}
	return true;
}

static enum exitstatus
parse_page(struct page *page, struct str text, struct buf *error)
{
	cJSON *json = json_parse_object(text);
	const cJSON *items = cJSON_GetObjectItemCaseSensitive(json, "entries");
	const cJSON *cursor = cJSON_GetObjectItemCaseSensitive(json, "cursor");

	if (items == NULL)
		items = cJSON_GetObjectItemCaseSensitive(json, "keys");
	if (!is_key_list(items) || (cursor != NULL && !cJSON_IsString(cursor)) ||
	    (cursor != NULL && page->cursor != NULL && strcmp(cursor->valuestring, page->cursor) == 0)) {
		cJSON_Delete(json);
		buf_puts(error, STR("the answer is not a list of the service: look at --url"));
		return EXITSTATUS_UNAVAILABLE;
	}
	page_free(page);
	*page = (struct page){ json, items, cursor != NULL ? cursor->valuestring : NULL };
	return EXITSTATUS_DONE;
}

enum exitstatus
page_next(struct page *page, struct session *s, const struct arguments *a, const char *include, uint64_t limit,
    struct buf *error)
{
	struct transport_answer answer = { .status = 0 };
	struct buf query;
	enum exitstatus status;

	buf_init(&query, QUERY_MAX);
	buf_init(&answer.body, TRANSPORT_ANSWER_MAX);
	put_query(&query, page, a, include, limit);
	status = session_call(s,
	    &(struct session_request){
		.method = "GET", .namespace = a->namespace, .query = buf_str(&query), .is_read = true },
	    &answer, error);
	if (status == EXITSTATUS_DONE)
		status = parse_page(page, buf_str(&answer.body), error);
	buf_free(&query);
	buf_free(&answer.body);
	return status;
}
