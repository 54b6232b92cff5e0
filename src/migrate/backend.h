/* SPDX-License-Identifier: EPL-2.0 */
/*
 * migrate_backend: what differs between PostgreSQL and CockroachDB when a
 * schema is brought up to date: how other migrations are kept out, and how a
 * step is done.  Called by migrate only.
 *
 * On PostgreSQL a step and its row in the history are one transaction.  It
 * waits for locks for 200 ms at most, since statements of clients that come after
 * it wait as long; indexes of large tables are built before, without a lock that
 * writers notice.
 *
 * On CockroachDB a schema change in a transaction may be committed in part.  So
 * each statement is sent by itself, and may be sent again: the catalogue tells
 * whether it is still needed.  Advisory locks do nothing there, so a row with a
 * time limit, the lease, takes their place; a step is recorded only while the
 * lease is ours.
 */
#ifndef HULYKVS_MIGRATE_BACKEND_H
#define HULYKVS_MIGRATE_BACKEND_H

#include "migrate/state.h"

struct migrate_backend {
	struct migrate_steps steps;

	/* MIGRATE_TRY_AGAIN: another migration is at work.  Whoever has it may take it again. */
	enum migrate_outcome (*lock)(struct migrate_db *db, const struct migrate_state *state);

	/* If it fails, the lock ends with the session, or the lease by itself. */
	enum migrate_outcome (*unlock)(struct migrate_db *db);

	/* Makes the schema and the tables that steps are recorded in. */
	enum migrate_outcome (*prepare)(struct migrate_db *db, const struct migrate_state *state);

	/* Does step number i, unless its effect is there, and records it, unless it is recorded. */
	enum migrate_outcome (*apply)(struct migrate_db *db, const struct migrate_state *state, size_t i);

	/* For migrate_db's tick(). */
	void (*tick)(struct migrate_db *db);
};

extern const struct migrate_backend migrate_backend_postgresql, migrate_backend_cockroachdb;

/* That of the server that db is connected to. */
const struct migrate_backend *migrate_backend_of(const struct migrate_db *db);

/* A schema that is not there is made, with a warning: HULY_DB_SCHEME may be misspelt. */
enum migrate_outcome migrate_backend_make_schema(struct migrate_db *db, const struct migrate_state *state)
    __attribute__((warn_unused_result));

/* The end of lock(): taken says whether the lock or lease is ours now. */
enum migrate_outcome migrate_backend_locked(struct migrate_db *db, bool taken) __attribute__((warn_unused_result));

/* The time as the original's history has it: RFC 3339, UTC, nanoseconds without zeros at the end. */
void migrate_backend_now(char out[MIGRATE_APPLIED_ON_SIZE]);

#endif
