/* SPDX-License-Identifier: EPL-2.0 */
/*
 * migrate_db (the folder's module db): a database connection over which
 * hulykvs-migrate sends the statements of the files of sql/.  For the modules of
 * this folder; one thread.
 *
 * Every call blocks until the server has answered, but not for ever: a server
 * that says nothing for 60 seconds, or for the rest of the patience but at least
 * 25 seconds, counts as lost.  Statements that may take long
 * (migrate_db_ask_long(), _search(), _stream(), _build()) have no such limit:
 * they end when the server answers, when the connection is closed, or when TCP
 * notices that the other side is gone.  While they run, tick() is called every
 * two seconds, and if they succeed, their time does not count against the
 * patience.
 *
 * With --dry-run the same calls print the changes instead of making them: see
 * the member script.
 */
#ifndef HULYKVS_MIGRATE_DB_H
#define HULYKVS_MIGRATE_DB_H

#include <stdio.h>

#include "base/exitcode.h"
#include "pg/dbconn.h"

/* How a statement, a step or a whole command ended. */
enum migrate_outcome {
	MIGRATE_DONE,
	MIGRATE_TRY_AGAIN,     /* a lock, another migration, a conflict: read the state again and continue from there */
	MIGRATE_DOUBTFUL,      /* as before, but the same error twice means that trying again does not help */
	MIGRATE_NO_CONNECTION, /* the last statement may or may not have been carried out */
	MIGRATE_REFUSED,       /* trying again does not help */
};

enum migrate_db_state {
	MIGRATE_DB_CLOSED,
	MIGRATE_DB_OPEN,
	MIGRATE_DB_LOCKED, /* open, and no other migration of this schema is at work */
};

#define MIGRATE_SQLSTATE_SIZE 6 /* five characters and a NUL */

/* What went wrong last. */
struct migrate_error {
	struct buf text;                      /* one line */
	char sqlstate[MIGRATE_SQLSTATE_SIZE]; /* "": the error is not the database's */
	const char *file;                     /* of the statement; NULL: none */
	enum exitcode code;                   /* that MIGRATE_REFUSED ends the program with */
};

struct migrate_db {
	const struct config *config; /* borrowed */
	FILE *script;                /* changes are printed here instead of made; NULL: they are made */
	bool read_only;              /* the session refuses changes */
	int64_t answer_limit;        /* nanoseconds of silence after which the connection counts as lost; 60 s */
	int64_t patience;            /* nanoseconds: the longest time without progress */
	int64_t progress_at;         /* monotonic: when there was progress last; see migrate_db_progress() */

	enum migrate_db_state state;
	PGconn *conn;      /* NULL: closed */
	unsigned sessions; /* how many were opened */
	enum dbconn_server server;
	/* CockroachDB: rows have the column modified, which an update sets unless it names it; set by migrate_state_read() */
	bool is_dated;
	struct buf schema; /* its name in the catalogue, with a NUL after it */
	struct migrate_error error;

	void (*tick)(struct migrate_db *db); /* see above; NULL: nothing to do */
	int64_t ticked_at;
	struct migrate_db *second; /* a second connection, for tick(); NULL until it is needed */
	char holder[33];           /* CockroachDB: our name in the lease; "": none yet */
	char snapshot[64];         /* what stands for {snapshot} in a file, see migrate_scan; "": nothing */
	const char *prepared;      /* the file that migrate_db_change_each() has prepared last; NULL: none */
};

/* Values of $1, $2, … as text; NULL ends them. */
#define MIGRATE_ARGS(...) ((const char *const[]){ __VA_ARGS__, NULL })
#define MIGRATE_NO_ARGS   NULL

/* No connection yet: see migrate_session.  The patience begins now. */
void migrate_db_init(struct migrate_db *db, const struct config *config);

/* Closes both connections; the database may be opened again. */
void migrate_db_close(struct migrate_db *db);

/* Closes and frees. */
void migrate_db_free(struct migrate_db *db);

/* The one place where the state changes; which changes there are, it asserts. */
void migrate_db_set_state(struct migrate_db *db, enum migrate_db_state state);

/* Something was done: the patience begins anew. */
void migrate_db_progress(struct migrate_db *db);

/* Nanoseconds of patience that are left; 0: none. */
int64_t migrate_db_patience_left(const struct migrate_db *db);

/* Runs a file that changes nothing; *res is new (PQclear), NULL where there is none. */
enum migrate_outcome migrate_db_ask(struct migrate_db *db, const char *file, const char *const *args, PGresult **res)
    __attribute__((warn_unused_result));

/* The same, for a statement that may read the whole table. */
enum migrate_outcome migrate_db_ask_long(struct migrate_db *db, const char *file, const char *const *args,
    PGresult **res) __attribute__((warn_unused_result));

/* As migrate_db_ask(), for a statement that only sets something for the session or the transaction. */
enum migrate_outcome migrate_db_set(struct migrate_db *db, const char *file) __attribute__((warn_unused_result));

/* As migrate_db_ask(), with the values of the result in binary form. */
enum migrate_outcome migrate_db_fetch(struct migrate_db *db, const char *file, const char *const *args, PGresult **res)
    __attribute__((warn_unused_result));

/* The same, for a statement that may look for its rows for hours. */
enum migrate_outcome migrate_db_search(struct migrate_db *db, const char *file, const char *const *args, PGresult **res)
    __attribute__((warn_unused_result));

/*
 * The same, where the result may be large: it is not gathered, migrate_db_next() returns row after row.  The connection
 * can do nothing else until that has returned NULL, or an error.
 */
enum migrate_outcome migrate_db_stream(struct migrate_db *db, const char *file, const char *const *args)
    __attribute__((warn_unused_result));

/* The same with n values in binary form, MIGRATE_VALUES at most. */
enum migrate_outcome migrate_db_stream_binary(
    struct migrate_db *db, const char *file, const struct str *values, size_t n) __attribute__((warn_unused_result));

/* The next row, as the only one of *row, which is new (PQclear); NULL: there are no more. */
enum migrate_outcome migrate_db_next(struct migrate_db *db, const char *file, PGresult **row)
    __attribute__((warn_unused_result));

/*
 * Runs a file that changes something with n values in binary form (MIGRATE_VALUES at most); *rows: how many rows were
 * changed, or the number that it returns.
 */
enum migrate_outcome migrate_db_write(struct migrate_db *db, const char *file, const struct str *values, size_t n,
    int64_t *rows) __attribute__((warn_unused_result));

/* What migrate_db_change_each() does to one row: the values of $1, $2, … in binary form, borrowed. */
#define MIGRATE_VALUES 7
struct migrate_change {
	const char *value[MIGRATE_VALUES];
	int length[MIGRATE_VALUES];
	int n;
	bool done; /* set by the call: a row was changed */
};

/* Adds a value. */
void migrate_db_bind(struct migrate_change *change, struct str value);

/*
 * Runs a file that changes a row, as a prepared statement, once for each of n changes; every one is a transaction of
 * its own.  All are sent before an answer is waited for, so together they should not be larger than some megabytes.
 * A connection may go on to another such file, but never back.
 */
enum migrate_outcome migrate_db_change_each(struct migrate_db *db, const char *file, struct migrate_change *change,
    size_t n) __attribute__((warn_unused_result));

/* Runs a file that changes something, or prints it (*res is NULL then). */
enum migrate_outcome migrate_db_change(struct migrate_db *db, const char *file, const char *const *args, PGresult **res)
    __attribute__((warn_unused_result));

/* The same, without its result. */
enum migrate_outcome migrate_db_do(struct migrate_db *db, const char *file, const char *const *args)
    __attribute__((warn_unused_result));

/* The same for a statement without values that may take hours. */
enum migrate_outcome migrate_db_build(struct migrate_db *db, const char *file) __attribute__((warn_unused_result));

/* Calls tick() if that is due; for loops of short statements. */
void migrate_db_tick(struct migrate_db *db);

/* Nothing has gone wrong. */
void migrate_db_clear_error(struct migrate_db *db);

/* Sets the error to the message, or if that is NULL to why the connection ended; returns MIGRATE_NO_CONNECTION. */
enum migrate_outcome migrate_db_lost(struct migrate_db *db, const char *message);

/* Takes over the error of another connection, with whose it is in front, unless the outcome is MIGRATE_DONE; returns it. */
enum migrate_outcome migrate_db_copy_error(
    struct migrate_db *db, const char *whose, const struct migrate_db *other, enum migrate_outcome outcome);

/* Sets the error's text; returns MIGRATE_REFUSED. */
enum migrate_outcome migrate_db_refuse(struct migrate_db *db, const char *fmt, ...)
    __attribute__((format(printf, 2, 3)));

/* The same for a lack of memory, which ends the program with EXIT_INTERNAL. */
enum migrate_outcome migrate_db_no_memory(struct migrate_db *db);

/* Sets the error's text; returns MIGRATE_TRY_AGAIN. */
enum migrate_outcome migrate_db_try_again(struct migrate_db *db, const char *text);

/* Sets what the program ends with after the refusal that was just made; returns MIGRATE_REFUSED. */
enum migrate_outcome migrate_db_refuse_as(struct migrate_db *db, enum exitcode code);

#endif
