/* SPDX-License-Identifier: EPL-2.0 */
#include "pg/statement.h"

#include <endian.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/date.h"
#include "pg/dbconn.h"
#include "pg/params.h"
#include "pg/sql.h"
#include "store/seal.h"

#define BATCH_VALUES_MAX ((int64_t)8 * 1024 * 1024) /* bytes; of all values that a BATCH reads, if it reads several */
#define JOINED_VALUE_MAX 8192 /* bytes; joining copies the value once more, so it is faster for small ones only */

static const struct {
	const char *name; /* of the prepared statement */
	enum statement_role role;
	Oid types[PARAMS_MAX + 1]; /* ends with 0 */
} statements[] = {
#define X(name, file, role) [STATEMENT_##name] = { file, STATEMENT_ROLE_##role, TYPES_##name },
#define KEY_TYPES           PARAMS_OID_UUID, PARAMS_OID_TEXT, PARAMS_OID_TEXT
#define TYPES_GET \
	{ \
		KEY_TYPES \
	}
#define TYPES_GET_KEYS \
	{ \
		PARAMS_OID_UUID, PARAMS_OID_TEXT, PARAMS_OID_TEXT_ARRAY \
	}
#define TYPES_GET_MANY \
	{ \
		PARAMS_OID_UUID_ARRAY, PARAMS_OID_TEXT_ARRAY, PARAMS_OID_TEXT_ARRAY \
	}
#define TYPES_GET_BATCH \
	{ \
		PARAMS_OID_UUID, PARAMS_OID_TEXT, PARAMS_OID_TEXT_ARRAY, PARAMS_OID_INT8 \
	}
#define TYPES_BEGIN \
	{ \
		0 \
	}
#define TYPES_BEGIN_SERIALIZABLE \
	{ \
		0 \
	}
#define TYPES_IN_TIME \
	{ \
		PARAMS_OID_TIMESTAMPTZ \
	}
#define TYPES_COMMIT \
	{ \
		0 \
	}
#define TYPES_ROLLBACK \
	{ \
		0 \
	}
#define TYPES_PUT_MANY \
	{ \
		PARAMS_OID_UUID_ARRAY, PARAMS_OID_TEXT_ARRAY, PARAMS_OID_TEXT_ARRAY, PARAMS_OID_BYTEA_ARRAY, \
		    PARAMS_OID_BYTEA_ARRAY, PARAMS_OID_TIMESTAMPTZ \
	}
#define TYPES_HEAD \
	{ \
		KEY_TYPES \
	}
#define TYPES_ANY \
	{ \
		PARAMS_OID_UUID, PARAMS_OID_TEXT \
	}
#define TYPES_CHECK \
	{ \
		PARAMS_OID_NAME \
	}
#define TYPES_CLOCK \
	{ \
		0 \
	}
#define TYPES_PUT \
	{ \
		KEY_TYPES, PARAMS_OID_BYTEA, PARAMS_OID_BYTEA, PARAMS_OID_TIMESTAMPTZ \
	}
#define TYPES_PUT_IF_ABSENT \
	{ \
		KEY_TYPES, PARAMS_OID_BYTEA, PARAMS_OID_BYTEA, PARAMS_OID_TIMESTAMPTZ \
	}
#define TYPES_PUT_IF_PRESENT \
	{ \
		KEY_TYPES, PARAMS_OID_BYTEA, PARAMS_OID_BYTEA, PARAMS_OID_TIMESTAMPTZ \
	}
#define TYPES_PUT_IF_MATCH \
	{ \
		KEY_TYPES, PARAMS_OID_BYTEA, PARAMS_OID_BYTEA, PARAMS_OID_BYTEA_ARRAY, PARAMS_OID_TIMESTAMPTZ \
	}
#define TYPES_DELETE \
	{ \
		KEY_TYPES, PARAMS_OID_TIMESTAMPTZ \
	}
#define TYPES_DELETE_IF_MATCH \
	{ \
		KEY_TYPES, PARAMS_OID_BYTEA_ARRAY, PARAMS_OID_TIMESTAMPTZ \
	}
#define TYPES_LIST \
	{ \
		KEY_TYPES, PARAMS_OID_INT8 \
	}
#define TYPES_LIST_BELOW \
	{ \
		KEY_TYPES, PARAMS_OID_INT8, PARAMS_OID_TEXT \
	}
#define TYPES_ENTRIES \
	{ \
		KEY_TYPES, PARAMS_OID_INT8, PARAMS_OID_BOOL, PARAMS_OID_INT8 \
	}
#define TYPES_ENTRIES_BELOW \
	{ \
		KEY_TYPES, PARAMS_OID_INT8, PARAMS_OID_BOOL, PARAMS_OID_INT8, PARAMS_OID_TEXT \
	}
#define TYPES_NAMESPACES \
	{ \
		PARAMS_OID_UUID, PARAMS_OID_TEXT, PARAMS_OID_INT8 \
	}
#define TYPES_COUNTS \
	{ \
		PARAMS_OID_UUID, PARAMS_OID_TEXT, PARAMS_OID_INT8 \
	}
#define TYPES_WORKSPACES \
	{ \
		PARAMS_OID_UUID, PARAMS_OID_INT8, PARAMS_OID_TEXT \
	}
	STATEMENTS(X)
#undef X
};

/* CockroachDB has some statements of its own; the others are the same as on PostgreSQL. */
static struct str
text_for(enum statement s, enum dbconn_server server)
{
	char path[64];
	struct str text = STR_ABSENT;

	if (server == DBCONN_COCKROACHDB) {
		(void)snprintf(path, sizeof(path), "cockroachdb/%s", statements[s].name);
		text = sql_find(path);
	}
	if (text.p != NULL)
		return text;
	(void)snprintf(path, sizeof(path), "statements/%s", statements[s].name);
	return sql_text(path);
}

bool
statement_set_init(struct statement_set *set, struct str schema, bool prepared, int64_t statement_timeout)
{
	bool ok;

	*set = (struct statement_set){ .prepared = prepared, .write_time = statement_timeout };
	buf_init(&set->schema, 1024);
	sql_schema_name(&set->schema, schema);
	buf_putc(&set->schema, '\0');
	ok = buf_ok(&set->schema);
	for (size_t i = 0; i < (size_t)DBCONN_SERVERS * STATEMENT_COUNT; i++) {
		enum statement s = (enum statement)(i % STATEMENT_COUNT);
		struct buf *text = &set->text[i / STATEMENT_COUNT][s];

		buf_init(text, 64 * 1024);
		sql_render(text, text_for(s, (enum dbconn_server)(i / STATEMENT_COUNT)), schema);
		buf_putc(text, '\0');
		ok = ok && buf_ok(text);
	}
	return ok;
}

void
statement_set_free(struct statement_set *set)
{
	for (size_t i = 0; i < (size_t)DBCONN_SERVERS * STATEMENT_COUNT; i++)
		buf_free(&set->text[i / STATEMENT_COUNT][i % STATEMENT_COUNT]);
	buf_free(&set->schema);
}

const char *
statement_text(const struct statement_set *set, enum dbconn_server server, enum statement s)
{
	return set->text[server][s].p;
}

enum statement_role
statement_role(enum statement s)
{
	return statements[s].role;
}

static int
type_count(enum statement s)
{
	int n = 0;

	while (statements[s].types[n] != 0)
		n++;
	return n;
}

/* Whether it was prepared when the connection was made: those of its role, and GET_BATCH, which a BATCH may need, too. */
static bool
is_prepared_for(enum statement s, enum statement_role role)
{
	return statements[s].role == role || (s == STATEMENT_GET_BATCH && role == STATEMENT_ROLE_WRITE);
}

bool
statement_prepare(
    const struct statement_set *set, PGconn *conn, enum dbconn_server server, enum statement_role role, struct buf *why)
{
	bool ok = true;

	for (enum statement s = 0; ok && set->prepared && s < STATEMENT_COUNT; s++) {
		PGresult *res;

		if (!is_prepared_for(s, role))
			continue;
		res = dbconn_result(conn,
		    PQsendPrepare(
			conn, statements[s].name, statement_text(set, server, s), type_count(s), statements[s].types));
		ok = PQresultStatus(res) == PGRES_COMMAND_OK;
		if (!ok)
			dbconn_put_message(why, PQerrorMessage(conn));
		PQclear(res);
	}
	return ok;
}

static enum statement
put_statement(enum store_condition condition)
{
	switch (condition) {
	case STORE_ALWAYS:
		return STATEMENT_PUT;
	case STORE_IF_ABSENT:
		return STATEMENT_PUT_IF_ABSENT;
	case STORE_IF_PRESENT:
		return STATEMENT_PUT_IF_PRESENT;
	case STORE_IF_MATCH:
		break;
	}
	return STATEMENT_PUT_IF_MATCH;
}

static enum statement
list_statement(const struct store_op *op)
{
	bool below = op->range.below.p != NULL;

	switch (op->list) {
	case STORE_LIST_METADATA:
	case STORE_LIST_VALUES:
		return below ? STATEMENT_ENTRIES_BELOW : STATEMENT_ENTRIES;
	case STORE_LIST_NAMESPACES:
		return STATEMENT_NAMESPACES;
	case STORE_LIST_COUNTS:
		return STATEMENT_COUNTS;
	case STORE_LIST_WORKSPACES:
		return STATEMENT_WORKSPACES;
	case STORE_LIST_KEYS:
		break;
	}
	return below ? STATEMENT_LIST_BELOW : STATEMENT_LIST;
}

enum statement
statement_of(const struct store_op *op)
{
	switch (op->kind) {
	case STORE_GET:
		return STATEMENT_GET;
	case STORE_HEAD:
		return STATEMENT_HEAD;
	case STORE_CHECK:
		return STATEMENT_CHECK;
	case STORE_ANY:
		return STATEMENT_ANY;
	case STORE_PUT:
		return put_statement(op->condition);
	case STORE_DELETE:
		/* With "If-Match: *" no row means 412 instead of 404; the statement is the same. */
		return op->condition == STORE_IF_MATCH ? STATEMENT_DELETE_IF_MATCH : STATEMENT_DELETE;
	case STORE_BATCH:
		return op->parts_write ? STATEMENT_BEGIN : STATEMENT_GET_BATCH;
	case STORE_LIST:
		break;
	}
	return list_statement(op);
}

static bool
send_statement(
    const struct statement_set *set, PGconn *conn, enum dbconn_server server, enum statement s, const struct params *p)
{
	if (set->prepared)
		return PQsendQueryPrepared(conn, statements[s].name, p->n, p->value, p->length, params_binary, 1) == 1;
	return PQsendQueryParams(conn, statement_text(set, server, s), p->n, statements[s].types, p->value, p->length,
		   params_binary, 1) == 1;
}

bool
statement_send(const struct statement_set *set, PGconn *conn, enum dbconn_server server, const struct store_op *op,
    int64_t deadline)
{
	enum statement s = statement_of(op);
	struct params p;
	bool ok = params_set(&p, buf_str(&set->schema), op, deadline) && send_statement(set, conn, server, s, &p);

	params_free(&p);
	return ok;
}

bool
statement_send_control(const struct statement_set *set, PGconn *conn, enum dbconn_server server, enum statement s)
{
	const struct params none = { .n = 0 };

	return send_statement(set, conn, server, s, &none);
}

bool
statement_send_in_time(const struct statement_set *set, PGconn *conn, enum dbconn_server server, int64_t deadline)
{
	struct params p;

	params_set_deadline(&p, deadline);
	return send_statement(set, conn, server, STATEMENT_IN_TIME, &p);
}

bool
statement_joins(const struct store_op *op)
{
	return op->kind == STORE_GET ||
	    (op->kind == STORE_PUT && op->condition == STORE_ALWAYS && op->value.n <= JOINED_VALUE_MAX);
}

/* Whether the tickets ask for different keys of one namespace. */
static bool
are_keys(const struct store_ticket *first, size_t n)
{
	const struct store_op *op = &first->op;

	for (const struct store_ticket *t = first; n > 0; n--, t = t->next) {
		if (!uuid_eq(&t->op.workspace, &op->workspace) || !str_eq(t->op.ns, op->ns))
			return false;
		for (const struct store_ticket *u = first; u != t; u = u->next)
			if (str_eq(t->op.key, u->op.key))
				return false;
	}
	return true;
}

enum statement
statement_of_many(const struct store_ticket *first, size_t n)
{
	if (n == 1)
		return statement_of(&first->op);
	if (first->op.kind == STORE_PUT)
		return STATEMENT_PUT_MANY;
	return are_keys(first, n) ? STATEMENT_GET_KEYS : STATEMENT_GET_MANY;
}

bool
statement_send_many(const struct statement_set *set, PGconn *conn, enum dbconn_server server, enum statement s,
    const struct store_ticket *first, size_t n, int64_t deadline)
{
	struct params p;
	bool one_namespace = s == STATEMENT_GET_KEYS || s == STATEMENT_GET_BATCH;
	bool ok = params_set_many(&p, first, n, one_namespace, deadline);

	if (s == STATEMENT_GET_BATCH)
		params_add_limit(&p, BATCH_VALUES_MAX);
	ok = ok && send_statement(set, conn, server, s, &p);
	params_free(&p);
	return ok;
}

/* The column md5 of GET and HEAD.  If it holds no MD5, because another program wrote the row, that of the value. */
static bool
read_tag(const PGresult *res, int row, int column, struct store_result *r)
{
	if (PQgetlength(res, row, column) == (int)sizeof(r->md5.b)) {
		memcpy(r->md5.b, PQgetvalue(res, row, column), sizeof(r->md5.b));
		return true;
	}
	return r->value.p != NULL && digest_md5(r->value, &r->md5);
}

static uint64_t
read_int8(const PGresult *res, int row, int column)
{
	uint64_t big = 0;

	if (PQgetlength(res, row, column) == (int)sizeof(big))
		memcpy(&big, PQgetvalue(res, row, column), sizeof(big));
	return be64toh(big);
}

/* Microseconds since 1970, from a timestamptz, which counts from 2000; 0: null, or no time of the years 1 to 9999. */
static int64_t
read_time(const PGresult *res, int row, int column)
{
	int64_t time = (int64_t)read_int8(res, row, column);

	if (PQgetisnull(res, row, column) != 0 || time < DATE_FIRST - DATE_2000 || time > DATE_LAST - DATE_2000)
		return 0;
	return time + DATE_2000;
}

/*
 * md5, value and modified, in this column and the next two.  The value is null where GET_BATCH has found too much.
 */
static void
read_value(const PGresult *res, int row, int column, struct store_result *r)
{
	if (PQgetisnull(res, row, column + 1) == 1) {
		r->outcome = STORE_TOO_LARGE;
		return;
	}
	r->value = str_from(PQgetvalue(res, row, column + 1), (size_t)PQgetlength(res, row, column + 1));
	r->length = r->value.n;
	r->outcome = read_tag(res, row, column, r) ? STORE_DONE : STORE_FAULT;
	r->looks_sealed =
	    seal_looks_sealed(r->value, PQgetlength(res, row, column) == (int)sizeof(r->md5.b) ? &r->md5 : NULL);
	r->modified = read_time(res, row, column + 2);
}

static void
read_row(const struct store_op *op, const PGresult *res, struct store_result *r)
{
	if (PQntuples(res) == 0) {
		r->outcome = STORE_NO_KEY;
	} else if (op->kind == STORE_GET) {
		read_value(res, 0, 0, r);
	} else {
		r->length = read_int8(res, 0, 1);
		r->looks_sealed = PQgetlength(res, 0, 2) == 1 && PQgetvalue(res, 0, 2)[0] != 0;
		r->modified = read_time(res, 0, 3);
		r->outcome = read_tag(res, 0, 0, r) ? STORE_DONE : STORE_FAULT;
	}
}

static void
read_write(const struct store_op *op, PGresult *res, struct store_result *r)
{
	if (strtoul(PQcmdTuples(res), NULL, 10) > 0)
		r->outcome = STORE_DONE;
	else if (op->condition != STORE_ALWAYS)
		r->outcome = STORE_MISMATCH;
	else
		r->outcome = op->kind == STORE_DELETE ? STORE_NO_KEY : STORE_FAULT;
}

void
statement_read(const struct store_op *op, PGresult *res, struct store_result *r)
{
	switch (op->kind) {
	case STORE_GET:
	case STORE_HEAD:
		read_row(op, res, r);
		return;
	case STORE_PUT:
	case STORE_DELETE:
		read_write(op, res, r);
		return;
	case STORE_ANY:
		r->outcome = PQntuples(res) > 0 ? STORE_DONE : STORE_NO_KEY;
		return;
	case STORE_CHECK:
		r->reason = statement_schema_fault(res);
		r->reached = true;
		r->outcome = r->reason.p == NULL ? STORE_DONE : STORE_UNAVAILABLE;
		return;
	case STORE_LIST:
	case STORE_BATCH:
		break;
	}
	r->outcome = STORE_DONE;
}

/* tag, length, modified and value, from the second column on. */
static void
read_entry(const PGresult *res, struct store_row *row)
{
	bool has_md5 = PQgetlength(res, 0, 1) == (int)sizeof(row->md5.b);

	if (has_md5)
		memcpy(row->md5.b, PQgetvalue(res, 0, 1), sizeof(row->md5.b));
	row->length = row->stored_length = read_int8(res, 0, 2);
	row->modified = read_time(res, 0, 3);
	if (PQgetisnull(res, 0, 4) == 0)
		row->value = str_from(PQgetvalue(res, 0, 4), (size_t)PQgetlength(res, 0, 4));
	row->looks_sealed = !has_md5 || seal_looks_sealed(row->value, &row->md5);
}

void
statement_read_list_row(const struct store_op *op, PGresult *res, struct store_row *row)
{
	*row = (struct store_row){ .name = str_from(PQgetvalue(res, 0, 0), (size_t)PQgetlength(res, 0, 0)) };
	if (op->list == STORE_LIST_METADATA || op->list == STORE_LIST_VALUES)
		read_entry(res, row);
	else if (op->list == STORE_LIST_COUNTS)
		row->count = read_int8(res, 0, 1);
}

/* Rows come in any order; each says which ticket it is for. */
static void
read_numbered_rows(struct store_ticket *first, const PGresult *res)
{
	for (int row = 0; row < PQntuples(res); row++) {
		uint64_t place = read_int8(res, row, 0);
		struct store_ticket *t = first;

		while (t != NULL && --place > 0)
			t = t->next;
		if (t != NULL)
			read_value(res, row, 1, &t->pg.result);
	}
}

/* The same, but a row says which key it has.  No two tickets share one: each may change its value. */
static void
read_named_rows(struct store_ticket *first, size_t n, const PGresult *res)
{
	for (int row = 0; row < PQntuples(res); row++) {
		struct str key = str_from(PQgetvalue(res, row, 0), (size_t)PQgetlength(res, row, 0));
		struct store_ticket *t = first;

		for (size_t i = 1; i < n && !str_eq(t->op.key, key); i++)
			t = t->next;
		if (str_eq(t->op.key, key))
			read_value(res, row, 1, &t->pg.result);
	}
}

void
statement_read_many(enum statement s, struct store_ticket *first, size_t n, PGresult *res)
{
	enum store_outcome outcome = STORE_NO_KEY;
	struct store_ticket *t = first;

	if (s == STATEMENT_PUT_MANY)
		outcome = strtoul(PQcmdTuples(res), NULL, 10) == n ? STORE_DONE : STORE_FAULT;
	for (size_t i = 0; i < n; i++, t = t->next)
		t->pg.result.outcome = outcome;
	if (s == STATEMENT_GET_MANY)
		read_numbered_rows(first, res);
	else if (s == STATEMENT_GET_KEYS || s == STATEMENT_GET_BATCH)
		read_named_rows(first, n, res);
}

struct store_description
statement_describe(const struct statement_set *set, enum statement s, enum dbconn_server server)
{
	struct str query = str_from(set->text[server][s].p, set->text[server][s].n - 1), rest, word;

	while (str_starts(query, STR("--")))
		(void)str_cut(query, '\n', &word, &query);
	while (query.n > 0 && query.p[query.n - 1] == '\n')
		query.n--;
	(void)str_cut(query, ' ', &word, &rest);
	return (struct store_description){
		.system = server == DBCONN_COCKROACHDB ? STR("cockroachdb") : STR("postgresql"),
		.query = query,
		.operation = s == STATEMENT_BEGIN ? STR("BATCH")
		    : str_eq(word, STR("with"))   ? STR("select")
						  : word,
		.collection = s == STATEMENT_CHECK || s == STATEMENT_CLOCK ? STR_ABSENT : STR("kvs"),
	};
}

struct str
statement_schema_fault(const PGresult *res)
{
	if (PQntuples(res) == 0)
		return STR("the table kvs is missing: run hulykvs-migrate");
	if (strcmp(PQgetvalue(res, 0, 0), "workspace,namespace,key") != 0)
		return STR("the table kvs has an older form: run hulykvs-migrate");
	if (PQgetisnull(res, 0, 1) == 0)
		return STR("the migration of the table kvs has not ended: run hulykvs-migrate");
	if (PQgetisnull(res, 0, 2) != 0)
		return STR("the table kvs has no column modified: run hulykvs-migrate");
	return STR_ABSENT;
}
