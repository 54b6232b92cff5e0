/* SPDX-License-Identifier: EPL-2.0 */
#include "client/dump.h"

#include "client/page.h"
#include "client/progress.h"
#include "client/row.h"
#include "codec/base64.h"

#define DUMP_LINE_MAX ((size_t)2 * 1024 * 1024 * 1024)

/* An export that is going on. */
struct dump {
	struct session *session;
	const struct arguments *arguments;
	struct outfile *out;
	struct progress progress;
	uint64_t rows;
	struct sha256_sum sum;          /* of what was written */
	struct transport_answer answer; /* of a value that is read by itself */
	struct buf line, value;
};

static enum exitstatus
write_row(struct dump *d, struct str key, struct str value, struct buf *error)
{
	buf_clear(&d->line);
	row_put(&d->line, key, value);
	if (!buf_ok(&d->line)) {
		buf_puts(error, STR("out of memory"));
		return EXITSTATUS_LOCAL;
	}
	outfile_put(d->out, buf_str(&d->line));
	digest_sum_add(&d->sum, buf_str(&d->line));
	d->rows++;
	progress_show(&d->progress, d->rows, 0, 0);
	return EXITSTATUS_DONE;
}

/* A key that is gone by now is left out. */
static enum exitstatus
fetch_row(struct dump *d, struct str key, struct buf *error)
{
	enum exitstatus status = session_call(d->session,
	    &(struct session_request){
		.method = "GET", .namespace = d->arguments->namespace, .key = key, .is_read = true },
	    &d->answer, error);

	if (status == EXITSTATUS_NOT_FOUND) {
		buf_clear(error);
		return EXITSTATUS_DONE;
	}
	if (status != EXITSTATUS_DONE)
		return status;
	buf_clear(&d->value);
	base64_put(&d->value, buf_str(&d->answer.body));
	if (!buf_ok(&d->value)) {
		buf_puts(error, STR("out of memory"));
		return EXITSTATUS_LOCAL;
	}
	return write_row(d, key, buf_str(&d->value), error);
}

static enum exitstatus
export_item(struct dump *d, const cJSON *item, struct buf *error)
{
	const cJSON *value = cJSON_GetObjectItemCaseSensitive(item, "value");

	if (cJSON_IsString(value))
		return write_row(d, page_name(item), str_of(value->valuestring), error);
	/* A service that knows no values in lists; or a sealed value that it cannot open, and then it says so. */
	return fetch_row(d, page_name(item), error);
}

static enum exitstatus
export_pages(struct dump *d, struct buf *error)
{
	const struct page_query query = {
		.namespace = d->arguments->namespace,
		.prefix = str_of(d->arguments->option[ARGUMENTS_OPTION_PREFIX]),
		.include = "values",
		.limit = UINT64_MAX,
	};
	struct page page = { .json = NULL };
	enum exitstatus status;

	do {
		const cJSON *item;

		status = page_next(&page, d->session, &query, error);
		if (status != EXITSTATUS_DONE)
			break;
		cJSON_ArrayForEach(item, page.items)
		{
			status = export_item(d, item, error);
			if (status != EXITSTATUS_DONE)
				break;
		}
	} while (status == EXITSTATUS_DONE && page.cursor != NULL);
	page_free(&page);
	return status;
}

static enum exitstatus
write_dump_end(struct dump *d, struct buf *error)
{
	struct row_end end = { .keys = d->rows };

	buf_clear(&d->line);
	if (!digest_sum_end(&d->sum, &end.sum)) {
		buf_puts(error, STR("OpenSSL does not compute a SHA-256"));
		return EXITSTATUS_LOCAL;
	}
	row_put_end(&d->line, &end);
	if (!buf_ok(&d->line)) {
		buf_puts(error, STR("out of memory"));
		return EXITSTATUS_LOCAL;
	}
	outfile_put(d->out, buf_str(&d->line));
	return EXITSTATUS_DONE;
}

enum exitstatus
dump_export(struct session *s, const struct arguments *a, struct outfile *out, struct buf *error)
{
	bool quiet = a->option[ARGUMENTS_OPTION_QUIET] != NULL;
	struct dump d = { .session = s, .arguments = a, .out = out };
	enum exitstatus status;

	buf_init(&d.answer.body, TRANSPORT_ANSWER_MAX);
	buf_init(&d.line, DUMP_LINE_MAX);
	buf_init(&d.value, DUMP_LINE_MAX);
	digest_sum_begin(&d.sum);
	progress_start(&d.progress, quiet);
	status = export_pages(&d, error);
	if (status == EXITSTATUS_DONE)
		status = write_dump_end(&d, error);
	(void)digest_sum_end(&d.sum, NULL);
	progress_end(&d.progress);
	if (!quiet)
		(void)fprintf(stderr, "%llu keys exported%s\n", (unsigned long long)d.rows,
		    status == EXITSTATUS_DONE ? "" : ", and then it failed: the export is not complete");
	buf_free(&d.answer.body);
	buf_free(&d.line);
	buf_free(&d.value);
	return status;
}
