/* SPDX-License-Identifier: EPL-2.0 */
#include "migrate/purge.h"

#include <inttypes.h>
#include <stdlib.h>

#include "base/log.h"
#include "migrate/cell.h"
#include "migrate/progress.h"
#include "migrate/scan.h"
#include "pg/array.h"

#define PAGE_ROWS 500

enum column { WORKSPACE, NAMESPACE, KEY, MODIFIED, COLUMNS };

struct migrate_purge {
	const struct migrate_purge_options *options;
	char *before;                   /* the time, as text; NULL: not asked for yet; owned */
	char workspace[UUID_TEXT_SIZE]; /* with ns and key: the next page begins after this row; owned */
	char *ns, *key;
	struct buf column[COLUMNS]; /* of a page */
	int64_t deleted, missed;
	struct migrate_progress progress;
};

struct migrate_purge *
migrate_purge_new(const struct migrate_purge_options *options)
{
	struct migrate_purge *p = calloc(1, sizeof(*p));

	if (p == NULL)
		return NULL;
	p->options = options;
	for (int column = 0; column < COLUMNS; column++)
		buf_init(&p->column[column], SIZE_MAX);
	uuid_text(&(struct uuid){ { 0 } }, p->workspace);
	migrate_progress_begin(&p->progress, "deleting");
	if (migrate_cell_keep(&p->ns, STR("")) && migrate_cell_keep(&p->key, STR("")))
		return p;
	migrate_purge_free(p);
	return NULL;
}

void
migrate_purge_free(struct migrate_purge *p)
{
	if (p == NULL)
		return;
	for (int column = 0; column < COLUMNS; column++)
		buf_free(&p->column[column]);
	free(p->before);
	free(p->ns);
	free(p->key);
	free(p);
}

/* Asks for the time once: a purge that goes on after an interruption of the connection deletes no younger rows. */
static enum migrate_outcome
find_time(struct migrate_purge *p, struct migrate_db *db)
{
	char seconds[24];
	PGresult *res;
	enum migrate_outcome outcome = migrate_scan_check_schema(db);

	if (outcome != MIGRATE_DONE || p->before != NULL)
		return outcome;
	(void)snprintf(seconds, sizeof(seconds), "%" PRId64, p->options->older_than);
	outcome = migrate_db_ask(db, "migrate/purge_time", MIGRATE_ARGS(seconds), &res);
	if (outcome == MIGRATE_DONE && !migrate_cell_keep(&p->before, str_of(PQgetvalue(res, 0, 0))))
		outcome = migrate_db_no_memory(db);
	PQclear(res);
	return outcome;
}

static void
put_page(struct migrate_purge *p, const PGresult *res)
{
	static const enum array_element element[COLUMNS] = { ARRAY_UUID, ARRAY_TEXT, ARRAY_TEXT, ARRAY_TIMESTAMPTZ };

	for (int column = 0; column < COLUMNS; column++) {
		buf_clear(&p->column[column]);
		array_begin(&p->column[column], element[column], (size_t)PQntuples(res));
		for (int row = 0; row < PQntuples(res); row++) {
			struct str cell = migrate_cell_bytes(res, row, column);

			array_put(&p->column[column], cell.p, cell.n);
		}
	}
}

static enum migrate_outcome
delete_page(struct migrate_purge *p, struct migrate_db *db, const PGresult *res)
{
	struct str values[COLUMNS];
	enum migrate_outcome outcome;
	int64_t rows;

	put_page(p, res);
	for (int column = 0; column < COLUMNS; column++) {
		values[column] = buf_str(&p->column[column]);
		if (!buf_ok(&p->column[column]))
			return migrate_db_no_memory(db);
	}
	outcome = migrate_db_write(db, "migrate/purge_delete", values, COLUMNS, &rows);
	p->deleted += rows;
	if (outcome == MIGRATE_DONE)
		p->missed += PQntuples(res) - rows;
	return outcome;
}

/* Deletes a page of rows and remembers where it ends; *n: how many they were. */
static enum migrate_outcome
purge_page(struct migrate_purge *p, struct migrate_db *db, const char *rows, int *n)
{
	const struct migrate_selection *s = &p->options->selection;
	PGresult *res;
	enum migrate_outcome outcome = migrate_db_search(db, "migrate/purge_page",
	    MIGRATE_ARGS(p->workspace, p->ns, p->key, rows, s->workspace, s->ns, s->prefix, p->before), &res);

	*n = outcome == MIGRATE_DONE ? PQntuples(res) : 0;
	if (*n > 0)
		outcome = delete_page(p, db, res);
	if (*n > 0 && outcome == MIGRATE_DONE) {
		struct seal_place last = migrate_cell_place(res, *n - 1);

		uuid_text(&last.workspace, p->workspace);
		if (!migrate_cell_keep(&p->ns, last.ns) || !migrate_cell_keep(&p->key, last.key))
			outcome = migrate_db_no_memory(db);
		migrate_db_progress(db);
	}
	PQclear(res);
	return outcome;
}

static enum migrate_outcome
purge_pages(struct migrate_purge *p, struct migrate_db *db)
{
	unsigned rate = p->options->rate;
	enum migrate_outcome outcome;
	char rows[16];
	int n;

	/* With a rate, a page holds the rows of a quarter of a second. */
	(void)snprintf(rows, sizeof(rows), "%u", rate > 0 && rate / 4 < PAGE_ROWS ? rate / 4 + 1 : PAGE_ROWS);
	do {
		outcome = purge_page(p, db, rows, &n);
		migrate_progress_show(&p->progress, p->deleted, -1);
		migrate_progress_pause(n, rate);
	} while (outcome == MIGRATE_DONE && n > 0);
	return outcome;
}

static enum migrate_outcome
count_rows(struct migrate_purge *p, struct migrate_db *db, FILE *out)
{
	const struct migrate_selection *s = &p->options->selection;
	PGresult *res;
	enum migrate_outcome outcome = migrate_db_ask_long(
	    db, "migrate/purge_count", MIGRATE_ARGS(s->workspace, s->ns, s->prefix, p->before), &res);

	if (outcome == MIGRATE_DONE)
		fprintf(out,
		    "last written before: %s\nto be deleted: %" PRId64 "\nyounger: %" PRId64
		    "\nwithout a time, kept: %" PRId64 "\n",
		    p->before, migrate_cell_number(res, 0, 0), migrate_cell_number(res, 0, 1),
		    migrate_cell_number(res, 0, 2));
	PQclear(res);
	return outcome;
}

enum migrate_outcome
migrate_purge_run(struct migrate_purge *p, struct migrate_db *db, FILE *out)
{
	enum migrate_outcome outcome = find_time(p, db);

	if (outcome != MIGRATE_DONE || p->options->dry_run)
		return outcome == MIGRATE_DONE ? count_rows(p, db, out) : outcome;
	outcome = purge_pages(p, db);
	if (outcome == MIGRATE_DONE)
		log_event(LOG_INFO, "rows were deleted", log_number("rows", p->deleted),
		    log_number("written_meanwhile", p->missed), log_text("before", str_of(p->before)),
		    log_number("dur_ms", migrate_progress_ms(&p->progress)));
	return outcome;
}
