/* SPDX-License-Identifier: EPL-2.0 */
#include "migrate/db.h"

#include <assert.h>
#include <errno.h>
#include <poll.h>
#include <stdarg.h>
#include <stdlib.h>

#include "base/base.h"
#include "base/clock.h"
#include "migrate/cell.h"
#include "migrate/script.h"
#include "pg/sql.h"
#include "pg/sqlstate.h"

#define ANSWER_NS (60 * CLOCK_S)
#define LOCK_NS   (25 * CLOCK_S) /* longer than lock_timeout of postgresql/session.sql */
#define TICK_NS   (2 * CLOCK_S)
#define TEXT_MAX  (64 * 1024)

/* Classes of SQLSTATE whose DETAIL and HINT name objects of the schema; those of others may quote rows. */
static const struct str classes_with_detail[] = {
	STR_INIT("0A"), /* feature not supported: a view that depends on a column */
	STR_INIT("2B"), /* dependent objects */
	STR_INIT("42"), /* access rule violation, unknown names */
	STR_INIT("53"), /* insufficient resources */
	STR_INIT("55"), /* object not in the state that is needed */
};

void
migrate_db_init(struct migrate_db *db, const struct config *config)
{
	*db = (struct migrate_db){
		.config = config, .answer_limit = ANSWER_NS, .progress_at = clock_mono(), .ticked_at = clock_mono()
	};
	buf_init(&db->schema, 1024);
	buf_init(&db->error.text, 4096);
	sql_schema_name(&db->schema, str_of(config->db_scheme));
	buf_putc(&db->schema, '\0');
}

void
migrate_db_set_state(struct migrate_db *db, enum migrate_db_state state)
{
	switch (state) {
	case MIGRATE_DB_CLOSED:
		break;
	case MIGRATE_DB_OPEN: /* connected, or the lock was given back */
		assert(db->conn != NULL);
		break;
	case MIGRATE_DB_LOCKED:
		assert(db->state != MIGRATE_DB_CLOSED);
		break;
	}
	db->state = state;
}

void
migrate_db_close(struct migrate_db *db)
{
	if (db->second != NULL) {
		migrate_db_free(db->second);
		free(db->second);
		db->second = NULL;
	}
	PQfinish(db->conn);
	db->conn = NULL;
	db->prepared = NULL;
	migrate_db_set_state(db, MIGRATE_DB_CLOSED);
}

void
migrate_db_free(struct migrate_db *db)
{
	migrate_db_close(db);
	buf_free(&db->schema);
	buf_free(&db->error.text);
}

void
migrate_db_progress(struct migrate_db *db)
{
	db->progress_at = clock_mono();
}

int64_t
migrate_db_patience_left(const struct migrate_db *db)
{
	int64_t left = db->progress_at + db->patience - clock_mono();

	return left > 0 ? left : 0;
}

void
migrate_db_clear_error(struct migrate_db *db)
{
	buf_clear(&db->error.text);
	db->error.sqlstate[0] = '\0';
	db->error.file = NULL;
	db->error.code = EXIT_DATABASE;
}

enum migrate_outcome
migrate_db_refuse(struct migrate_db *db, const char *fmt, ...)
{
	char text[512];
	va_list args;

	va_start(args, fmt);
	(void)vsnprintf(text, sizeof(text), fmt, args);
	va_end(args);
	migrate_db_clear_error(db);
	buf_puts(&db->error.text, str_of(text));
	return MIGRATE_REFUSED;
}

enum migrate_outcome
migrate_db_no_memory(struct migrate_db *db)
{
	(void)migrate_db_refuse(db, "out of memory");
	return migrate_db_refuse_as(db, EXIT_INTERNAL);
}

enum migrate_outcome
migrate_db_try_again(struct migrate_db *db, const char *text)
{
	migrate_db_clear_error(db);
	buf_puts(&db->error.text, str_of(text));
	return MIGRATE_TRY_AGAIN;
}

enum migrate_outcome
migrate_db_refuse_as(struct migrate_db *db, enum exitcode code)
{
	db->error.code = code;
	return MIGRATE_REFUSED;
}

enum migrate_outcome
migrate_db_lost(struct migrate_db *db, const char *message)
{
	migrate_db_clear_error(db);
	if (message != NULL)
		dbconn_put_message(&db->error.text, message);
	else if (db->conn != NULL)
		dbconn_put_reason(&db->error.text, db->conn);
	else
		buf_puts(&db->error.text, STR("no connection"));
	return MIGRATE_NO_CONNECTION;
}

enum migrate_outcome
migrate_db_copy_error(
    struct migrate_db *db, const char *whose, const struct migrate_db *other, enum migrate_outcome outcome)
{
	if (outcome == MIGRATE_DONE)
		return outcome;
	migrate_db_clear_error(db);
	buf_printf(&db->error.text, "%s: %.*s", whose, STR_FMT(buf_str(&other->error.text)));
	memcpy(db->error.sqlstate, other->error.sqlstate, sizeof(db->error.sqlstate));
	db->error.file = other->error.file;
	db->error.code = other->error.code;
	return outcome;
}

static enum migrate_outcome
judge_sqlstate(const struct migrate_db *db, struct str sqlstate, const char *message)
{
	/* A schema change that is under way will end. */
	if (db->server == DBCONN_COCKROACHDB && str_eq(sqlstate, STR(SQLSTATE_NOT_ABLE)) &&
	    strstr(message, "schema change") != NULL)
		return MIGRATE_TRY_AGAIN;
	switch (sqlstate_migration(sqlstate.p, db->server)) {
	case SQLSTATE_MIGRATION_TRY_AGAIN:
		return MIGRATE_TRY_AGAIN;
	case SQLSTATE_MIGRATION_NO_CONNECTION:
		return MIGRATE_NO_CONNECTION;
	case SQLSTATE_MIGRATION_DOUBTFUL:
		return MIGRATE_DOUBTFUL;
	case SQLSTATE_MIGRATION_REFUSED:
		break;
	}
	return MIGRATE_REFUSED;
}

static void
put_field(struct buf *out, const PGresult *res, int field, const char *name)
{
	const char *text = PQresultErrorField(res, field);

	if (text == NULL)
		return;
	buf_printf(out, "; %s: ", name);
	dbconn_put_message(out, text);
}

static void
put_detail(struct buf *out, const PGresult *res, struct str sqlstate)
{
	for (size_t i = 0; i < ARRAY_SIZE(classes_with_detail); i++) {
		if (!str_starts(sqlstate, classes_with_detail[i]))
			continue;
		put_field(out, res, PG_DIAG_MESSAGE_DETAIL, "detail");
		put_field(out, res, PG_DIAG_MESSAGE_HINT, "hint");
	}
}

/* The server's error for a statement of this file. */
static enum migrate_outcome
failed(struct migrate_db *db, const char *file, const PGresult *res)
{
	const char *message = PQresultErrorField(res, PG_DIAG_MESSAGE_PRIMARY);
	struct str sqlstate = str_of(PQresultErrorField(res, PG_DIAG_SQLSTATE));

	if (PQstatus(db->conn) != CONNECTION_OK || message == NULL)
		return migrate_db_lost(db, message);
	migrate_db_clear_error(db);
	db->error.file = file;
	(void)snprintf(db->error.sqlstate, sizeof(db->error.sqlstate), "%.*s", STR_FMT(sqlstate));
	dbconn_put_message(&db->error.text, message);
	put_detail(&db->error.text, res, sqlstate);
	return sqlstate_ends_session(res) ? MIGRATE_NO_CONNECTION : judge_sqlstate(db, sqlstate, message);
}

void
migrate_db_tick(struct migrate_db *db)
{
	int64_t now = clock_mono();

	if (db->tick == NULL || db->script != NULL || now - db->ticked_at < TICK_NS)
		return;
	db->ticked_at = now;
	db->tick(db);
}

/* How long the answer to a short statement is waited for: no longer than the patience, but so that a lock can end it. */
static int64_t
answer_limit(const struct migrate_db *db)
{
	int64_t left = migrate_db_patience_left(db);

	if (left < LOCK_NS)
		left = LOCK_NS;
	return db->patience > 0 && left < db->answer_limit ? left : db->answer_limit;
}

/*
 * Sends what is left, and waits until PQgetResult() would not block; false: the connection is lost.  The connection does
 * not block, so that a server that reads nothing is noticed, too.
 */
static bool
wait_for_answer(struct migrate_db *db, bool takes_long)
{
	int64_t start = clock_mono(), limit = answer_limit(db);

	while (PQisBusy(db->conn)) {
		int unsent = PQflush(db->conn);
		struct pollfd fd = { .fd = PQsocket(db->conn), .events = unsent != 0 ? POLLIN | POLLOUT : POLLIN };
		int ready = dbconn_has_more(db->conn) ? 1 : poll(&fd, 1, (int)(TICK_NS / CLOCK_MS));

		if (unsent < 0 || (ready < 0 && errno != EINTR))
			return false;
		if (ready > 0 && !PQconsumeInput(db->conn))
			return false;
		if (ready > 0)
			continue;
		if (takes_long)
			migrate_db_tick(db);
		else if (clock_mono() - start > limit)
			return false;
	}
	return true;
}

static bool
is_success(const PGresult *res)
{
	ExecStatusType status = PQresultStatus(res);

	return status == PGRES_TUPLES_OK || status == PGRES_COMMAND_OK;
}

/* The answer to what was sent: the last of several statements', or the one that failed. */
static enum migrate_outcome
take_rows(struct migrate_db *db, const char *file, bool takes_long, PGresult **res)
{
	int64_t start = clock_mono();
	PGresult *next;

	*res = NULL;
	for (;;) {
		if (!wait_for_answer(db, takes_long))
			return migrate_db_lost(
			    db, PQstatus(db->conn) == CONNECTION_OK ? "no answer from the database" : NULL);
		next = PQgetResult(db->conn);
		if (next == NULL)
			break;
		if (*res != NULL && !is_success(*res)) {
			PQclear(next);
			continue;
		}
		PQclear(*res);
		*res = next;
	}
	if (*res == NULL)
		return migrate_db_lost(db, NULL);
	if (!is_success(*res))
		return failed(db, file, *res);
	if (takes_long)
		db->progress_at += clock_mono() - start;
	return MIGRATE_DONE;
}

/* The text of a file, with a NUL after it; to be freed. */
static struct buf
render(struct migrate_db *db, const char *file)
{
	static const char mark[] = "{snapshot}";
	struct str left = sql_text(file), before;
	const char *found;
	struct buf text;

	buf_init(&text, TEXT_MAX);
	while ((found = memmem(left.p, left.n, mark, sizeof(mark) - 1)) != NULL) {
		before = str_first(left, (size_t)(found - left.p));
		sql_render(&text, before, str_of(db->config->db_scheme));
		buf_puts(&text, str_of(db->snapshot));
		left = str_skip(left, before.n + sizeof(mark) - 1);
	}
	sql_render(&text, left, str_of(db->config->db_scheme));
	buf_putc(&text, '\0');
	return text;
}

/* How the values of a result are written. */
enum form { TEXT, BINARY };

static enum migrate_outcome
send_text_values(struct migrate_db *db, const char *file, const char *const *args, enum form form)
{
	struct buf text = render(db, file);
	int sent = 0;

	if (db->conn != NULL && buf_ok(&text))
		sent = args == NULL
		    ? PQsendQuery(db->conn, text.p)
		    : PQsendQueryParams(db->conn, text.p, migrate_script_count(args), NULL, args, NULL, NULL, form);
	buf_free(&text);
	if (!sent)
		return migrate_db_lost(db, NULL);
	return MIGRATE_DONE;
}

static enum migrate_outcome
run_statement(
    struct migrate_db *db, const char *file, const char *const *args, enum form form, bool takes_long, PGresult **res)
{
	enum migrate_outcome outcome = send_text_values(db, file, args, form);

	*res = NULL;
	return outcome == MIGRATE_DONE ? take_rows(db, file, takes_long, res) : outcome;
}

static void
print(struct migrate_db *db, const char *file, const char *const *args)
{
	struct buf text = render(db, file);

	migrate_script_print(db->script, file, str_of(buf_ok(&text) ? text.p : ""), args);
	buf_free(&text);
}

enum migrate_outcome
migrate_db_ask(struct migrate_db *db, const char *file, const char *const *args, PGresult **res)
{
	return run_statement(db, file, args, TEXT, false, res);
}

enum migrate_outcome
migrate_db_ask_long(struct migrate_db *db, const char *file, const char *const *args, PGresult **res)
{
	return run_statement(db, file, args, TEXT, true, res);
}

enum migrate_outcome
migrate_db_set(struct migrate_db *db, const char *file)
{
	PGresult *res;
	enum migrate_outcome outcome = migrate_db_ask(db, file, MIGRATE_NO_ARGS, &res);

	PQclear(res);
	return outcome;
}

enum migrate_outcome
migrate_db_fetch(struct migrate_db *db, const char *file, const char *const *args, PGresult **res)
{
	return run_statement(db, file, args, BINARY, false, res);
}

enum migrate_outcome
migrate_db_search(struct migrate_db *db, const char *file, const char *const *args, PGresult **res)
{
	return run_statement(db, file, args, BINARY, true, res);
}

enum migrate_outcome
migrate_db_stream(struct migrate_db *db, const char *file, const char *const *args)
{
	enum migrate_outcome outcome = send_text_values(db, file, args, BINARY);

	if (outcome == MIGRATE_DONE && !PQsetSingleRowMode(db->conn))
		outcome = migrate_db_lost(db, NULL);
	return outcome;
}

enum migrate_outcome
migrate_db_next(struct migrate_db *db, const char *file, PGresult **row)
{
	enum migrate_outcome outcome;

	for (;;) {
		*row = NULL;
		if (!wait_for_answer(db, true))
			return migrate_db_lost(db, NULL);
		*row = PQgetResult(db->conn);
		if (*row == NULL || PQresultStatus(*row) == PGRES_SINGLE_TUPLE)
			return MIGRATE_DONE;
		outcome = is_success(*row) ? MIGRATE_DONE : failed(db, file, *row);
		PQclear(*row);
		*row = NULL;
		if (outcome != MIGRATE_DONE)
			return outcome;
	}
}

static enum migrate_outcome
send_values(struct migrate_db *db, const char *file, const struct str *values, size_t n, enum form form)
{
	static const int binary[MIGRATE_VALUES] = { 1, 1, 1, 1, 1, 1, 1 };
	struct migrate_change change = { .n = 0 };
	struct buf text = render(db, file);
	int sent = 0;

	for (size_t i = 0; i < n; i++)
		migrate_db_bind(&change, values[i]);
	if (db->conn != NULL && buf_ok(&text))
		sent = PQsendQueryParams(db->conn, text.p, change.n, NULL, change.value, change.length, binary, form);
	buf_free(&text);
	if (!sent)
		return migrate_db_lost(db, NULL);
	return MIGRATE_DONE;
}

enum migrate_outcome
migrate_db_stream_binary(struct migrate_db *db, const char *file, const struct str *values, size_t n)
{
	enum migrate_outcome outcome = send_values(db, file, values, n, BINARY);

	if (outcome == MIGRATE_DONE && !PQsetSingleRowMode(db->conn))
		outcome = migrate_db_lost(db, NULL);
	return outcome;
}

enum migrate_outcome
migrate_db_write(struct migrate_db *db, const char *file, const struct str *values, size_t n, int64_t *rows)
{
	enum migrate_outcome outcome = send_values(db, file, values, n, TEXT);
	PGresult *res = NULL;

	if (outcome == MIGRATE_DONE)
		outcome = take_rows(db, file, false, &res);
	*rows = 0;
	if (outcome == MIGRATE_DONE)
		*rows = PQntuples(res) > 0 ? migrate_cell_number(res, 0, 0) : strtoll(PQcmdTuples(res), NULL, 10);
	PQclear(res);
	return outcome;
}

static enum migrate_outcome
prepare_statement(struct migrate_db *db, const char *file)
{
	struct buf text = render(db, file);
	PGresult *res = NULL;
	enum migrate_outcome outcome;

	if (buf_ok(&text) && PQsendPrepare(db->conn, file, text.p, 0, NULL))
		outcome = take_rows(db, file, false, &res);
	else
		outcome = migrate_db_lost(db, NULL);
	if (outcome == MIGRATE_DONE)
		db->prepared = file;
	PQclear(res);
	buf_free(&text);
	return outcome;
}

static bool
send_changes(struct migrate_db *db, const struct migrate_change *change, size_t n)
{
	static const int binary[MIGRATE_VALUES] = { 1, 1, 1, 1, 1, 1, 1 };

	for (size_t i = 0; i < n; i++)
		if (!PQsendQueryPrepared(
			db->conn, db->prepared, change[i].n, change[i].value, change[i].length, binary, BINARY) ||
		    !PQpipelineSync(db->conn))
			return false;
	return true;
}

/* The answer to one change, and that to the Sync after it. */
static enum migrate_outcome
take_change(struct migrate_db *db, struct migrate_change *change)
{
	enum migrate_outcome outcome = MIGRATE_DONE;
	PGresult *res = NULL;

	do {
		PQclear(res);
		if (!wait_for_answer(db, false) || PQstatus(db->conn) != CONNECTION_OK)
			return migrate_db_lost(db, NULL);
		res = PQgetResult(db->conn);
		if (PQresultStatus(res) == PGRES_COMMAND_OK)
			change->done = strcmp(PQcmdTuples(res), "0") != 0;
		else if (res != NULL && PQresultStatus(res) == PGRES_FATAL_ERROR)
			outcome = failed(db, db->prepared, res);
	} while (PQresultStatus(res) != PGRES_PIPELINE_SYNC);
	PQclear(res);
	return outcome;
}

void
migrate_db_bind(struct migrate_change *change, struct str value)
{
	assert(change->n < MIGRATE_VALUES);
	/* libpq takes a null pointer for a null. */
	change->value[change->n] = value.n > 0 ? value.p : "";
	change->length[change->n++] = (int)value.n;
}

enum migrate_outcome
migrate_db_change_each(struct migrate_db *db, const char *file, struct migrate_change *change, size_t n)
{
	enum migrate_outcome outcome = MIGRATE_DONE;

	if (db->prepared != file)
		outcome = prepare_statement(db, file);
	if (outcome != MIGRATE_DONE)
		return outcome;
	if (!PQenterPipelineMode(db->conn) || !send_changes(db, change, n))
		return migrate_db_lost(db, NULL);
	for (size_t i = 0; i < n; i++) {
		enum migrate_outcome one = take_change(db, &change[i]);

		if (one != MIGRATE_DONE)
			outcome = one;
		if (outcome == MIGRATE_NO_CONNECTION)
			return outcome;
	}
	if (!PQexitPipelineMode(db->conn))
		return migrate_db_lost(db, NULL);
	return outcome;
}

enum migrate_outcome
migrate_db_change(struct migrate_db *db, const char *file, const char *const *args, PGresult **res)
{
	*res = NULL;
	if (db->script == NULL)
		return run_statement(db, file, args, TEXT, false, res);
	print(db, file, args);
	return MIGRATE_DONE;
}

enum migrate_outcome
migrate_db_do(struct migrate_db *db, const char *file, const char *const *args)
{
	PGresult *res;
	enum migrate_outcome outcome = migrate_db_change(db, file, args, &res);

	PQclear(res);
	return outcome;
}

enum migrate_outcome
migrate_db_build(struct migrate_db *db, const char *file)
{
	PGresult *res;
	enum migrate_outcome outcome;

	if (db->script != NULL) {
		print(db, file, NULL);
		return MIGRATE_DONE;
	}
	outcome = run_statement(db, file, NULL, TEXT, true, &res);
	PQclear(res);
	return outcome;
}
