#include "statement.h"

#include <arpa/inet.h>
#include <endian.h>
#include <stdlib.h>

#include "dbconn.h"
#include "sql.h"

/* Type OIDs of pg_type, which never change. */
enum {
	OID_BYTEA = 17,
	OID_NAME = 19,
	OID_INT8 = 20,
	OID_TEXT = 25,
	OID_BYTEA_ARRAY = 1001,
	OID_UUID = 2950,
};

enum { MAX_PARAMS = 6 };

static const struct {
	const char *name; /* of the prepared statement */
	const char *file;
	enum statement_role role;
	Oid types[MAX_PARAMS + 1]; /* ends with 0 */
} statements[] = {
#define X(name, file, role) [STATEMENT_##name] = { file, "statements/" file, STATEMENT_ROLE_##role, TYPES_##name },
#define KEY_TYPES              OID_UUID, OID_TEXT, OID_TEXT
#define TYPES_GET              { KEY_TYPES }
#define TYPES_HEAD             { KEY_TYPES }
#define TYPES_CHECK            { OID_NAME }
#define TYPES_PUT              { KEY_TYPES, OID_BYTEA, OID_BYTEA }
#define TYPES_PUT_IF_ABSENT    { KEY_TYPES, OID_BYTEA, OID_BYTEA }
#define TYPES_PUT_IF_PRESENT   { KEY_TYPES, OID_BYTEA, OID_BYTEA }
#define TYPES_PUT_IF_MATCH     { KEY_TYPES, OID_BYTEA, OID_BYTEA, OID_BYTEA_ARRAY }
#define TYPES_DELETE           { KEY_TYPES }
#define TYPES_DELETE_IF_MATCH  { KEY_TYPES, OID_BYTEA_ARRAY }
#define TYPES_LIST             { KEY_TYPES, OID_INT8 }
#define TYPES_LIST_BELOW       { KEY_TYPES, OID_INT8, OID_TEXT }
	STATEMENTS(X)
#undef X
};

bool
statement_set_init(struct statement_set *set, struct str schema, bool prepared)
{
	bool ok = true;

	*set = (struct statement_set){ .schema = schema, .prepared = prepared };
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

bool
statement_prepare(const struct statement_set *set, PGconn *conn, enum statement_role role, struct buf *why)
{
	bool ok = true;

	for (enum statement s = 0; ok && set->prepared && s < STATEMENT_COUNT; s++) {
		PGresult *res;

		if (statements[s].role != role)
			continue;
		res = PQprepare(conn, statements[s].name, set->text[s].p, type_count(s), statements[s].types);
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
struct params {
	const char *value[MAX_PARAMS];
	int length[MAX_PARAMS];
	int n;
	struct buf array; /* a bytea[] in PostgreSQL's binary form */
	uint64_t limit;   /* big-endian */
};

static void
add(struct params *p, const void *value, size_t length)
{
	/* libpq takes a null pointer for a null; an empty text is not one. */
	p->value[p->n] = value != NULL ? value : "";
	p->length[p->n++] = (int)length;
}

static void
add_key(struct params *p, const struct store_op *op)
{
	add(p, op->workspace.b, sizeof(op->workspace.b));
	add(p, op->ns.p, op->ns.n);
	add(p, op->key.p, op->key.n);
}

static void
put_int32(struct buf *b, uint32_t n)
{
	uint32_t big = htonl(n);

	buf_put(b, &big, sizeof(big));
}

/* array_recv's form: dimensions, flags, element type, length and lower bound, then each element with its length. */
static void
add_tags(struct params *p, const struct store_op *op)
{
	put_int32(&p->array, op->tag_count > 0 ? 1 : 0);
	put_int32(&p->array, 0);
	put_int32(&p->array, OID_BYTEA);
	if (op->tag_count > 0) {
		put_int32(&p->array, (uint32_t)op->tag_count);
		put_int32(&p->array, 1);
	}
	for (size_t i = 0; i < op->tag_count; i++) {
		put_int32(&p->array, sizeof(op->tags[i].b));
		buf_put(&p->array, op->tags[i].b, sizeof(op->tags[i].b));
	}
	add(p, p->array.p, p->array.n);
}

static void
add_list(struct params *p, const struct store_op *op)
{
	add(p, op->workspace.b, sizeof(op->workspace.b));
	add(p, op->ns.p, op->ns.n);
	add(p, op->range.from.p, op->range.from.n);
	p->limit = htobe64(op->limit);
	add(p, &p->limit, sizeof(p->limit));
	if (op->limit == 0)
		p->value[p->n - 1] = NULL;
	if (op->range.below.p != NULL)
		add(p, op->range.below.p, op->range.below.n);
}

static void
add_params(struct params *p, const struct statement_set *set, const struct store_op *op)
{
	if (op->kind == STORE_CHECK) {
		add(p, set->schema.p, set->schema.n);
		return;
	}
	if (op->kind == STORE_LIST) {
		add_list(p, op);
		return;
	}
	add_key(p, op);
	if (op->kind == STORE_PUT) {
		add(p, op->md5.b, sizeof(op->md5.b));
		add(p, op->value.p, op->value.n);
	}
	if (op->condition == STORE_IF_MATCH)
		add_tags(p, op);
}

bool
statement_send(const struct statement_set *set, PGconn *conn, const struct store_op *op)
{
	static const int binary[MAX_PARAMS] = { 1, 1, 1, 1, 1, 1 };
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
		ok = PQsendQueryParams(conn, set->text[s].p, p.n, statements[s].types, p.value, p.length, binary, 1) == 1;
	buf_free(&p.array);
	return ok;
}

/* The first column of GET and HEAD.  A row of another program's may hold no MD5: then the value's own is taken. */
static bool
read_tag(const PGresult *res, struct store_result *r)
{
	if (PQgetlength(res, 0, 0) == (int)sizeof(r->md5.b)) {
		memcpy(r->md5.b, PQgetvalue(res, 0, 0), sizeof(r->md5.b));
		return true;
	}
	return r->value.p != NULL && digest_md5(r->value, &r->md5);
}

static void
read_row(const struct store_op *op, const PGresult *res, struct store_result *r)
{
	uint64_t length;

	if (PQntuples(res) == 0) {
		r->outcome = STORE_NO_KEY;
		return;
	}
	if (op->kind == STORE_GET) {
		r->value = str_from(PQgetvalue(res, 0, 1), (size_t)PQgetlength(res, 0, 1));
		r->length = r->value.n;
	} else {
		memcpy(&length, PQgetvalue(res, 0, 1), sizeof(length));
		r->length = be64toh(length);
	}
	r->outcome = read_tag(res, r) ? STORE_DONE : STORE_FAULT;
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
		r->outcome = r->reason.p == NULL ? STORE_DONE : STORE_UNAVAILABLE;
		return;
	case STORE_LIST:
		break;
	}
	r->outcome = STORE_DONE;
}

struct str
statement_schema_fault(const PGresult *res)
{
	if (PQntuples(res) == 0)
		return STR("the table kvs is missing: run hulykvs-migrate");
	if (strcmp(PQgetvalue(res, 0, 0), "workspace,namespace,key") != 0)
		return STR("the table kvs has an older form: run hulykvs-migrate");
	return STR_ABSENT;
}
