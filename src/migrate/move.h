/* SPDX-License-Identifier: EPL-2.0 */
/*
 * migrate_move: moves the rows that step V2 put under a workspace of its own
 * ("stranded" rows) to HULY_DEFAULT_WORKSPACE_UUID, where the API v1 looks for
 * them.  For migrate.
 *
 * The original does so once, after V4 and outside the migration, so a crash
 * at that moment leaves them behind; here every run looks for them.  Each row
 * is moved in a transaction of its own, so that no writer waits for long.  They
 * are moved before V4, which the service waits for: otherwise it would answer
 * 404 for rows that have not been moved yet.
 *
 * Where the default workspace has a row of the same namespace and key, that row
 * was written later and stays; the stranded one stays where it is.  No row is
 * lost, and every run warns of their number until an operator deletes one of
 * the two.
 */
#ifndef HULYKVS_MIGRATE_MOVE_H
#define HULYKVS_MIGRATE_MOVE_H

#include "migrate/state.h"

/* Moves what can be moved; afterwards state->stranded is what is left. */
enum migrate_outcome migrate_move(struct migrate_db *db, struct migrate_state *state)
    __attribute__((warn_unused_result));

/* Warns of rows that are left. */
void migrate_move_warn(const struct migrate_state *state);

#endif
