/* SPDX-License-Identifier: EPL-2.0 */
#include "migrate/export.h"

#include <endian.h>
#include <errno.h>
#include <inttypes.h>

#include "base/log.h"
#include "migrate/backend.h"
#include "migrate/cell.h"
#include "migrate/line.h"
#include "migrate/progress.h"
#include "migrate/session.h"
#include "pg/array.h"

#define PIECE        ((size_t)256 * 1024) /* bytes that are written at once */
#define WANTED_BATCH 500                  /* rows of a difference that are asked for at once */
#define NOBODY       "00000000-0000-0000-0000-000000000000"

enum column { WORKSPACE, NAMESPACE, KEY, MD5, VALUE, MODIFIED };

struct export
{
	struct migrate_db *db;
	const struct migrate_export_options *options;
	struct seal *seal; /* NULL: values stay as they are */
	FILE *out;
	struct buf lines; /* not yet written */
	struct buf value; /* one that is opened */
	struct sha256_sum sum;
	int64_t rows, expected; /* expected: -1: not known */
	int64_t repaired;       /* rows whose column md5 was none */
	struct buf wanted[3]; /* of a difference: workspaces, namespaces, keys whose rows are written next, as arrays */
	size_t wanted_n;
	struct migrate_progress progress;
};

static enum migrate_outcome
write_lines(struct export *e)
{
	struct str lines = buf_str(&e->lines);

	if (!buf_ok(&e->lines))
		return migrate_db_no_memory(e->db);
	digest_sum_add(&e->sum, lines);
	errno = 0;
	if (fwrite(lines.p, 1, lines.n, e->out) != lines.n || fflush(e->out) != 0) {
		(void)migrate_db_refuse(e->db, "standard output: %s", strerror(errno));
		return migrate_db_refuse_as(e->db, EXIT_INTERNAL);
	}
	buf_clear(&e->lines);
	return MIGRATE_DONE;
}

static enum migrate_outcome
put_row(struct export *e, const struct migrate_row *row)
{
	if (!MIGRATE_LINE_FITS(row->value.n, row->place.ns.n + row->place.key.n))
		return migrate_db_refuse(e->db, "a value of %zu bytes is too large for an export", row->value.n);
	migrate_line_put_row(&e->lines, row);
	e->rows++;
	migrate_progress_show(&e->progress, e->rows, e->expected);
	return e->lines.n < PIECE ? MIGRATE_DONE : write_lines(e);
}

/* Opens a sealed value; a plain one stays as it is. */
static enum migrate_outcome
open_exported(struct export *e, struct migrate_row *row)
{
	struct md5 column = row->md5;
	enum seal_verdict verdict;

	buf_clear(&e->value);
	buf_puts(&e->value, row->value);
	buf_putc(&e->value, '\0'); /* so that there is memory for an empty value */
	if (!buf_ok(&e->value))
		return migrate_db_no_memory(e->db);
	verdict = seal_open(e->seal, &row->place, &column, e->value.p, row->value.n, &row->value, &row->md5);
	if (verdict == SEAL_NO_KEY)
		return migrate_db_refuse(
		    e->db, "a value is sealed with a key that HULY_ENCRYPTION_KEYS_FILE does not hold");
	if (verdict == SEAL_BROKEN)
		return migrate_db_refuse(e->db,
		    "a value does not open: it was changed or moved in the database, or sealed with another key of that id");
	return MIGRATE_DONE;
}

/* Other programs may have left a column md5 that is none: then the value's own is written. */
static bool
repair_md5(struct export *e, struct migrate_row *row, struct str column)
{
	if (column.n == sizeof(row->md5.b)) {
		memcpy(row->md5.b, column.p, column.n);
		if (seal_has_magic(row->value) || seal_is_plain(row->value, &row->md5))
			return true;
	}
	e->repaired++;
	return digest_md5(row->value, &row->md5);
}

static enum migrate_outcome
take_exported(struct export *e, const PGresult *res)
{
	struct migrate_row row = { .place = migrate_cell_place(res, 0),
		.value = migrate_cell_bytes(res, 0, VALUE),
		.modified = MIGRATE_NO_TIME };
	enum migrate_outcome outcome = MIGRATE_DONE;
	uint64_t time;

	if (!repair_md5(e, &row, migrate_cell_bytes(res, 0, MD5)))
		return migrate_db_refuse(e->db, "OpenSSL does not compute an MD5");
	if (!PQgetisnull(res, 0, MODIFIED) && PQgetlength(res, 0, MODIFIED) == sizeof(time)) {
		memcpy(&time, PQgetvalue(res, 0, MODIFIED), sizeof(time));
		row.modified = (int64_t)be64toh(time);
	}
	if (e->seal != NULL)
		outcome = open_exported(e, &row);
	return outcome == MIGRATE_DONE ? put_row(e, &row) : outcome;
}

/* What is selected, as files of sql/ take it; and whether proofs of keys are. */
struct part {
	const char *workspace, *ns, *proofs;
};

static enum migrate_outcome
count_part(struct export *e, const struct part *part)
{
	PGresult *res;
	enum migrate_outcome outcome = migrate_db_search(
	    e->db, "migrate/export_count", MIGRATE_ARGS(part->workspace, part->ns, part->proofs), &res);
	uint64_t n;

	if (outcome == MIGRATE_DONE) {
		memcpy(&n, PQgetvalue(res, 0, 0), sizeof(n));
		e->expected += (int64_t)be64toh(n);
	}
	PQclear(res);
	return outcome;
}

static enum migrate_outcome
write_part(struct export *e, const struct part *part)
{
	struct migrate_scan scan;
	enum migrate_outcome outcome;

	migrate_scan_init(&scan, e->db, "migrate/export", MIGRATE_ARGS(part->workspace, part->ns, part->proofs));
	do {
		outcome = migrate_scan_next(&scan);
		if (outcome == MIGRATE_DONE && scan.row != NULL)
			outcome = take_exported(e, scan.row);
	} while (outcome == MIGRATE_DONE && scan.row != NULL);
	migrate_scan_free(&scan);
	return outcome;
}

static void
put_header(struct export *e)
{
	const struct migrate_steps *steps = &migrate_backend_of(e->db)->steps;

	migrate_line_put_header(&e->lines,
	    &(struct migrate_header){
		.opened = e->options->opened, .difference = e->options->difference, .rows = e->expected },
	    steps->step[steps->n - 1].id);
}

/* The rows that were selected; after the proofs of keys, which are not in the selection. */
static enum migrate_outcome
write_selected(struct export *e)
{
	const struct migrate_selection *s = &e->options->selection;
	bool all = s->workspace[0] == '\0' && s->ns[0] == '\0';
	struct part parts[2] = { { s->workspace, s->ns, "false" }, { NOBODY, SEAL_PROOF_NS, "true" } };
	size_t n = all || e->options->opened ? 1 : 2;
	enum migrate_outcome outcome = MIGRATE_DONE;

	if (all && !e->options->opened)
		parts[0].proofs = "true";
	e->expected = 0;
	for (size_t i = 0; outcome == MIGRATE_DONE && i < n; i++)
		outcome = count_part(e, &parts[i]);
	put_header(e);
	while (outcome == MIGRATE_DONE && n > 0)
		outcome = write_part(e, &parts[--n]);
	return outcome;
}

/* The next of the rows that were asked for on the second connection. */
static enum migrate_outcome
next_wanted(struct export *e, PGresult **row)
{
	return migrate_db_copy_error(
	    e->db, MIGRATE_SESSION_SECOND, e->db->second, migrate_db_next(e->db->second, "migrate/export_rows", row));
}

/* Writes the rows that the other database lacks, or has differently. */
static enum migrate_outcome
write_wanted(struct export *e)
{
	const struct str values[] = { buf_str(&e->wanted[0]), buf_str(&e->wanted[1]), buf_str(&e->wanted[2]) };
	enum migrate_outcome outcome;
	PGresult *row;

	if (e->wanted_n == 0)
		return MIGRATE_DONE;
	for (size_t i = 0; i < 3; i++) {
		array_set_count(&e->wanted[i], e->wanted_n);
		if (!buf_ok(&e->wanted[i]))
			return migrate_db_no_memory(e->db);
	}
	outcome = migrate_db_copy_error(e->db, MIGRATE_SESSION_SECOND, e->db->second,
	    migrate_db_stream_binary(e->db->second, "migrate/export_rows", values, 3));
	for (row = NULL; outcome == MIGRATE_DONE;) {
		outcome = next_wanted(e, &row);
		if (row == NULL)
			break;
		outcome = take_exported(e, row);
		PQclear(row);
	}
	for (size_t i = 0; i < 3; i++)
		buf_clear(&e->wanted[i]);
	e->wanted_n = 0;
	return outcome;
}

static enum migrate_outcome
want(struct export *e, const struct seal_place *place)
{
	static const enum array_element element[] = { ARRAY_UUID, ARRAY_TEXT, ARRAY_TEXT };

	for (size_t i = 0; e->wanted_n == 0 && i < 3; i++)
		array_begin(&e->wanted[i], element[i], 1);
	array_put(&e->wanted[0], place->workspace.b, sizeof(place->workspace.b));
	array_put(&e->wanted[1], place->ns.p, place->ns.n);
	array_put(&e->wanted[2], place->key.p, place->key.n);
	return ++e->wanted_n < WANTED_BATCH ? MIGRATE_DONE : write_wanted(e);
}

static enum migrate_outcome
take_difference(void *ctx, enum migrate_compare_verdict verdict, const struct seal_place *place, struct str there)
{
	struct export *e = ctx;
	struct migrate_row row = { .place = *place, .modified = MIGRATE_NO_TIME, .deleted = true };

	switch (verdict) {
	case MIGRATE_COMPARE_SAME:
		return MIGRATE_DONE;
	case MIGRATE_COMPARE_OTHER_TIME:
	case MIGRATE_COMPARE_DIFFERS:
	case MIGRATE_COMPARE_ONLY_HERE:
		return want(e, place);
	case MIGRATE_COMPARE_ONLY_THERE:
	case MIGRATE_COMPARE_VERDICTS:
		break;
	}
	if (there.n != sizeof(row.md5.b))
		return migrate_db_refuse(e->db, "the other database: a row to delete has no MD5 in its column md5");
	memcpy(row.md5.b, there.p, there.n);
	return put_row(e, &row);
}

static enum migrate_outcome
write_difference(struct export *e)
{
	enum migrate_outcome outcome;

	e->expected = -1;
	put_header(e);
	outcome = migrate_scan_second(e->db);
	if (outcome == MIGRATE_DONE)
		outcome = migrate_compare(e->db, take_difference, e);
	return outcome == MIGRATE_DONE ? write_wanted(e) : outcome;
}

static enum migrate_outcome
write_end(struct export *e)
{
	struct migrate_end end = { .rows = e->rows };
	enum migrate_outcome outcome = write_lines(e);

	if (outcome != MIGRATE_DONE)
		return outcome;
	if (e->expected >= 0 && e->expected != e->rows)
		return migrate_db_refuse(e->db, "the database gave another number of rows than it had counted");
	if (!digest_sum_end(&e->sum, &end.sum))
		return migrate_db_refuse(e->db, "OpenSSL does not compute a SHA-256");
	migrate_line_put_end(&e->lines, &end);
	return write_lines(e);
}

static enum migrate_outcome
write_export(struct export *e)
{
	enum migrate_outcome outcome = migrate_scan_snapshot(e->db);

	if (outcome == MIGRATE_DONE)
		outcome = e->options->difference ? write_difference(e) : write_selected(e);
	if (outcome == MIGRATE_DONE)
		outcome = write_end(e);
	if (outcome != MIGRATE_DONE)
		return outcome;
	log_event(LOG_INFO, "rows were exported", log_number("rows", e->rows),
	    log_number("dur_ms", migrate_progress_ms(&e->progress)));
	if (e->repaired > 0)
		log_event(LOG_WARN,
		    "rows had no MD5 of their value in the column md5, and were exported with it: look at them, the "
		    "values may be damaged",
		    log_number("rows", e->repaired));
	return MIGRATE_DONE;
}

enum migrate_outcome
migrate_export_run(
    struct migrate_db *db, const struct migrate_export_options *options, const struct keyring *keys, FILE *out)
{
	struct export e = { .db = db, .options = options, .out = out };
	enum migrate_outcome outcome;

	if (options->opened && (e.seal = seal_new(keys)) == NULL)
		return migrate_db_no_memory(db);
	buf_init(&e.lines, MIGRATE_LINE_MAX + PIECE);
	buf_init(&e.value, MIGRATE_LINE_MAX);
	for (size_t i = 0; i < 3; i++)
		buf_init(&e.wanted[i], MIGRATE_LINE_MAX);
	digest_sum_begin(&e.sum);
	migrate_progress_begin(&e.progress, "exporting");
	outcome = write_export(&e);
	(void)digest_sum_end(&e.sum, NULL);
	for (size_t i = 0; i < 3; i++)
		buf_free(&e.wanted[i]);
	buf_free(&e.lines);
	buf_free(&e.value);
	seal_free(e.seal);
	return outcome;
}
