/* SPDX-License-Identifier: EPL-2.0 */
#include "pg/sqlstate.h"

#include "lib/tap.h"

static const struct {
	const char *code;
	enum sqlstate_verdict verdict;
} rows[] = {
	/* The connection was lost: nobody knows. */
	{ NULL, SQLSTATE_UNKNOWN },
	{ "", SQLSTATE_UNKNOWN },
	{ "08000", SQLSTATE_UNKNOWN },
	{ "08006", SQLSTATE_UNKNOWN },
	{ "57P01", SQLSTATE_UNKNOWN },
	{ "57P02", SQLSTATE_UNKNOWN },
	{ "57P03", SQLSTATE_UNKNOWN },
	{ "40003", SQLSTATE_UNKNOWN },
	/* Certainly rolled back. */
	{ "40001", SQLSTATE_RETRY },
	{ "40P01", SQLSTATE_RETRY },
	{ "55P03", SQLSTATE_RETRY },
	{ "25P02", SQLSTATE_RETRY },
	{ "25006", SQLSTATE_MOVE },
	{ "26000", SQLSTATE_MOVE },
	{ "0A000", SQLSTATE_MOVE },
	{ "54000", SQLSTATE_TOO_LONG },
	{ "22012", SQLSTATE_UNAVAILABLE },
	{ "57014", SQLSTATE_UNAVAILABLE },
	{ "53100", SQLSTATE_UNAVAILABLE },
	{ "53200", SQLSTATE_UNAVAILABLE },
	{ "42P01", SQLSTATE_SCHEMA },
	{ "42703", SQLSTATE_SCHEMA },
	{ "42P10", SQLSTATE_SCHEMA },
	{ "42501", SQLSTATE_SCHEMA },
	{ "3F000", SQLSTATE_SCHEMA },
	/* No case for another try. */
	{ "40002", SQLSTATE_FAULT },
	{ "40000", SQLSTATE_FAULT },
	{ "23505", SQLSTATE_FAULT },
	{ "22021", SQLSTATE_FAULT },
	{ "42601", SQLSTATE_FAULT },
	{ "54001", SQLSTATE_FAULT },
	{ "XX000", SQLSTATE_FAULT },
	{ "5", SQLSTATE_FAULT },
};

int
main(void)
{
	for (size_t i = 0; i < COUNT(rows); i++) {
		const char *code = rows[i].code, *name = tap_show(str_of(code));

		tap_int(sqlstate_verdict(code, NULL), rows[i].verdict, "%s", name);
		tap_int(sqlstate_verdict(code, "ERROR"), rows[i].verdict, "ERROR %s", name);
		tap_int(sqlstate_verdict(code, "FATAL"), SQLSTATE_UNKNOWN, "FATAL %s", name);
		tap_int(sqlstate_verdict(code, "PANIC"), SQLSTATE_UNKNOWN, "PANIC %s", name);
	}
	return tap_end();
}
