/* SPDX-License-Identifier: EPL-2.0 */
#include "base/line_reader.h"

#include <errno.h>
#include <stdio.h>
#include <unistd.h>

#define PIECE ((size_t)256 * 1024)

void
line_reader_init(struct line_reader *r, int fd, size_t max)
{
	*r = (struct line_reader){ .fd = fd, .max = max };
	buf_init(&r->in, max + 2 * PIECE);
}

void
line_reader_free(struct line_reader *r)
{
	buf_free(&r->in);
}

static enum line_reader_result
fail_read(struct line_reader *r, const char *why)
{
	(void)snprintf(r->why, sizeof(r->why), "%s", why);
	return LINE_READER_FAILED;
}

static enum line_reader_result
fail_long(struct line_reader *r)
{
	(void)snprintf(r->why, sizeof(r->why), "longer than %zu MiB", r->max >> 20);
	return LINE_READER_LONG;
}

/* A piece more of the file; false: it cannot be read, or there is no memory. */
static bool
read_piece(struct line_reader *r)
{
	char *p;
	ssize_t n;

	buf_drop(&r->in, r->at);
	r->at = 0;
	p = buf_reserve(&r->in, PIECE);
	if (p == NULL)
		return false;
	do
		n = read(r->fd, p, PIECE);
	while (n < 0 && errno == EINTR);
	if (n > 0)
		buf_grew(&r->in, (size_t)n);
	r->at_end = n == 0;
	return n >= 0;
}

static enum line_reader_result
take(struct line_reader *r, struct str line, enum line_reader_result result, struct str *out)
{
	size_t n = line.n + (result == LINE_READER_LINE);

	if (line.n > r->max)
		return fail_long(r);
	*out = line;
	r->at += n;
	r->bytes += n;
	return result;
}

enum line_reader_result
line_reader_next(struct line_reader *r, struct str *line)
{
	size_t looked = 0; /* bytes from `at` on that hold no LF */

	*line = STR_ABSENT;
	for (;;) {
		struct str left = str_skip(buf_str(&r->in), r->at);
		const char *end = memchr(left.p + looked, '\n', left.n - looked);

		if (end != NULL)
			return take(r, str_first(left, (size_t)(end - left.p)), LINE_READER_LINE, line);
		if (r->at_end)
			return left.n > 0 ? take(r, left, LINE_READER_UNENDED, line) : LINE_READER_END;
		looked = left.n;
		if (looked > r->max)
			return fail_long(r);
		if (!read_piece(r))
			return fail_read(r, buf_ok(&r->in) ? strerror(errno) : "out of memory");
	}
}
