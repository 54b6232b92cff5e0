#include "base/logline.h"

#include "base/clock.h"
#include "base/utf8.h"

#define TEXT_SIZE 1024 /* of one text, escaped: a long one leaves room for the other fields */

/* ASCII characters at the start of s that may stand in a line as they are. */
static size_t
plain(struct str s)
{
	size_t n = 0;

	while (n < s.n && s.p[n] >= 0x20 && s.p[n] < 0x7f && s.p[n] != '"' && s.p[n] != '\\')
		n++;
	return n;
}

/* Bytes of the character of more than one byte that s begins with; 0: it begins with none that is printable. */
static size_t
printable(struct str s)
{
	if ((unsigned char)s.p[0] < 0x80)
		return 0;
	if ((unsigned char)s.p[0] == 0xc2 && s.n > 1 && (unsigned char)s.p[1] < 0xa0)
		return 0; /* U+0080 to U+009F: controls that a terminal obeys */
	for (size_t n = 2; n <= 4; n++)
		if (utf8_valid(str_first(s, n)))
			return n;
	return 0;
}

/* The escaped form of one byte, in out.  JSON has none for a byte that is no character (RFC 8259 7). */
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
put_text(struct buf *line, struct str s, enum log_format format)
{
	size_t end = line->n + TEXT_SIZE;

	buf_putc(line, '"');
	while (s.n > 0 && buf_ok(line)) {
		char space[6];
		size_t run = plain(s), taken;
		struct str unit;

		if (run > 0)
			run = run < end - line->n ? run : end - line->n; /* not more than fits */
		taken = run > 0 ? run : printable(s);
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
put_field(struct buf *line, const struct log_field *field, enum log_format format)
{
	size_t start = line->n;

	if (field->name == NULL)
		return;
	put_name(line, field->name, format);
	switch (field->kind) {
	case LOG_TEXT:
		put_text(line, field->text, format);
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

void
logline_put(struct buf *out, enum log_format format, enum log_level level, const char *msg,
    const struct log_field *fields)
{
	struct str end = format == LOG_JSON ? STR("}\n") : STR("\n");
	size_t max = out->max;

	if (buf_reserve(out, LOGLINE_SIZE) == NULL)
		return;
	out->max = out->n + LOGLINE_SIZE - end.n; /* the end of the line always has its place */
	put_start(out, format, level);
	put_name(out, "msg", format);
	put_text(out, str_of(msg), format);
	for (; fields->kind != LOG_END; fields++)
		put_field(out, fields, format);
	out->max = max;
	buf_puts(out, end);
}
