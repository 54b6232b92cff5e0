/* SPDX-License-Identifier: EPL-2.0 */
#include "migrate/scan.h"

#include <inttypes.h>
#include <stdlib.h>

#include "base/base.h"
#include "migrate/backend.h"
#include "migrate/cell.h"
#include "migrate/session.h"

#define PAGE_ROWS 5000 /* on CockroachDB */

enum migrate_outcome
migrate_scan_check_schema(struct migrate_db *db)
{
	static const enum migrate_effect needed[] = { MIGRATE_TABLE, MIGRATE_PRIMARY_KEY, MIGRATE_NO_DEFAULT,
		MIGRATE_BYTE_ORDER, MIGRATE_PLAIN_BYTES, MIGRATE_MODIFIED };
	struct migrate_state state;
	enum migrate_outcome outcome = migrate_state_read(db, &migrate_backend_of(db)->steps, &state);

	if (outcome != MIGRATE_DONE)
		return outcome;
	for (size_t i = 0; i < ARRAY_SIZE(needed); i++)
		if (!migrate_state_has(&state, needed[i]))
			return migrate_db_refuse(db, "the schema is not up to date: run hulykvs-migrate on it first");
	return MIGRATE_DONE;
}

/* On CockroachDB: the time of now. */
static enum migrate_outcome
choose_time(struct migrate_db *db)
{
	PGresult *res;
	enum migrate_outcome outcome = migrate_db_ask(db, "cockroachdb/time", MIGRATE_NO_ARGS, &res);

	if (outcome == MIGRATE_DONE)
		(void)snprintf(db->snapshot, sizeof(db->snapshot), " as of system time '%s'", PQgetvalue(res, 0, 0));
	PQclear(res);
	return outcome;
}

enum migrate_outcome
migrate_scan_snapshot(struct migrate_db *db)
{
	enum migrate_outcome outcome = migrate_scan_check_schema(db);

	if (outcome != MIGRATE_DONE)
		return outcome;
	return db->server == DBCONN_COCKROACHDB ? choose_time(db) : migrate_db_set(db, "postgresql/snapshot");
}

/* On PostgreSQL: the second connection sees what the first one sees. */
static enum migrate_outcome
share_snapshot(struct migrate_db *db)
{
	struct migrate_db *second = db->second;
	PGresult *res;
	enum migrate_outcome outcome = migrate_db_ask(db, "postgresql/snapshot_name", MIGRATE_NO_ARGS, &res);

	if (outcome == MIGRATE_DONE) {
		(void)snprintf(second->snapshot, sizeof(second->snapshot), "'%s'", PQgetvalue(res, 0, 0));
		outcome = migrate_db_copy_error(
		    db, MIGRATE_SESSION_SECOND, second, migrate_db_set(second, "postgresql/snapshot_share"));
		second->snapshot[0] = '\0';
	}
	PQclear(res);
	return outcome;
}

enum migrate_outcome
migrate_scan_second(struct migrate_db *db)
{
	enum migrate_outcome outcome = migrate_session_second(db);

	if (outcome != MIGRATE_DONE)
		return outcome;
	if (db->server != DBCONN_COCKROACHDB)
		return share_snapshot(db);
	memcpy(db->second->snapshot, db->snapshot, sizeof(db->second->snapshot));
	return MIGRATE_DONE;
}

void
migrate_scan_init(struct migrate_scan *scan, struct migrate_db *db, const char *file, const char *const *args)
{
	*scan = (struct migrate_scan){ .db = db, .file = file };
	for (size_t i = 0; args[i] != NULL; i++)
		scan->args[i] = args[i];
	uuid_text(&(struct uuid){ { 0 } }, scan->workspace);
}

/* Sends for the page after the last row; on PostgreSQL it holds all rows. */
static enum migrate_outcome
open_page(struct migrate_scan *scan)
{
	char rows[24];

	(void)snprintf(rows, sizeof(rows), "%" PRId64,
	    scan->db->server == DBCONN_COCKROACHDB ? INT64_C(0) + PAGE_ROWS : INT64_MAX);
	scan->open = true;
	scan->in_page = 0;
	return migrate_db_stream(scan->db, scan->file,
	    MIGRATE_ARGS(scan->workspace, scan->ns != NULL ? scan->ns : "", scan->key != NULL ? scan->key : "", rows,
		scan->args[0], scan->args[1], scan->args[2]));
}

/* Remembers the row where a page ends. */
static bool
keep_place(struct migrate_scan *scan)
{
	struct seal_place place = migrate_cell_place(scan->row, 0);

	uuid_text(&place.workspace, scan->workspace);
	return migrate_cell_keep(&scan->ns, place.ns) && migrate_cell_keep(&scan->key, place.key);
}

static enum migrate_outcome
next_row(struct migrate_scan *scan)
{
	enum migrate_outcome outcome = MIGRATE_DONE;

	if (!scan->open)
		outcome = open_page(scan);
	if (outcome != MIGRATE_DONE)
		return outcome;
	PQclear(scan->row);
	outcome = migrate_db_next(scan->db, scan->file, &scan->row);
	if (scan->row != NULL && ++scan->in_page == PAGE_ROWS && scan->db->server == DBCONN_COCKROACHDB &&
	    !keep_place(scan))
		outcome = migrate_db_no_memory(scan->db);
	return outcome;
}

enum migrate_outcome
migrate_scan_next(struct migrate_scan *scan)
{
	enum migrate_outcome outcome = next_row(scan);

	if (outcome == MIGRATE_DONE && scan->row == NULL && scan->in_page == PAGE_ROWS &&
	    scan->db->server == DBCONN_COCKROACHDB) {
		scan->open = false;
		outcome = next_row(scan);
	}
	return outcome;
}

void
migrate_scan_free(struct migrate_scan *scan)
{
	PQclear(scan->row);
	free(scan->ns);
	free(scan->key);
}
