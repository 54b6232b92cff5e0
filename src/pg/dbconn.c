/* SPDX-License-Identifier: EPL-2.0 */
#include "pg/dbconn.h"

#include <endian.h>
#include <errno.h>
#include <poll.h>
#include <stdlib.h>

#include "base/base.h"
#include "base/clock.h"
#include "base/str.h"
#include "base/utf8.h"
#include "pg/sql.h"

#define CONNECT_TIMEOUT "5" /* seconds per address, where the string names none */
#define ANSWER_TIME     (5 * CLOCK_S)

/* What tokio-postgres calls otherwise than libpq; NULL: libpq has no such thing. */
static const struct {
	struct str theirs;
	const char *ours;
} translated[] = {
	{ STR_INIT("keepalives_retries"), "keepalives_count" },
	{ STR_INIT("load_balance_hosts"), NULL },
};

void
dbconn_put_message(struct buf *why, const char *libpq_message)
{
	/* libpq 15 formats bytes of nowhere where it may not read a certificate. */
	bool text = utf8_is_text(str_of(libpq_message));

	if (*libpq_message == '\0')
		buf_puts(why, STR("no answer"));
	for (const char *c = libpq_message; *c != '\0'; c++) {
		if (*c != '\n') {
			buf_putc(why, text || (*c >= ' ' && *c <= '~') ? *c : '?');
			continue;
		}
		if (c[1] != '\0')
			buf_puts(why, STR("; "));
		while (c[1] == '\t' || c[1] == ' ') /* what libpq sets off stands on a line of its own */
			c++;
	}
}

static bool
is_url(struct str s)
{
	return str_starts(s, STR("postgresql://")) || str_starts(s, STR("postgres://"));
}

/* Appends the parameter `pair` under libpq's name for it, or nothing. */
static void
put_pair(struct buf *out, struct str pair, char separator)
{
	struct str name, value;

	(void)str_cut(pair, '=', &name, &value);
	for (size_t i = 0; i < ARRAY_SIZE(translated); i++) {
		if (!str_eq(str_trim(name), translated[i].theirs))
			continue;
		if (translated[i].ours == NULL)
			return;
		name = str_of(translated[i].ours);
	}
	if (out->n > 0 && out->p[out->n - 1] != '?')
		buf_putc(out, separator);
	buf_puts(out, name);
	if (value.p != NULL) {
		buf_putc(out, '=');
		buf_puts(out, value);
	}
}

static void
translate_url(struct buf *out, struct str s)
{
	struct str base, query, pair;

	if (!str_cut(s, '?', &base, &query)) {
		buf_puts(out, s);
		return;
	}
	buf_puts(out, base);
	buf_putc(out, '?');
	while (query.p != NULL) {
		(void)str_cut(query, '&', &pair, &query);
		put_pair(out, pair, '&');
	}
}

/* The end of the first word of s, where quotes and backslashes keep white space in (libpq's conninfo syntax). */
static size_t
word_end(struct str s)
{
	bool quoted = false;
	size_t i;

	for (i = 0; i < s.n && (quoted || strchr(" \t\r\n", s.p[i]) == NULL); i++) {
		if (s.p[i] == '\\' && i + 1 < s.n)
			i++;
		else if (s.p[i] == '\'')
			quoted = !quoted;
	}
	return i;
}

static void
translate_pairs(struct buf *out, struct str s)
{
	while (s.n > 0) {
		size_t end = word_end(s);

		if (end > 0)
			put_pair(out, str_first(s, end), ' ');
		s = str_skip(s, end > 0 ? end : 1);
	}
}

/* Returns new (PQconninfoFree): the string in libpq's terms; NULL: it cannot be read. */
static PQconninfoOption *
parse_string(const char *db_connection)
{
	struct buf translation;
	PQconninfoOption *options = NULL;
	struct str s = str_of(db_connection);
	char *libpq_says = NULL;

	buf_init(&translation, 64 * 1024);
	if (is_url(s))
		translate_url(&translation, s);
	else
		translate_pairs(&translation, s);
	buf_putc(&translation, '\0');
	if (buf_ok(&translation))
		options = PQconninfoParse(translation.p, &libpq_says);
	/* The message quotes the string, password and all: not for anybody's eyes. */
	PQfreemem(libpq_says);
	if (translation.p != NULL)
		explicit_bzero(translation.p, translation.n);
	buf_free(&translation);
	return options;
}

/* Frees; overwrites what there is of a password first. */
static void
forget_copy(PQconninfoOption *options)
{
	for (PQconninfoOption *o = options; o != NULL && o->keyword != NULL; o++)
		if (o->val != NULL)
			explicit_bzero(o->val, strlen(o->val));
	PQconninfoFree(options);
}

bool
dbconn_string_ok(const char *db_connection, struct buf *why)
{
	PQconninfoOption *options = parse_string(db_connection);

	if (options == NULL) {
		buf_puts(why, STR("not a connection string that libpq can read (URL or key=value pairs)"));
		return false;
	}
	forget_copy(options);
	return true;
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
	PQconninfoOption *given[] = { parse_string(db_connection), PQconndefaults() };

	for (size_t i = 0; i < ARRAY_SIZE(given); i++) {
		for (PQconninfoOption *o = given[i]; o != NULL && o->keyword != NULL; o++)
			if (is_file(o->keyword) && o->val != NULL && o->val[0] != '\0')
				file(ctx, o->val);
		forget_copy(given[i]);
	}
}

/* libpq prints notices on stderr unless told otherwise; they may quote rows. */
static void
ignore_notice(void *arg, const char *message)
{
	(void)arg;
	(void)message;
}

PGconn *
dbconn_connect(const struct config *c, const char *application_name, struct buf *why)
{
	enum { OWN = 4 };
	const char *names[64 + OWN], *values[64 + OWN];
	size_t n = 0;
	PGconn *conn;
	PQconninfoOption *options = parse_string(c->db_connection);

	if (options == NULL) {
		buf_puts(why, STR("the connection string cannot be read"));
		return NULL;
	}
	/* Ours come first: what the operator wrote overrides them. */
	names[n] = "connect_timeout", values[n++] = CONNECT_TIMEOUT;
	names[n] = "fallback_application_name", values[n++] = application_name;
	names[n] = "client_encoding", values[n++] = "UTF8"; /* names are UTF-8, whatever the database's encoding is */
	for (PQconninfoOption *o = options; o->keyword != NULL && n < 64 + OWN - 1; o++)
		if (o->val != NULL && o->val[0] != '\0')
			names[n] = o->keyword, values[n++] = o->val;
	names[n] = NULL, values[n] = NULL;
	conn = PQconnectdbParams(names, values, 0);
	forget_copy(options);
	if (conn != NULL && PQstatus(conn) == CONNECTION_OK) {
		(void)PQsetNoticeProcessor(conn, ignore_notice, NULL);
		return conn;
	}
	dbconn_put_message(why, conn != NULL ? PQerrorMessage(conn) : "out of memory");
	PQfinish(conn);
	return NULL;
}

/* Until PQgetResult() would not block; false: lost, or too late. */
static bool
wait_for_result(PGconn *conn, int64_t deadline)
{
	while (PQisBusy(conn) == 1) {
		struct pollfd p = { .fd = PQsocket(conn), .events = POLLIN };
		int64_t left = deadline - clock_mono();

		if (left <= 0 || (poll(&p, 1, (int)(left / CLOCK_MS) + 1) < 0 && errno != EINTR))
			return false;
		if (PQconsumeInput(conn) == 0)
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

/* What version() tells of the kind of server; false: it is not supported, reason in *why. */
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
dbconn_pooled(PGconn *conn, bool *pooled, struct buf *why)
{
	PGresult *res = ask_one(conn, "statements/backend", 0, why);

	if (res != NULL)
		*pooled = strtol(PQgetvalue(res, 0, 0), NULL, 10) != PQbackendPID(conn);
	PQclear(res);
	return res != NULL;
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
