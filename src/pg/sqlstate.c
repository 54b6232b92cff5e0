/* SPDX-License-Identifier: EPL-2.0 */
#include "pg/sqlstate.h"

#include "base/base.h"

/* The first match counts; a shorter code stands for its class. */
static const struct {
	struct str code;
	enum sqlstate_verdict verdict;
} verdicts[] = {
	{ STR_INIT("40001"), SQLSTATE_RETRY },       /* serialization_failure */
	{ STR_INIT("40P01"), SQLSTATE_RETRY },       /* deadlock_detected */
	{ STR_INIT("55P03"), SQLSTATE_RETRY },       /* lock_not_available */
	{ STR_INIT("40003"), SQLSTATE_UNKNOWN },     /* statement_completion_unknown */
	{ STR_INIT("25006"), SQLSTATE_MOVE },        /* read_only_sql_transaction: a standby, or demoted */
	{ STR_INIT("26000"), SQLSTATE_MOVE },        /* invalid_sql_statement_name: a pooler changed the server */
	{ STR_INIT("54000"), SQLSTATE_TOO_LONG },    /* program_limit_exceeded: index row size */
	{ STR_INIT("22012"), SQLSTATE_UNAVAILABLE }, /* division_by_zero: a write that came too late, see statement */
	{ STR_INIT("57014"), SQLSTATE_UNAVAILABLE }, /* query_canceled: statement_timeout */
	{ STR_INIT("57"), SQLSTATE_UNKNOWN },        /* operator_intervention: shutdown, crash */
	{ STR_INIT("08"), SQLSTATE_UNKNOWN },        /* connection_exception */
	{ STR_INIT("53"), SQLSTATE_UNAVAILABLE },    /* insufficient_resources: disk full, out of memory */
	{ STR_INIT("42P01"), SQLSTATE_SCHEMA },      /* undefined_table */
	{ STR_INIT("42703"), SQLSTATE_SCHEMA },      /* undefined_column */
	{ STR_INIT("42P10"), SQLSTATE_SCHEMA },      /* invalid_column_reference: no such primary key */
	{ STR_INIT("42501"), SQLSTATE_SCHEMA },      /* insufficient_privilege */
	{ STR_INIT("3F000"), SQLSTATE_SCHEMA },      /* invalid_schema_name */
	{ STR_INIT("0A000"), SQLSTATE_MOVE },        /* cached plan must not change result type: prepare anew */
	{ STR_INIT("25P02"), SQLSTATE_RETRY },       /* in_failed_sql_transaction: behind somebody else's error */
};

enum sqlstate_verdict
sqlstate_verdict(const char *code, const char *severity)
{
	struct str s = str_of(code);

	if (s.p == NULL || s.n == 0)
		return SQLSTATE_UNKNOWN;
	/* The server ends the connection, perhaps behind the commit, as when its log cannot be synced. */
	if (severity != NULL && strcmp(severity, "ERROR") != 0)
		return SQLSTATE_UNKNOWN;
	for (size_t i = 0; i < ARRAY_SIZE(verdicts); i++)
		if (str_starts(s, verdicts[i].code))
			return verdicts[i].verdict;
	return SQLSTATE_FAULT;
}

void
sqlstate_copy(char out[STORE_SQLSTATE_SIZE], const char *code)
{
	struct str s = str_first(str_of(code), STORE_SQLSTATE_SIZE - 1);

	if (s.n > 0)
		memcpy(out, s.p, s.n);
	out[s.n] = '\0';
}
