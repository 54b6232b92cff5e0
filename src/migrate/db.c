/* SPDX-License-Identifier: EPL-2.0 */
#include "migrate/db.h"

#include <assert.h>
#include <errno.h>
#include <poll.h>
#include <stdarg.h>
#include <stdlib.h>

#include "base/base.h"
#include "base/clock.h"
#include "pg/sql.h"

#define APPLICATION "hulykvs-migrate"
#define ANSWER_NS   (60 * CLOCK_S) /* silence after which the server counts as gone */
#define TICK_NS     (2 * CLOCK_S)
#define TEXT_MAX    (64 * 1024)

/* SQLSTATEs by their beginning; the first that fits counts, and none means refused. */
static const struct {
	struct str begin;
	enum migrate_outcome outcome;
	bool cockroachdb_only;
} sqlstates[] = {
	{ STR_INIT("08"), MIGRATE_GONE, false },
	{ STR_INIT("57P"), MIGRATE_GONE, false },   /* shutting down */
	{ STR_INIT("25P03"), MIGRATE_GONE, false }, /* idle in a transaction for too long */
	{ STR_INIT("55P03"), MIGRATE_BUSY, false }, /* lock timeout */
	{ STR_INIT("57014"), MIGRATE_BUSY, false }, /* cancelled by hand */
	{ STR_INIT("40"), MIGRATE_BUSY, false },    /* rolled back; 40003: perhaps */
	{ STR_INIT("53"), MIGRATE_BUSY, false },    /* out of memory, disk or connections */
	{ STR_INIT("25006"), MIGRATE_BUSY, false }, /* a standby, until it is promoted */
	/* Somebody else, the original for one, did the same in this moment. */
	{ STR_INIT("23505"), MIGRATE_BUSY, false },
	{ STR_INIT("42P06"), MIGRATE_BUSY, false },
	{ STR_INIT("42P07"), MIGRATE_BUSY, false },
	{ STR_INIT("42701"), MIGRATE_BUSY, false },
	{ STR_INIT("42710"), MIGRATE_BUSY, false },
	{ STR_INIT("XX000"), MIGRATE_BUSY, false }, /* "tuple concurrently updated" */
	/* Another schema change is under way, or was committed and then failed. */
	{ STR_INIT("0A000"), MIGRATE_BUSY, true },
	{ STR_INIT("55000"), MIGRATE_BUSY, true },
	{ STR_INIT("XX"), MIGRATE_BUSY, true },
};

void
migrate_db_init(struct migrate_db *db, const struct config *config)
{
	*db = (struct migrate_db){ .config = config, .progress_at = clock_mono(), .ticked_at = clock_mono() };
	buf_init(&db->schema, 1024);
	buf_init(&db->error, 4096);
	sql_schema_name(&db->schema, str_of(config->db_scheme));
	buf_putc(&db->schema, '\0');
}

void
migrate_db_close(struct migrate_db *db)
{
	if (db->side != NULL) {
		migrate_db_free(db->side);
		free(db->side);
		db->side = NULL;
	}
	PQfinish(db->conn);
	db->conn = NULL;
	db->locked = false;
	db->prepared = NULL;
}

void
migrate_db_free(struct migrate_db *db)
{
	migrate_db_close(db);
	buf_free(&db->schema);
	buf_free(&db->error);
}

enum migrate_outcome
migrate_db_refuse(struct migrate_db *db, const char *fmt, ...)
{
	char text[512];
	va_list args;

	va_start(args, fmt);
	(void)vsnprintf(text, sizeof(text), fmt, args);
	va_end(args);
	buf_clear(&db->error);
	buf_puts(&db->error, str_of(text));
	return MIGRATE_REFUSED;
}

static enum migrate_outcome
gone(struct migrate_db *db, const char *message)
{
	buf_clear(&db->error);
	dbconn_put_message(&db->error, message);
	return MIGRATE_GONE;
}

/* Without its detail line, which quotes keys. */
static enum migrate_outcome
failed(struct migrate_db *db, const PGresult *res)
{
	const char *message = PQresultErrorField(res, PG_DIAG_MESSAGE_PRIMARY);
	struct str sqlstate = str_of(PQresultErrorField(res, PG_DIAG_SQLSTATE));

	if (PQstatus(db->conn) != CONNECTION_OK || message == NULL)
		return gone(db, message != NULL ? message : PQerrorMessage(db->conn));
	buf_clear(&db->error);
	dbconn_put_message(&db->error, message);
	for (size_t i = 0; i < ARRAY_SIZE(sqlstates); i++)
		if (str_starts(sqlstate, sqlstates[i].begin) &&
		    (!sqlstates[i].cockroachdb_only || db->server == DBCONN_COCKROACHDB))
			return sqlstates[i].outcome;
	return MIGRATE_REFUSED;
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

/* Waits until PQgetResult() would not block; false: it is no use any longer. */
static bool
wait_for_answer(struct migrate_db *db, bool long_one)
{
	int64_t start = clock_mono();

	while (PQisBusy(db->conn)) {
		struct pollfd fd = { .fd = PQsocket(db->conn), .events = POLLIN };
		int ready = poll(&fd, 1, (int)(TICK_NS / CLOCK_MS));

		if (ready < 0 && errno != EINTR)
			return false;
		if (ready > 0 && !PQconsumeInput(db->conn))
			return false;
		if (ready > 0)
			continue;
		if (long_one)
			migrate_db_tick(db);
		else if (clock_mono() - start > ANSWER_NS)
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
take_rows(struct migrate_db *db, bool long_one, PGresult **res)
{
	PGresult *next;

	*res = NULL;
	for (;;) {
		if (!wait_for_answer(db, long_one))
			return gone(db,
			    PQstatus(db->conn) == CONNECTION_OK ? "no answer from the database"
								: PQerrorMessage(db->conn));
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
		return gone(db, PQerrorMessage(db->conn));
	return is_success(*res) ? MIGRATE_DONE : failed(db, *res);
}

static int
count_params(const char *const *args)
{
	int n = 0;

	while (args != NULL && args[n] != NULL)
		n++;
	return n;
}

/* The text of a file, with a NUL behind; to be freed. */
static struct buf
render(struct migrate_db *db, const char *file)
{
	struct buf text;

	buf_init(&text, TEXT_MAX);
	sql_render(&text, sql_text(file), str_of(db->config->db_scheme));
	buf_putc(&text, '\0');
	return text;
}

/* How the values of a result are written. */
enum form { TEXT, BINARY };

static enum migrate_outcome
run_statement(
    struct migrate_db *db, const char *file, const char *const *args, enum form form, bool long_one, PGresult **res)
{
	struct buf text = render(db, file);
	int sent = 0;

	*res = NULL;
	if (db->conn != NULL && buf_ok(&text))
		sent = args == NULL
		    ? PQsendQuery(db->conn, text.p)
		    : PQsendQueryParams(db->conn, text.p, count_params(args), NULL, args, NULL, NULL, form);
	buf_free(&text);
	if (!sent)
		return gone(db, db->conn != NULL ? PQerrorMessage(db->conn) : "no connection");
	return take_rows(db, long_one, res);
}

static void
put_literal(FILE *out, const char *value)
{
	putc('\'', out);
	for (; *value != '\0'; value++) {
		if (*value == '\'')
			putc('\'', out);
		putc(*value, out);
	}
	putc('\'', out);
}

/* The statement as psql would take it: $1 to $9 as literals, comments as they are. */
static void
print(struct migrate_db *db, const char *file, const char *const *args)
{
	struct buf text = render(db, file);
	struct str rest = str_of(buf_ok(&text) ? text.p : ""), line;
	int n = count_params(args);

	fprintf(db->script, "-- %s\n", file);
	while (str_cut(rest, '\n', &line, &rest)) {
		for (size_t i = 0; i < line.n; i++) {
			int arg = line.p[i] == '$' && i + 1 < line.n ? line.p[i + 1] - '0' : 0;

			if (arg < 1 || arg > n || str_starts(line, STR("--"))) {
				putc(line.p[i], db->script);
				continue;
			}
			put_literal(db->script, args[arg - 1]);
			i++;
		}
		putc('\n', db->script);
	}
	buf_free(&text);
}

enum migrate_outcome
migrate_db_ask(struct migrate_db *db, const char *file, const char *const *args, PGresult **res)
{
	return run_statement(db, file, args, TEXT, false, res);
}

enum migrate_outcome
migrate_db_fetch(struct migrate_db *db, const char *file, const char *const *args, PGresult **res)
{
	return run_statement(db, file, args, BINARY, false, res);
}

static enum migrate_outcome
prepare_statement(struct migrate_db *db, const char *file)
{
	struct buf text = render(db, file);
	PGresult *res = NULL;
	enum migrate_outcome outcome;

	if (buf_ok(&text) && PQsendPrepare(db->conn, file, text.p, 0, NULL))
		outcome = take_rows(db, false, &res);
	else
		outcome = gone(db, PQerrorMessage(db->conn));
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
			db->conn, db->prepared, MIGRATE_VALUES, change[i].value, change[i].length, binary, BINARY) ||
		    !PQpipelineSync(db->conn))
			return false;
	return true;
}

/* The answer to one change, and that to the Sync behind it. */
static enum migrate_outcome
take_change(struct migrate_db *db, struct migrate_change *change)
{
	enum migrate_outcome outcome = MIGRATE_DONE;
	PGresult *res = NULL;

	do {
		PQclear(res);
		if (!wait_for_answer(db, false) || PQstatus(db->conn) != CONNECTION_OK)
			return gone(db, PQerrorMessage(db->conn));
		res = PQgetResult(db->conn);
		if (PQresultStatus(res) == PGRES_COMMAND_OK)
			change->done = strcmp(PQcmdTuples(res), "0") != 0;
		else if (res != NULL && PQresultStatus(res) == PGRES_FATAL_ERROR)
			outcome = failed(db, res);
	} while (PQresultStatus(res) != PGRES_PIPELINE_SYNC);
	PQclear(res);
	return outcome;
}

enum migrate_outcome
migrate_db_change_each(struct migrate_db *db, const char *file, struct migrate_change *change, size_t n)
{
	enum migrate_outcome outcome = MIGRATE_DONE;

	assert(db->prepared == NULL || db->prepared == file);
	if (db->prepared == NULL)
		outcome = prepare_statement(db, file);
	if (outcome != MIGRATE_DONE)
		return outcome;
	if (!PQenterPipelineMode(db->conn) || !send_changes(db, change, n))
		return gone(db, PQerrorMessage(db->conn));
	for (size_t i = 0; i < n; i++) {
		enum migrate_outcome one = take_change(db, &change[i]);

		if (one != MIGRATE_DONE)
			outcome = one;
		if (outcome == MIGRATE_GONE)
			return outcome;
	}
	if (!PQexitPipelineMode(db->conn))
		return gone(db, PQerrorMessage(db->conn));
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

/* libpq would print them on stderr. */
static void
drop_notice(void *arg, const PGresult *res)
{
	(void)arg;
	(void)res;
}

static enum migrate_outcome
begin_session(struct migrate_db *db)
{
	bool cockroachdb = db->server == DBCONN_COCKROACHDB;
	PGresult *res;
	enum migrate_outcome outcome;

	PQsetNoticeReceiver(db->conn, drop_notice, NULL);
	outcome =
	    run_statement(db, cockroachdb ? "cockroachdb/session" : "postgresql/session", NULL, TEXT, false, &res);
	PQclear(res);
	if (outcome != MIGRATE_DONE || !db->read_only)
		return outcome;
	outcome = run_statement(db, "migrate/read_only", NULL, TEXT, false, &res);
	PQclear(res);
	return outcome;
}

enum migrate_outcome
migrate_db_open(struct migrate_db *db)
{
	enum migrate_outcome outcome = MIGRATE_GONE;

	migrate_db_close(db);
	buf_clear(&db->error);
	db->conn = dbconn_connect(db->config, APPLICATION, &db->error);
	if (db->conn != NULL && dbconn_server(db->conn, &db->server, &db->error))
		outcome = begin_session(db);
	if (outcome != MIGRATE_DONE)
		migrate_db_close(db);
	return outcome;
}

struct migrate_db *
migrate_db_second(struct migrate_db *db)
{
	if (db->side != NULL && db->side->conn != NULL)
		return db->side;
	if (db->side == NULL) {
		db->side = malloc(sizeof(*db->side));
		if (db->side == NULL)
			return NULL;
		migrate_db_init(db->side, db->config);
		db->side->read_only = db->read_only;
	}
	return migrate_db_open(db->side) == MIGRATE_DONE ? db->side : NULL;
}

bool
migrate_db_true(const PGresult *res, int row, int column)
{
	return PQgetvalue(res, row, column)[0] == 't';
}

int64_t
migrate_db_number(const PGresult *res, int row, int column)
{
	return strtoll(PQgetvalue(res, row, column), NULL, 10);
}

bool
migrate_db_keep(char **place, struct str text)
{
	char *copy = strndup(text.p, text.n);

	if (copy == NULL)
		return false;
	free(*place);
	*place = copy;
	return true;
}
