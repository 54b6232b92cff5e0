/* SPDX-License-Identifier: EPL-2.0 */
#include "lib/fake_libpq.h"

#include <libpq-events.h>
#include <openssl/ssl.h>
#include <stdlib.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include "base/buf.h"

enum { CELLS = 4 };

struct pg_result {
	struct pg_result *next;
	ExecStatusType status;
	bool last; /* a NULL comes behind it */
	const char *sqlstate, *severity, *changed;
	int cells;
	struct str cell[CELLS];
};

struct pg_conn {
	int fd;
	struct buf sent;
	struct buf shown; /* what fake_libpq_sent() returned */
	PGresult *head, **tail;
	bool null_due, broken, full, split;
	int refuse;    /* the statement that is refused, 1: the next; 0: none */
	int put, seen; /* answers that are there, and of them those that PQconsumeInput() has read */
	PGTransactionStatusType transaction;
};

static int connections, results;

static void *
must_have(void *p)
{
	if (p == NULL)
		abort();
	return p;
}

PGconn *
fake_libpq_connection(void)
{
	PGconn *conn = must_have(calloc(1, sizeof(*conn)));

	conn->fd = eventfd(0, EFD_CLOEXEC);
	buf_init(&conn->sent, 64 * 1024);
	buf_init(&conn->shown, 64 * 1024);
	conn->tail = &conn->head;
	connections++;
	return conn;
}

struct str
fake_libpq_sent(PGconn *conn)
{
	buf_clear(&conn->shown);
	buf_puts(&conn->shown, buf_str(&conn->sent));
	buf_clear(&conn->sent);
	return buf_str(&conn->shown);
}

static PGresult *
put_result(PGconn *conn, ExecStatusType status)
{
	PGresult *res = must_have(calloc(1, sizeof(*res)));

	res->status = status;
	res->last = status != PGRES_PIPELINE_SYNC && status != PGRES_SINGLE_TUPLE;
	*conn->tail = res;
	conn->tail = &res->next;
	conn->put++;
	results++;
	return res;
}

void
fake_libpq_answer_row(PGconn *conn, int n, const struct str *value)
{
	PGresult *res = put_result(conn, PGRES_TUPLES_OK);

	res->cells = n;
	for (int i = 0; i < n && i < CELLS; i++)
		res->cell[i] = value[i];
}

void
fake_libpq_answer_changed(PGconn *conn, const char *rows)
{
	put_result(conn, PGRES_COMMAND_OK)->changed = rows;
}

void
fake_libpq_answer_error(PGconn *conn, const char *sqlstate, const char *severity)
{
	PGresult *res = put_result(conn, PGRES_FATAL_ERROR);

	res->sqlstate = sqlstate;
	res->severity = severity;
}

void
fake_libpq_answer_aborted(PGconn *conn)
{
	(void)put_result(conn, PGRES_PIPELINE_ABORTED);
}

void
fake_libpq_answer_sync(PGconn *conn)
{
	(void)put_result(conn, PGRES_PIPELINE_SYNC);
}

void
fake_libpq_answer_single(PGconn *conn, struct str value)
{
	PGresult *res = put_result(conn, PGRES_SINGLE_TUPLE);

	res->cells = 1;
	res->cell[0] = value;
}

void
fake_libpq_answer_end(PGconn *conn)
{
	(void)put_result(conn, PGRES_TUPLES_OK);
}

void
fake_libpq_break(PGconn *conn)
{
	conn->broken = true;
}

void
fake_libpq_refuse(PGconn *conn, int statement)
{
	conn->refuse = statement;
}

void
fake_libpq_split(PGconn *conn)
{
	conn->split = true;
}

void
fake_libpq_fill(PGconn *conn, bool full)
{
	conn->full = full;
}

int
fake_libpq_connections(void)
{
	return connections;
}

int
fake_libpq_results(void)
{
	return results;
}

/* libpq's own names from here on. */

void
PQfinish(PGconn *conn)
{
	if (conn == NULL)
		return;
	while (conn->head != NULL) {
		PGresult *res = conn->head;

		conn->head = res->next;
		PQclear(res);
	}
	(void)close(conn->fd);
	buf_free(&conn->sent);
	buf_free(&conn->shown);
	free(conn);
	connections--;
}

int
PQsocket(const PGconn *conn)
{
	return conn->fd;
}

void *
PQinstanceData(const PGconn *conn, PGEventProc proc)
{
	(void)conn;
	(void)proc;
	return NULL;
}

ConnStatusType
PQstatus(const PGconn *conn)
{
	return conn->broken ? CONNECTION_BAD : CONNECTION_OK;
}

char *
PQerrorMessage(const PGconn *conn)
{
	static char lost[] = "the connection was cut\n", none[] = "";

	return conn->broken ? lost : none;
}

void
fake_libpq_transaction(PGconn *conn, PGTransactionStatusType status)
{
	conn->transaction = status;
}

static int
put_sent(PGconn *conn, struct str what, struct str key)
{
	if (conn->sent.n > 0)
		buf_putc(&conn->sent, ' ');
	buf_puts(&conn->sent, what);
	if (key.p != NULL) {
		buf_putc(&conn->sent, ':');
		buf_puts(&conn->sent, key);
	}
	return 1;
}

/* The third parameter of most statements is the key; of a list, where it begins. */
int
PQsendQueryPrepared(PGconn *conn, const char *name, int n, const char *const *values, const int *lengths,
    const int *formats, int result_format)
{
	bool many = strstr(name, "_many") != NULL || strstr(name, "_keys") != NULL || strstr(name, "_batch") != NULL;

	(void)formats;
	(void)result_format;
	if (conn->refuse > 0 && --conn->refuse == 0)
		return 0;
	return put_sent(conn, str_of(name), n >= 3 && !many ? str_from(values[2], (size_t)lengths[2]) : STR_ABSENT);
}

int
PQpipelineSync(PGconn *conn)
{
	return put_sent(conn, STR("sync"), STR_ABSENT);
}

int
PQsetSingleRowMode(PGconn *conn)
{
	(void)conn;
	return 1;
}

int
PQflush(PGconn *conn)
{
	return conn->full ? 1 : 0;
}

int
PQconsumeInput(PGconn *conn)
{
	if (conn->seen < conn->put)
		conn->seen = conn->split ? conn->seen + 1 : conn->put;
	return conn->broken && conn->head == NULL ? 0 : 1;
}

void *
PQsslStruct(PGconn *conn, const char *name)
{
	(void)name;
	return conn->split ? conn : NULL;
}

int
SSL_pending(const SSL *ssl)
{
	const PGconn *conn = (const PGconn *)ssl;

	return conn->put - conn->seen;
}

int
PQisBusy(PGconn *conn)
{
	return (conn->head == NULL || (conn->split && conn->seen == 0)) && !conn->null_due && !conn->broken;
}

PGresult *
PQgetResult(PGconn *conn)
{
	PGresult *res = conn->head;

	if (conn->null_due || res == NULL) {
		conn->null_due = false;
		return NULL;
	}
	conn->head = res->next;
	if (conn->head == NULL)
		conn->tail = &conn->head;
	conn->null_due = res->last;
	conn->put--;
	if (conn->seen > 0)
		conn->seen--;
	return res;
}

void
PQclear(PGresult *res)
{
	if (res == NULL)
		return;
	free(res);
	results--;
}

ExecStatusType
PQresultStatus(const PGresult *res)
{
	return res != NULL ? res->status : PGRES_FATAL_ERROR;
}

char *
PQresultErrorField(const PGresult *res, int field)
{
	return (char *)(field == PG_DIAG_SQLSTATE        ? res->sqlstate
		: field == PG_DIAG_SEVERITY_NONLOCALIZED ? res->severity
							 : NULL);
}

int
PQntuples(const PGresult *res)
{
	return res->cells > 0;
}

int
PQnfields(const PGresult *res)
{
	return res->cells;
}

char *
PQgetvalue(const PGresult *res, int row, int column)
{
	(void)row;
	return (char *)res->cell[column].p;
}

int
PQgetlength(const PGresult *res, int row, int column)
{
	(void)row;
	return (int)res->cell[column].n;
}

int
PQgetisnull(const PGresult *res, int row, int column)
{
	(void)row;
	return res->cell[column].p == NULL;
}

char *
PQcmdTuples(PGresult *res)
{
	return (char *)(res->changed != NULL ? res->changed : "");
}

PGTransactionStatusType
PQtransactionStatus(const PGconn *conn)
{
	return conn->transaction;
}
