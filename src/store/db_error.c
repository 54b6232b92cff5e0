/* SPDX-License-Identifier: EPL-2.0 */
#include "store/db_error.h"

static const struct {
	struct str code, meaning, advice;
} errors[] = {
#define X(code, meaning, advice) { STR_INIT(#code), STR_INIT(meaning), STR_INIT(advice) },
	DB_ERRORS(X)
#undef X
	    [DB_ERROR_OTHER] = { STR_INIT("other"), STR_INIT("an error of the database"),
		STR_INIT("look the SQLSTATE up in the manual of the database, and at its log") },
};

enum db_error
db_error_of(struct str code)
{
	enum db_error e = 0;

	while (e < DB_ERROR_OTHER && !str_eq(code, errors[e].code))
		e++;
	return e;
}

struct str
db_error_code(enum db_error e)
{
	return errors[e].code;
}

struct str
db_error_meaning(enum db_error e)
{
	return errors[e].meaning;
}

struct str
db_error_advice(enum db_error e)
{
	return errors[e].advice;
}
