/* SPDX-License-Identifier: EPL-2.0 */
#include "config/environment_file.h"

#include <stdlib.h>

#include "base/textfile.h"

struct reader {
	const char *p, *end;
	struct buf value;
};

static bool
is_blank(char c)
{
	return c == ' ' || c == '\t' || c == '\r';
}

static bool
is_variable_name(struct str s)
{
	for (size_t i = 0; i < s.n; i++) {
		char c = s.p[i];

		if (!(c == '_' || (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z') || (i > 0 && str_is_digit(c))))
			return false;
	}
	return s.n > 0;
}

/* The comment, or the line without a '=', up to its end; a backslash there joins the next line to it. */
static void
skip_rest_of_line(struct reader *r)
{
	while (r->p < r->end && *r->p != '\n')
		r->p += *r->p == '\\' && r->p + 1 < r->end ? 2 : 1;
}

/* Of a value without quotes, or inside of double ones; p is after the backslash. */
static void
take_escaped(struct reader *r, bool quoted)
{
	if (r->p == r->end)
		return;
	if (quoted && strchr("\"\\`$\n", *r->p) == NULL)
		buf_putc(&r->value, '\\');
	if (*r->p != '\n')
		buf_putc(&r->value, *r->p);
	r->p++;
}

/* p is after the opening quote. */
static bool
take_quoted_text(struct reader *r, char quote)
{
	while (r->p < r->end && *r->p != quote) {
		char c = *r->p++;

		if (c == '\\' && quote == '"')
			take_escaped(r, true);
		else
			buf_putc(&r->value, c);
	}
	return r->p++ < r->end;
}

/* The value up to the end of its line.  False: a quote that does not end. */
static bool
take_variable_value(struct reader *r)
{
	size_t kept = 0; /* blanks at the end are not part of the value */

	buf_clear(&r->value);
	while (r->p < r->end && *r->p != '\n') {
		char c = *r->p++;
		bool at_start = r->value.n == kept;

		if (at_start && is_blank(c))
			continue;
		if (at_start && (c == '\'' || c == '"')) {
			if (!take_quoted_text(r, c))
				return false;
			kept = r->value.n;
		} else if (c == '\\') {
			take_escaped(r, false);
			kept = r->value.n;
		} else {
			buf_putc(&r->value, c);
		}
	}
	while (r->value.n > kept && is_blank(r->value.p[r->value.n - 1]))
		r->value.n--;
	return true;
}

/* One variable.  NULL, or what is wrong. */
static const char *
take_variable(struct reader *r)
{
	const char *start = r->p, *equals;
	char name[128];
	struct str s;

	while (r->p < r->end && *r->p != '=' && *r->p != '\n')
		r->p++;
	if (r->p == r->end || *r->p == '\n')
		return "a line that is not NAME=value";
	equals = r->p++;
	s = str_trim(str_from(start, (size_t)(equals - start)));
	if (!is_variable_name(s) || s.n >= sizeof(name))
		return "a name that no variable can have";
	memcpy(name, s.p, s.n);
	name[s.n] = '\0';
	if (!take_variable_value(r))
		return "a quote that does not end";
	buf_putc(&r->value, '\0');
	if (!buf_ok(&r->value) || memchr(r->value.p, '\0', r->value.n) != r->value.p + r->value.n - 1)
		return "a value that holds a NUL, or no memory";
	return setenv(name, r->value.p, 1) == 0 ? NULL : "no memory";
}

static const char *
take_variables(struct reader *r)
{
	const char *wrong = NULL;

	while (wrong == NULL && r->p < r->end) {
		if (*r->p == '\n' || is_blank(*r->p))
			r->p++;
		else if (*r->p == '#' || *r->p == ';')
			skip_rest_of_line(r);
		else
			wrong = take_variable(r);
	}
	return wrong;
}

static unsigned
line_of(struct str text, const char *p)
{
	unsigned line = 1;

	for (const char *c = text.p; c < p && c < text.p + text.n; c++)
		line += *c == '\n';
	return line;
}

bool
environment_file_load(const char *path, struct buf *error)
{
	struct reader r;
	struct buf text;
	const char *wrong = textfile_read(path, TEXTFILE_OPEN, &text);

	if (wrong != NULL) {
		buf_printf(error, "%s: %s", path, wrong);
		textfile_forget(&text);
		return false;
	}
	r = (struct reader){ .p = text.p, .end = text.p + text.n };
	buf_init(&r.value, TEXTFILE_MAX + 1);
	wrong = take_variables(&r);
	if (wrong != NULL)
		buf_printf(error, "%s:%u: %s", path, line_of(buf_str(&text), r.p), wrong);
	textfile_forget(&r.value);
	textfile_forget(&text);
	return wrong == NULL;
}
