/* SPDX-License-Identifier: EPL-2.0 */
#include "migrate/move.h"

#include <assert.h>
#include <stdlib.h>

#include "base/log.h"
#include "migrate/cell.h"
#include "migrate/progress.h"

#define PAGE_ROWS 1000

/* Columns of migrate/move_page. */
enum column { NAMESPACE, KEY };

struct move {
	struct uuid from, to;
	char *namespace, *key; /* the next page begins with this row; owned */
	int64_t moved;
	struct migrate_change change[PAGE_ROWS];
};

static struct str
uuid_bytes(const struct uuid *uuid)
{
	return str_from((const char *)uuid->b, sizeof(uuid->b));
}

static enum migrate_outcome
move_rows(struct migrate_db *db, struct move *m, const PGresult *res)
{
	size_t n = (size_t)PQntuples(res);
	enum migrate_outcome outcome;

	assert(n <= PAGE_ROWS);
	for (size_t i = 0; i < n; i++) {
		m->change[i] = (struct migrate_change){ .n = 0 };
		migrate_db_bind(&m->change[i], uuid_bytes(&m->from));
		migrate_db_bind(&m->change[i], uuid_bytes(&m->to));
		migrate_db_bind(&m->change[i], migrate_cell_bytes(res, (int)i, NAMESPACE));
		migrate_db_bind(&m->change[i], migrate_cell_bytes(res, (int)i, KEY));
	}
	outcome = migrate_db_change_each(db, db->is_dated ? "cockroachdb/move_row" : "migrate/move_row", m->change, n);
	for (size_t i = 0; i < n; i++)
		m->moved += m->change[i].done;
	return outcome;
}

/* *last: there is no page after this one. */
static enum migrate_outcome
move_page(struct migrate_db *db, struct move *m, bool *last)
{
	char rows[16];
	PGresult *res;
	enum migrate_outcome outcome;
	int n = 0;

	(void)snprintf(rows, sizeof(rows), "%d", PAGE_ROWS);
	outcome = migrate_db_fetch(
	    db, "migrate/move_page", MIGRATE_ARGS(MIGRATE_STRANDED_WORKSPACE, m->namespace, m->key, rows), &res);
	if (outcome == MIGRATE_DONE)
		n = PQntuples(res);
	*last = n < PAGE_ROWS;
	if (n > 0)
		outcome = move_rows(db, m, res);
	if (n > 0 && outcome == MIGRATE_DONE) {
		migrate_db_progress(db);
		if (!migrate_cell_keep(&m->namespace, migrate_cell_bytes(res, n - 1, NAMESPACE)) ||
		    !migrate_cell_keep(&m->key, migrate_cell_bytes(res, n - 1, KEY)))
			outcome = migrate_db_no_memory(db);
	}
	PQclear(res);
	return outcome;
}

static enum migrate_outcome
move_pages(struct migrate_db *db, struct move *m, int64_t stranded)
{
	struct migrate_progress progress;
	enum migrate_outcome outcome;
	bool last;

	migrate_progress_begin(&progress, "moving rows to the default workspace");
	do {
		outcome = move_page(db, m, &last);
		migrate_db_tick(db);
		if (migrate_progress_is_due(&progress))
			log_event(LOG_INFO, progress.what, log_number("done", m->moved), log_number("of", stranded));
	} while (outcome == MIGRATE_DONE && !last);
	return outcome;
}

/* The pages, where no transaction waits for the disk, and in the end one that does. */
static enum migrate_outcome
move_all(struct migrate_db *db, struct move *m, int64_t stranded)
{
	bool postgresql = db->server == DBCONN_POSTGRESQL;
	enum migrate_outcome outcome = MIGRATE_DONE;

	if (postgresql)
		outcome = migrate_db_do(db, "postgresql/commit_later", MIGRATE_NO_ARGS);
	if (outcome == MIGRATE_DONE)
		outcome = move_pages(db, m, stranded);
	if (outcome == MIGRATE_DONE && postgresql)
		outcome = migrate_db_do(db, "postgresql/commit_now", MIGRATE_NO_ARGS);
	if (m->moved > 0)
		log_event(LOG_INFO, "moved rows to the default workspace", log_number("rows", m->moved));
	return outcome;
}

static enum migrate_outcome
print_plan(struct migrate_db *db)
{
	char to[UUID_TEXT_SIZE];

	uuid_text(&db->config->default_workspace_uuid, to);
	return migrate_db_do(db, "migrate/move_plan", MIGRATE_ARGS(MIGRATE_STRANDED_WORKSPACE, to));
}

static void
free_move(struct move *m)
{
	if (m == NULL)
		return;
	free(m->namespace);
	free(m->key);
	free(m);
}

static struct move *
new_move(const struct config *config)
{
	struct move *m = calloc(1, sizeof(*m));

	if (m == NULL)
		return NULL;
	m->to = config->default_workspace_uuid;
	if (uuid_parse(STR(MIGRATE_STRANDED_WORKSPACE), &m->from) && migrate_cell_keep(&m->namespace, STR("")) &&
	    migrate_cell_keep(&m->key, STR("")))
		return m;
	free_move(m);
	return NULL;
}

enum migrate_outcome
migrate_move(struct migrate_db *db, struct migrate_state *state)
{
	enum migrate_outcome outcome;
	struct move *m;

	if (db->script != NULL)
		return print_plan(db);
	outcome = migrate_state_count_stranded(db, state);
	if (outcome != MIGRATE_DONE || state->stranded == 0)
		return outcome;
	m = new_move(db->config);
	if (m == NULL)
		return migrate_db_no_memory(db);
	outcome = move_all(db, m, state->stranded);
	if (outcome == MIGRATE_DONE && m->moved > 0)
		outcome = migrate_state_count_stranded(db, state);
	free_move(m);
	return outcome;
}

void
migrate_move_warn(const struct migrate_state *state)
{
	if (state->stranded > state->sealed)
		log_event(LOG_WARN,
		    "rows stay in the workspace " MIGRATE_STRANDED_WORKSPACE
		    ": the default workspace has newer ones of the same namespace and key",
		    log_number("rows", state->stranded - state->sealed));
	if (state->sealed > 0)
		log_event(LOG_WARN,
		    "sealed rows stay in the workspace " MIGRATE_STRANDED_WORKSPACE
		    ": they open there only; decrypt, then up, then reencrypt",
		    log_number("rows", state->sealed));
}
