/* SPDX-License-Identifier: EPL-2.0 */
#include "migrate/line.h"

#include <errno.h>
#include <inttypes.h>
#include <time.h>

#include "base/base.h"
#include "base/date.h"
#include "codec/base64.h"
#include "config_build.h"

const char migrate_line_no_memory[] = "out of memory";

#define MICROSECONDS INT64_C(1000000)
#define ROWS_MAX     (INT64_C(1) << 53) /* JSON's numbers are doubles */

#define TIME_FORM "dddd-dd-ddTdd:dd:dd.ddddddZ" /* d: a digit */

static void
put_line_hex(struct buf *out, const unsigned char *p, size_t n)
{
	char hex[2 * sizeof(struct sha256)];

	digest_hex(p, n, hex);
	buf_putc(out, '"');
	buf_put(out, hex, 2 * n);
	buf_putc(out, '"');
}

/* Infinite times, and those with a year of five digits, are no times that a write was made at. */
static void
put_row_time(struct buf *out, int64_t time)
{
	if (time < DATE_FIRST - DATE_2000 || time > DATE_LAST - DATE_2000) {
		buf_puts(out, STR("null"));
		return;
	}
	buf_putc(out, '"');
	date_put_rfc3339(out, time + DATE_2000);
	buf_putc(out, '"');
}

void
migrate_line_put_header(struct buf *out, const struct migrate_header *header, const char *schema)
{
	buf_printf(out,
	    "{\"hulykvs_export\":%d,\"program\":\"%s\",\"schema\":\"%s\",\"values\":\"%s\",\"difference\":%s,\"rows\":",
	    MIGRATE_LINE_FORMAT, PACKAGE_VERSION, schema, header->opened ? "opened" : "stored",
	    header->difference ? "true" : "false");
	if (header->rows >= 0)
		buf_put_number(out, header->rows);
	else
		buf_puts(out, STR("null"));
	buf_puts(out, STR("}\n"));
}

static void
put_place(struct buf *out, const struct seal_place *place)
{
	char workspace[UUID_TEXT_SIZE];

	uuid_text(&place->workspace, workspace);
	buf_puts(out, STR("{\"workspace\":\""));
	buf_put(out, workspace, UUID_TEXT_SIZE - 1);
	buf_puts(out, STR("\",\"namespace\":"));
	json_put_string(out, place->ns);
	buf_puts(out, STR(",\"key\":"));
	json_put_string(out, place->key);
}

void
migrate_line_put_row(struct buf *out, const struct migrate_row *row)
{
	put_place(out, &row->place);
	if (!row->deleted) {
		buf_puts(out, STR(",\"value\":\""));
		base64_put(out, row->value);
		buf_putc(out, '"');
	}
	buf_puts(out, STR(",\"md5\":"));
	put_line_hex(out, row->md5.b, sizeof(row->md5.b));
	if (row->deleted) {
		buf_puts(out, STR(",\"deleted\":true}\n"));
		return;
	}
	buf_puts(out, STR(",\"modified\":"));
	put_row_time(out, row->modified);
	buf_puts(out, STR("}\n"));
}

void
migrate_line_put_end(struct buf *out, const struct migrate_end *end)
{
	buf_printf(out, "{\"rows\":%" PRId64 ",\"sha256\":", end->rows);
	put_line_hex(out, end->sum.b, sizeof(end->sum.b));
	buf_puts(out, STR("}\n"));
}

void
migrate_line_init(struct migrate_line *line)
{
	*line = (struct migrate_line){ .kind = MIGRATE_LINE_HEADER };
	buf_init(&line->value, MIGRATE_LINE_MAX);
}

void
migrate_line_free(struct migrate_line *line)
{
	cJSON_Delete(line->json);
	line->json = NULL;
	buf_free(&line->value);
}

/* Absent: it is not there, or is no string. */
static struct str
text_member(const cJSON *object, const char *name)
{
	return str_of(cJSON_GetStringValue(cJSON_GetObjectItemCaseSensitive(object, name)));
}

/* A whole number from 0 on. */
static bool
read_count(const cJSON *object, const char *name, int64_t *n)
{
	const cJSON *member = cJSON_GetObjectItemCaseSensitive(object, name);

	if (!cJSON_IsNumber(member) || member->valuedouble < 0 || member->valuedouble > (double)ROWS_MAX)
		return false;
	*n = (int64_t)member->valuedouble;
	return (double)*n == member->valuedouble;
}

static bool
read_digits(struct str *s, size_t n, int *number)
{
	*number = 0;
	for (size_t i = 0; i < n; i++)
		*number = *number * 10 + (s->p[i] - '0');
	*s = str_skip(*s, n + 1); /* and what follows them */
	return true;
}

static bool
has_time_form(struct str s)
{
	static const char form[] = TIME_FORM;

	if (s.n != sizeof(form) - 1)
		return false;
	for (size_t i = 0; i < s.n; i++)
		if (form[i] == 'd' ? !str_is_digit(s.p[i]) : s.p[i] != form[i])
			return false;
	return true;
}

/* As put_row_time() writes it. */
static bool
read_row_time(struct str s, int64_t *time)
{
	struct tm t = { .tm_isdst = 0 }, again;
	int year, month, micro;
	time_t seconds;

	if (!has_time_form(s) || !read_digits(&s, 4, &year) || !read_digits(&s, 2, &month) ||
	    !read_digits(&s, 2, &t.tm_mday) || !read_digits(&s, 2, &t.tm_hour) || !read_digits(&s, 2, &t.tm_min) ||
	    !read_digits(&s, 2, &t.tm_sec) || !read_digits(&s, 6, &micro))
		return false;
	t.tm_year = year - 1900;
	t.tm_mon = month - 1;
	again = t;
	seconds = timegm(&again);
	*time = seconds * MICROSECONDS + micro - DATE_2000;
	/* timegm() takes the 31st of February for a day of March. */
	return again.tm_mon == t.tm_mon && again.tm_mday == t.tm_mday && again.tm_hour == t.tm_hour &&
	    again.tm_min == t.tm_min && again.tm_sec == t.tm_sec && *time >= DATE_FIRST - DATE_2000;
}

static const char *
read_header(struct migrate_line *line)
{
	struct migrate_header *header = &line->header;
	struct str values = text_member(line->json, "values");
	const cJSON *difference = cJSON_GetObjectItemCaseSensitive(line->json, "difference");
	int64_t format;

	line->kind = MIGRATE_LINE_HEADER;
	if (!read_count(line->json, "hulykvs_export", &format) || format == 0)
		return "hulykvs_export is not the number of a format";
	if (format > MIGRATE_LINE_FORMAT)
		return "written by a newer program, in a format that this one does not know";
	header->opened = str_eq(values, STR("opened"));
	if (!header->opened && !str_eq(values, STR("stored")))
		return "values is neither stored nor opened";
	if (!cJSON_IsBool(difference))
		return "difference is neither true nor false";
	header->difference = cJSON_IsTrue(difference);
	header->rows = -1;
	if (!read_count(line->json, "rows", &header->rows) &&
	    !(header->difference && cJSON_IsNull(cJSON_GetObjectItemCaseSensitive(line->json, "rows"))))
		return "rows is not a number of rows";
	return NULL;
}

static const char *
read_end(struct migrate_line *line, struct str sum)
{
	line->kind = MIGRATE_LINE_END;
	if (!read_count(line->json, "rows", &line->end.rows))
		return "rows is not a number of rows";
	if (!digest_unhex(sum, line->end.sum.b, sizeof(line->end.sum.b)))
		return "sha256 is not 64 hexadecimal digits";
	return NULL;
}

static const char *
read_place(struct migrate_line *line)
{
	struct seal_place *place = &line->row.place;
	struct str workspace = text_member(line->json, "workspace");

	place->ns = text_member(line->json, "namespace");
	place->key = text_member(line->json, "key");
	if (workspace.p == NULL || !uuid_parse(workspace, &place->workspace))
		return "workspace is not a UUID";
	if (place->ns.p == NULL)
		return "namespace is not a string";
	if (place->key.p == NULL)
		return "key is not a string";
	return NULL;
}

static const char *
read_line_value(struct migrate_line *line)
{
	struct str value = text_member(line->json, "value");
	const cJSON *modified = cJSON_GetObjectItemCaseSensitive(line->json, "modified");

	buf_clear(&line->value);
	if (value.p == NULL || !base64_decode(value, &line->value))
		return "value is not base64";
	if (!buf_ok(&line->value))
		return migrate_line_no_memory;
	line->row.value = buf_str(&line->value);
	line->row.modified = MIGRATE_NO_TIME;
	if (!cJSON_IsNull(modified) && !read_row_time(text_member(line->json, "modified"), &line->row.modified))
		return "modified is neither a time nor null";
	return NULL;
}

static const char *
read_line_row(struct migrate_line *line)
{
	const cJSON *deleted = cJSON_GetObjectItemCaseSensitive(line->json, "deleted");
	struct str md5 = text_member(line->json, "md5");
	const char *wrong = read_place(line);

	line->kind = MIGRATE_LINE_ROW;
	line->row.deleted = deleted != NULL;
	if (wrong != NULL)
		return wrong;
	if (!digest_unhex(md5, line->row.md5.b, sizeof(line->row.md5.b)))
		return "md5 is not 32 hexadecimal digits";
	if (deleted == NULL)
		return read_line_value(line);
	return cJSON_IsTrue(deleted) ? NULL : "deleted is not true";
}

/* What each kind may have, and nothing else. */
static const char *const header_names[] = { "hulykvs_export", "program", "schema", "values", "difference", "rows" };
static const char *const row_names[] = { "workspace", "namespace", "key", "value", "md5", "modified", "deleted" };
static const char *const end_names[] = { "rows", "sha256" };

static bool
has_other_names(const cJSON *object, const char *const *names, size_t n)
{
	for (const cJSON *member = object->child; member != NULL; member = member->next) {
		size_t i = 0;

		while (i < n && strcmp(member->string, names[i]) != 0)
			i++;
		if (i == n)
			return true;
	}
	return false;
}

const char *
migrate_line_read(struct migrate_line *line, struct str text)
{
	static const char unknown[] = "a member that is not known";
	struct str sum;

	cJSON_Delete(line->json);
	line->json = json_parse_object(text);
	if (line->json == NULL)
		return errno == ENOMEM ? migrate_line_no_memory : "not a JSON object";
	if (cJSON_HasObjectItem(line->json, "hulykvs_export")) {
		if (has_other_names(line->json, header_names, ARRAY_SIZE(header_names)))
			return unknown;
		return read_header(line);
	}
	sum = text_member(line->json, "sha256");
	if (sum.p != NULL) {
		if (has_other_names(line->json, end_names, ARRAY_SIZE(end_names)))
			return unknown;
		return read_end(line, sum);
	}
	if (has_other_names(line->json, row_names, ARRAY_SIZE(row_names)))
		return unknown;
	return read_line_row(line);
}
