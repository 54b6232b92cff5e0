/* SPDX-License-Identifier: EPL-2.0 */
#include "client/line_reader.h"

#include <errno.h>
#include <sys/stat.h>

bool
line_reader_open(struct line_reader *r, const char *path, struct buf *error)
{
	struct stat st;

	*r = (struct line_reader){ .f = stdin, .name = path != NULL ? path : "standard input" };
	buf_init(&r->line, LINE_READER_MAX);
	if (path != NULL)
		r->f = fopen(path, "re");
	if (r->f == NULL) {
		buf_printf(error, "%s: %s", r->name, strerror(errno));
		return false;
	}
	/* Standard input may have been read in part already; it has no size that would be of use. */
	if (path != NULL && fstat(fileno(r->f), &st) == 0 && S_ISREG(st.st_mode))
		r->size = (uint64_t)st.st_size;
	return true;
}

bool
line_reader_rewind(struct line_reader *r)
{
	if (r->size == 0 || fseek(r->f, 0, SEEK_SET) != 0)
		return false;
	r->number = 0;
	r->bytes = 0;
	return true;
}

/* Up to the next LF; the last character read, or EOF. */
static int
read_to_end_of_line(struct line_reader *r)
{
	int c;

	buf_clear(&r->line);
	while ((c = getc_unlocked(r->f)) != EOF) {
		r->bytes++;
		if (c == '\n')
			break;
		buf_putc(&r->line, (char)(unsigned char)c);
		if (!buf_ok(&r->line))
			break;
	}
	return c;
}

enum line_reader_result
line_reader_next(struct line_reader *r, struct buf *error)
{
	int last;

	errno = 0;
	last = read_to_end_of_line(r);
	if (ferror(r->f) != 0) {
		buf_printf(error, "%s: %s", r->name, strerror(errno));
		return LINE_READER_FAILED;
	}
	r->number++;
	if (!buf_ok(&r->line)) {
		buf_printf(error, "%s, line %llu: is longer than 512 MiB, or there is no memory for it", r->name,
		    (unsigned long long)r->number);
		return LINE_READER_FAILED;
	}
	return last == EOF && r->line.n == 0 ? LINE_READER_END : LINE_READER_LINE;
}

void
line_reader_close(struct line_reader *r)
{
	if (r->f != stdin)
		(void)fclose(r->f);
	buf_free(&r->line);
}
