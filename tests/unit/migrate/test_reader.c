/* SPDX-License-Identifier: EPL-2.0 */
#include "migrate/reader.h"

#include <stdlib.h>
#include <unistd.h>

#include "lib/tap.h"

#define ROWS 5

/* An export of ROWS rows; at[i] is where line i begins. */
struct sample {
	struct buf text;
	size_t at[ROWS + 3];
};

static void
make(struct sample *s, bool opened)
{
	struct migrate_row row = { .place = { .ns = STR("n"), .key = STR("k") }, .modified = 0 };
	struct migrate_end end = { .rows = ROWS };

	buf_init(&s->text, 1 << 20);
	s->at[0] = 0;
	migrate_line_put_header(&s->text, &(struct migrate_header){ .opened = opened, .rows = ROWS }, "x");
	for (int i = 0; i < ROWS; i++) {
		s->at[i + 1] = s->text.n;
		row.value = str_first(STR("value"), (size_t)i);
		if (!digest_md5(row.value, &row.md5))
			tap_bail("no MD5");
		migrate_line_put_row(&s->text, &row);
	}
	s->at[ROWS + 1] = s->text.n;
	if (!digest_sha256(buf_str(&s->text), &end.sum))
		tap_bail("no SHA-256");
	migrate_line_put_end(&s->text, &end);
	s->at[ROWS + 2] = s->text.n;
}

/* Reads these bytes; how many rows came, and how it ended. */
static int
read_all(struct str bytes, enum migrate_reader_result *result, struct buf *why)
{
	struct migrate_reader r;
	char path[] = "/tmp/hkv-reader.XXXXXX";
	int fd = mkstemp(path), rows = 0;

	if (fd < 0 || write(fd, bytes.p, bytes.n) != (ssize_t)bytes.n || lseek(fd, 0, SEEK_SET) != 0)
		tap_bail("no file");
	(void)unlink(path);
	migrate_reader_init(&r, fd);
	while ((*result = migrate_reader_next(&r)) == MIGRATE_READER_ROW)
		rows++;
	buf_clear(why);
	buf_puts(why, buf_str(&r.why));
	migrate_reader_free(&r);
	(void)close(fd);
	return rows;
}

static void
whole(struct str bytes)
{
	enum migrate_reader_result result;
	struct buf why;
	int rows;

	buf_init(&why, 1024);
	rows = read_all(bytes, &result, &why);
	tap_ok(result == MIGRATE_READER_END, "a whole export is read to its end: %s", tap_show(buf_str(&why)));
	tap_int(rows, ROWS, "with all rows");
	buf_free(&why);
}

/* Refused, with these words in what is said. */
static void
wrong(struct str bytes, const char *words, const char *what)
{
	enum migrate_reader_result result;
	struct buf why;

	buf_init(&why, 1024);
	(void)read_all(bytes, &result, &why);
	tap_ok(result == MIGRATE_READER_WRONG && memmem(why.p, why.n, words, strlen(words)) != NULL, "%s: %s", what,
	    tap_show(buf_str(&why)));
	buf_free(&why);
}

static void
cut_anywhere(const struct sample *s)
{
	enum migrate_reader_result result;
	struct buf why;
	int ended = 0, wrong_rows = 0;

	buf_init(&why, 1024);
	for (size_t n = 0; n < s->text.n; n++) {
		int rows = read_all(str_first(buf_str(&s->text), n), &result, &why);

		ended += result == MIGRATE_READER_END;
		wrong_rows += rows > ROWS;
	}
	tap_int(ended, 0, "cut anywhere, it is never whole");
	tap_int(wrong_rows, 0, "and has never more rows");
	ended = 0;
	for (size_t n = 1; n < s->text.n; n++) {
		(void)read_all(str_skip(buf_str(&s->text), n), &result, &why);
		ended += result == MIGRATE_READER_END;
	}
	tap_int(ended, 0, "nor is it with its start cut off");
	buf_free(&why);
}

static void
every_byte(const struct sample *s)
{
	enum migrate_reader_result result;
	struct buf why;
	int ended = 0;

	buf_init(&why, 1024);
	for (size_t n = 0; n < s->text.n; n++) {
		s->text.p[n] ^= 1;
		(void)read_all(buf_str(&s->text), &result, &why);
		s->text.p[n] ^= 1;
		/* Letters of hexadecimal digits have one bit in common with their capitals, which is another one. */
		ended += result == MIGRATE_READER_END;
	}
	tap_int(ended, 0, "with any byte changed it is not whole");
	buf_free(&why);
}

/* The sample without line number `without`, and with line number `twice` two times; -1: none. */
static struct str
edited(const struct sample *s, struct buf *out, int without, int twice)
{
	buf_clear(out);
	for (int i = 0; i < ROWS + 2; i++)
		for (int times = i == without ? 0 : i == twice ? 2 : 1; times > 0; times--)
			buf_put(out, s->text.p + s->at[i], s->at[i + 1] - s->at[i]);
	return buf_str(out);
}

static void
damaged(const struct sample *s)
{
	struct buf out;

	buf_init(&out, 1 << 20);
	wrong(STR(""), "line 1: the file is empty", "nothing");
	wrong(STR("\n"), "line 1: not the header", "an empty line");
	wrong(STR("PGDMP"), "line 1: the file is cut: this line has no end", "a dump of pg_dump");
	wrong(edited(s, &out, 0, -1), "line 1: not the header", "without its header");
	wrong(edited(s, &out, 2, -1), "line 6: the file is cut or damaged: the number of rows", "without a row");
	wrong(edited(s, &out, -1, 2), "line 8: the file is cut or damaged: the number of rows", "with a row twice");
	wrong(edited(s, &out, ROWS + 1, -1), "line 7: the file is cut: the closing line", "without its closing line");
	wrong(edited(s, &out, -1, ROWS + 1), "line 7: more follows", "with its closing line twice");
	wrong(edited(s, &out, -1, 0), "line 2: a second header", "with its header twice");
	wrong(edited(s, &out, 2, 3), "line 7: the file is damaged: its SHA-256", "with another row instead");
	buf_free(&out);
}

static void
values(void)
{
	static const char header[] = "{\"hulykvs_export\":1,\"values\":\"%s\",\"difference\":false,\"rows\":1}\n";
	static const char row[] =
	    "{\"workspace\":\"0f0e0d0c-0b0a-0908-0706-050403020100\",\"namespace\":\"n\",\"key\":\"k\","
	    "\"value\":\"%s\",\"md5\":\"900150983cd24fb0d6963f7d28e17f72\",\"modified\":null}\n";
	struct buf text;

	buf_init(&text, 1 << 20);
	buf_printf(&text, header, "stored");
	buf_printf(&text, row, "YWJk");
	wrong(buf_str(&text), "line 2: the value does not have the MD5", "another value");
	buf_clear(&text);
	buf_printf(&text, header, "stored");
	buf_printf(&text, row, "iUhLVlNFQUwB");
	wrong(buf_str(&text), "line 3: the file is cut", "a sealed value is no error by itself");
	buf_clear(&text);
	buf_printf(&text, header, "opened");
	buf_printf(&text, row, "iUhLVlNFQUwB");
	wrong(buf_str(&text), "line 2: the value does not have the MD5", "but it is one among opened values");
	buf_clear(&text);
	buf_printf(&text, header, "stored");
	buf_puts(&text,
	    STR("{\"workspace\":\"0f0e0d0c-0b0a-0908-0706-050403020100\",\"namespace\":\"n\",\"key\":\"k\","
		"\"md5\":\"900150983cd24fb0d6963f7d28e17f72\",\"deleted\":true}\n"));
	wrong(buf_str(&text), "line 2: deletes a row", "a deletion outside of a difference");
	buf_free(&text);
}

int
main(void)
{
	struct sample s;

	make(&s, false);
	whole(buf_str(&s.text));
	cut_anywhere(&s);
	every_byte(&s);
	damaged(&s);
	values();
	buf_free(&s.text);
	digest_thread_end();
	return tap_end();
}
