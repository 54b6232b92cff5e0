/* SPDX-License-Identifier: EPL-2.0 */
#include "client/listing.h"

#include <stdlib.h>

#include "client/display.h"
#include "client/page.h"

#define LISTED_MAX   ((size_t)1024 * 1024) /* bytes of a line */
#define SECONDS_SIZE 19                    /* "2026-01-02T03:04:05" */

/* A list on its way out. */
struct listing {
	struct outfile *out;
	enum arguments_output form;
	bool is_long, of_namespaces;
	uint64_t printed;
	struct buf line;
};

/* A member of an item as text: "-" where it is not known. */
static void
put_listed_detail(struct buf *out, const cJSON *item, const char *name)
{
	const cJSON *detail = cJSON_GetObjectItemCaseSensitive(item, name);

	if (cJSON_IsNumber(detail))
		buf_put_number(out, (int64_t)detail->valuedouble);
	else if (cJSON_IsString(detail))
		display_put(out, str_of(detail->valuestring));
	else
		buf_putc(out, '-');
}

/* The same, on the right of a column. */
static void
put_detail_right(struct buf *out, const cJSON *item, const char *name, int width)
{
	struct buf text;

	buf_init(&text, LISTED_MAX);
	put_listed_detail(&text, item, name);
	buf_printf(out, "%*.*s  ", width, STR_FMT(buf_str(&text)));
	buf_free(&text);
}

/* To the second, of a time in UTC (RFC 3339). */
static void
put_listed_time(struct buf *out, const cJSON *item)
{
	const cJSON *modified = cJSON_GetObjectItemCaseSensitive(item, "modified");
	struct str text = cJSON_IsString(modified) ? str_of(modified->valuestring) : STR("");

	if (text.n <= SECONDS_SIZE)
		text = STR("-");
	buf_printf(out, "%-*.*s%c  ", SECONDS_SIZE, STR_FMT(str_first(text, SECONDS_SIZE)), text.n > 1 ? 'Z' : ' ');
}

static void
put_table_details(struct listing *l, const cJSON *item)
{
	if (l->of_namespaces) {
		put_detail_right(&l->line, item, "count", 9);
	} else {
		put_detail_right(&l->line, item, "size", 9);
		put_listed_time(&l->line, item);
	}
}

static void
put_raw_details(struct listing *l, const cJSON *item)
{
	static const char *const of_keys[] = { "size", "modified", "etag", NULL },
				 *const of_namespaces[] = { "count", NULL };

	for (const char *const *name = l->of_namespaces ? of_namespaces : of_keys; *name != NULL; name++) {
		put_listed_detail(&l->line, item, *name);
		buf_putc(&l->line, '\t');
	}
}

static void
put_json(struct listing *l, const cJSON *item)
{
	char *text;

	if (!l->is_long) {
		json_put_string(&l->line, page_name(item));
		return;
	}
	text = cJSON_PrintUnformatted(item);
	if (text == NULL)
		l->line.failed = true;
	else
		buf_puts(&l->line, str_of(text));
	cJSON_free(text);
}

static void
put_listed(struct listing *l, const cJSON *item)
{
	switch (l->form) {
	case ARGUMENTS_OUTPUT_JSON:
		buf_puts(&l->line, l->printed == 0 ? STR("[\n") : STR(",\n"));
		put_json(l, item);
		break;
	case ARGUMENTS_OUTPUT_RAW:
		if (l->is_long)
			put_raw_details(l, item);
		buf_puts(&l->line, page_name(item));
		buf_putc(&l->line, '\n');
		break;
	case ARGUMENTS_OUTPUT_DEFAULT:
	case ARGUMENTS_OUTPUT_TABLE:
		if (l->is_long)
			put_table_details(l, item);
		display_put(&l->line, page_name(item));
		buf_putc(&l->line, '\n');
		break;
	}
}

static enum exitstatus
print_item(struct listing *l, const cJSON *item, struct buf *error)
{
	if (l->is_long && !cJSON_IsObject(item)) {
		buf_puts(error,
		    STR("the service knows names only, without --long: it is the original, or an older version"));
		return EXITSTATUS_REFUSED;
	}
	buf_clear(&l->line);
	put_listed(l, item);
	if (!buf_ok(&l->line)) {
		buf_puts(error, STR("out of memory"));
		return EXITSTATUS_LOCAL;
	}
	outfile_put(l->out, buf_str(&l->line));
	l->printed++;
	return EXITSTATUS_DONE;
}

static enum exitstatus
print_page(struct listing *l, const struct page *page, struct buf *error)
{
	enum exitstatus status = EXITSTATUS_DONE;

	for (const cJSON *item = page->items->child; item != NULL && status == EXITSTATUS_DONE; item = item->next)
		status = print_item(l, item, error);
	return status;
}

static void
print_end(struct listing *l)
{
	if (l->form == ARGUMENTS_OUTPUT_JSON)
		outfile_put(l->out, l->printed == 0 ? STR("[]\n") : STR("\n]\n"));
}

static enum exitstatus
print_pages(struct listing *l, struct session *s, struct page_query *query, struct buf *error)
{
	uint64_t limit = query->limit;
	struct page page = { .json = NULL };
	enum exitstatus status;

	do {
		query->limit = limit - l->printed;
		status = page_next(&page, s, query, error);
		if (status == EXITSTATUS_DONE)
			status = print_page(l, &page, error);
	} while (status == EXITSTATUS_DONE && page.cursor != NULL && l->printed < limit);
	if (status == EXITSTATUS_DONE)
		print_end(l);
	page_free(&page);
	return status;
}

enum exitstatus
listing_print(struct session *s, const struct arguments *a, struct outfile *out, struct buf *error)
{
	struct listing l = {
		.out = out,
		.form = a->output,
		.is_long = a->option[ARGUMENTS_OPTION_LONG] != NULL,
		.of_namespaces = a->command == ARGUMENTS_NAMESPACES,
	};
	struct page_query query = {
		.namespace = a->namespace,
		.prefix = str_of(a->option[ARGUMENTS_OPTION_PREFIX]),
		.include = !l.is_long ? NULL
		    : l.of_namespaces ? "counts"
				      : "metadata",
		.limit = a->limit > 0 ? a->limit : UINT64_MAX,
	};
	enum exitstatus status;

	buf_init(&l.line, LISTED_MAX);
	status = print_pages(&l, s, &query, error);
	buf_free(&l.line);
	return status;
}
