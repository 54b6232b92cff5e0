/* SPDX-License-Identifier: EPL-2.0 */
#include "codec/toml.h"

#include "base/digest.h"
#include "base/utf8.h"

enum line {
	LINE_EMPTY, /* or a comment */
	LINE_PAIR,
	LINE_BAD,
};

static bool
is_bare(char c)
{
	return (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z') || str_is_digit(c) || c == '_' || c == '-';
}

/* TOML 1.0 bans the same control characters in comments and in strings. */
static bool
is_text(struct str line)
{
	for (size_t i = 0; i < line.n; i++) {
		unsigned char c = (unsigned char)line.p[i];
		if ((c < 0x20 && c != '\t') || c == 0x7f)
			return false;
	}
	return utf8_valid(line);
}

/* Takes c off the front of *s. */
static bool
take_char(struct str *s, char c)
{
	if (s->n == 0 || s->p[0] != c)
		return false;
	*s = str_skip(*s, 1);
	return true;
}

/* Bytes of the UTF-8 form of c, written to out; 0: no Unicode scalar value. */
static size_t
put_utf8(unsigned long c, char *out)
{
	size_t n = c < 0x80 ? 1 : c < 0x800 ? 2 : c < 0x10000 ? 3 : 4;
	static const unsigned lead[] = { 0, 0x00, 0xc0, 0xe0, 0xf0 };

	if (c > 0x10ffff || (c >= 0xd800 && c <= 0xdfff))
		return 0;
	for (size_t i = n; i-- > 1; c >>= 6)
		out[i] = (char)(0x80 | (c & 0x3f));
	out[0] = (char)(lead[n] | c);
	return n;
}

/* digits hexadecimal digits at *s, as UTF-8; 0: wrong. */
static size_t
take_code_point(struct str *s, size_t digits, char *out)
{
	unsigned char byte[4];
	unsigned long c = 0;

	if (!digest_unhex(str_first(*s, digits), byte, digits / 2))
		return 0;
	for (size_t i = 0; i < digits / 2; i++)
		c = c << 8 | byte[i];
	*s = str_skip(*s, digits);
	return put_utf8(c, out);
}

/* What follows a backslash; returns the bytes written to out (no more than it takes), 0: wrong. */
static size_t
take_escape(struct str *s, char *out)
{
	static const char letters[] = "btnfr\"\\", meanings[] = "\b\t\n\f\r\"\\";

	if (take_char(s, 'u'))
		return take_code_point(s, 4, out);
	if (take_char(s, 'U'))
		return take_code_point(s, 8, out);
	for (size_t i = 0; i < sizeof(letters) - 1; i++) {
		if (take_char(s, letters[i])) {
			*out = meanings[i];
			return 1;
		}
	}
	return 0;
}

static bool
decode_escape(struct str in, struct arena *a, struct str *out)
{
	char *p = arena_alloc(a, in.n);
	size_t n = 0, put;

	if (p == NULL)
		return false;
	while (in.n > 0) {
		if (take_char(&in, '\\')) {
			put = take_escape(&in, p + n);
			if (put == 0)
				return false;
			n += put;
		} else {
			p[n++] = in.p[0];
			in = str_skip(in, 1);
		}
	}
	*out = str_from(p, n);
	return true;
}

/* *s is after the opening quote. */
static bool
take_basic(struct str *s, struct arena *a, struct str *out)
{
	bool escaped = false;
	size_t n = 0;

	while (n < s->n && s->p[n] != '"') {
		if (s->p[n] == '\\') {
			escaped = true;
			n++;
		}
		n++;
	}
	if (n >= s->n)
		return false;
	struct str raw = str_first(*s, n);
	*s = str_skip(*s, n + 1);
	*out = raw;
	return !escaped || decode_escape(raw, a, out);
}

static bool
take_quoted(struct str *s, struct arena *a, struct str *out)
{
	if (take_char(s, '"'))
		return take_basic(s, a, out);
	return take_char(s, '\'') && str_cut(*s, '\'', out, s);
}

static bool
take_key(struct str *s, struct arena *a, struct str *out)
{
	size_t n = 0;

	while (n < s->n && is_bare(s->p[n]))
		n++;
	if (n == 0)
		return take_quoted(s, a, out);
	*out = str_first(*s, n);
	*s = str_skip(*s, n);
	return true;
}

/* Digits, with single underscores between them. */
static bool
skip_toml_digits(struct str *s)
{
	do {
		if (s->n == 0 || !str_is_digit(s->p[0]))
			return false;
		while (s->n > 0 && str_is_digit(s->p[0]))
			*s = str_skip(*s, 1);
	} while (take_char(s, '_'));
	return true;
}

static bool
is_number(struct str s)
{
	if (!take_char(&s, '-'))
		(void)take_char(&s, '+');
	if (s.n > 1 && s.p[0] == '0' && s.p[1] != '.')
		return false;
	return skip_toml_digits(&s) && (!take_char(&s, '.') || skip_toml_digits(&s)) && s.n == 0;
}

static bool
without_underscores(struct str in, struct arena *a, struct str *out)
{
	char *p = arena_alloc(a, in.n);
	size_t n = 0;

	if (p == NULL)
		return false;
	for (size_t i = 0; i < in.n; i++)
		if (in.p[i] != '_')
			p[n++] = in.p[i];
	*out = str_from(p, n);
	return true;
}

/* A number or a boolean. */
static bool
take_bare_key(struct str *s, struct arena *a, struct str *out)
{
	size_t n = 0;

	while (n < s->n && (is_bare(s->p[n]) || s->p[n] == '.' || s->p[n] == '+'))
		n++;
	*out = str_first(*s, n);
	*s = str_skip(*s, n);
	if (str_eq(*out, STR("true")) || str_eq(*out, STR("false")))
		return true;
	return is_number(*out) && without_underscores(*out, a, out);
}

static enum line
read_line(struct str s, struct arena *a, struct str *key, struct str *value)
{
	if (!is_text(s))
		return LINE_BAD;
	s = str_trim(s);
	if (s.n == 0 || s.p[0] == '#')
		return LINE_EMPTY;
	if (!take_key(&s, a, key))
		return LINE_BAD;
	s = str_trim(s);
	if (!take_char(&s, '='))
		return LINE_BAD;
	s = str_trim(s);
	bool quoted = s.n > 0 && (s.p[0] == '"' || s.p[0] == '\'');
	if (!(quoted ? take_quoted(&s, a, value) : take_bare_key(&s, a, value)))
		return LINE_BAD;
	s = str_trim(s);
	return s.n == 0 || s.p[0] == '#' ? LINE_PAIR : LINE_BAD;
}

unsigned
toml_read(struct str text, struct arena *a, toml_pair_fn *pair, void *ctx)
{
	struct str line, key, value;

	if (str_starts(text, STR("\xef\xbb\xbf")))
		text = str_skip(text, 3); /* a byte order mark, as editors on other systems leave it */
	for (unsigned number = 1; text.n > 0; number++) {
		(void)str_cut(text, '\n', &line, &text);
		if (line.n > 0 && line.p[line.n - 1] == '\r')
			line.n--;
		switch (read_line(line, a, &key, &value)) {
		case LINE_EMPTY:
			break;
		case LINE_PAIR:
			if (!pair(ctx, key, value, number))
				return 0;
			break;
		case LINE_BAD:
			return number;
		}
	}
	return 0;
}
