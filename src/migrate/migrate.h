/* SPDX-License-Identifier: EPL-2.0 */
/*
 * migrate: brings the schema of any database of the original, or of an earlier
 * hulykvs, up to date.  It may be done at any time, by any number of processes
 * at once, and again after any interruption.  Called by program/migrate_main.
 *
 * What is found decides what is done:
 *   - nothing: schema and table are made, step by step;
 *   - a history of the original (migrations_pg; migrations on CockroachDB):
 *     the steps that it lacks are done and recorded there as it would;
 *   - the table without that history (an original before 0.3 on PostgreSQL
 *     kept it in `migrations`; a dump may have lost it): each step whose
 *     effect is there already is only recorded;
 *   - a step that is recorded but not done (CockroachDB may commit its row in
 *     the history without its change): it is done;
 *   - rows that were left behind between two steps: see migrate_move.
 *
 * How one run of `up` goes, from the top again after every error that may pass:
 *   connect (migrate_session) -> read the state (migrate_state) -> nothing to
 *   do: end -> take the lock -> read the state again -> make the tables of the
 *   bookkeeping -> each missing step (migrate_backend), the rows moved before
 *   V4 (migrate_move) -> give the lock back.
 *
 * Refused are: a version in the original's history that this program does not
 * know (the database belongs to a newer one), a history whose table kvs is gone
 * (a lost or partly restored database must not start empty), a server that no
 * migration can be made on (see migrate_session), and a statement that the
 * server has refused twice with the same code while nothing changed.
 */
#ifndef HULYKVS_MIGRATE_H
#define HULYKVS_MIGRATE_H

#include <stdio.h>

#include "base/exitcode.h"
#include "config/config.h"
#include "migrate/export.h"
#include "migrate/import.h"
#include "migrate/purge.h"
#include "store/keyring.h"

enum migrate_command {
	MIGRATE_UP,
	MIGRATE_STATUS,
	MIGRATE_DRY_RUN,
	MIGRATE_REENCRYPT, /* this and the next two: see migrate_seal */
	MIGRATE_DECRYPT,
	MIGRATE_KEY_STATUS,
	MIGRATE_FORGET_KEYS, /* see migrate_seal_forget_keys() */
	MIGRATE_EXPORT,      /* see migrate_export */
	MIGRATE_IMPORT,      /* see migrate_import; from standard input */
	MIGRATE_COMPARE,     /* see migrate_compare */
	MIGRATE_PURGE,       /* see migrate_purge */
};

struct migrate_options {
	enum migrate_command command;
	int64_t connect_wait;       /* nanoseconds: how long to try for a first connection */
	int64_t patience;           /* nanoseconds: longest time without progress, the wait for a connection included */
	unsigned rate;              /* most rows in a second; 0: no limit */
	const struct keyring *keys; /* for the commands about sealed values; borrowed; NULL: none */
	struct migrate_export_options export;
	enum migrate_existing existing; /* for import */
	struct migrate_purge_options purge;
};

/*
 * Runs the command.  What status, key-status, export, compare and a dry run print goes to out,
 * everything else to the log.  Returns EXIT_OK, EXIT_DATABASE (unreachable, or refused as above),
 * EXIT_TRY_LATER (the patience is over), EXIT_CONFIG for a setting that cannot be used, EXIT_DATA
 * (import), EXIT_DIFFERENT (compare), or EXIT_INTERNAL if out cannot be written to (export).
 */
enum exitcode migrate_run(const struct config *config, const struct migrate_options *options, FILE *out)
    __attribute__((warn_unused_result));

#endif
