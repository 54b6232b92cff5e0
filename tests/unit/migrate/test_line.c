/* SPDX-License-Identifier: EPL-2.0 */
#include "migrate/line.h"

#include "lib/tap.h"

#define WS     "\"workspace\":\"0f0e0d0c-0b0a-0908-0706-050403020100\""
#define PLACE  WS ",\"namespace\":\"n\",\"key\":\"k\""
#define MD5    "\"md5\":\"900150983cd24fb0d6963f7d28e17f72\""
#define VALUE  "\"value\":\"YWJj\""
#define HEADER "\"hulykvs_export\":1,\"program\":\"x\",\"schema\":\"x\""
#define SUM    "\"sha256\":\"00112233445566778899aabbccddeeff00112233445566778899aabbccddeeff\""

static struct migrate_row
row_of(struct str key, struct str value, int64_t modified)
{
	struct migrate_row row = { .place = { .ns = STR("n\"s"), .key = key }, .value = value, .modified = modified };

	for (unsigned char i = 0; i < 16; i++)
		row.place.workspace.b[i] = row.md5.b[i] = (unsigned char)(15 - i);
	return row;
}

/* What was written is read again. */
static void
check_row(struct str key, struct str value, int64_t modified, bool deleted)
{
	struct migrate_row row = row_of(key, value, modified);
	struct migrate_line line;
	struct buf text;
	const char *wrong;

	row.deleted = deleted;
	buf_init(&text, 65536);
	migrate_line_init(&line);
	migrate_line_put_row(&text, &row);
	tap_ok(buf_ok(&text) && text.n > 0 && text.p[text.n - 1] == '\n', "a line of %s ends", tap_show(key));
	wrong = migrate_line_read(&line, tap_edge(str_from(text.p, text.n - 1)));
	tap_ok(wrong == NULL && line.kind == MIGRATE_LINE_ROW, "it is read again: %s", wrong != NULL ? wrong : "");
	tap_ok(uuid_eq(&line.row.place.workspace, &row.place.workspace), "with its workspace");
	tap_text(line.row.place.ns, row.place.ns, "its namespace");
	tap_text(line.row.place.key, key, "its key");
	tap_ok(memcmp(&line.row.md5, &row.md5, sizeof(row.md5)) == 0, "its MD5");
	tap_ok(line.row.deleted == deleted, "and whether it is deleted");
	if (!deleted) {
		tap_text(line.row.value, value, "its value");
		tap_int(line.row.modified, modified, "its time");
	}
	migrate_line_free(&line);
	buf_free(&text);
}

static void
check_time(int64_t time, struct str text)
{
	struct migrate_row row = row_of(STR("k"), STR("v"), time);
	struct buf out;

	buf_init(&out, 65536);
	migrate_line_put_row(&out, &row);
	buf_putc(&out, '\0');
	tap_ok(memmem(out.p, out.n, text.p, text.n) != NULL, "%s is written", tap_show(text));
	buf_free(&out);
}

static void
header_and_end(void)
{
	struct migrate_header header = { .opened = true, .rows = 12345678901 };
	struct migrate_end end = { .rows = 7 };
	struct migrate_line line;
	struct buf text;

	for (unsigned char i = 0; i < 32; i++)
		end.sum.b[i] = i;
	buf_init(&text, 65536);
	migrate_line_init(&line);
	migrate_line_put_header(&text, &header, "S4__modified");
	tap_ok(migrate_line_read(&line, buf_str(&text)) == NULL, "a header is read again");
	tap_ok(line.kind == MIGRATE_LINE_HEADER && line.header.opened && !line.header.difference, "with its form");
	tap_int(line.header.rows, header.rows, "and the number of rows");
	buf_clear(&text);
	header = (struct migrate_header){ .difference = true, .rows = -1 };
	migrate_line_put_header(&text, &header, "S4__modified");
	tap_ok(migrate_line_read(&line, buf_str(&text)) == NULL && line.header.difference && line.header.rows == -1,
	    "that of a difference has no number");
	buf_clear(&text);
	migrate_line_put_end(&text, &end);
	tap_ok(migrate_line_read(&line, buf_str(&text)) == NULL && line.kind == MIGRATE_LINE_END &&
		line.end.rows == 7 && memcmp(&line.end.sum, &end.sum, sizeof(end.sum)) == 0,
	    "a closing line is read again");
	migrate_line_free(&line);
	buf_free(&text);
}

static const struct str refused[] = {
	TEXT(""),
	TEXT("x"),
	TEXT("[]"),
	TEXT("{}"),
	TEXT("{" PLACE "," MD5 "," VALUE ",\"modified\":null"),
	TEXT("{" PLACE "," MD5 "," VALUE ",\"modified\":null}x"),
	TEXT("{" PLACE "," MD5 "," VALUE ",\"modified\":null," VALUE "}"),
	TEXT("{" PLACE "," MD5 "," VALUE ",\"modified\":null,\"other\":1}"),
	/* A place. */
	TEXT("{\"workspace\":\"0f0e0d0c\",\"namespace\":\"n\",\"key\":\"k\"," MD5 "," VALUE ",\"modified\":null}"),
	TEXT("{\"workspace\":1,\"namespace\":\"n\",\"key\":\"k\"," MD5 "," VALUE ",\"modified\":null}"),
	TEXT("{" WS ",\"namespace\":null,\"key\":\"k\"," MD5 "," VALUE ",\"modified\":null}"),
	TEXT("{" WS ",\"namespace\":\"n\"," MD5 "," VALUE ",\"modified\":null}"),
	TEXT("{" WS ",\"namespace\":\"n\",\"key\":\"a\\u0000b\"," MD5 "," VALUE ",\"modified\":null}"),
	TEXT("{" WS ",\"namespace\":\"n\",\"key\":\"\xff\"," MD5 "," VALUE ",\"modified\":null}"),
	/* MD5 and value. */
	TEXT("{" PLACE "," VALUE ",\"modified\":null}"),
	TEXT("{" PLACE ",\"md5\":\"900150983cd24fb0d6963f7d28e17f7\"," VALUE ",\"modified\":null}"),
	TEXT("{" PLACE ",\"md5\":\"900150983cd24fb0d6963f7d28e17f7g\"," VALUE ",\"modified\":null}"),
	TEXT("{" PLACE "," MD5 ",\"modified\":null}"),
	TEXT("{" PLACE "," MD5 ",\"value\":null,\"modified\":null}"),
	TEXT("{" PLACE "," MD5 ",\"value\":\"YWJ\",\"modified\":null}"),
	TEXT("{" PLACE "," MD5 ",\"value\":\"YW_j\",\"modified\":null}"),
	/* Times. */
	TEXT("{" PLACE "," MD5 "," VALUE "}"),
	TEXT("{" PLACE "," MD5 "," VALUE ",\"modified\":1}"),
	TEXT("{" PLACE "," MD5 "," VALUE ",\"modified\":\"\"}"),
	TEXT("{" PLACE "," MD5 "," VALUE ",\"modified\":\"2026-01-02T03:04:05Z\"}"),
	TEXT("{" PLACE "," MD5 "," VALUE ",\"modified\":\"2026-01-02 03:04:05.000000Z\"}"),
	TEXT("{" PLACE "," MD5 "," VALUE ",\"modified\":\"2026-13-02T03:04:05.000000Z\"}"),
	TEXT("{" PLACE "," MD5 "," VALUE ",\"modified\":\"2026-02-29T03:04:05.000000Z\"}"),
	TEXT("{" PLACE "," MD5 "," VALUE ",\"modified\":\"2026-01-02T24:04:05.000000Z\"}"),
	TEXT("{" PLACE "," MD5 "," VALUE ",\"modified\":\"0000-01-02T03:04:05.000000Z\"}"),
	/* Deletions. */
	TEXT("{" PLACE "," MD5 ",\"deleted\":false}"),
	TEXT("{" PLACE ",\"deleted\":true}"),
	/* Headers. */
	TEXT("{" HEADER "}"),
	TEXT("{\"hulykvs_export\":2,\"values\":\"stored\",\"difference\":false,\"rows\":1}"),
	TEXT("{\"hulykvs_export\":0,\"values\":\"stored\",\"difference\":false,\"rows\":1}"),
	TEXT("{\"hulykvs_export\":\"1\",\"values\":\"stored\",\"difference\":false,\"rows\":1}"),
	TEXT("{" HEADER ",\"values\":\"sealed\",\"difference\":false,\"rows\":1}"),
	TEXT("{" HEADER ",\"values\":\"stored\",\"difference\":0,\"rows\":1}"),
	TEXT("{" HEADER ",\"values\":\"stored\",\"difference\":false,\"rows\":-1}"),
	TEXT("{" HEADER ",\"values\":\"stored\",\"difference\":false,\"rows\":1.5}"),
	TEXT("{" HEADER ",\"values\":\"stored\",\"difference\":false,\"rows\":1e300}"),
	TEXT("{" HEADER ",\"values\":\"stored\",\"difference\":false,\"rows\":null}"),
	TEXT("{" HEADER ",\"values\":\"stored\",\"difference\":false,\"rows\":1,\"more\":1}"),
	/* Closing lines. */
	TEXT("{\"rows\":1,\"sha256\":\"00\"}"),
	TEXT("{" SUM "}"),
	TEXT("{\"rows\":\"1\"," SUM "}"),
	TEXT("{\"rows\":1," SUM ",\"more\":1}"),
};

int
main(void)
{
	struct migrate_line line;

	check_row(STR("k"), STR("value"), 0, false);
	check_row(STR("<a@b> \"\\\n\xc3\xa4"), STR("\0\xff"), 836362000123456, false);
	check_row(STR(""), STR(""), -1, false);
	check_row(STR("k"), STR("v"), MIGRATE_NO_TIME, false);
	check_row(STR("k"), STR(""), MIGRATE_NO_TIME, true);
	check_time(0, STR("\"2000-01-01T00:00:00.000000Z\""));
	check_time(-1, STR("\"1999-12-31T23:59:59.999999Z\""));
	check_time(INT64_C(252455615999999999), STR("\"9999-12-31T23:59:59.999999Z\""));
	check_time(INT64_C(252455616000000000), STR("\"modified\":null"));
	check_time(INT64_MAX, STR("\"modified\":null"));
	check_time(INT64_MIN, STR("\"modified\":null"));
	header_and_end();
	migrate_line_init(&line);
	for (size_t i = 0; i < COUNT(refused); i++)
		tap_ok(migrate_line_read(&line, tap_edge(refused[i])) != NULL, "refused: %s", tap_show(refused[i]));
	tap_ok(migrate_line_read(&line, STR("{" PLACE "," MD5 "," VALUE ",\"modified\":null}")) == NULL,
	    "what is right is read behind all that");
	tap_text(line.row.value, STR("abc"), "with its value");
	migrate_line_free(&line);
	digest_thread_end();
	return tap_end();
}
