/* SPDX-License-Identifier: EPL-2.0 */
/*
 * migrate: brings the schema of any database that the original or an earlier
 * hulykvs has left behind up to date; safe to run at any time, by any number
 * of processes at once, and again after any interruption.
 *
 * What is found decides what is done:
 *   - nothing: schema and table are made, step by step;
 *   - a history of the original (migrations_pg; migrations on CockroachDB):
 *     the steps that it lacks are done and recorded there as it would;
 *   - the table without that history (an original before 0.3 on PostgreSQL
 *     kept it in `migrations`; a dump may have lost it): each step whose
 *     effect is there already is only recorded;
 *   - a step that is recorded but not done (CockroachDB may commit the one
 *     without the other): it is done;
 *   - rows stranded between two steps: see migrate_move.
 * Two things are refused, since going on could only do harm: a version in the
 * original's history that this program does not know (the database belongs to
 * a newer one), and a history whose table kvs is gone (a lost or half restored
 * database should not come up empty).
 */
#ifndef HULYKVS_MIGRATE_H
#define HULYKVS_MIGRATE_H

#include <stdio.h>

#include "base/exitcode.h"
#include "config/config.h"
#include "store/keyring.h"

enum migrate_command {
	MIGRATE_UP,
	MIGRATE_STATUS,
	MIGRATE_DRY_RUN,
	MIGRATE_REENCRYPT, /* these three: see migrate_seal */
	MIGRATE_DECRYPT,
	MIGRATE_KEY_STATUS,
};

struct migrate_options {
	enum migrate_command command;
	int64_t connect_wait;       /* nanoseconds: how long to try for a first connection */
	int64_t patience;           /* nanoseconds: longest wait for a lock or another migrator */
	unsigned rate;              /* most rows in a second; 0: no limit */
	const struct keyring *keys; /* for the commands about sealed values; borrowed; NULL: none */
};

/*
 * Runs the command; what status, key-status and a dry run print goes to out, the rest to
 * the log.  Returns EXIT_OK, EXIT_DATABASE (unreachable, or refused as above),
 * EXIT_TRY_LATER, or EXIT_CONFIG for what only the database's rooms can tell.
 */
enum exitcode migrate_run(const struct config *config, const struct migrate_options *options, FILE *out)
    __attribute__((warn_unused_result));

#endif
