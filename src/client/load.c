/* SPDX-License-Identifier: EPL-2.0 */
#include "client/load.h"

#include <sys/stat.h>
#include <unistd.h>

#include "base/line_reader.h"
#include "client/infile.h"
#include "client/progress.h"
#include "client/row.h"
#include "codec/base64.h"
#include "codec/json.h"

#define LINE_MAX_BYTES ((size_t)512 * 1024 * 1024)

#define BATCH_ROWS  100
#define BATCH_BYTES ((size_t)1000 * 1000) /* of the request; the service takes 2 MB as it comes */
#define BODY_MAX    (2 * BATCH_BYTES)

/* A row that waits; offsets in the buffers of the load. */
struct waiting {
	size_t key, key_n, value, value_n;
	uint64_t line;
};

struct load {
	struct session *session;
	const struct arguments *arguments;
	struct line_reader reader;
	struct str line;       /* the last one, in the reader */
	uint64_t number;       /* of that line; the first one is 1 */
	struct sha256_sum sum; /* of the lines before the last one */
	bool ended;            /* the last line was there */
	off_t start;           /* where a regular file begins, for standard input perhaps not with its first byte */
	uint64_t size;         /* bytes of a regular file from there on, which are read twice; 0: no such file */
	struct progress progress;
	uint64_t written, skipped;
	bool no_batches; /* the service has none */
	size_t n;
	struct waiting row[BATCH_ROWS];
	struct buf keys, values; /* of the rows that wait */
	struct buf key, value;   /* of the line that was read last */
	struct buf body;
	struct transport_answer answer;
};

static struct str
waiting_key(const struct load *l, const struct waiting *row)
{
	return str_from(l->keys.p + row->key, row->key_n);
}

/* Not absent, also where it is empty. */
static struct str
waiting_value(const struct load *l, const struct waiting *row)
{
	return str_from(l->values.p != NULL ? l->values.p + row->value : "", row->value_n);
}

/* Puts the line in front of what is wrong with it. */
static enum exitstatus
fail_at(const struct load *l, uint64_t first, uint64_t last, enum exitstatus status, struct buf *error)
{
	struct buf why;

	buf_init(&why, error->max);
	buf_puts(&why, buf_str(error));
	buf_clear(error);
	if (first == last)
		buf_printf(error, "%s, line %llu: ", infile_name(l->arguments->file), (unsigned long long)first);
	else
		buf_printf(error, "%s, lines %llu to %llu: ", infile_name(l->arguments->file),
		    (unsigned long long)first, (unsigned long long)last);
	buf_puts(error, buf_str(&why));
	buf_free(&why);
	return status;
}

static bool
replaces(const struct load *l)
{
	return l->arguments->existing == ARGUMENTS_EXISTING_REPLACE;
}

/* --- one by one --- */

static enum exitstatus
write_one(struct load *l, const struct waiting *row, struct buf *error)
{
	enum exitstatus status = session_call(l->session,
	    &(struct session_request){
		.method = "PUT",
		.namespace = l->arguments->namespace,
		.key = waiting_key(l, row),
		.content_type = "application/octet-stream",
		.if_none_match = replaces(l) ? NULL : "*",
		.body = waiting_value(l, row),
	    },
	    &l->answer, error);

	if (status == EXITSTATUS_DONE) {
		l->written++;
		return status;
	}
	if (status == EXITSTATUS_CONDITION && l->arguments->existing == ARGUMENTS_EXISTING_SKIP) {
		buf_clear(error);
		l->skipped++;
		return EXITSTATUS_DONE;
	}
	if (status == EXITSTATUS_CONDITION) {
		buf_clear(error);
		buf_puts(error, STR("there is such a key already (--existing skip or replace)"));
	}
	return fail_at(l, row->line, row->line, status, error);
}

static enum exitstatus
write_one_by_one(struct load *l, struct buf *error)
{
	enum exitstatus status = EXITSTATUS_DONE;

	for (size_t i = 0; i < l->n && status == EXITSTATUS_DONE; i++)
		status = write_one(l, &l->row[i], error);
	return status;
}

/* --- all at once --- */

static void
put_batch_operation(struct load *l, const struct waiting *row)
{
	buf_puts(&l->body, STR("{\"op\":\"put\",\"key\":"));
	json_put_string(&l->body, waiting_key(l, row));
	buf_puts(&l->body, STR(",\"value\":\""));
	base64_put(&l->body, waiting_value(l, row));
	buf_puts(&l->body, replaces(l) ? STR("\"}") : STR("\",\"if_none_match\":\"*\"}"));
}

static void
make_body(struct load *l)
{
	buf_clear(&l->body);
	buf_puts(&l->body, STR("{\"operations\":["));
	for (size_t i = 0; i < l->n; i++) {
		if (i > 0)
			buf_putc(&l->body, ',');
		put_batch_operation(l, &l->row[i]);
	}
	buf_puts(&l->body, STR("]}"));
}

/*
 * Whether an answer says that nothing was written, and that the rows may be
 * written one by one: there are no batches (404, 405), a key is there already
 * (412), or all rows together are too large (413).
 */
static bool
may_write_one_by_one(struct load *l)
{
	if (l->answer.status == 404 || l->answer.status == 405)
		l->no_batches = true;
	return l->no_batches || l->answer.status == 412 || l->answer.status == 413;
}

static enum exitstatus
write_batch(struct load *l, struct buf *error)
{
	enum exitstatus status;

	make_body(l);
	if (!buf_ok(&l->body))
		return write_one_by_one(l, error);
	status = session_call(l->session,
	    &(struct session_request){
		.method = "POST",
		.namespace = l->arguments->namespace,
		.content_type = "application/json",
		.body = buf_str(&l->body),
	    },
	    &l->answer, error);
	if (status == EXITSTATUS_DONE) {
		l->written += l->n;
		return status;
	}
	if (may_write_one_by_one(l)) {
		buf_clear(error);
		return write_one_by_one(l, error);
	}
	return fail_at(l, l->row[0].line, l->row[l->n - 1].line, status, error);
}

/* Writes what waits. */
static enum exitstatus
flush_rows(struct load *l, struct buf *error)
{
	enum exitstatus status = l->n > 1 && !l->no_batches ? write_batch(l, error) : write_one_by_one(l, error);

	l->n = 0;
	buf_clear(&l->keys);
	buf_clear(&l->values);
	progress_show(&l->progress, l->written + l->skipped, l->reader.bytes, l->size);
	return status;
}

/* --- the lines --- */

static enum exitstatus
wrong_line(const struct load *l, const char *why, struct buf *error)
{
	buf_puts(error, str_of(why));
	return fail_at(l, l->number, l->number, EXITSTATUS_USAGE, error);
}

static enum exitstatus
compare_end(struct load *l, const struct row_end *end, struct buf *error)
{
	struct sha256 sum;

	l->ended = true;
	if (!digest_sum_end(&l->sum, &sum)) {
		buf_puts(error, STR("OpenSSL does not compute a SHA-256"));
		return EXITSTATUS_LOCAL;
	}
	if (end->keys == l->number - 1 && memcmp(&sum, &end->sum, sizeof(sum)) == 0)
		return EXITSTATUS_DONE;
	return wrong_line(l, "does not fit the lines before: lines are missing, or were changed", error);
}

/* The line that was read last: a row goes to the function as key and value. */
static enum exitstatus
take_import_line(struct load *l, enum exitstatus (*take)(struct load *, struct buf *), struct buf *error)
{
	struct row_end end;
	bool is_end;
	const char *why;

	if (l->ended)
		return wrong_line(l, "comes after the last line of an export", error);
	buf_clear(&l->key);
	buf_clear(&l->value);
	why = row_read(l->line, &l->key, &l->value, &end, &is_end);
	if (why != NULL)
		return wrong_line(l, why, error);
	if (is_end)
		return compare_end(l, &end, error);
	digest_sum_add(&l->sum, l->line);
	digest_sum_add(&l->sum, STR("\n"));
	return take(l, error);
}

/* A batch may have a key once only. */
static bool
waits_already(const struct load *l, struct str key)
{
	for (size_t i = 0; i < l->n; i++)
		if (str_eq(waiting_key(l, &l->row[i]), key))
			return true;
	return false;
}

/* A byte of a key takes six at most, as an escape; 100 for the names of an operation's members. */
static bool
fits_into_batch(const struct load *l)
{
	return l->n < BATCH_ROWS &&
	    6 * (l->keys.n + l->key.n) + BASE64_LENGTH(l->values.n + l->value.n) + 100 * (l->n + 1) < BATCH_BYTES &&
	    !waits_already(l, buf_str(&l->key));
}

static enum exitstatus
add_row(struct load *l, struct buf *error)
{
	enum exitstatus status = EXITSTATUS_DONE;

	if (l->n > 0 && !fits_into_batch(l))
		status = flush_rows(l, error);
	if (status != EXITSTATUS_DONE)
		return status;
	l->row[l->n++] = (struct waiting){ l->keys.n, l->key.n, l->values.n, l->value.n, l->number };
	buf_puts(&l->keys, buf_str(&l->key));
	buf_puts(&l->values, buf_str(&l->value));
	if (buf_ok(&l->keys) && buf_ok(&l->values))
		return EXITSTATUS_DONE;
	buf_puts(error, STR("out of memory"));
	return EXITSTATUS_LOCAL;
}

static enum exitstatus
check_end(const struct load *l, struct buf *error)
{
	if (l->ended || l->arguments->option[ARGUMENTS_OPTION_INCOMPLETE] != NULL)
		return EXITSTATUS_DONE;
	buf_printf(error, "%s: the last line of an export is missing, so others may be missing, too (--incomplete)",
	    infile_name(l->arguments->file));
	return EXITSTATUS_USAGE;
}

/* All lines, each row to the function. */
static enum exitstatus
read_lines(struct load *l, enum exitstatus (*take)(struct load *, struct buf *), struct buf *error)
{
	enum exitstatus status = EXITSTATUS_DONE;

	while (status == EXITSTATUS_DONE) {
		enum line_reader_result result = line_reader_next(&l->reader, &l->line);

		if (result == LINE_READER_END)
			return check_end(l, error);
		l->number++;
		if (result == LINE_READER_FAILED || result == LINE_READER_LONG)
			return wrong_line(l, l->reader.why, error);
		status = take_import_line(l, take, error);
	}
	return status;
}

static enum exitstatus
only_check(struct load *l, struct buf *error)
{
	(void)l;
	(void)error;
	return EXITSTATUS_DONE;
}

/* Back to the first line. */
static bool
read_again(struct load *l)
{
	int fd = l->reader.fd;

	line_reader_free(&l->reader);
	line_reader_init(&l->reader, fd, LINE_MAX_BYTES);
	l->number = 0;
	l->ended = false;
	(void)digest_sum_end(&l->sum, NULL);
	digest_sum_begin(&l->sum);
	return lseek(fd, l->start, SEEK_SET) == l->start;
}

static enum exitstatus
import_lines(struct load *l, struct buf *error)
{
	enum exitstatus status = EXITSTATUS_DONE;

	if (l->size > 0) {
		status = read_lines(l, only_check, error);
		if (status == EXITSTATUS_DONE && !read_again(l)) {
			buf_printf(error, "%s: cannot be read twice", infile_name(l->arguments->file));
			status = EXITSTATUS_USAGE;
		}
	}
	if (status == EXITSTATUS_DONE)
		status = read_lines(l, add_row, error);
	if (status == EXITSTATUS_DONE && l->n > 0)
		status = flush_rows(l, error);
	return status;
}

/* --- all --- */

/* Standard input may be a file that was read in part already. */
static void
open_reader(struct load *l, int fd)
{
	off_t start = lseek(fd, 0, SEEK_CUR);
	struct stat st;

	line_reader_init(&l->reader, fd, LINE_MAX_BYTES);
	if (start < 0 || fstat(fd, &st) != 0 || !S_ISREG(st.st_mode) || st.st_size <= start)
		return;
	l->start = start;
	l->size = (uint64_t)(st.st_size - start);
}

static void
init_load(struct load *l)
{
	buf_init(&l->key, LINE_MAX_BYTES);
	buf_init(&l->value, LINE_MAX_BYTES);
	buf_init(&l->keys, LINE_MAX_BYTES);
	buf_init(&l->values, LINE_MAX_BYTES);
	buf_init(&l->body, BODY_MAX);
	buf_init(&l->answer.body, TRANSPORT_ANSWER_MAX);
	digest_sum_begin(&l->sum);
}

static void
free_load(struct load *l)
{
	buf_free(&l->key);
	buf_free(&l->value);
	buf_free(&l->keys);
	buf_free(&l->values);
	buf_free(&l->body);
	buf_free(&l->answer.body);
	(void)digest_sum_end(&l->sum, NULL);
}

static void
report_load(const struct load *l)
{
	(void)fprintf(stderr, "%llu key%s imported", (unsigned long long)l->written, l->written == 1 ? "" : "s");
	if (l->skipped > 0)
		(void)fprintf(stderr, ", %llu left as they were", (unsigned long long)l->skipped);
	(void)fputc('\n', stderr);
}

enum exitstatus
load_import(struct session *s, const struct arguments *a, struct outfile *out, struct buf *error)
{
	struct load l = { .session = s, .arguments = a };
	bool quiet = a->option[ARGUMENTS_OPTION_QUIET] != NULL;
	enum exitstatus status;
	int fd = infile_open(a->file, error);

	(void)out;
	if (fd < 0)
		return EXITSTATUS_USAGE;
	open_reader(&l, fd);
	init_load(&l);
	progress_start(&l.progress, quiet);
	status = import_lines(&l, error);
	progress_end(&l.progress);
	if (!quiet)
		report_load(&l);
	line_reader_free(&l.reader);
	infile_close(fd);
	free_load(&l);
	return status;
}
