/* SPDX-License-Identifier: EPL-2.0 */
/*
 * migrate_move: takes the rows that step V2 put under a made-up workspace to
 * HULY_DEFAULT_WORKSPACE_UUID, where the API v1 looks for them.
 *
 * The original does so once, behind V4 and outside the migration, so that a
 * crash strands them; here it is looked at on every run.  Rows go in small
 * pages, each a transaction of its own, so that no writer waits for long.
 * They go before V4 too, which the service waits for: it should not come up
 * and call rows missing that are still on their way.
 *
 * Where the default workspace holds a row of the same namespace and key, that
 * one was written later and stays; the stranded one stays too, where it is.
 * Neither is lost, and every run warns with their number until an operator
 * has decided.
 */
#ifndef HULYKVS_MIGRATE_MOVE_H
#define HULYKVS_MIGRATE_MOVE_H

#include "migrate/state.h"

/* Moves what can be moved; state->stranded is what is left then. */
enum migrate_outcome migrate_move(struct migrate_db *db, struct migrate_state *state)
    __attribute__((warn_unused_result));

/* Warns of rows that are left. */
void migrate_move_warn(const struct migrate_state *state);

#endif
