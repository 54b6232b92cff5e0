/* SPDX-License-Identifier: EPL-2.0 */
#include "pg/dbconn.h"

#include <endian.h>
#include <errno.h>
#include <libpq-events.h>
#include <openssl/ssl.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/base.h"
#include "base/clock.h"
#include "base/log.h"
#include "base/log_repeat.h"
#include "base/str.h"
#include "pg/conninfo.h"
#include "pg/libpq_text.h"
#include "pg/sql.h"

#define ANSWER_TIME      (5 * CLOCK_S)
#define SQLSTATE_WARNING "01000"
#define WARNING_EVERY    (60 * CLOCK_S) /* for each connection */

void
dbconn_put_message(struct buf *why, const char *libpq_message)
{
	libpq_text_put(why, libpq_message);
}

bool
dbconn_string_ok(const char *db_connection, struct buf *why)
{
	struct conninfo info;
	bool ok = conninfo_parse(&info, db_connection, why);

	conninfo_free(&info);
	return ok;
}

static bool
is_file(const char *keyword)
{
	static const char *const files[] = { "passfile", "sslcert", "sslcrl", "sslcrldir", "sslkey", "sslrootcert" };

	for (size_t i = 0; i < ARRAY_SIZE(files); i++)
		if (strcmp(keyword, files[i]) == 0)
			return true;
	return false;
}

void
dbconn_each_file(const char *db_connection, void (*file)(void *ctx, const char *path), void *ctx)
{
	PQconninfoOption *defaults = PQconndefaults();
	struct conninfo info;
	struct buf ignored;

	buf_init(&ignored, 1024);
	if (conninfo_parse(&info, db_connection, &ignored))
		for (size_t i = 0; i < info.n; i++)
			if (is_file(info.name[i]) && info.value[i][0] != '\0')
				file(ctx, info.value[i]);
	for (PQconninfoOption *o = defaults; o != NULL && o->keyword != NULL; o++)
		if (is_file(o->keyword) && o->val != NULL && o->val[0] != '\0')
			file(ctx, o->val);
	PQconninfoFree(defaults);
	conninfo_free(&info);
	buf_free(&ignored);
}

/* "": libpq has no default. */
static const char *
default_of(const PQconninfoOption *defaults, const char *keyword)
{
	for (const PQconninfoOption *o = defaults; o != NULL && o->keyword != NULL; o++)
		if (strcmp(o->keyword, keyword) == 0 && o->val != NULL)
			return o->val;
	return "";
}

static const char *
value_or_default(const struct conninfo *info, const PQconninfoOption *defaults, const char *keyword)
{
	const char *value = conninfo_get(info, keyword);

	return value != NULL && value[0] != '\0' ? value : default_of(defaults, keyword);
}

bool
dbconn_hosts(const char *db_connection, void (*hosts)(void *ctx, const char *hosts, const char *ports), void *ctx)
{
	PQconninfoOption *defaults = PQconndefaults();
	struct conninfo info;
	struct buf ignored;
	bool ok;

	buf_init(&ignored, 1024);
	ok = conninfo_parse(&info, db_connection, &ignored) && defaults != NULL &&
	    value_or_default(&info, defaults, "service")[0] == '\0';
	if (ok)
		hosts(ctx, value_or_default(&info, defaults, "host"), value_or_default(&info, defaults, "port"));
	PQconninfoFree(defaults);
	conninfo_free(&info);
	buf_free(&ignored);
	return ok;
}

/* What the server said before it ended the connection, and when it last warned; the connection owns it. */
struct server_messages {
	char end[256]; /* "": nothing */
	struct log_repeat warned;
};

static int
on_connection_event(PGEventId id, void *info, void *ctx)
{
	(void)ctx;
	if (id == PGEVT_CONNDESTROY) {
		PGconn *conn = ((PGEventConnDestroy *)info)->conn;

		free(PQinstanceData(conn, on_connection_event));
		(void)PQsetInstanceData(conn, on_connection_event, NULL);
	}
	return 1;
}

void
dbconn_note_error(PGconn *conn, const PGresult *res)
{
	struct server_messages *messages = PQinstanceData(conn, on_connection_event);
	const char *severity = PQresultErrorField(res, PG_DIAG_SEVERITY_NONLOCALIZED);
	const char *message = PQresultErrorField(res, PG_DIAG_MESSAGE_PRIMARY);

	if (messages == NULL || severity == NULL || message == NULL)
		return;
	if (strcmp(severity, "FATAL") == 0 || strcmp(severity, "PANIC") == 0)
		(void)snprintf(messages->end, sizeof(messages->end), "%s: %s", severity, message);
}

/*
 * A statement succeeded with a warning.  PostgreSQL warns so if the wait for a synchronous standby was cancelled: the write
 * is committed on the primary then.  The warning's text is not logged, since a trigger's may quote rows.
 */
static void
log_warning(PGconn *conn, const PGresult *res)
{
	struct server_messages *messages = PQinstanceData(conn, on_connection_event);
	const char *code = PQresultErrorField(res, PG_DIAG_SQLSTATE);

	if (messages == NULL || code == NULL || strcmp(code, SQLSTATE_WARNING) != 0 ||
	    !log_repeat_allows(&messages->warned, clock_mono(), WARNING_EVERY))
		return;
	log_event(LOG_WARN, "the database warned about a statement that it executed",
	    log_text("sqlstate", str_of(code)),
	    log_text("reason",
		STR("its own log has the text; if the wait for a synchronous standby was cancelled, a write is on the "
		    "primary only")));
}

/* libpq prints notices on stderr unless told otherwise; they may quote rows. */
static void
receive_notice(void *arg, const PGresult *res)
{
	dbconn_note_error(arg, res);
	log_warning(arg, res);
}

void
dbconn_put_reason(struct buf *why, PGconn *conn)
{
	const struct server_messages *messages = PQinstanceData(conn, on_connection_event);

	/* Lets libpq look at what came last: while no statement runs, nobody else does. */
	(void)PQisBusy(conn);
	libpq_text_put(why, messages != NULL && messages->end[0] != '\0' ? messages->end : PQerrorMessage(conn));
}

/* Keeps with the connection what the server says; without memory, does nothing. */
static void
listen_for_notices(PGconn *conn)
{
	struct server_messages *messages = calloc(1, sizeof(*messages));

	(void)PQsetNoticeReceiver(conn, receive_notice, conn);
	if (PQregisterEventProc(conn, on_connection_event, "server messages", NULL) == 0 ||
	    PQsetInstanceData(conn, on_connection_event, messages) == 0)
		free(messages);
}

/* Adds our defaults for parameters that the operator has not set. */
static void
add_defaults(struct conninfo *info, const char *application_name)
{
	const struct {
		const char *name, *value;
	} defaults[] = {
		{ "fallback_application_name", application_name },
		{ "client_encoding", "UTF8" }, /* names are UTF-8, whatever the database's encoding is */
		/* So that a connection that a firewall dropped, or whose host is down, is noticed within seconds. */
		{ "keepalives_idle", "30" },
		{ "keepalives_interval", "5" },
		{ "keepalives_count", "3" },
		{ "tcp_user_timeout", "5000" },
	};

	for (size_t i = 0; i < ARRAY_SIZE(defaults); i++)
		conninfo_default(info, defaults[i].name, defaults[i].value);
}

PGconn *
dbconn_connect(const struct config *c, const char *application_name, struct connect_race_memory *last, struct buf *why)
{
	struct conninfo info;
	PGconn *conn = NULL;

	if (conninfo_parse(&info, c->db_connection, why)) {
		add_defaults(&info, application_name);
		conn = connect_race_run(&info, last, why);
	}
	conninfo_free(&info);
	if (conn != NULL)
		listen_for_notices(conn);
	return conn;
}

bool
dbconn_is_remote(PGconn *conn)
{
	const char *host = PQhost(conn), *address = PQhostaddr(conn);

	if (host != NULL && (host[0] == '/' || host[0] == '@'))
		return false;
	return address == NULL || (strncmp(address, "127.", 4) != 0 && strcmp(address, "::1") != 0);
}

const char *
dbconn_encryption(PGconn *conn)
{
	const char *protocol = PQsslInUse(conn) == 1 ? PQsslAttribute(conn, "protocol") : NULL;

	if (PQgssEncInUse(conn) == 1)
		return "GSSAPI";
	return protocol != NULL ? protocol : "none";
}

bool
dbconn_has_more(PGconn *conn)
{
	const SSL *ssl = PQsslStruct(conn, "OpenSSL");

	return ssl != NULL && SSL_pending(ssl) > 0;
}

static bool
wait_for_bytes(PGconn *conn, int64_t time)
{
	struct pollfd p = { .fd = PQsocket(conn), .events = POLLIN };

	return dbconn_has_more(conn) || poll(&p, 1, (int)(time / CLOCK_MS) + 1) >= 0 || errno == EINTR;
}

/* Waits until PQgetResult() would not block; false: the connection is lost, or the time is over. */
static bool
wait_for_result(PGconn *conn, int64_t deadline)
{
	while (PQisBusy(conn) == 1) {
		int64_t left = deadline - clock_mono();

		if (left <= 0 || !wait_for_bytes(conn, left) || PQconsumeInput(conn) == 0)
			return false;
	}
	return true;
}

PGresult *
dbconn_result(PGconn *conn, int sent)
{
	int64_t deadline = clock_mono() + ANSWER_TIME;
	PGresult *last = NULL;

	if (sent == 0)
		return NULL;
	while (wait_for_result(conn, deadline)) {
		PGresult *res = PQgetResult(conn);

		if (res == NULL)
			return last;
		PQclear(last);
		last = res;
	}
	PQclear(last);
	return NULL;
}

/* The answer to a query of one row without parameters; NULL: there is none, reason in *why. */
static PGresult *
ask_one(PGconn *conn, const char *file, int binary, struct buf *why)
{
	struct str query = sql_text(file);
	PGresult *res = dbconn_result(conn, PQsendQueryParams(conn, query.p, 0, NULL, NULL, NULL, NULL, binary));

	if (PQresultStatus(res) == PGRES_TUPLES_OK && PQntuples(res) == 1 && PQnfields(res) == 1)
		return res;
	dbconn_put_message(why, PQerrorMessage(conn));
	PQclear(res);
	return NULL;
}

/* The kind of server, from what version() returned; false: it is not supported, reason in *why. */
static bool
take_server_kind(const char *version, enum dbconn_server *server, struct buf *why)
{
	if (strstr(version, "-YB-") != NULL) {
		buf_puts(why, STR("the server is YugabyteDB, which is not supported: use PostgreSQL or CockroachDB"));
		return false;
	}
	*server = strstr(version, "CockroachDB") != NULL ? DBCONN_COCKROACHDB : DBCONN_POSTGRESQL;
	return true;
}

bool
dbconn_server(PGconn *conn, enum dbconn_server *server, struct buf *why)
{
	PGresult *res = ask_one(conn, "statements/version", 0, why);
	bool ok = res != NULL && take_server_kind(PQgetvalue(res, 0, 0), server, why);

	PQclear(res);
	return ok;
}

bool
dbconn_is_utf8(PGconn *conn, struct buf *why)
{
	const char *encoding = PQparameterStatus(conn, "server_encoding");

	/* CockroachDB and poolers may not tell it. */
	if (encoding == NULL || strcmp(encoding, "UTF8") == 0)
		return true;
	buf_printf(why,
	    "the database's encoding is %s, and UTF8 is needed: make a database with encoding UTF8, and move the data "
	    "there with pg_dump and pg_restore",
	    encoding);
	return false;
}

bool
dbconn_pooled(PGconn *conn, bool *pooled, struct buf *why)
{
	PGresult *res = ask_one(conn, "postgresql/backend_pid", 0, why);

	if (res != NULL)
		*pooled = strtol(PQgetvalue(res, 0, 0), NULL, 10) != PQbackendPID(conn);
	PQclear(res);
	return res != NULL;
}

bool
dbconn_read_only(PGconn *conn, bool *read_only, struct buf *why)
{
	PGresult *res = ask_one(conn, "statements/read_only", 0, why);

	if (res != NULL)
		*read_only = strcmp(PQgetvalue(res, 0, 0), "on") == 0;
	PQclear(res);
	return res != NULL;
}

bool
dbconn_alone(PGconn *conn, const char *own)
{
	struct str query = sql_text("postgresql/other_sessions");
	PGresult *res = dbconn_result(conn, PQsendQueryParams(conn, query.p, 1, NULL, &own, NULL, NULL, 0));
	bool alone =
	    PQresultStatus(res) == PGRES_TUPLES_OK && PQntuples(res) == 1 && strcmp(PQgetvalue(res, 0, 0), "0") == 0;

	PQclear(res);
	return alone;
}

bool
dbconn_read_clock(const PGresult *res, int64_t *time)
{
	uint64_t big;

	if (PQntuples(res) != 1 || PQgetlength(res, 0, 0) != (int)sizeof(big))
		return false;
	memcpy(&big, PQgetvalue(res, 0, 0), sizeof(big));
	*time = (int64_t)be64toh(big);
	return true;
}

bool
dbconn_clock(PGconn *conn, int64_t margin, struct db_clock *clock, struct buf *why)
{
	int64_t time, sent = clock_mono();
	PGresult *res = ask_one(conn, "statements/clock", 1, why);
	bool ok = res != NULL && dbconn_read_clock(res, &time);

	if (ok)
		*clock = db_clock_of(sent, clock_mono(), time, margin);
	else if (res != NULL)
		buf_puts(why, STR("the database's time cannot be read"));
	PQclear(res);
	return ok;
}
