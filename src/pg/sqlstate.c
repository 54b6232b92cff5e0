/* SPDX-License-Identifier: EPL-2.0 */
#include "pg/sqlstate.h"

#include "base/base.h"
#include "base/log.h"

/* Which servers a row is about. */
enum sqlstate_servers { EVERY_SERVER, COCKROACHDB_ONLY };

/* The first row that fits counts; a shorter code stands for all that begin with it. */
static const struct {
	struct str code;
	enum sqlstate_servers servers;
	enum sqlstate_verdict verdict;
	enum sqlstate_migration migration;
} sqlstates[] = {
#define X(code, servers, verdict, migration) \
	{ STR_INIT(code), servers, SQLSTATE_##verdict, SQLSTATE_MIGRATION_##migration },
	X("40001", EVERY_SERVER, RETRY, TRY_AGAIN)     /* serialization_failure */
	X("40P01", EVERY_SERVER, RETRY, TRY_AGAIN)     /* deadlock_detected */
	X("55P03", EVERY_SERVER, RETRY, TRY_AGAIN)     /* lock_not_available */
	X("40003", EVERY_SERVER, UNKNOWN, TRY_AGAIN)   /* statement_completion_unknown */
	X("40", EVERY_SERVER, FAULT, TRY_AGAIN)        /* transaction_rollback */
	X(SQLSTATE_LATE, EVERY_SERVER, RETRY, REFUSED) /* division_by_zero: a write came too late, see statement.h */
	X(SQLSTATE_READ_ONLY, EVERY_SERVER, MOVE, TRY_AGAIN) /* read_only_sql_transaction: a standby, for example */
	X("25P02", EVERY_SERVER, MOVE, REFUSED)              /* in_failed_sql_transaction: the session may stay so */
	X("25P03", EVERY_SERVER, NOT_RUN, NO_CONNECTION)     /* idle_in_transaction_session_timeout: rolled back */
	X("26000", EVERY_SERVER, MOVE, REFUSED)          /* invalid_sql_statement_name: a pooler changed the session */
	X("54000", EVERY_SERVER, TOO_LONG, REFUSED)      /* program_limit_exceeded: size of an index row */
	X("57014", COCKROACHDB_ONLY, UNKNOWN, TRY_AGAIN) /* as below; it replaces every outcome, also of a commit */
	X("57014", EVERY_SERVER, UNAVAILABLE, TRY_AGAIN) /* query_canceled: statement_timeout, or by hand */
	X("57P05", EVERY_SERVER, NOT_RUN, NO_CONNECTION) /* idle_session_timeout */
	X("57P", EVERY_SERVER, UNKNOWN, NO_CONNECTION)   /* operator_intervention: shutdown, crash */
	X("57", EVERY_SERVER, UNKNOWN, REFUSED)          /* the others of that class */
	X("08P01", EVERY_SERVER, UNKNOWN, REFUSED)       /* protocol_violation: the session goes on */
	X("08", EVERY_SERVER, UNKNOWN, NO_CONNECTION)    /* connection_exception */
	X("53", EVERY_SERVER, UNAVAILABLE, TRY_AGAIN)    /* insufficient_resources: disk full, out of memory */
	X("58C", COCKROACHDB_ONLY, UNKNOWN, TRY_AGAIN)   /* a range or a node is out of reach */
	X("XXUUU", COCKROACHDB_ONLY, UNKNOWN, DOUBTFUL)  /* an error that has no code there */
	X("42P01", EVERY_SERVER, SCHEMA, REFUSED)        /* undefined_table */
	X("42703", EVERY_SERVER, SCHEMA, REFUSED)        /* undefined_column */
	X("42P10", EVERY_SERVER, SCHEMA, REFUSED)        /* invalid_column_reference: no such primary key */
	X("42501", EVERY_SERVER, SCHEMA, REFUSED)        /* insufficient_privilege */
	X("3F000", EVERY_SERVER, SCHEMA, REFUSED)        /* invalid_schema_name */
	X(SQLSTATE_NOT_ABLE, COCKROACHDB_ONLY, MOVE, DOUBTFUL) /* as below; or the server cannot do it at all */
	X(SQLSTATE_NOT_ABLE, EVERY_SERVER, MOVE, REFUSED) /* cached plan must not change result type: prepare again */
	X("55000", COCKROACHDB_ONLY, FAULT, TRY_AGAIN)    /* another schema change is under way */
	/* Another program, such as the original, did the same at the same time. */
	X("23505", EVERY_SERVER, FAULT, TRY_AGAIN) /* unique_violation */
	X("42P06", EVERY_SERVER, FAULT, TRY_AGAIN) /* duplicate_schema */
	X("42P07", EVERY_SERVER, FAULT, TRY_AGAIN) /* duplicate_table */
	X("42701", EVERY_SERVER, FAULT, TRY_AGAIN) /* duplicate_column */
	X("42710", EVERY_SERVER, FAULT, TRY_AGAIN) /* duplicate_object */
	X("XX000", EVERY_SERVER, FAULT, TRY_AGAIN) /* internal_error: "tuple concurrently updated" */
	X("XX", COCKROACHDB_ONLY, FAULT, DOUBTFUL) /* a schema change was committed and then failed */
#undef X
};

/* The row of the code; ARRAY_SIZE(sqlstates): none. */
static size_t
find_row(struct str code, enum dbconn_server server)
{
	size_t i = 0;

	while (i < ARRAY_SIZE(sqlstates) &&
	    (!str_starts(code, sqlstates[i].code) ||
		(sqlstates[i].servers == COCKROACHDB_ONLY && server != DBCONN_COCKROACHDB)))
		i++;
	return i;
}

enum sqlstate_verdict
sqlstate_verdict(const char *code, const char *severity, enum dbconn_server server)
{
	struct str s = str_of(code);
	size_t row = s.p != NULL ? find_row(s, server) : ARRAY_SIZE(sqlstates);
	enum sqlstate_verdict verdict = row < ARRAY_SIZE(sqlstates) ? sqlstates[row].verdict : SQLSTATE_FAULT;

	if (s.n == 0)
		return SQLSTATE_UNKNOWN;
	/* The server ends the session, perhaps after the commit, for example if its WAL cannot be flushed. */
	if (severity != NULL && strcmp(severity, "ERROR") != 0 && verdict != SQLSTATE_NOT_RUN)
		return SQLSTATE_UNKNOWN;
	return verdict;
}

enum sqlstate_migration
sqlstate_migration(const char *code, enum dbconn_server server)
{
	size_t row = find_row(str_of(code), server);

	return row < ARRAY_SIZE(sqlstates) ? sqlstates[row].migration : SQLSTATE_MIGRATION_REFUSED;
}

static void
copy_code(char out[STORE_SQLSTATE_SIZE], const char *code)
{
	struct str s = str_first(str_of(code), STORE_SQLSTATE_SIZE - 1);

	if (s.n > 0)
		memcpy(out, s.p, s.n);
	out[s.n] = '\0';
}

bool
sqlstate_ends_session(const PGresult *res)
{
	const char *severity = PQresultErrorField(res, PG_DIAG_SEVERITY_NONLOCALIZED);

	return severity != NULL && strcmp(severity, "ERROR") != 0;
}

enum sqlstate_verdict
sqlstate_of_error(const PGresult *res, enum dbconn_server server, char out[STORE_SQLSTATE_SIZE])
{
	const char *code = PQresultErrorField(res, PG_DIAG_SQLSTATE);
	enum sqlstate_verdict verdict =
	    sqlstate_verdict(code, PQresultErrorField(res, PG_DIAG_SEVERITY_NONLOCALIZED), server);

	copy_code(out, code);
	if (verdict == SQLSTATE_FAULT || verdict == SQLSTATE_SCHEMA)
		log_event(LOG_ERROR, "the database refused a statement", log_text("sqlstate", str_of(out)));
	return verdict;
}
