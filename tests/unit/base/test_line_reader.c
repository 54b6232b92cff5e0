/* SPDX-License-Identifier: EPL-2.0 */
#include "base/line_reader.h"

#include <stdlib.h>
#include <unistd.h>

#include "lib/tap.h"

#define MAX ((size_t)1 << 20)

/* A reader of these bytes. */
static void
open_bytes(struct line_reader *r, struct str bytes)
{
	char path[] = "/tmp/hkv-lines.XXXXXX";
	int fd = mkstemp(path);

	if (fd < 0 || write(fd, bytes.p, bytes.n) != (ssize_t)bytes.n || lseek(fd, 0, SEEK_SET) != 0)
		tap_bail("no file");
	(void)unlink(path);
	line_reader_init(r, fd, MAX);
}

static void
close_bytes(struct line_reader *r)
{
	(void)close(r->fd);
	line_reader_free(r);
}

static void
next_is(struct line_reader *r, enum line_reader_result expected, struct str text, const char *what)
{
	struct str line;

	tap_int(line_reader_next(r, &line), expected, "%s", what);
	tap_text(line, text, "its text");
}

static void
test_lines(void)
{
	struct line_reader r;

	open_bytes(&r, STR("a\n\nbc"));
	next_is(&r, LINE_READER_LINE, STR("a"), "a line");
	next_is(&r, LINE_READER_LINE, STR(""), "an empty line");
	next_is(&r, LINE_READER_UNENDED, STR("bc"), "the last line has no LF");
	next_is(&r, LINE_READER_END, STR_ABSENT, "the end");
	next_is(&r, LINE_READER_END, STR_ABSENT, "it stays");
	tap_int((intmax_t)r.bytes, 5, "all bytes are counted");
	close_bytes(&r);
	open_bytes(&r, STR(""));
	next_is(&r, LINE_READER_END, STR_ABSENT, "an empty file has no line");
	close_bytes(&r);
}

/* The limit, with and without an LF, and one byte more. */
static void
test_limit(void)
{
	struct line_reader r;
	char *text = malloc(MAX + 2);

	if (text == NULL)
		tap_bail("no memory");
	memset(text, 'x', MAX + 1);
	open_bytes(&r, str_from(text, MAX));
	next_is(&r, LINE_READER_UNENDED, str_from(text, MAX), "as long as may be, without LF");
	close_bytes(&r);
	open_bytes(&r, str_from(text, MAX + 1));
	next_is(&r, LINE_READER_LONG, STR_ABSENT, "a byte longer, without LF");
	close_bytes(&r);
	text[MAX + 1] = '\n';
	open_bytes(&r, str_from(text, MAX + 2));
	next_is(&r, LINE_READER_LONG, STR_ABSENT, "a byte longer, with LF");
	tap_text(str_of(r.why), STR("longer than 1 MiB"), "why");
	close_bytes(&r);
	open_bytes(&r, str_from(text + 1, MAX + 1));
	next_is(&r, LINE_READER_LINE, str_from(text, MAX), "as long as may be");
	close_bytes(&r);
	free(text);
}

static void
test_failure(void)
{
	struct line_reader r;

	line_reader_init(&r, -1, MAX);
	next_is(&r, LINE_READER_FAILED, STR_ABSENT, "no descriptor");
	tap_text(str_of(r.why), STR("Bad file descriptor"), "why");
	line_reader_free(&r);
}

int
main(void)
{
	test_lines();
	test_limit();
	test_failure();
	return tap_end();
}
