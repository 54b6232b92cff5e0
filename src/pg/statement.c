/* SPDX-License-Identifier: EPL-2.0 */
#include "pg/statement.h"

#include <arpa/inet.h>
#include <endian.h>
#include <stdlib.h>

#include "pg/dbconn.h"
#include "pg/sql.h"

/* Type OIDs of pg_type, which never change. */
enum oid {
	OID_BYTEA = 17,
	OID_NAME = 19,
	OID_INT8 = 20,
	OID_TEXT = 25,
	OID_BYTEA_ARRAY = 1001,
	OID_TEXT_ARRAY = 1009,
	OID_UUID = 2950,
	OID_UUID_ARRAY = 2951,
};

enum { MAX_PARAMS = 6 };

#define JOINED_VALUE_MAX 8192 /* bytes; joining copies the value once more, which pays for small ones only */

static const struct {
	const char *name; /* of the prepared statement */
	const char *file;
	enum statement_role role;
	Oid types[MAX_PARAMS + 1]; /* ends with 0 */
} statements[] = {
#define X(name, file, role) [STATEMENT_##name] = { file, "statements/" file, STATEMENT_ROLE_##role, TYPES_##name },
#define KEY_TYPES           OID_UUID, OID_TEXT, OID_TEXT
#define TYPES_GET \
	{ \
		KEY_TYPES \
	}
#define TYPES_GET_KEYS \
	{ \
		OID_UUID, OID_TEXT, OID_TEXT_ARRAY \
	}
#define TYPES_GET_MANY \
	{ \
		OID_UUID_ARRAY, OID_TEXT_ARRAY, OID_TEXT_ARRAY \
	}
#define TYPES_PUT_MANY \
	{ \
		OID_UUID_ARRAY, OID_TEXT_ARRAY, OID_TEXT_ARRAY, OID_BYTEA_ARRAY, OID_BYTEA_ARRAY \
	}
#define TYPES_HEAD \
	{ \
		KEY_TYPES \
	}
#define TYPES_CHECK \
	{ \
		OID_NAME \
	}
#define TYPES_PUT \
	{ \
		KEY_TYPES, OID_BYTEA, OID_BYTEA \
	}
#define TYPES_PUT_IF_ABSENT \
	{ \
		KEY_TYPES, OID_BYTEA, OID_BYTEA \
	}
#define TYPES_PUT_IF_PRESENT \
	{ \
		KEY_TYPES, OID_BYTEA, OID_BYTEA \
	}
#define TYPES_PUT_IF_MATCH \
	{ \
		KEY_TYPES, OID_BYTEA, OID_BYTEA, OID_BYTEA_ARRAY \
	}
#define TYPES_DELETE \
	{ \
		KEY_TYPES \
	}
#define TYPES_DELETE_IF_MATCH \
	{ \
		KEY_TYPES, OID_BYTEA_ARRAY \
	}
#define TYPES_LIST \
	{ \
		KEY_TYPES, OID_INT8 \
	}
#define TYPES_LIST_BELOW \
	{ \
		KEY_TYPES, OID_INT8, OID_TEXT \
	}
	STATEMENTS(X)
#undef X
};

bool
statement_set_init(struct statement_set *set, struct str schema, bool prepared)
{
	bool ok;

	*set = (struct statement_set){ .prepared = prepared };
	buf_init(&set->schema, 1024);
	sql_schema_name(&set->schema, schema);
	buf_putc(&set->schema, '\0');
	ok = buf_ok(&set->schema);
	for (enum statement s = 0; s < STATEMENT_COUNT; s++) {
		buf_init(&set->text[s], 64 * 1024);
		sql_render(&set->text[s], sql_text(statements[s].file), schema);
		buf_putc(&set->text[s], '\0');
		ok = ok && buf_ok(&set->text[s]);
	}
	return ok;
}

void
statement_set_free(struct statement_set *set)
{
	for (enum statement s = 0; s < STATEMENT_COUNT; s++)
		buf_free(&set->text[s]);
	buf_free(&set->schema);
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

/* CockroachDB has no unnest of several arrays with ordinality, and its writes are not joined anyway. */
static bool
is_spoken(enum statement s, enum dbconn_server server)
{
	return server == DBCONN_POSTGRESQL ||
	    (s != STATEMENT_GET_KEYS && s != STATEMENT_GET_MANY && s != STATEMENT_PUT_MANY);
}

bool
statement_prepare(
    const struct statement_set *set, PGconn *conn, enum dbconn_server server, enum statement_role role, struct buf *why)
{
	bool ok = true;

	for (enum statement s = 0; ok && set->prepared && s < STATEMENT_COUNT; s++) {
		PGresult *res;

		if (statements[s].role != role || !is_spoken(s, server))
			continue;
		res = dbconn_result(
		    conn, PQsendPrepare(conn, statements[s].name, set->text[s].p, type_count(s), statements[s].types));
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
	case STORE_PUT:
		return put_statement(op->condition);
	case STORE_DELETE:
		/* With "If-Match: *" no row means 412 instead of 404; the statement is the same. */
		return op->condition == STORE_IF_MATCH ? STATEMENT_DELETE_IF_MATCH : STATEMENT_DELETE;
	case STORE_LIST:
		break;
	}
	return op->range.below.p != NULL ? STATEMENT_LIST_BELOW : STATEMENT_LIST;
}

/* Parameters on their way to libpq; all in binary. */
static const int binary[MAX_PARAMS] = { 1, 1, 1, 1, 1, 1 };

struct params {
	const char *value[MAX_PARAMS];
	int length[MAX_PARAMS];
	int n;
	struct buf array; /* a bytea[] in PostgreSQL's binary form */
	uint64_t limit;   /* big-endian */
};

static void
bind_value(struct params *p, const void *value, size_t length)
{
	/* libpq takes a null pointer for a null; an empty text is not one. */
	p->value[p->n] = value != NULL ? value : "";
	p->length[p->n++] = (int)length;
}

static void
add_key(struct params *p, const struct store_op *op)
{
	bind_value(p, op->workspace.b, sizeof(op->workspace.b));
	bind_value(p, op->ns.p, op->ns.n);
	bind_value(p, op->key.p, op->key.n);
}

static void
put_int32(struct buf *b, uint32_t n)
{
	uint32_t big = htonl(n);

	buf_put(b, &big, sizeof(big));
}

/* array_recv's form: dimensions, flags, element type; length and lower bound of the one dimension. */
static void
begin_array(struct buf *b, enum oid element, size_t n)
{
	put_int32(b, n > 0 ? 1 : 0);
	put_int32(b, 0);
	put_int32(b, element);
	if (n > 0) {
		put_int32(b, (uint32_t)n);
		put_int32(b, 1);
	}
}

static void
put_element(struct buf *b, const void *p, size_t n)
{
	put_int32(b, (uint32_t)n);
	buf_put(b, p, n);
}

static void
add_tags(struct params *p, const struct store_op *op)
{
	begin_array(&p->array, OID_BYTEA, op->tag_count);
	for (size_t i = 0; i < op->tag_count; i++)
		put_element(&p->array, op->tags[i].b, sizeof(op->tags[i].b));
	bind_value(p, p->array.p, p->array.n);
}

static void
add_list(struct params *p, const struct store_op *op)
{
	bind_value(p, op->workspace.b, sizeof(op->workspace.b));
	bind_value(p, op->ns.p, op->ns.n);
	bind_value(p, op->range.from.p, op->range.from.n);
	p->limit = htobe64(op->limit);
	bind_value(p, &p->limit, sizeof(p->limit));
	if (op->limit == 0)
		p->value[p->n - 1] = NULL;
	if (op->range.below.p != NULL)
		bind_value(p, op->range.below.p, op->range.below.n);
}

static void
add_params(struct params *p, const struct statement_set *set, const struct store_op *op)
{
	if (op->kind == STORE_CHECK) {
		bind_value(p, set->schema.p, set->schema.n - 1);
		return;
	}
	if (op->kind == STORE_LIST) {
		add_list(p, op);
		return;
	}
	add_key(p, op);
	if (op->kind == STORE_PUT) {
		bind_value(p, op->md5.b, sizeof(op->md5.b));
		bind_value(p, op->value.p, op->value.n);
	}
	if (op->condition == STORE_IF_MATCH)
		add_tags(p, op);
}

bool
statement_send(const struct statement_set *set, PGconn *conn, const struct store_op *op)
{
	enum statement s = statement_of(op);
	struct params p = { .n = 0 };
	bool ok;

	buf_init(&p.array, 1024 * 1024);
	add_params(&p, set, op);
	if (!buf_ok(&p.array))
		ok = false;
	else if (set->prepared)
		ok = PQsendQueryPrepared(conn, statements[s].name, p.n, p.value, p.length, binary, 1) == 1;
	else
		ok = PQsendQueryParams(conn, set->text[s].p, p.n, statements[s].types, p.value, p.length, binary, 1) ==
		    1;
	buf_free(&p.array);
	return ok;
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

enum column { COLUMN_WORKSPACE, COLUMN_NAMESPACE, COLUMN_KEY, COLUMN_MD5, COLUMN_VALUE, COLUMNS };

static void
put_column(struct buf *b, enum column column, const struct store_op *op)
{
	switch (column) {
	case COLUMN_WORKSPACE:
		put_element(b, op->workspace.b, sizeof(op->workspace.b));
		return;
	case COLUMN_NAMESPACE:
		put_element(b, op->ns.p, op->ns.n);
		return;
	case COLUMN_KEY:
		put_element(b, op->key.p, op->key.n);
		return;
	case COLUMN_MD5:
		put_element(b, op->md5.b, sizeof(op->md5.b));
		return;
	case COLUMN_VALUE:
	case COLUMNS:
		put_element(b, op->value.p, op->value.n);
		return;
	}
}

static void
put_array(struct buf *b, enum column column, const struct store_ticket *first, size_t n)
{
	static const enum oid element[] = { OID_UUID, OID_TEXT, OID_TEXT, OID_BYTEA, OID_BYTEA };
	const struct store_ticket *t = first;

	begin_array(b, element[column], n);
	for (size_t i = 0; i < n; i++, t = t->next)
		put_column(b, column, &t->op);
}

/* The parameters of the _MANY statements: an array for each column. */
static void
add_columns(struct params *p, const struct store_ticket *first, size_t n)
{
	enum column columns = first->op.kind == STORE_GET ? COLUMN_MD5 : COLUMNS;
	size_t end[COLUMNS + 1] = { 0 };

	for (enum column c = 0; c < columns; c++) {
		put_array(&p->array, c, first, n);
		end[c + 1] = p->array.n;
	}
	for (enum column c = 0; c < columns; c++)
		bind_value(p, p->array.p + end[c], end[c + 1] - end[c]);
}

bool
statement_send_many(PGconn *conn, enum statement s, const struct store_ticket *first, size_t n)
{
	struct params p = { .n = 0 };
	bool ok;

	buf_init(&p.array, 64 * 1024 * 1024);
	if (s == STATEMENT_GET_KEYS) {
		bind_value(&p, first->op.workspace.b, sizeof(first->op.workspace.b));
		bind_value(&p, first->op.ns.p, first->op.ns.n);
		put_array(&p.array, COLUMN_KEY, first, n);
		bind_value(&p, p.array.p, p.array.n);
	} else {
		add_columns(&p, first, n);
	}
	ok = buf_ok(&p.array) && PQsendQueryPrepared(conn, statements[s].name, p.n, p.value, p.length, binary, 1) == 1;
	buf_free(&p.array);
	return ok;
}

/* The column md5 of GET and HEAD.  A row of another program's may hold no MD5: then the value's own is taken. */
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

/* md5 and value, in this column and the next. */
static void
read_value(const PGresult *res, int row, int column, struct store_result *r)
{
	r->value = str_from(PQgetvalue(res, row, column + 1), (size_t)PQgetlength(res, row, column + 1));
	r->length = r->value.n;
	r->outcome = read_tag(res, row, column, r) ? STORE_DONE : STORE_FAULT;
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
	case STORE_CHECK:
		r->reason = statement_schema_fault(res);
		r->reached = true;
		r->outcome = r->reason.p == NULL ? STORE_DONE : STORE_UNAVAILABLE;
		return;
	case STORE_LIST:
		break;
	}
	r->outcome = STORE_DONE;
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
			read_value(res, row, 1, &t->result);
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
			read_value(res, row, 1, &t->result);
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
		t->result.outcome = outcome;
	if (s == STATEMENT_GET_MANY)
		read_numbered_rows(first, res);
	else if (s == STATEMENT_GET_KEYS)
		read_named_rows(first, n, res);
}

struct store_description
statement_describe(const struct statement_set *set, enum statement s, enum dbconn_server server)
{
	struct str query = str_from(set->text[s].p, set->text[s].n - 1), rest, word;

	while (str_starts(query, STR("--")))
		(void)str_cut(query, '\n', &word, &query);
	while (query.n > 0 && query.p[query.n - 1] == '\n')
		query.n--;
	(void)str_cut(query, ' ', &word, &rest);
	return (struct store_description){
		.system = server == DBCONN_COCKROACHDB ? STR("cockroachdb") : STR("postgresql"),
		.query = query,
		.operation = word,
		.collection = s == STATEMENT_CHECK ? STR_ABSENT : STR("kvs"),
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
	return STR_ABSENT;
}
