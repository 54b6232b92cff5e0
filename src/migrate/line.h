/* SPDX-License-Identifier: EPL-2.0 */
/*
 * migrate_line: the lines of an export.  Used by export, import and reader.
 *
 * An export is NDJSON: each line is a JSON object (RFC 8259) and ends with LF.
 *
 *   {"hulykvs_export":1,"program":"0.2.0","schema":"S4__modified","values":"stored","difference":false,"rows":2}
 *   {"workspace":"…","namespace":"…","key":"…","value":"…","md5":"…","modified":"2026-01-02T03:04:05.678901Z"}
 *   {"workspace":"…","namespace":"…","key":"…","md5":"…","deleted":true}
 *   {"rows":2,"sha256":"…"}
 *
 * The first is the header.  values: "stored" (sealed values as they are in the
 * database) or "opened".  rows: lines between header and closing line; null in
 * a difference.  A line with `deleted`, in a difference only, asks for the row
 * to be deleted if its column md5 still holds this.  value is base64 (RFC 4648
 * 4), md5 the column md5 in hexadecimal digits; modified may be null.  sha256
 * is that of all bytes before the closing line.
 */
#ifndef HULYKVS_MIGRATE_LINE_H
#define HULYKVS_MIGRATE_LINE_H

#include "codec/json.h"
#include "store/seal.h"

#define MIGRATE_LINE_FORMAT 1
#define MIGRATE_LINE_MAX    ((size_t)256 << 20) /* bytes of a line */

/* The largest value and names whose line is short enough: a byte of a name takes six at most. */
#define MIGRATE_LINE_FITS(value, names) ((value) / 3 * 4 + 6 * (names) + 1024 <= MIGRATE_LINE_MAX)

/* Microseconds since 2000-01-01T00:00:00Z, as timestamptz has it; none: no time is known. */
#define MIGRATE_NO_TIME INT64_MIN

struct migrate_header {
	bool opened, difference;
	int64_t rows; /* -1: not known */
};

struct migrate_row {
	struct seal_place place;
	struct str value;
	struct md5 md5; /* the column, not always that of the value */
	int64_t modified;
	bool deleted; /* then there is neither a value nor a time */
};

struct migrate_end {
	int64_t rows;
	struct sha256 sum;
};

enum migrate_line_kind { MIGRATE_LINE_HEADER, MIGRATE_LINE_ROW, MIGRATE_LINE_END };

/* What a line says; header, row or end by its kind.  The row borrows from json and value. */
struct migrate_line {
	enum migrate_line_kind kind;
	struct migrate_header header;
	struct migrate_row row;
	struct migrate_end end;
	cJSON *json;      /* owned */
	struct buf value; /* owned */
};

/* Append a line with its LF. */
void migrate_line_put_header(struct buf *out, const struct migrate_header *header, const char *schema);
void migrate_line_put_row(struct buf *out, const struct migrate_row *row);
void migrate_line_put_end(struct buf *out, const struct migrate_end *end);

void migrate_line_init(struct migrate_line *line);

/* What migrate_line_read() returns if there is no memory. */
extern const char migrate_line_no_memory[];

/*
 * Reads a line without its LF; what was read before is gone.  NULL, or what is wrong with it, without a byte of it.
 * Whether value and md5 fit is for the caller to look at.
 */
const char *migrate_line_read(struct migrate_line *line, struct str text) __attribute__((warn_unused_result));

void migrate_line_free(struct migrate_line *line);

#endif
