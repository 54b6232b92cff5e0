#include "log.h"

#include <errno.h>
#include <inttypes.h>
#include <stdatomic.h>
#include <unistd.h>

#include "buf.h"
#include "clock.h"
#include "utf8.h"

#define LINE_SIZE 4096
#define TEXT_SIZE 1024 /* of one text, escaped: a long one leaves room for the other fields */

static const char *const level_names[] = {
#define X(level, name) [level] = name,
	LOG_LEVELS(X)
#undef X
};

static atomic_int log_threshold = LOG_INFO;

void
log_set_threshold(enum log_level threshold)
{
	atomic_store_explicit(&log_threshold, (int)threshold, memory_order_relaxed);
}

bool
log_enabled(enum log_level level)
{
	return (int)level <= atomic_load_explicit(&log_threshold, memory_order_relaxed);
}

bool
log_level_parse(struct str name, enum log_level *level)
{
	for (size_t i = 0; i < sizeof(level_names) / sizeof(level_names[0]); i++) {
		if (str_eq(name, str_of(level_names[i]))) {
			*level = (enum log_level)i;
			return true;
		}
	}
	return false;
}

struct str
log_level_name(enum log_level level)
{
	return str_of(level_names[level]);
}

/* Bytes at the start of s that may stand in a line as they are: one printable character, or 0. */
static size_t
printable(struct str s)
{
	unsigned char c = (unsigned char)s.p[0];

	if (c < 0x80)
		return c >= 0x20 && c != 0x7f && c != '"' && c != '\\' ? 1 : 0;
	if (c == 0xc2 && s.n > 1 && (unsigned char)s.p[1] < 0xa0)
		return 0; /* U+0080 to U+009F: controls that a terminal obeys */
	for (size_t n = 2; n <= 4; n++)
		if (utf8_valid(str_first(s, n)))
			return n;
	return 0;
}

/* The escaped form of one byte, in out. */
static struct str
escape(char c, char out[4])
{
	static const char digits[] = "0123456789abcdef";
	unsigned char u = (unsigned char)c;

	out[0] = '\\';
	switch (c) {
	case '"':
	case '\\':
		out[1] = c;
		return str_from(out, 2);
	case '\n':
		out[1] = 'n';
		return str_from(out, 2);
	case '\r':
		out[1] = 'r';
		return str_from(out, 2);
	case '\t':
		out[1] = 't';
		return str_from(out, 2);
	default:
		out[1] = 'x';
		out[2] = digits[u >> 4];
		out[3] = digits[u & 15];
		return str_from(out, 4);
	}
}

static void
put_text(struct buf *line, struct str s)
{
	size_t end = line->n + TEXT_SIZE;

	buf_putc(line, '"');
	while (s.n > 0 && buf_ok(line)) {
		char space[4];
		size_t plain = printable(s);
		struct str unit = plain > 0 ? str_first(s, plain) : escape(s.p[0], space);

		if (line->n + unit.n > end) {
			buf_puts(line, STR("..."));
			break;
		}
		buf_puts(line, unit);
		s = str_skip(s, plain > 0 ? plain : 1);
	}
	buf_putc(line, '"');
}

/* A field that does not fit is left out whole. */
static void
put_field(struct buf *line, const struct log_field *field)
{
	size_t start = line->n;

	buf_putc(line, ' ');
	buf_puts(line, str_of(field->name));
	buf_putc(line, '=');
	switch (field->kind) {
	case LOG_TEXT:
		put_text(line, field->text);
		break;
	case LOG_NUMBER:
		buf_printf(line, "%" PRId64, field->number);
		break;
	case LOG_END:
		break;
	}
	if (!buf_ok(line)) {
		line->n = start;
		line->failed = false;
	}
}

void
log_write(enum log_level level, const char *msg, const struct log_field *fields)
{
	char ts[CLOCK_TEXT_SIZE];
	struct buf line;
	int saved = errno;

	if (!log_enabled(level))
		return;
	buf_init(&line, LINE_SIZE);
	if (buf_reserve(&line, LINE_SIZE) == NULL)
		return;
	line.max = LINE_SIZE - 1; /* the newline always has its place */
	clock_text(ts);
	buf_printf(&line, "ts=%s level=%s msg=", ts, level_names[level]);
	put_text(&line, str_of(msg));
	for (; fields->kind != LOG_END; fields++)
		put_field(&line, fields);
	line.max = LINE_SIZE;
	buf_putc(&line, '\n');
	while (write(STDERR_FILENO, line.p, line.n) < 0 && errno == EINTR)
		;
	buf_free(&line);
	errno = saved;
}
