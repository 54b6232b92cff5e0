/* SPDX-License-Identifier: EPL-2.0 */
#include "pg/sqlstate.h"

#include "lib/tap.h"

#define DOUBTFUL      SQLSTATE_MIGRATION_DOUBTFUL
#define REFUSED       SQLSTATE_MIGRATION_REFUSED
#define TRY_AGAIN     SQLSTATE_MIGRATION_TRY_AGAIN
#define NO_CONNECTION SQLSTATE_MIGRATION_NO_CONNECTION

static const struct {
	const char *code;
	enum sqlstate_verdict verdict;
	enum sqlstate_migration migration;
} rows[] = {
	/* Nobody knows whether it was committed. */
	{ "08000", SQLSTATE_UNKNOWN, NO_CONNECTION },
	{ "08006", SQLSTATE_UNKNOWN, NO_CONNECTION },
	{ "08P01", SQLSTATE_UNKNOWN, REFUSED },
	{ "57P01", SQLSTATE_UNKNOWN, NO_CONNECTION },
	{ "57P02", SQLSTATE_UNKNOWN, NO_CONNECTION },
	{ "57P03", SQLSTATE_UNKNOWN, NO_CONNECTION },
	{ "57000", SQLSTATE_UNKNOWN, REFUSED },
	{ "40003", SQLSTATE_UNKNOWN, TRY_AGAIN },
	/* Certainly rolled back. */
	{ "40001", SQLSTATE_RETRY, TRY_AGAIN },
	{ "40P01", SQLSTATE_RETRY, TRY_AGAIN },
	{ "55P03", SQLSTATE_RETRY, TRY_AGAIN },
	{ "25P02", SQLSTATE_MOVE, REFUSED },
	{ "25006", SQLSTATE_MOVE, TRY_AGAIN },
	{ "26000", SQLSTATE_MOVE, REFUSED },
	{ "54000", SQLSTATE_TOO_LONG, REFUSED },
	{ "22012", SQLSTATE_RETRY, REFUSED },
	{ "53100", SQLSTATE_UNAVAILABLE, TRY_AGAIN },
	{ "53200", SQLSTATE_UNAVAILABLE, TRY_AGAIN },
	{ "42P01", SQLSTATE_SCHEMA, REFUSED },
	{ "42703", SQLSTATE_SCHEMA, REFUSED },
	{ "42P10", SQLSTATE_SCHEMA, REFUSED },
	{ "42501", SQLSTATE_SCHEMA, REFUSED },
	{ "3F000", SQLSTATE_SCHEMA, REFUSED },
	/* Not to be tried again by the service. */
	{ "40002", SQLSTATE_FAULT, TRY_AGAIN },
	{ "40000", SQLSTATE_FAULT, TRY_AGAIN },
	{ "23505", SQLSTATE_FAULT, TRY_AGAIN },
	{ "42P06", SQLSTATE_FAULT, TRY_AGAIN },
	{ "42P07", SQLSTATE_FAULT, TRY_AGAIN },
	{ "42701", SQLSTATE_FAULT, TRY_AGAIN },
	{ "42710", SQLSTATE_FAULT, TRY_AGAIN },
	{ "22021", SQLSTATE_FAULT, REFUSED },
	{ "42601", SQLSTATE_FAULT, REFUSED },
	{ "54001", SQLSTATE_FAULT, REFUSED },
	{ "XX000", SQLSTATE_FAULT, TRY_AGAIN },
	{ "5", SQLSTATE_FAULT, REFUSED },
};

/* What differs with the server. */
static const struct {
	const char *code;
	enum sqlstate_verdict postgresql, cockroachdb;
	enum sqlstate_migration on_postgresql, on_cockroachdb;
} differing[] = {
	{ "57014", SQLSTATE_UNAVAILABLE, SQLSTATE_UNKNOWN, TRY_AGAIN, TRY_AGAIN },
	{ "58C00", SQLSTATE_FAULT, SQLSTATE_UNKNOWN, REFUSED, TRY_AGAIN },
	{ "58C01", SQLSTATE_FAULT, SQLSTATE_UNKNOWN, REFUSED, TRY_AGAIN },
	{ "58030", SQLSTATE_FAULT, SQLSTATE_FAULT, REFUSED, REFUSED },
	{ "XXUUU", SQLSTATE_FAULT, SQLSTATE_UNKNOWN, REFUSED, DOUBTFUL },
	{ "XXA00", SQLSTATE_FAULT, SQLSTATE_FAULT, REFUSED, DOUBTFUL },
	{ "0A000", SQLSTATE_MOVE, SQLSTATE_MOVE, REFUSED, DOUBTFUL },
	{ "55000", SQLSTATE_FAULT, SQLSTATE_FAULT, REFUSED, TRY_AGAIN },
};

static void
test_row(const char *code, enum dbconn_server server, enum sqlstate_verdict verdict, enum sqlstate_migration migration)
{
	const char *on = server == DBCONN_COCKROACHDB ? "CockroachDB" : "PostgreSQL";

	tap_int(sqlstate_verdict(code, NULL, server), verdict, "%s %s", on, code);
	tap_int(sqlstate_verdict(code, "ERROR", server), verdict, "%s ERROR %s", on, code);
	tap_int(sqlstate_verdict(code, "FATAL", server), SQLSTATE_UNKNOWN, "%s FATAL %s", on, code);
	tap_int(sqlstate_verdict(code, "PANIC", server), SQLSTATE_UNKNOWN, "%s PANIC %s", on, code);
	tap_int(sqlstate_migration(code, server), migration, "%s %s, for the migration", on, code);
}

int
main(void)
{
	for (size_t i = 0; i < COUNT(rows); i++)
		for (enum dbconn_server server = DBCONN_POSTGRESQL; server <= DBCONN_COCKROACHDB; server++)
			test_row(rows[i].code, server, rows[i].verdict, rows[i].migration);
	for (size_t i = 0; i < COUNT(differing); i++) {
		test_row(differing[i].code, DBCONN_POSTGRESQL, differing[i].postgresql, differing[i].on_postgresql);
		test_row(differing[i].code, DBCONN_COCKROACHDB, differing[i].cockroachdb, differing[i].on_cockroachdb);
	}
	tap_int(sqlstate_verdict(NULL, NULL, DBCONN_POSTGRESQL), SQLSTATE_UNKNOWN, "no code: the connection was lost");
	tap_int(sqlstate_verdict("", "ERROR", DBCONN_POSTGRESQL), SQLSTATE_UNKNOWN, "an empty code");
	/* The server ends a session that is idle, and says so to whatever is sent next. */
	tap_int(sqlstate_verdict("57P05", "FATAL", DBCONN_POSTGRESQL), SQLSTATE_NOT_RUN, "FATAL 57P05");
	tap_int(sqlstate_verdict("25P03", "FATAL", DBCONN_POSTGRESQL), SQLSTATE_NOT_RUN, "FATAL 25P03");
	tap_int(sqlstate_migration("25P03", DBCONN_POSTGRESQL), NO_CONNECTION, "25P03, for the migration");
	tap_int(sqlstate_migration("57P05", DBCONN_POSTGRESQL), NO_CONNECTION, "57P05, for the migration");
	return tap_end();
}
