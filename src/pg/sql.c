/* SPDX-License-Identifier: EPL-2.0 */
#include "pg/sql.h"

#include <assert.h>
#include <stdlib.h>

static int
compare_name(const void *name, const void *file)
{
	return strcmp(name, ((const struct sql_file *)file)->name);
}

struct str
sql_find(const char *name)
{
	const struct sql_file *file = bsearch(name, sql_files, sql_file_count, sizeof(sql_files[0]), compare_name);

	return file != NULL ? file->text : STR_ABSENT;
}

struct str
sql_text(const char *name)
{
	struct str text = sql_find(name);

	assert(text.p != NULL);
	return text;
}

/* Appends a name in double quotes without them; "" inside is a quote, and the closing one may be missing. */
static void
put_unquoted(struct buf *out, struct str s)
{
	for (size_t i = 0; i < s.n; i++) {
		if (s.p[i] == '"' && (i + 1 == s.n || s.p[++i] != '"'))
			break;
		buf_putc(out, s.p[i]);
	}
}

void
sql_schema_name(struct buf *out, struct str schema)
{
	if (str_starts(schema, STR("\""))) {
		put_unquoted(out, str_skip(schema, 1));
		return;
	}
	for (size_t i = 0; i < schema.n; i++) {
		char c = schema.p[i];

		buf_putc(out, c >= 'A' && c <= 'Z' ? (char)(c - 'A' + 'a') : c);
	}
}

static void
put_identifier(struct buf *out, struct str schema)
{
	struct buf name;

	buf_init(&name, out->max);
	sql_schema_name(&name, schema);
	out->failed = out->failed || !buf_ok(&name);
	buf_putc(out, '"');
	for (size_t i = 0; i < name.n; i++) {
		if (name.p[i] == '"')
			buf_putc(out, '"');
		buf_putc(out, name.p[i]);
	}
	buf_putc(out, '"');
	buf_free(&name);
}

void
sql_render(struct buf *out, struct str text, struct str schema)
{
	static const struct str mark = STR_INIT("{schema}");

	while (text.n > 0) {
		if (str_starts(text, mark)) {
			put_identifier(out, schema);
			text = str_skip(text, mark.n);
			continue;
		}
		const char *brace = memchr(text.p + 1, '{', text.n - 1);
		size_t plain = brace != NULL ? (size_t)(brace - text.p) : text.n;

		buf_puts(out, str_first(text, plain));
		text = str_skip(text, plain);
	}
}
