/* SPDX-License-Identifier: EPL-2.0 */
#include "base/log.h"

#include <assert.h>
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdatomic.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/base.h"
#include "base/clock.h"
#include "base/utf8.h"

#define TEXT_SIZE 1024 /* bytes of one text, escaped; a longer one is cut, so that other fields fit into the line */
#define LINE_SIZE 4096 /* bytes at most, with the newline: what one write(2) to a pipe does not split (PIPE_BUF) */

static const char *const level_names[] = {
#define X(level, name) [level] = name,
	LOG_LEVELS(X)
#undef X
};

static const char *const format_names[] = {
#define X(format, name) [format] = name,
	LOG_FORMATS(X)
#undef X
};

static atomic_int log_threshold = LOG_INFO, log_format = LOG_LOGFMT;
static atomic_uint_fast64_t lost;            /* lines */
static atomic_uint_fast64_t lost_unreported; /* of them, those that the log does not mention yet */
static atomic_bool torn;                     /* the last write ended in the middle of a line */

/* Set by log_never_wait(). */
static int log_fd = STDERR_FILENO;
static bool is_socket, looks_first;

/* ASCII characters at the start of s that need no escape. */
static size_t
plain(struct str s)
{
	size_t n = 0;

	while (n < s.n && s.p[n] >= 0x20 && s.p[n] < 0x7f && s.p[n] != '"' && s.p[n] != '\\')
		n++;
	return n;
}

/* Bytes of the multibyte character that s begins with; 0: it begins with none, or with one that is not printable. */
static size_t
printable(struct str s)
{
	if ((unsigned char)s.p[0] < 0x80)
		return 0;
	if ((unsigned char)s.p[0] == 0xc2 && s.n > 1 && (unsigned char)s.p[1] < 0xa0)
		return 0; /* U+0080 to U+009F: control characters, which a terminal obeys */
	for (size_t n = 2; n <= 4; n++)
		if (utf8_valid(str_first(s, n)))
			return n;
	return 0;
}

/* The escape of one byte, in out.  JSON has none for a byte that is no character (RFC 8259 7). */
static struct str
escape(char c, enum log_format format, char out[6])
{
	static const char digits[] = "0123456789abcdef", letters[] = "\"\\nrt", meanings[] = "\"\\\n\r\t";
	const char *known = c != '\0' ? strchr(meanings, c) : NULL;
	unsigned char u = (unsigned char)c;

	out[0] = '\\';
	if (known != NULL) {
		out[1] = letters[known - meanings];
		return str_from(out, 2);
	}
	if (format == LOG_JSON && u >= 0x80)
		return STR("\\ufffd");
	out[1] = format == LOG_JSON ? 'u' : 'x';
	out[2] = out[3] = '0';
	size_t n = format == LOG_JSON ? 4 : 2;
	out[n++] = digits[u >> 4];
	out[n++] = digits[u & 15];
	return str_from(out, n);
}

static void
put_log_text(struct buf *line, struct str s, enum log_format format)
{
	size_t end = line->n + TEXT_SIZE;

	buf_putc(line, '"');
	while (s.n > 0 && buf_ok(line)) {
		char space[6];
		size_t ready = plain(s), taken;
		struct str unit;

		if (ready > 0)
			ready = ready < end - line->n ? ready : end - line->n; /* not more than fits */
		taken = ready > 0 ? ready : printable(s);
		unit = str_first(s, taken);
		if (taken == 0) {
			taken = 1;
			unit = escape(s.p[0], format, space);
		}
		if (line->n >= end || line->n + unit.n > end) {
			buf_puts(line, STR("..."));
			break;
		}
		buf_puts(line, unit);
		s = str_skip(s, taken);
	}
	buf_putc(line, '"');
}

static void
put_name(struct buf *line, const char *name, enum log_format format)
{
	buf_puts(line, format == LOG_JSON ? STR(",\"") : STR(" "));
	buf_puts(line, str_of(name));
	buf_puts(line, format == LOG_JSON ? STR("\":") : STR("="));
}

static void
put_millis(struct buf *line, int64_t ns)
{
	int64_t us = ns / 1000;
	char decimals[] = { '.', (char)('0' + us / 100 % 10), (char)('0' + us / 10 % 10), (char)('0' + us % 10) };

	buf_put_number(line, us / 1000);
	buf_put(line, decimals, sizeof(decimals));
}

/* A field that does not fit is left out whole. */
static void
put_log_field(struct buf *line, const struct log_field *field, enum log_format format)
{
	size_t start = line->n;

	if (field->name == NULL)
		return;
	put_name(line, field->name, format);
	switch (field->kind) {
	case LOG_TEXT:
		put_log_text(line, field->text, format);
		break;
	case LOG_WORD:
		buf_putc(line, '"');
		buf_puts(line, field->text);
		buf_putc(line, '"');
		break;
	case LOG_NUMBER:
		buf_put_number(line, field->number);
		break;
	case LOG_MILLIS:
		put_millis(line, field->number);
		break;
	case LOG_END:
		break;
	}
	if (!buf_ok(line)) {
		line->n = start;
		line->failed = false;
	}
}

static void
put_start(struct buf *line, enum log_format format, enum log_level level)
{
	char ts[CLOCK_TEXT_SIZE];
	bool json = format == LOG_JSON;

	clock_text(ts);
	buf_puts(line, json ? STR("{\"ts\":\"") : STR("ts="));
	buf_put(line, ts, sizeof(ts) - 1);
	buf_puts(line, json ? STR("\",\"level\":\"") : STR(" level="));
	buf_puts(line, log_level_name(level));
	if (json)
		buf_putc(line, '"');
}

/* Puts one line at the end of out.  Long texts are cut, fields that do not fit are left out. */
static void
put_log_line(
    struct buf *out, enum log_format format, enum log_level level, const char *msg, const struct log_field *fields)
{
	struct str end = format == LOG_JSON ? STR("}\n") : STR("\n");
	size_t max = out->max;

	if (buf_reserve(out, LINE_SIZE) == NULL)
		return;
	out->max = out->n + LINE_SIZE - end.n; /* so that the end of the line always fits */
	put_start(out, format, level);
	put_name(out, "msg", format);
	put_log_text(out, str_of(msg), format);
	for (; fields->kind != LOG_END; fields++)
		put_log_field(out, fields, format);
	out->max = max;
	buf_puts(out, end);
}

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

void
log_set_format(enum log_format format)
{
	atomic_store_explicit(&log_format, (int)format, memory_order_relaxed);
}

static bool
find_name(struct str name, const char *const *names, size_t n, size_t *found)
{
	for (*found = 0; *found < n; ++*found)
		if (str_eq(name, str_of(names[*found])))
			return true;
	return false;
}

bool
log_level_parse(struct str name, enum log_level *level)
{
	size_t i;

	if (!find_name(name, level_names, ARRAY_SIZE(level_names), &i))
		return false;
	*level = (enum log_level)i;
	return true;
}

struct str
log_level_name(enum log_level level)
{
	return str_of(level_names[level]);
}

bool
log_format_parse(struct str name, enum log_format *format)
{
	size_t i;

	if (!find_name(name, format_names, ARRAY_SIZE(format_names), &i))
		return false;
	*format = (enum log_format)i;
	return true;
}

struct str
log_format_name(enum log_format format)
{
	return str_of(format_names[format]);
}

/* A pipe that poll(2) calls writable takes a piece (PIPE_BUF) without waiting, unless another process writes first. */
static bool
is_full(void)
{
	struct pollfd p = { .fd = log_fd, .events = POLLOUT };

	return poll(&p, 1, 0) == 0;
}

/* How many bytes were written. */
static size_t
write_bytes(struct str s)
{
	ssize_t n;

	do
		n = is_socket ? send(log_fd, s.p, s.n, MSG_DONTWAIT | MSG_NOSIGNAL) : write(log_fd, s.p, s.n);
	while (n < 0 && errno == EINTR);
	return n > 0 ? (size_t)n : 0;
}

/* Behind a line that was torn: ends it first, with the same write. */
static size_t
write_behind_torn(struct str s)
{
	char bytes[1 + LINE_SIZE];
	size_t n;

	assert(s.n < sizeof(bytes));
	bytes[0] = '\n';
	memcpy(bytes + 1, s.p, s.n);
	n = write_bytes(str_from(bytes, 1 + s.n));
	if (n == 0)
		atomic_store(&torn, true);
	return n > 0 ? n - 1 : 0;
}

/*
 * Returns how many bytes were written.  A pipe or a socket takes a piece of this size whole or not at all; a file on a
 * disk that is full may take a part of it.
 */
static size_t
write_piece(struct str s)
{
	size_t n;

	if (looks_first && is_full())
		return 0;
	n = atomic_exchange(&torn, false) ? write_behind_torn(s) : write_bytes(s);
	if (n > 0 && s.p[n - 1] != '\n')
		atomic_store(&torn, true);
	return n;
}

/* Logs how many lines were lost, as soon as a line can be written again. */
static void
report_lost(void)
{
	uint64_t n = atomic_exchange(&lost_unreported, 0);
	struct log_field fields[] = { log_number("lines", (int64_t)n), { .kind = LOG_END } };
	struct buf line;

	if (n == 0)
		return;
	buf_init(&line, LINE_SIZE);
	put_log_line(&line, (enum log_format)atomic_load(&log_format), LOG_WARN, "lines of the log were lost", fields);
	if (write_piece(buf_str(&line)) < line.n)
		(void)atomic_fetch_add(&lost_unreported, n);
	buf_free(&line);
}

/* Of a piece, these bytes were not written: a line is lost unless all of it was written. */
static void
count_lost(struct str left)
{
	uint64_t n = 0;

	for (size_t i = 0; i < left.n; i++)
		n += left.p[i] == '\n';
	if (n == 0)
		return;
	(void)atomic_fetch_add(&lost, n);
	(void)atomic_fetch_add(&lost_unreported, n);
}

/* As many whole lines as one write(2) does not split. */
static struct str
first_piece(struct str lines)
{
	struct str piece = str_first(lines, LINE_SIZE);
	const char *newline = memrchr(piece.p, '\n', piece.n);

	return newline != NULL ? str_first(piece, (size_t)(newline - piece.p) + 1) : piece;
}

void
log_send(struct buf *lines)
{
	struct str left = buf_str(lines);
	int saved = errno;

	while (left.n > 0) {
		struct str piece = first_piece(left);
		size_t written;

		if (atomic_load_explicit(&lost_unreported, memory_order_relaxed) > 0)
			report_lost();
		written = write_piece(piece);
		count_lost(str_skip(piece, written));
		left = str_skip(left, piece.n);
	}
	buf_clear(lines);
	errno = saved;
}

void
log_gather(struct buf *lines, enum log_level level, const char *msg, const struct log_field *fields)
{
	enum log_format format = (enum log_format)atomic_load_explicit(&log_format, memory_order_relaxed);

	put_log_line(lines, format, level, msg, fields);
}

void
log_write(enum log_level level, const char *msg, const struct log_field *fields)
{
	struct buf line;

	if (!log_enabled(level))
		return;
	buf_init(&line, LINE_SIZE);
	log_gather(&line, level, msg, fields);
	log_send(&line);
	buf_free(&line);
}

/*
 * A pipe is opened a second time, since O_NONBLOCK belongs to the open file description, which other processes
 * share.  The kernel refuses that where another user owns the pipe; then poll(2) is asked before each write.
 */
void
log_never_wait(void)
{
	struct stat st;
	int fd;

	if (fstat(STDERR_FILENO, &st) != 0)
		return;
	is_socket = S_ISSOCK(st.st_mode);
	if (!S_ISFIFO(st.st_mode))
		return;
	fd = open("/proc/self/fd/2", O_WRONLY | O_NONBLOCK | O_CLOEXEC);
	if (fd >= 0)
		log_fd = fd;
	looks_first = fd < 0;
}

uint64_t
log_lost(void)
{
	return atomic_load(&lost);
}
