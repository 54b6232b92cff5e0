/* SPDX-License-Identifier: EPL-2.0 */
#include "migrate/compare.h"

#include <inttypes.h>

#include "migrate/cell.h"
#include "migrate/progress.h"
#include "migrate/session.h"

#define THE_OTHER "the other database"

enum column { WORKSPACE, NAMESPACE, KEY, MD5, DIGEST, LENGTH, MODIFIED };

/* Two scans that are read side by side. */
struct merge {
	struct migrate_scan here, there;
};

/* By bytes, as both scans are ordered. */
static int
compare_places(const PGresult *a, const PGresult *b)
{
	int order = 0;

	for (int column = WORKSPACE; order == 0 && column <= KEY; column++)
		order = str_cmp(migrate_cell_bytes(a, 0, column), migrate_cell_bytes(b, 0, column));
	return order;
}

static bool
same_cell(const struct merge *m, enum column column)
{
	return PQgetisnull(m->here.row, 0, column) == PQgetisnull(m->there.row, 0, column) &&
	    str_eq(migrate_cell_bytes(m->here.row, 0, column), migrate_cell_bytes(m->there.row, 0, column));
}

/* An export writes the MD5 of a value whose column md5 is wrong: then the other row has it. */
static bool
is_repaired(const struct merge *m)
{
	struct str md5 = migrate_cell_bytes(m->there.row, 0, MD5);
	char hex[2 * sizeof(struct md5)];

	if (md5.n != sizeof(struct md5))
		return false;
	digest_hex((const unsigned char *)md5.p, md5.n, hex);
	return str_eq(str_from(hex, sizeof(hex)), migrate_cell_bytes(m->there.row, 0, DIGEST));
}

/* What is to be said of the smaller of both rows; there is at least one. */
static enum migrate_compare_verdict
judge(const struct merge *m)
{
	int order;

	if (m->there.row == NULL)
		return MIGRATE_COMPARE_ONLY_HERE;
	if (m->here.row == NULL)
		return MIGRATE_COMPARE_ONLY_THERE;
	order = compare_places(m->here.row, m->there.row);
	if (order != 0)
		return order < 0 ? MIGRATE_COMPARE_ONLY_HERE : MIGRATE_COMPARE_ONLY_THERE;
	if (!same_cell(m, DIGEST) || !same_cell(m, LENGTH) || (!same_cell(m, MD5) && !is_repaired(m)))
		return MIGRATE_COMPARE_DIFFERS;
	return same_cell(m, MODIFIED) ? MIGRATE_COMPARE_SAME : MIGRATE_COMPARE_OTHER_TIME;
}

static enum migrate_outcome
advance_scan(struct migrate_db *db, struct migrate_scan *scan)
{
	enum migrate_outcome outcome = migrate_scan_next(scan);

	return scan->db == db ? outcome : migrate_db_copy_error(db, THE_OTHER, scan->db, outcome);
}

/* Tells about the smaller of both rows, and goes past it. */
static enum migrate_outcome
take_smaller(struct migrate_db *db, struct merge *m, migrate_compare_found found, void *ctx)
{
	enum migrate_compare_verdict verdict = judge(m);
	bool is_here = verdict != MIGRATE_COMPARE_ONLY_THERE, is_there = verdict != MIGRATE_COMPARE_ONLY_HERE;
	struct seal_place place = migrate_cell_place(is_here ? m->here.row : m->there.row, 0);
	enum migrate_outcome outcome = MIGRATE_DONE;

	/* Two proofs of a key are never the same bytes. */
	if (!is_here || !is_there || !seal_is_proof(&place))
		outcome = found(ctx, verdict, &place, is_there ? migrate_cell_bytes(m->there.row, 0, MD5) : STR_ABSENT);
	if (outcome == MIGRATE_DONE && is_here)
		outcome = advance_scan(db, &m->here);
	if (outcome == MIGRATE_DONE && is_there)
		outcome = advance_scan(db, &m->there);
	return outcome;
}

static const char *
file_for(const struct migrate_db *db)
{
	return db->server == DBCONN_COCKROACHDB ? "cockroachdb/compare" : "postgresql/compare";
}

static enum migrate_outcome
merge_rows(struct migrate_db *db, struct migrate_db *other, migrate_compare_found found, void *ctx)
{
	struct merge m;
	enum migrate_outcome outcome;

	migrate_scan_init(&m.here, db, file_for(db), MIGRATE_ARGS(NULL));
	migrate_scan_init(&m.there, other, file_for(other), MIGRATE_ARGS(NULL));
	outcome = advance_scan(db, &m.here);
	if (outcome == MIGRATE_DONE)
		outcome = advance_scan(db, &m.there);
	while (outcome == MIGRATE_DONE && (m.here.row != NULL || m.there.row != NULL))
		outcome = take_smaller(db, &m, found, ctx);
	migrate_scan_free(&m.here);
	migrate_scan_free(&m.there);
	return outcome;
}

/* Refuses a setting that is missing or cannot be read. */
static enum migrate_outcome
check_setting(struct migrate_db *other)
{
	const char *text = other->config->db_connection;

	migrate_db_clear_error(other);
	if (text[0] == '\0')
		(void)migrate_db_refuse(other, "HULY_OTHER_DB_CONNECTION is not set");
	else if (dbconn_string_ok(text, &other->error.text))
		return MIGRATE_DONE;
	return migrate_db_refuse_as(other, EXIT_CONFIG);
}

static enum migrate_outcome
open_other(struct migrate_db *other)
{
	enum migrate_outcome outcome = check_setting(other);

	other->read_only = true;
	if (outcome == MIGRATE_DONE)
		outcome = migrate_session_open(other);
	return outcome == MIGRATE_DONE ? migrate_scan_snapshot(other) : outcome;
}

enum migrate_outcome
migrate_compare(struct migrate_db *db, migrate_compare_found found, void *ctx)
{
	struct config config = *db->config; /* borrows all but one */
	struct migrate_db other;
	enum migrate_outcome outcome;

	config.db_connection = config.other_db_connection;
	migrate_db_init(&other, &config);
	outcome = migrate_db_copy_error(db, THE_OTHER, &other, open_other(&other));
	if (outcome == MIGRATE_DONE)
		outcome = merge_rows(db, &other, found, ctx);
	migrate_db_free(&other);
	return outcome;
}

struct tally {
	int64_t rows[MIGRATE_COMPARE_VERDICTS], all;
	struct migrate_progress progress;
};

static enum migrate_outcome
count(void *ctx, enum migrate_compare_verdict verdict, const struct seal_place *place, struct str there)
{
	struct tally *t = ctx;

	(void)place;
	(void)there;
	t->rows[verdict]++;
	migrate_progress_show(&t->progress, ++t->all, -1);
	return MIGRATE_DONE;
}

enum migrate_outcome
migrate_compare_run(struct migrate_db *db, FILE *out)
{
	static const char *const names[] = { "same", "same, other time", "different", "only here", "only there" };
	struct tally t = { .all = 0 };
	enum migrate_outcome outcome = migrate_scan_snapshot(db);

	migrate_progress_begin(&t.progress, "comparing");
	if (outcome == MIGRATE_DONE)
		outcome = migrate_compare(db, count, &t);
	if (outcome != MIGRATE_DONE)
		return outcome;
	for (int i = 0; i < MIGRATE_COMPARE_VERDICTS; i++)
		fprintf(out, "%s: %" PRId64 "\n", names[i], t.rows[i]);
	if (t.rows[MIGRATE_COMPARE_SAME] + t.rows[MIGRATE_COMPARE_OTHER_TIME] == t.all)
		return MIGRATE_DONE;
	(void)migrate_db_refuse(db, "the databases do not hold the same");
	return migrate_db_refuse_as(db, EXIT_DIFFERENT);
}
