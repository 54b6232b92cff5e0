/* SPDX-License-Identifier: EPL-2.0 */
/*
 * migrate_backend: what differs between PostgreSQL and CockroachDB when a
 * schema is brought up to date: how others are kept out and how a step is
 * done.  migrate is the only caller.
 *
 * PostgreSQL does a step and its row of the history in one transaction, which
 * waits for locks only as long as traffic can be made to wait (200 ms), and
 * builds indexes of large tables beside the traffic.  CockroachDB, where a
 * change of the schema in a transaction may commit by half, does each
 * statement alone; each may be repeated, the catalogue decides whether it is
 * needed, and the row of the history is written only by the lease's holder.
 */
#ifndef HULYKVS_MIGRATE_BACKEND_H
#define HULYKVS_MIGRATE_BACKEND_H

#include "migrate/state.h"

struct migrate_backend {
	struct migrate_steps steps;

	/* MIGRATE_BUSY: another migrator is at work.  May be taken again by who has it. */
	enum migrate_outcome (*lock)(struct migrate_db *db, const struct migrate_state *state);
	void (*unlock)(struct migrate_db *db); /* best effort: it ends with the session, or by itself */

	/* Makes the schema and the tables of the bookkeeping. */
	enum migrate_outcome (*prepare)(struct migrate_db *db, const struct migrate_state *state);

	/* Does the step, unless its effect is there, and records it, unless it is. */
	enum migrate_outcome (*apply)(struct migrate_db *db, const struct migrate_state *state, size_t i);

	/* The job of migrate_db's tick(). */
	void (*tick)(struct migrate_db *db);
};

extern const struct migrate_backend migrate_pg, migrate_crdb;

/* Now, as the original's history has it: RFC 3339, UTC, up to nanoseconds without zeros at the end. */
void migrate_applied_on(char out[MIGRATE_APPLIED_ON_SIZE]);

#endif
