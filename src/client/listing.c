/* SPDX-License-Identifier: EPL-2.0 */
#include "client/listing.h"

#include <stdlib.h>

#include "client/display.h"
#include "client/page.h"

#define LINE_MAX ((size_t)1024 * 1024)

/* A list on its way out. */
struct listing {
	struct outfile *out;
	enum arguments_output form;
	uint64_t printed;
	struct buf line;
};

static void
put_listed_key(struct listing *l, const cJSON *item)
{
	struct str key = page_key(item);

	switch (l->form) {
	case ARGUMENTS_OUTPUT_JSON:
		json_put_string(&l->line, key);
		break;
	case ARGUMENTS_OUTPUT_RAW:
		buf_puts(&l->line, key);
		break;
	case ARGUMENTS_OUTPUT_DEFAULT:
	case ARGUMENTS_OUTPUT_TABLE:
		display_put(&l->line, key);
		break;
	}
}

/* In JSON, a line is an element of one array. */
static void
print_item(struct listing *l, const cJSON *item)
{
	buf_clear(&l->line);
	if (l->form == ARGUMENTS_OUTPUT_JSON)
		buf_puts(&l->line, l->printed == 0 ? STR("[\n") : STR(",\n"));
	put_listed_key(l, item);
	if (l->form != ARGUMENTS_OUTPUT_JSON)
		buf_putc(&l->line, '\n');
	outfile_put(l->out, buf_str(&l->line));
	l->printed++;
}

static void
print_end(struct listing *l)
{
	if (l->form == ARGUMENTS_OUTPUT_JSON)
		outfile_put(l->out, l->printed == 0 ? STR("[]\n") : STR("\n]\n"));
}

enum exitstatus
listing_print_keys(struct session *s, const struct arguments *a, struct outfile *out, struct buf *error)
{
	struct listing l = { .out = out, .form = a->output };
	uint64_t limit = a->limit > 0 ? a->limit : UINT64_MAX;
	struct page page = { .json = NULL };
	enum exitstatus status;

	buf_init(&l.line, LINE_MAX);
	do {
		const cJSON *item;

		status = page_next(&page, s, a, NULL, limit - l.printed, error);
		if (status != EXITSTATUS_DONE)
			break;
		cJSON_ArrayForEach(item, page.items)
		{
			print_item(&l, item);
		}
	} while (page.cursor != NULL && l.printed < limit);
	if (status == EXITSTATUS_DONE)
		print_end(&l);
	page_free(&page);
	buf_free(&l.line);
	return status;
}
