/* SPDX-License-Identifier: EPL-2.0 */
/*
 * migrate_db: a connection on which hulykvs-migrate runs the files of sql/.
 *
 * Every call blocks until the server has answered, but with an eye on the
 * clock: a server that is silent for too long counts as gone, and tick() is
 * called now and then during a long statement.
 */
#ifndef HULYKVS_MIGRATE_DB_H
#define HULYKVS_MIGRATE_DB_H

#include <stdio.h>

#include "pg/dbconn.h"

/* How a statement, a step or a whole run ended. */
enum migrate_outcome {
	MIGRATE_DONE,
	MIGRATE_BUSY,    /* a lock, another migrator, a conflict: look again and go on from there */
	MIGRATE_GONE,    /* no connection; what ran last may or may not have happened */
	MIGRATE_REFUSED, /* trying again does not help */
};

struct migrate_db {
	const struct config *config;
	FILE *script;     /* changes are printed here instead of run; NULL: they are run */
	bool read_only;   /* the session refuses changes */
	int64_t patience; /* nanoseconds: longest wait without getting on */

	PGconn *conn; /* NULL: closed */
	enum dbconn_server server;
	struct buf schema; /* its name in the catalogue, with a NUL behind */
	struct buf error;  /* the last thing that went wrong, one line */

	/* Called every few seconds during long work; NULL: nothing to do. */
	void (*tick)(struct migrate_db *db);
	int64_t ticked_at;
	struct migrate_db *side; /* a second connection, for tick(); NULL until needed */
	char holder[33];         /* CockroachDB: our name in the lease; "": none yet */
	int64_t progress_at;     /* monotonic: when we last got on with it */
	bool locked;             /* we are the one migrator */
	const char *prepared;    /* the file of migrate_db_change_each(): one for each connection */
};

/* Values of $1, $2, … as text; NULL ends them. */
#define MIGRATE_ARGS(...) ((const char *const[]){ __VA_ARGS__, NULL })
#define MIGRATE_NO_ARGS   NULL

/* No connection yet. */
void migrate_db_init(struct migrate_db *db, const struct config *config);

/* Connects and learns what the server is. */
enum migrate_outcome migrate_db_open(struct migrate_db *db) __attribute__((warn_unused_result));

/* Closes both connections; the database may be opened again. */
void migrate_db_close(struct migrate_db *db);

/* Closes and frees. */
void migrate_db_free(struct migrate_db *db);

/* Runs a file that changes nothing; *res is new (PQclear), NULL where there is none. */
enum migrate_outcome migrate_db_ask(struct migrate_db *db, const char *file, const char *const *args, PGresult **res)
    __attribute__((warn_unused_result));

/* The same, with the values of the result in binary form. */
enum migrate_outcome migrate_db_fetch(struct migrate_db *db, const char *file, const char *const *args, PGresult **res)
    __attribute__((warn_unused_result));

/* A run of a file for one row; $1, $2, … in binary form. */
#define MIGRATE_VALUES 7
struct migrate_change {
	const char *value[MIGRATE_VALUES];
	int length[MIGRATE_VALUES];
	bool done; /* it changed a row */
};

/*
 * Runs a file that changes something once for each of n changes, every one a transaction of its own.  All are sent
 * before an answer is waited for, so together they should not be larger than some megabytes.
 */
enum migrate_outcome migrate_db_change_each(struct migrate_db *db, const char *file, struct migrate_change *change,
    size_t n) __attribute__((warn_unused_result));

/* Runs a file that changes something, or prints it (*res is NULL then). */
enum migrate_outcome migrate_db_change(struct migrate_db *db, const char *file, const char *const *args, PGresult **res)
    __attribute__((warn_unused_result));

/* The same, without its result. */
enum migrate_outcome migrate_db_do(struct migrate_db *db, const char *file, const char *const *args)
    __attribute__((warn_unused_result));

/* The same for one without values that may run for hours. */
enum migrate_outcome migrate_db_build(struct migrate_db *db, const char *file) __attribute__((warn_unused_result));

/* Calls tick() if that is due; for loops of short statements. */
void migrate_db_tick(struct migrate_db *db);

/* The second connection, opened when it is not; NULL: it cannot be had now. */
struct migrate_db *migrate_db_second(struct migrate_db *db);

/* Sets the error line; returns MIGRATE_REFUSED. */
enum migrate_outcome migrate_db_refuse(struct migrate_db *db, const char *fmt, ...)
    __attribute__((format(printf, 2, 3)));

/* Whether a cell of a result is true, and its number. */
bool migrate_db_true(const PGresult *res, int row, int column);
int64_t migrate_db_number(const PGresult *res, int row, int column);

/* Puts a copy there, of a text without NUL, and frees what was there; false: no memory. */
bool migrate_db_keep(char **place, struct str text) __attribute__((warn_unused_result));

#endif
