/* SPDX-License-Identifier: EPL-2.0 */
/*
 * db_error: the errors of a database that an operator should know by name: what
 * a SQLSTATE means and what to do about it, for the log, and the values of the
 * label sqlstate in metrics.  What an error means for an operation is in
 * pg/sqlstate.  (PostgreSQL manual, appendix A.)
 *
 * Any module may use it.
 */
#ifndef HULYKVS_DB_ERROR_H
#define HULYKVS_DB_ERROR_H

#include "base/str.h"

/*
 * X(SQLSTATE, "what it means", "what to do")
 */
#define DB_ERRORS(X) \
	X(25006, "the server is read-only", \
	    "connect to the primary: target_session_attrs=read-write, check default_transaction_read_only") \
	X(40001, "transactions were in conflict", "nothing, unless it is frequent: many writers of the same keys") \
	X(40P01, "a deadlock", "nothing, unless it is frequent: look for other programs that write the table") \
	X(42501, "the role lacks rights", "give the role the rights that docs/cockroachdb-and-clusters.md lists") \
	X(42703, "a column is missing", "run hulykvs-migrate") \
	X(42P01, "the table is missing", "run hulykvs-migrate") \
	X(53100, "the disk of the database is full", "make space there: WAL, logs, other tables") \
	X(53200, "the database is out of memory", "look at its memory and at what else runs there") \
	X(53300, "too many connections", "raise max_connections or the limit of the role, or use fewer connections") \
	X(54000, "namespace and key are too long", "nothing: the client gets 414") \
	X(55P03, "a lock was not granted in time", \
	    "look for a transaction that holds locks: pg_stat_activity, pg_locks") \
	X(57014, "a statement was cancelled", "statement_timeout or an operator: look for locks, disk and load") \
	X(57P01, "the database is shutting down", "wait for it, or start it") \
	X(58030, "an I/O error of the database's disk", "look at the disk and at the log of the database") \
	X(XX001, "data of the database is damaged", "look at the log of the database; restore from a backup")

enum db_error {
#define X(code, meaning, advice) DB_ERROR_##code,
	DB_ERRORS(X)
#undef X
	    DB_ERROR_OTHER,
	DB_ERROR_COUNT,
};

/* code: five characters. */
enum db_error db_error_of(struct str code);

/* The SQLSTATE; "other" for DB_ERROR_OTHER. */
struct str db_error_code(enum db_error e);

struct str db_error_meaning(enum db_error e);
struct str db_error_advice(enum db_error e);

#endif
