/* SPDX-License-Identifier: EPL-2.0 */
#include "pg/statement.h"

#include <stdlib.h>

#include "lib/tap.h"

static const struct md5 tag_a = { { 0x0c, 0xc1, 0x75, 0xb9, 0xc0, 0xf1, 0xb6, 0xa8, 0x31, 0xc3, 0x99, 0xe2, 0x69, 0x77,
    0x26, 0x61 } }; /* of "a" */

static void
chooses(void)
{
	static const struct {
		enum store_kind kind;
		enum store_condition condition;
		bool below;
		enum statement statement;
		enum statement_role role;
	} rows[] = {
		{ STORE_GET, STORE_ALWAYS, false, STATEMENT_GET, STATEMENT_ROLE_READ },
		{ STORE_HEAD, STORE_ALWAYS, false, STATEMENT_HEAD, STATEMENT_ROLE_READ },
		{ STORE_CHECK, STORE_ALWAYS, false, STATEMENT_CHECK, STATEMENT_ROLE_READ },
		{ STORE_ANY, STORE_ALWAYS, false, STATEMENT_ANY, STATEMENT_ROLE_READ },
		{ STORE_PUT, STORE_ALWAYS, false, STATEMENT_PUT, STATEMENT_ROLE_WRITE },
		{ STORE_PUT, STORE_IF_ABSENT, false, STATEMENT_PUT_IF_ABSENT, STATEMENT_ROLE_WRITE },
		{ STORE_PUT, STORE_IF_PRESENT, false, STATEMENT_PUT_IF_PRESENT, STATEMENT_ROLE_WRITE },
		{ STORE_PUT, STORE_IF_MATCH, false, STATEMENT_PUT_IF_MATCH, STATEMENT_ROLE_WRITE },
		{ STORE_DELETE, STORE_ALWAYS, false, STATEMENT_DELETE, STATEMENT_ROLE_WRITE },
		{ STORE_DELETE, STORE_IF_PRESENT, false, STATEMENT_DELETE, STATEMENT_ROLE_WRITE },
		{ STORE_DELETE, STORE_IF_MATCH, false, STATEMENT_DELETE_IF_MATCH, STATEMENT_ROLE_WRITE },
		{ STORE_LIST, STORE_ALWAYS, false, STATEMENT_LIST, STATEMENT_ROLE_LIST },
		{ STORE_LIST, STORE_ALWAYS, true, STATEMENT_LIST_BELOW, STATEMENT_ROLE_LIST },
	};

	static const struct {
		enum store_list list;
		bool below;
		enum statement statement;
	} lists[] = {
		{ STORE_LIST_KEYS, false, STATEMENT_LIST },
		{ STORE_LIST_METADATA, false, STATEMENT_ENTRIES },
		{ STORE_LIST_METADATA, true, STATEMENT_ENTRIES_BELOW },
		{ STORE_LIST_VALUES, false, STATEMENT_ENTRIES },
		{ STORE_LIST_VALUES, true, STATEMENT_ENTRIES_BELOW },
		{ STORE_LIST_NAMESPACES, false, STATEMENT_NAMESPACES },
		{ STORE_LIST_COUNTS, false, STATEMENT_COUNTS },
		{ STORE_LIST_WORKSPACES, false, STATEMENT_WORKSPACES },
	};

	for (size_t i = 0; i < COUNT(lists); i++) {
		struct store_op op = { .kind = STORE_LIST, .list = lists[i].list };

		if (lists[i].below)
			op.range.below = STR("b");
		tap_int(statement_of(&op), lists[i].statement, "list %zu: its statement", i);
		tap_int(statement_role(lists[i].statement), STATEMENT_ROLE_LIST, "list %zu: its role", i);
	}
	for (size_t i = 0; i < COUNT(rows); i++) {
		struct store_op op = { .kind = rows[i].kind, .condition = rows[i].condition };

		if (rows[i].below)
			op.range.below = STR("b");
		tap_int(statement_of(&op), rows[i].statement, "operation %zu: its statement", i);
		tap_int(statement_role(rows[i].statement), rows[i].role, "operation %zu: its role", i);
	}
}

static void
joins(void)
{
	static char value[8193];
	static const struct {
		enum store_kind kind;
		enum store_condition condition;
		size_t n;
		bool joins;
	} rows[] = {
		{ STORE_GET, STORE_ALWAYS, 0, true },
		{ STORE_PUT, STORE_ALWAYS, 0, true },
		{ STORE_PUT, STORE_ALWAYS, 8192, true },
		{ STORE_PUT, STORE_ALWAYS, 8193, false },
		{ STORE_PUT, STORE_IF_ABSENT, 0, false },
		{ STORE_PUT, STORE_IF_PRESENT, 0, false },
		{ STORE_PUT, STORE_IF_MATCH, 0, false },
		{ STORE_DELETE, STORE_ALWAYS, 0, false },
		{ STORE_HEAD, STORE_ALWAYS, 0, false },
		{ STORE_CHECK, STORE_ALWAYS, 0, false },
		{ STORE_ANY, STORE_ALWAYS, 0, false },
		{ STORE_LIST, STORE_ALWAYS, 0, false },
	};

	for (size_t i = 0; i < COUNT(rows); i++) {
		struct store_op op = { .kind = rows[i].kind, .condition = rows[i].condition };

		op.value = str_from(value, rows[i].n);
		tap_int(statement_joins(&op), rows[i].joins, "operation %zu joins others", i);
	}
}

static bool
holds(struct str text, const char *part)
{
	return memmem(text.p, text.n, part, strlen(part)) != NULL;
}

static bool
has_no_table(enum statement s)
{
	return s == STATEMENT_CHECK || s == STATEMENT_CLOCK || (s >= STATEMENT_BEGIN && s <= STATEMENT_ROLLBACK);
}

/* The schema is quoted as an identifier, folded as the server folds a name without quotes. */
static void
names_the_schema(void)
{
	static const struct {
		struct str schema;
		const char *table;
	} rows[] = {
		{ TEXT("hulykvs"), "\"hulykvs\".kvs" },
		{ TEXT("HulyKVS"), "\"hulykvs\".kvs" },
		{ TEXT("\"HulyKVS\""), "\"HulyKVS\".kvs" },
		{ TEXT("\"a\"\"b\""), "\"a\"\"b\".kvs" },
		{ TEXT("a\"b"), "\"a\"\"b\".kvs" },
		{ TEXT("x.y; drop"), "\"x.y; drop\".kvs" },
	};

	for (size_t i = 0; i < COUNT(rows); i++) {
		struct statement_set set;

		tap_ok(statement_set_init(&set, rows[i].schema, true, CLOCK_S), "schema %s", tap_show(rows[i].schema));
		for (size_t n = 0; n < DBCONN_SERVERS * STATEMENT_COUNT; n++) {
			enum statement s = (enum statement)(n % STATEMENT_COUNT);
			struct str text = buf_str(&set.text[n / STATEMENT_COUNT][s]);

			tap_ok(text.n > 0 && text.p[text.n - 1] == '\0' && !holds(text, "{schema}") &&
				(has_no_table(s) || holds(text, rows[i].table)),
			    "schema %s: statement %zu", tap_show(rows[i].schema), n);
		}
		statement_set_free(&set);
	}
}

/* How often part stands in the text. */
static int
count(const char *text, const char *part)
{
	int n = 0;

	for (const char *at = strstr(text, part); at != NULL; at = strstr(at + 1, part))
		n++;
	return n;
}

/* Every statement that writes looks at its last parameter, and so does each arm of it that can come first. */
static void
writes_have_a_deadline(void)
{
	static const struct {
		enum statement statement;
		const char *check;
		int cockroachdb;
	} rows[] = {
		{ STATEMENT_PUT, "1 / (clock_timestamp() < $6)::int", 2 },
		{ STATEMENT_PUT_MANY, "1 / (clock_timestamp() < $6)::int", 2 },
		{ STATEMENT_PUT_IF_ABSENT, "1 / (clock_timestamp() < $6)::int", 1 },
		{ STATEMENT_PUT_IF_PRESENT, "1 / (clock_timestamp() < $6)::int", 1 },
		{ STATEMENT_PUT_IF_MATCH, "1 / (clock_timestamp() < $7)::int", 1 },
		{ STATEMENT_DELETE, "1 / (clock_timestamp() < $4)::int", 1 },
		{ STATEMENT_DELETE_IF_MATCH, "1 / (clock_timestamp() < $5)::int", 1 },
	};
	struct statement_set set;
	char returning[64];
	int writes = 0;

	tap_ok(statement_set_init(&set, STR("s"), true, CLOCK_S), "a set");
	for (size_t i = 0; i < COUNT(rows); i++) {
		enum statement s = rows[i].statement;
		const char *text = statement_text(&set, DBCONN_COCKROACHDB, s);

		(void)snprintf(returning, sizeof(returning), "\nreturning %s\n", rows[i].check);
		tap_int(count(statement_text(&set, DBCONN_POSTGRESQL, s), returning), 1, "write %zu: PostgreSQL", i);
		tap_int(count(text, rows[i].check), rows[i].cockroachdb, "write %zu: CockroachDB", i);
		tap_int(count(text, "returning 1"), 0, "write %zu: commits at once on CockroachDB", i);
	}
	tap_int(count(statement_text(&set, DBCONN_POSTGRESQL, STATEMENT_IN_TIME), "1 / (clock_timestamp() < $1)::int"),
	    1, "what stands in front of COMMIT");
	for (enum statement s = 0; s < STATEMENT_COUNT; s++)
		writes += statement_role(s) == STATEMENT_ROLE_WRITE && !has_no_table(s);
	tap_int(writes, (int)COUNT(rows), "all writes are looked at");
	statement_set_free(&set);
}

/* The time of a write is not left to the column's default or to "on update", which take that of the transaction. */
static void
puts_have_the_time(void)
{
	static const struct {
		enum statement statement;
		bool inserts, updates;
	} rows[] = {
		{ STATEMENT_PUT, true, true },
		{ STATEMENT_PUT_MANY, true, true },
		{ STATEMENT_PUT_IF_ABSENT, true, false },
		{ STATEMENT_PUT_IF_PRESENT, false, true },
		{ STATEMENT_PUT_IF_MATCH, false, true },
	};
	struct statement_set set;

	tap_ok(statement_set_init(&set, STR("s"), true, CLOCK_S), "a set");
	for (size_t i = 0; i < COUNT(rows) * DBCONN_SERVERS; i++) {
		enum dbconn_server server = (enum dbconn_server)(i / COUNT(rows));
		const char *text = statement_text(&set, server, rows[i % COUNT(rows)].statement);

		tap_int(count(text, "value, modified)"), rows[i % COUNT(rows)].inserts, "put %zu: inserted", i);
		tap_int(count(text, ", clock_timestamp()"), rows[i % COUNT(rows)].inserts, "put %zu: with the time", i);
		tap_int(
		    count(text, "modified = clock_timestamp()"), rows[i % COUNT(rows)].updates, "put %zu: updated", i);
	}
	statement_set_free(&set);
}

/* Text has no other order than that of its bytes on CockroachDB. */
static void
has_no_collation_on_cockroachdb(void)
{
	struct statement_set set;

	tap_ok(statement_set_init(&set, STR("s"), true, CLOCK_S), "a set");
	for (enum statement s = 0; s < STATEMENT_COUNT; s++) {
		const char *code = strstr(statement_text(&set, DBCONN_COCKROACHDB, s), "\nselect");

		tap_ok(code == NULL || strstr(code, "collate") == NULL, "statement %d has no collation", (int)s);
	}
	tap_ok(strstr(statement_text(&set, DBCONN_POSTGRESQL, STATEMENT_LIST), "order by key collate \"C\"") != NULL,
	    "it has one on PostgreSQL");
	tap_ok(strstr(statement_text(&set, DBCONN_COCKROACHDB, STATEMENT_CHECK), "pg_class") == NULL,
	    "CockroachDB's own catalogue is asked");
	statement_set_free(&set);
}

/* What a span tells of a statement: its text without our comments. */
static void
describes(void)
{
	struct store_description what;
	struct statement_set set;

	tap_ok(statement_set_init(&set, STR("s"), true, CLOCK_S), "a set");
	for (enum statement s = 0; s < STATEMENT_COUNT; s++) {
		what = statement_describe(&set, s, DBCONN_POSTGRESQL);
		tap_ok((str_starts(what.query, what.operation) || s == STATEMENT_BEGIN ||
			   (str_starts(what.query, STR("with ")) && str_eq(what.operation, STR("select")))) &&
			what.operation.n >= 5 && !holds(what.query, "--") && what.query.p[what.query.n - 1] != '\n',
		    "statement %d: its text, and what it does", (int)s);
		tap_text(what.collection, s == STATEMENT_CHECK || s == STATEMENT_CLOCK ? STR_ABSENT : STR("kvs"),
		    "statement %d: its table", (int)s);
	}
	what = statement_describe(&set, STATEMENT_BEGIN, DBCONN_POSTGRESQL);
	tap_text(what.operation, STR("BATCH"), "a BATCH that writes");
	what = statement_describe(&set, STATEMENT_GET_MANY, DBCONN_COCKROACHDB);
	tap_text(what.operation, STR("select"), "a batch of GETs");
	tap_text(what.system, STR("cockroachdb"), "CockroachDB");
	what = statement_describe(&set, STATEMENT_PUT_MANY, DBCONN_POSTGRESQL);
	tap_text(what.operation, STR("insert"), "a batch of PUTs");
	tap_text(what.system, STR("postgresql"), "PostgreSQL");
	statement_set_free(&set);
}

/* A result as libpq would hold it: columns of binary values, row by row. */
static PGresult *
result(int columns, int rows, const struct str *values)
{
	PGresult *res = PQmakeEmptyPGresult(NULL, PGRES_TUPLES_OK);
	PGresAttDesc names[5];

	memset(names, 0, sizeof(names));
	for (int c = 0; c < columns; c++)
		names[c] = (PGresAttDesc){ .name = (char *)"c", .format = 1 };
	if (res == NULL || PQsetResultAttrs(res, columns, names) == 0)
		tap_bail("libpq");
	for (int i = 0; i < rows * columns; i++)
		if (PQsetvalue(res, i / columns, i % columns, (char *)values[i].p,
			values[i].p != NULL ? (int)values[i].n : -1) == 0)
			tap_bail("libpq");
	return res;
}

static void
reads_values(void)
{
	const struct str md5 = { (const char *)tag_a.b, sizeof(tag_a.b) };
	const struct str other = STR("0123456789abcdef");
	const struct {
		const char *name;
		enum store_kind kind;
		int rows;
		struct str values[4]; /* the columns of GET, or of HEAD */
		struct store_result want;
	} rows[] = {
		{ "a value", STORE_GET, 1, { md5, STR("a") },
		    { .outcome = STORE_DONE, .md5 = tag_a, .length = 1, .value = STR("a") } },
		{ "an empty value", STORE_GET, 1, { md5, STR("") },
		    { .outcome = STORE_DONE, .md5 = tag_a, .length = 0, .value = STR("") } },
		{ "no value", STORE_GET, 0, { STR("") }, { .outcome = STORE_NO_KEY } },
		{ "a value with its time", STORE_GET, 1, { md5, STR("a"), STR("\0\x02\xe0\x85\x0c\xf9\x3b\x87") },
		    { .outcome = STORE_DONE,
			.md5 = tag_a,
			.length = 1,
			.value = STR("a"),
			.modified = 1756496806353799 } },
		{ "a tag that is no MD5", STORE_GET, 1, { STR("x"), STR("a") },
		    { .outcome = STORE_DONE, .md5 = tag_a, .length = 1, .value = STR("a") } },
		{ "no tag", STORE_GET, 1, { STR_ABSENT, STR("a") },
		    { .outcome = STORE_DONE, .md5 = tag_a, .length = 1, .value = STR("a") } },
		{ "a length", STORE_HEAD, 1, { md5, STR("\0\0\0\0\0\x1e\x84\x81") },
		    { .outcome = STORE_DONE, .md5 = tag_a, .length = 2000001 } },
		{ "a length with its time", STORE_HEAD, 1,
		    { md5, STR("\0\0\0\0\0\0\0\1"), STR("\0"), STR("\xff\xff\xff\xff\xff\xff\xff\xff") },
		    { .outcome = STORE_DONE, .md5 = tag_a, .length = 1, .modified = 946684799999999 } },
		{ "the time infinity", STORE_HEAD, 1,
		    { md5, STR("\0\0\0\0\0\0\0\1"), STR("\0"), STR("\x7f\xff\xff\xff\xff\xff\xff\xff") },
		    { .outcome = STORE_DONE, .md5 = tag_a, .length = 1 } },
		{ "no length", STORE_HEAD, 0, { other }, { .outcome = STORE_NO_KEY } },
		{ "a length whose tag is no MD5", STORE_HEAD, 1, { STR("x"), STR("\0\0\0\0\0\0\0\1") },
		    { .outcome = STORE_FAULT, .length = 1 } },
	};

	for (size_t i = 0; i < COUNT(rows); i++) {
		struct store_op op = { .kind = rows[i].kind };
		struct store_result r = { .outcome = STORE_FAULT };
		PGresult *res = result(rows[i].kind == STORE_GET ? 3 : 4, rows[i].rows, rows[i].values);

		statement_read(&op, res, &r);
		tap_int(r.outcome, rows[i].want.outcome, "%s: outcome", rows[i].name);
		tap_ok(memcmp(r.md5.b, rows[i].want.md5.b, sizeof(r.md5.b)) == 0, "%s: tag", rows[i].name);
		tap_int(r.length, rows[i].want.length, "%s: length", rows[i].name);
		tap_text(r.value, rows[i].want.value, "%s: value", rows[i].name);
		tap_int(r.modified, rows[i].want.modified, "%s: time", rows[i].name);
		PQclear(res);
	}
}

/* The row of a list. */
static void
reads_list_rows(void)
{
	const struct str md5 = { (const char *)tag_a.b, sizeof(tag_a.b) }, none = STR_ABSENT;
	const struct {
		const char *name;
		enum store_list list;
		int columns;
		struct str values[5];
		struct store_row want;
	} rows[] = {
		{ "a key", STORE_LIST_KEYS, 1, { STR("k") }, { .name = STR("k") } },
		{ "a namespace", STORE_LIST_NAMESPACES, 1, { STR("n") }, { .name = STR("n") } },
		{ "a count", STORE_LIST_COUNTS, 2, { STR("n"), STR("\0\0\0\0\0\0\1\0") },
		    { .name = STR("n"), .count = 256 } },
		{ "metadata", STORE_LIST_METADATA, 5,
		    { STR("k"), md5, STR("\0\0\0\0\0\0\0\1"), STR("\0\x02\xe0\x85\x0c\xf9\x3b\x87"), none },
		    { .name = STR("k"), .md5 = tag_a, .length = 1, .modified = 1756496806353799 } },
		{ "a value", STORE_LIST_VALUES, 5, { STR("k"), md5, STR("\0\0\0\0\0\0\0\1"), none, STR("a") },
		    { .name = STR("k"), .md5 = tag_a, .length = 1, .value = STR("a") } },
		{ "an empty value", STORE_LIST_VALUES, 5, { STR("k"), md5, STR("\0\0\0\0\0\0\0\0"), none, STR("") },
		    { .name = STR("k"), .md5 = tag_a, .value = STR("") } },
		{ "a value that looks sealed", STORE_LIST_METADATA, 5,
		    { STR("k"), md5, STR("\0\0\0\0\0\0\0\x08"), none, STR("\x89HKVSEAL") },
		    { .name = STR("k"),
			.md5 = tag_a,
			.length = 8,
			.value = STR("\x89HKVSEAL"),
			.looks_sealed = true } },
		{ "one without an MD5", STORE_LIST_METADATA, 5,
		    { STR("k"), STR("x"), STR("\0\0\0\0\0\0\0\x08"), none, STR("\x89HKVSEAL") },
		    { .name = STR("k"), .length = 8, .value = STR("\x89HKVSEAL"), .looks_sealed = true } },
	};

	for (size_t i = 0; i < COUNT(rows); i++) {
		const struct store_op op = { .kind = STORE_LIST, .list = rows[i].list };
		PGresult *res = result(rows[i].columns, 1, rows[i].values);
		struct store_row row;

		statement_read_list_row(&op, res, &row);
		tap_text(row.name, rows[i].want.name, "%s: name", rows[i].name);
		tap_text(row.value, rows[i].want.value, "%s: value", rows[i].name);
		tap_ok(row.count == rows[i].want.count && row.length == rows[i].want.length &&
			row.stored_length == row.length && row.modified == rows[i].want.modified &&
			row.looks_sealed == rows[i].want.looks_sealed &&
			memcmp(row.md5.b, rows[i].want.md5.b, sizeof(row.md5.b)) == 0,
		    "%s: the other members", rows[i].name);
		PQclear(res);
	}
}

/* Rows of a joined read come in any order and say by a number whose they are. */
static void
reads_many(void)
{
	const struct str md5 = { (const char *)tag_a.b, sizeof(tag_a.b) };
	const struct str values[] = {
		STR("\0\0\0\0\0\0\0\3"),
		md5,
		STR("third"),
		STR("\0\0\0\0\0\0\0\1"),
		md5,
		STR("first"),
		STR("\0\0\0\0\0\0\0\5"),
		md5,
		STR("of nobody"),
		STR("\0\0\0\0\0\0\0\0"),
		md5,
		STR("of nobody"),
		STR("x"),
		md5,
		STR("of nobody"),
	};
	struct store_ticket t[4];
	PGresult *res = result(3, 5, values);

	memset(t, 0, sizeof(t));
	for (size_t i = 0; i < COUNT(t); i++) {
		t[i].op.kind = STORE_GET;
		t[i].next = i + 1 < COUNT(t) ? &t[i + 1] : NULL;
	}
	statement_read_many(STATEMENT_GET_MANY, t, COUNT(t), res);
	tap_text(t[0].pg.result.value, STR("first"), "many: the first");
	tap_text(t[2].pg.result.value, STR("third"), "many: the third");
	tap_ok(t[0].pg.result.outcome == STORE_DONE && t[2].pg.result.outcome == STORE_DONE, "many: found");
	tap_ok(t[1].pg.result.outcome == STORE_NO_KEY && t[3].pg.result.outcome == STORE_NO_KEY, "many: not found");
	PQclear(res);
}

/* Rows of a read in one namespace say by the key whose they are. */
static void
reads_keys(void)
{
	const struct str md5 = { (const char *)tag_a.b, sizeof(tag_a.b) };
	const struct str values[] = { STR("b"), md5, STR("second"), STR("a"), md5, STR("first"), STR("x"), md5,
		STR("of nobody") };
	const struct str keys[] = { STR("a"), STR("b"), STR(""), STR("x") };
	struct store_ticket t[4];
	PGresult *res = result(3, 3, values);

	memset(t, 0, sizeof(t));
	for (size_t i = 0; i < COUNT(t); i++) {
		t[i].op.kind = STORE_GET;
		t[i].op.key = keys[i];
		t[i].next = i + 1 < COUNT(t) ? &t[i + 1] : NULL;
	}
	statement_read_many(STATEMENT_GET_KEYS, t, 3, res);
	tap_text(t[0].pg.result.value, STR("first"), "keys: the first");
	tap_text(t[1].pg.result.value, STR("second"), "keys: the second");
	tap_ok(t[2].pg.result.outcome == STORE_NO_KEY, "keys: not found");
	tap_ok(t[3].pg.result.value.p == NULL, "keys: what is behind the batch is left alone");
	PQclear(res);
}

/* Which statement a batch is. */
static void
chooses_for_many(void)
{
	static const struct {
		const char *name;
		struct store_op a, b;
		size_t n;
		enum statement want;
	} rows[] = {
		{ "one", { .kind = STORE_GET }, { .kind = STORE_GET }, 1, STATEMENT_GET },
		{ "one namespace", { .kind = STORE_GET, .ns = TEXT("n"), .key = TEXT("a") },
		    { .kind = STORE_GET, .ns = TEXT("n"), .key = TEXT("b") }, 2, STATEMENT_GET_KEYS },
		{ "one key", { .kind = STORE_GET, .key = TEXT("a") }, { .kind = STORE_GET, .key = TEXT("a") }, 2,
		    STATEMENT_GET_MANY },
		{ "two namespaces", { .kind = STORE_GET, .ns = TEXT("n") }, { .kind = STORE_GET, .ns = TEXT("m") }, 2,
		    STATEMENT_GET_MANY },
		{ "two workspaces", { .kind = STORE_GET }, { .kind = STORE_GET, .workspace = { { 1 } } }, 2,
		    STATEMENT_GET_MANY },
		{ "writes", { .kind = STORE_PUT }, { .kind = STORE_PUT }, 2, STATEMENT_PUT_MANY },
	};

	for (size_t i = 0; i < COUNT(rows); i++) {
		struct store_ticket b = { .op = rows[i].b }, a = { .op = rows[i].a, .next = &b };

		tap_int(statement_of_many(&a, rows[i].n), rows[i].want, "a batch: %s", rows[i].name);
	}
}

#define KEY TEXT("workspace,namespace,key")
#define NOTHING \
	{ \
		NULL, 0 \
	}

static void
checks_the_schema(void)
{
	static const struct {
		const char *name;
		int rows;
		struct str columns[3]; /* key, default of workspace, modified */
		enum store_outcome outcome;
	} rows[] = {
		{ "the right key", 1, { KEY, NOTHING, TEXT("modified") }, STORE_DONE },
		{ "an older key", 1, { TEXT("namespace,key"), NOTHING, TEXT("modified") }, STORE_UNAVAILABLE },
		{ "another order", 1, { TEXT("namespace,workspace,key"), NOTHING, TEXT("modified") },
		    STORE_UNAVAILABLE },
		{ "more columns", 1, { TEXT("workspace,namespace,key,md5"), NOTHING, TEXT("modified") },
		    STORE_UNAVAILABLE },
		{ "no key", 1, { NOTHING, NOTHING, TEXT("modified") }, STORE_UNAVAILABLE },
		{ "rows still move", 1, { KEY, TEXT("workspace"), TEXT("modified") }, STORE_UNAVAILABLE },
		{ "no column modified", 1, { KEY, NOTHING, NOTHING }, STORE_UNAVAILABLE },
		{ "no table", 0, { NOTHING, NOTHING, NOTHING }, STORE_UNAVAILABLE },
	};

	for (size_t i = 0; i < COUNT(rows); i++) {
		struct store_op op = { .kind = STORE_CHECK };
		struct store_result r = { .outcome = STORE_FAULT };
		PGresult *res = result(3, rows[i].rows, rows[i].columns);

		statement_read(&op, res, &r);
		tap_int(r.outcome, rows[i].outcome, "%s: outcome", rows[i].name);
		tap_ok((r.reason.p != NULL) == (rows[i].outcome != STORE_DONE), "%s: reason", rows[i].name);
		PQclear(res);
	}
}

int
main(void)
{
	chooses();
	joins();
	names_the_schema();
	writes_have_a_deadline();
	puts_have_the_time();
	has_no_collation_on_cockroachdb();
	describes();
	reads_values();
	reads_list_rows();
	reads_many();
	reads_keys();
	chooses_for_many();
	checks_the_schema();
	return tap_end();
}
