/* SPDX-License-Identifier: EPL-2.0 */
#include "codec/json.h"

#include <errno.h>
#include <stdint.h>

#include "base/digest.h"
#include "base/utf8.h"

#define EACH_BYTE UINT64_C(0x0101010101010101)

/*
 * cJSON is more lenient than RFC 8259: it takes every byte up to 0x20 for
 * white space, raw control characters in strings, "\uXYZW" for a NUL, numbers
 * like 01 and 1., and a byte order mark.  The scan below refuses these first;
 * cJSON then checks the structure.  Each skip_ function begins at the first byte
 * of what it skips and returns the byte after it, or NULL where it is malformed.
 */

static bool
is_space(char c)
{
	return c == ' ' || c == '\t' || c == '\n' || c == '\r'; /* RFC 8259 2 */
}

/* RFC 8259 7; short escapes are left to cJSON.  p[1] exists, since the text ends with a brace. */
static const char *
skip_escape(const char *p, const char *end)
{
	unsigned char unit[2];

	if (p[1] != 'u')
		return p + 2;
	if (end - p < 6 || !digest_unhex(str_from(p + 2, 4), unit, sizeof(unit)))
		return NULL;
	return unit[0] != 0 || unit[1] != 0 ? p + 6 : NULL;
}

static const char *
skip_string(const char *p, const char *end)
{
	for (p++; p != NULL && p < end;) {
		if (*p == '"')
			return p + 1;
		if ((unsigned char)*p < 0x20)
			return NULL;
		p = *p == '\\' ? skip_escape(p, end) : p + 1;
	}
	return NULL;
}

static const char *
skip_json_digits(const char *p, const char *end)
{
	const char *start = p;

	while (p < end && str_is_digit(*p))
		p++;
	return p > start ? p : NULL;
}

/* RFC 8259 6.  Reads no byte after the end, since the text ends with a brace. */
static const char *
skip_number(const char *p, const char *end)
{
	if (*p == '-')
		p++;
	p = *p == '0' ? p + 1 : skip_json_digits(p, end);
	if (p != NULL && *p == '.')
		p = skip_json_digits(p + 1, end);
	if (p != NULL && (*p == 'e' || *p == 'E')) {
		p++;
		p = skip_json_digits(*p == '+' || *p == '-' ? p + 1 : p, end);
	}
	return p != NULL && !str_is_digit(*p) ? p : NULL;
}

/* marks: how many of { [ : , there may be. */
static enum json_fault
scan(struct str s, size_t marks)
{
	const char *p = s.p, *end = s.p + s.n;

	while (p != NULL && p < end) {
		if (*p == '"')
			p = skip_string(p, end);
		else if (*p == '-' || str_is_digit(*p))
			p = skip_number(p, end);
		else if ((unsigned char)*p <= 0x20 && !is_space(*p))
			p = NULL;
		else if ((*p == '{' || *p == '[' || *p == ':' || *p == ',') && marks-- == 0)
			return JSON_LARGE;
		else
			p++;
	}
	return p != NULL ? JSON_FINE : JSON_MALFORMED;
}

/* Whether there is a NUL in it, also as an escape.  For the text of a refusal. */
static bool
has_nul(struct str s)
{
	static const char escape[] = "\\u0000";

	return s.n > 0 && (memchr(s.p, '\0', s.n) != NULL || memmem(s.p, s.n, escape, sizeof(escape) - 1) != NULL);
}

static bool
repeats_a_name(const cJSON *object)
{
	for (const cJSON *a = object->child; a != NULL; a = a->next)
		for (const cJSON *b = a->next; b != NULL; b = b->next)
			if (strcmp(a->string, b->string) == 0)
				return true;
	return false;
}

static struct str
trim_space(struct str s)
{
	while (s.n > 0 && is_space(s.p[0]))
		s = str_skip(s, 1);
	while (s.n > 0 && is_space(s.p[s.n - 1]))
		s.n--;
	return s;
}

static enum json_fault
look_for_fault(struct str s, size_t marks)
{
	enum json_fault fault;

	if (!utf8_valid(s))
		return JSON_NOT_UTF8;
	/* A brace at the end also prevents that cJSON 1.7.15 reads one byte after s after a comma. */
	fault = s.n >= 2 && s.p[0] == '{' && s.p[s.n - 1] == '}' ? scan(s, marks) : JSON_MALFORMED;
	return fault == JSON_MALFORMED && has_nul(s) ? JSON_NUL : fault;
}

cJSON *
json_parse_body(struct str s, size_t marks, enum json_fault *fault)
{
	const char *end = NULL;
	cJSON *object;

	s = trim_space(s);
	*fault = look_for_fault(s, marks);
	if (*fault != JSON_FINE)
		return NULL;
	errno = 0; /* cJSON does not tell why, but its malloc does */
	object = cJSON_ParseWithLengthOpts(s.p, s.n, &end, false);
	if (object == NULL)
		*fault = errno == ENOMEM ? JSON_NO_MEMORY : JSON_MALFORMED;
	else if (end != s.p + s.n)
		*fault = JSON_MALFORMED;
	else if (repeats_a_name(object))
		*fault = JSON_REPEATED;
	if (*fault == JSON_FINE)
		return object;
	cJSON_Delete(object);
	return NULL;
}

cJSON *
json_parse_object(struct str s)
{
	enum json_fault fault;
	cJSON *object = json_parse_body(s, SIZE_MAX, &fault);

	errno = fault == JSON_NO_MEMORY ? ENOMEM : 0;
	return object;
}

/* The letter after the backslash; 'u' where there is no short form. */
static char
escape_letter(char c)
{
	switch (c) {
	case '\b':
		return 'b';
	case '\t':
		return 't';
	case '\n':
		return 'n';
	case '\f':
		return 'f';
	case '\r':
		return 'r';
	case '"':
	case '\\':
		return c;
	default:
		return 'u';
	}
}

static void
put_escaped(struct buf *b, char c)
{
	char letter = escape_letter(c);

	if (letter == 'u') {
		buf_printf(b, "\\u%04x", (unsigned)(unsigned char)c);
	} else {
		char escaped[2] = { '\\', letter };
		buf_put(b, escaped, sizeof(escaped));
	}
}

/* Whether one of the eight bytes is below `limit` (up to 0x80); a byte of 0x80 or more never is. */
static uint64_t
any_below(uint64_t bytes, uint64_t limit)
{
	return (bytes - limit * EACH_BYTE) & ~bytes & (0x80 * EACH_BYTE);
}

/* Bytes at the start of s that need no escape, eight at a time: lists hold 200,000 keys. */
static size_t
plain_bytes(struct str s)
{
	size_t n = 0;

	for (uint64_t bytes; s.n - n >= sizeof(bytes); n += sizeof(bytes)) {
		memcpy(&bytes, s.p + n, sizeof(bytes));
		if ((any_below(bytes, 0x20) | any_below(bytes ^ '"' * EACH_BYTE, 1) |
			any_below(bytes ^ '\\' * EACH_BYTE, 1)) != 0)
			break;
	}
	while (n < s.n && (unsigned char)s.p[n] >= 0x20 && s.p[n] != '"' && s.p[n] != '\\')
		n++;
	return n;
}

void
json_put_string(struct buf *b, struct str s)
{
	size_t n;

	buf_putc(b, '"');
	while ((n = plain_bytes(s)) < s.n) {
		buf_put(b, s.p, n);
		put_escaped(b, s.p[n]);
		s = str_skip(s, n + 1);
	}
	buf_puts(b, s);
	buf_putc(b, '"');
}
