/* SPDX-License-Identifier: EPL-2.0 */
#include "migrate/reader.h"

#include <inttypes.h>

void
migrate_reader_init(struct migrate_reader *r, int fd)
{
	*r = (struct migrate_reader){ .number = 0 };
	line_reader_init(&r->in, fd, MIGRATE_LINE_MAX);
	buf_init(&r->why, 1024);
	migrate_line_init(&r->line);
	digest_sum_begin(&r->sum);
}

void
migrate_reader_free(struct migrate_reader *r)
{
	(void)digest_sum_end(&r->sum, NULL);
	migrate_line_free(&r->line);
	line_reader_free(&r->in);
	buf_free(&r->why);
}

enum migrate_reader_result
migrate_reader_refuse(struct migrate_reader *r, const char *what)
{
	buf_clear(&r->why);
	buf_printf(&r->why, "line %" PRId64 ": %s", r->number, what);
	return MIGRATE_READER_WRONG;
}

enum migrate_reader_result
migrate_reader_fail(struct migrate_reader *r, const char *what)
{
	(void)migrate_reader_refuse(r, what);
	return MIGRATE_READER_FAILED;
}

static enum migrate_reader_result
take_line_header(struct migrate_reader *r)
{
	r->header = r->line.header;
	return MIGRATE_READER_ROW;
}

/* A value that does not have its MD5 is sealed, or damaged. */
static enum migrate_reader_result
take_line_row(struct migrate_reader *r)
{
	const struct migrate_row *row = &r->line.row;

	r->rows++;
	r->row_sealed = false;
	if (row->deleted && !r->header.difference)
		return migrate_reader_refuse(r, "deletes a row, and the file is not a difference");
	if (row->deleted || seal_is_plain(row->value, &row->md5))
		return MIGRATE_READER_ROW;
	if (r->header.opened || !seal_has_magic(row->value))
		return migrate_reader_refuse(
		    r, "the value does not have the MD5 that the line says: the file is damaged");
	r->row_sealed = true;
	r->sealed++;
	return MIGRATE_READER_ROW;
}

/* The closing line; the sum is that of what stands before it. */
static enum migrate_reader_result
take_end(struct migrate_reader *r)
{
	const struct migrate_end *end = &r->line.end;
	enum line_reader_result result;
	struct sha256 sum;
	struct str more;

	if (end->rows != r->rows || (r->header.rows >= 0 && r->header.rows != r->rows))
		return migrate_reader_refuse(
		    r, "the file is cut or damaged: the number of rows is not that of header and closing line");
	if (!digest_sum_end(&r->sum, &sum))
		return migrate_reader_fail(r, "OpenSSL does not compute a SHA-256");
	if (memcmp(sum.b, end->sum.b, sizeof(sum.b)) != 0)
		return migrate_reader_refuse(r, "the file is damaged: its SHA-256 is not that of the closing line");
	result = line_reader_next(&r->in, &more);
	if (result == LINE_READER_FAILED)
		return migrate_reader_fail(r, r->in.why);
	return result == LINE_READER_END ? MIGRATE_READER_END
					 : migrate_reader_refuse(r, "more follows after the closing line");
}

static enum migrate_reader_result
take_line(struct migrate_reader *r, struct str text)
{
	const char *wrong = migrate_line_read(&r->line, text);
	enum migrate_line_kind kind = r->line.kind;

	if (wrong == migrate_line_no_memory)
		return migrate_reader_fail(r, wrong);
	if (r->number == 1 && (wrong != NULL || kind != MIGRATE_LINE_HEADER)) {
		if (wrong == NULL || kind != MIGRATE_LINE_HEADER || r->line.json == NULL)
			wrong = "not the header of an export: the file is cut at its start, or is something else";
		return migrate_reader_refuse(r, wrong);
	}
	if (wrong != NULL)
		return migrate_reader_refuse(r, wrong);
	if (kind == MIGRATE_LINE_END)
		return take_end(r);
	digest_sum_add(&r->sum, str_from(text.p, text.n + 1)); /* with its LF */
	if (kind == MIGRATE_LINE_ROW)
		return take_line_row(r);
	return r->number == 1 ? take_line_header(r) : migrate_reader_refuse(r, "a second header");
}

static enum migrate_reader_result
next_line(struct migrate_reader *r)
{
	struct str text;

	r->number++;
	switch (line_reader_next(&r->in, &text)) {
	case LINE_READER_LINE:
		return take_line(r, text);
	case LINE_READER_UNENDED:
		return migrate_reader_refuse(r, "the file is cut: this line has no end");
	case LINE_READER_END:
		break;
	case LINE_READER_LONG:
		return migrate_reader_refuse(r, r->in.why);
	case LINE_READER_FAILED:
		return migrate_reader_fail(r, r->in.why);
	}
	return migrate_reader_refuse(
	    r, r->number == 1 ? "the file is empty" : "the file is cut: the closing line is missing");
}

enum migrate_reader_result
migrate_reader_next(struct migrate_reader *r)
{
	enum migrate_reader_result result;

	do
		result = next_line(r);
	while (r->number == 1 && result == MIGRATE_READER_ROW);
	return result;
}
