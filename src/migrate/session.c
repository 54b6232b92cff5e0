/* SPDX-License-Identifier: EPL-2.0 */
#include "migrate/session.h"

#include <stdlib.h>

#include "migrate/cell.h"

#define APPLICATION "hulykvs-migrate"

/* The process that carries out this transaction has to be the one that took our connection. */
static enum migrate_outcome
check_process(struct migrate_db *db)
{
	PGresult *res;
	enum migrate_outcome outcome = migrate_db_ask(db, "postgresql/backend_pid", MIGRATE_NO_ARGS, &res);

	if (outcome == MIGRATE_DONE && migrate_cell_number(res, 0, 0) != PQbackendPID(db->conn))
		outcome = migrate_db_refuse(db, MIGRATE_SESSION_POOLED);
	PQclear(res);
	return outcome;
}

static enum migrate_outcome
check_encoding(struct migrate_db *db)
{
	enum migrate_outcome outcome = MIGRATE_DONE;
	struct buf why;

	buf_init(&why, 512);
	if (!dbconn_is_utf8(db->conn, &why))
		outcome = migrate_db_refuse(db, "%.*s", STR_FMT(buf_str(&why)));
	buf_free(&why);
	return outcome;
}

static enum migrate_outcome
check_postgresql(struct migrate_db *db)
{
	enum migrate_outcome outcome = MIGRATE_DONE;

	for (int transaction = 0; outcome == MIGRATE_DONE && transaction < 2; transaction++)
		outcome = check_process(db);
	return outcome == MIGRATE_DONE ? check_encoding(db) : outcome;
}

static enum migrate_outcome
set_up(struct migrate_db *db)
{
	bool postgresql = db->server == DBCONN_POSTGRESQL;
	enum migrate_outcome outcome = postgresql ? check_postgresql(db) : MIGRATE_DONE;

	if (outcome == MIGRATE_DONE)
		outcome = migrate_db_set(db, postgresql ? "postgresql/session" : "cockroachdb/session");
	return outcome == MIGRATE_DONE && db->read_only ? migrate_db_set(db, "migrate/read_only") : outcome;
}

enum migrate_outcome
migrate_session_open(struct migrate_db *db)
{
	enum migrate_outcome outcome = MIGRATE_NO_CONNECTION;

	migrate_db_close(db);
	migrate_db_clear_error(db);
	db->conn = dbconn_connect(db->config, APPLICATION, NULL, &db->error.text);
	if (db->conn != NULL && PQsetnonblocking(db->conn, 1) == 0 &&
	    dbconn_server(db->conn, &db->server, &db->error.text))
		outcome = set_up(db);
	else if (PQtransactionStatus(db->conn) == PQTRANS_IDLE)
		outcome = MIGRATE_REFUSED; /* it has answered, and is a server that is not supported */
	if (outcome != MIGRATE_DONE) {
		migrate_db_close(db);
		return outcome;
	}
	migrate_db_set_state(db, MIGRATE_DB_OPEN);
	db->sessions++;
	return outcome;
}

enum migrate_outcome
migrate_session_second(struct migrate_db *db)
{
	if (db->second != NULL && db->second->state != MIGRATE_DB_CLOSED)
		return MIGRATE_DONE;
	if (db->second == NULL) {
		db->second = malloc(sizeof(*db->second));
		if (db->second == NULL)
			return migrate_db_no_memory(db);
		migrate_db_init(db->second, db->config);
		db->second->read_only = db->read_only;
	}
	return migrate_db_copy_error(db, MIGRATE_SESSION_SECOND, db->second, migrate_session_open(db->second));
}
