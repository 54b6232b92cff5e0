/* SPDX-License-Identifier: EPL-2.0 */
#include "migrate/move.h"

#include <stdlib.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/log.h"

#define PAGE_ROWS   "1000"
#define PROGRESS_NS (5 * CLOCK_S)

/* Columns of migrate/move_page. */
enum column { ROWS_SEEN, ROWS_MOVED, LAST_NAMESPACE, LAST_KEY };

struct move {
	char *namespace, *key; /* the next page begins here; owned */
	int64_t seen, moved;   /* seen: in the last page */
};

static enum migrate_outcome
move_page(struct migrate_db *db, struct move *m)
{
	char to[UUID_TEXT_SIZE];
	PGresult *res;
	enum migrate_outcome outcome;

	uuid_text(&db->config->default_workspace_uuid, to);
	outcome = migrate_db_change(db, "migrate/move_page",
	    MIGRATE_ARGS(MIGRATE_STRANDED_WORKSPACE, to, m->namespace, m->key, PAGE_ROWS), &res);
	m->seen = 0;
	if (outcome == MIGRATE_DONE && res != NULL) {
		m->seen = migrate_db_number(res, 0, ROWS_SEEN);
		m->moved += migrate_db_number(res, 0, ROWS_MOVED);
		db->progress_at = clock_mono();
		if (m->seen > 0 &&
		    (!migrate_db_keep(&m->namespace, str_of(PQgetvalue(res, 0, LAST_NAMESPACE))) ||
			!migrate_db_keep(&m->key, str_of(PQgetvalue(res, 0, LAST_KEY)))))
			outcome = migrate_db_refuse(db, "out of memory");
	}
	PQclear(res);
	return outcome;
}

static enum migrate_outcome
move_pages(struct migrate_db *db, struct move *m, int64_t stranded)
{
	int64_t shown = clock_mono();
	enum migrate_outcome outcome;

	do {
		outcome = move_page(db, m);
		migrate_db_tick(db);
		if (clock_mono() - shown >= PROGRESS_NS && isatty(STDERR_FILENO)) {
			shown = clock_mono();
			log_event(LOG_INFO, "moving rows to the default workspace", log_number("done", m->moved),
			    log_number("of", stranded));
		}
	} while (outcome == MIGRATE_DONE && m->seen >= atoi(PAGE_ROWS));
	return outcome;
}

enum migrate_outcome
migrate_move(struct migrate_db *db, struct migrate_state *state)
{
	struct move m = { .namespace = strdup(""), .key = strdup("") };
	enum migrate_outcome outcome = MIGRATE_DONE;

	if (db->script == NULL)
		outcome = migrate_state_count_stranded(db, state);
	if (outcome == MIGRATE_DONE && (m.namespace == NULL || m.key == NULL))
		outcome = migrate_db_refuse(db, "out of memory");
	if (outcome == MIGRATE_DONE && (db->script != NULL || state->stranded > 0))
		outcome = move_pages(db, &m, state->stranded);
	if (m.moved > 0) {
		log_event(LOG_INFO, "moved rows to the default workspace", log_number("rows", m.moved));
		if (outcome == MIGRATE_DONE)
			outcome = migrate_state_count_stranded(db, state);
	}
	free(m.namespace);
	free(m.key);
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
