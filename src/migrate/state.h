/* SPDX-License-Identifier: EPL-2.0 */
/*
 * migrate_state: what hulykvs-migrate finds in the database.  For the modules
 * of this folder.
 *
 * The catalogue says what is there, and the histories say what was recorded.
 * The two may differ (a step done in part on CockroachDB, a dump without the
 * history); then the catalogue counts.
 */
#ifndef HULYKVS_MIGRATE_STATE_H
#define HULYKVS_MIGRATE_STATE_H

#include "migrate/db.h"
#include "migrate/step.h"

/* The workspace that step V2 gives to the rows of V1. */
#define MIGRATE_STRANDED_WORKSPACE "f7c9c6d2-81d7-5ff4-9f42-8ab129bb12f0"

/* For tables from this size on, indexes are built before the step that needs them, without keeping writers out. */
#define MIGRATE_LARGE_BYTES "4194304"

#define MIGRATE_APPLIED_ON_SIZE 40

/* An invalid index is what an interrupted build leaves behind. */
enum migrate_index { MIGRATE_INDEX_NONE, MIGRATE_INDEX_INVALID, MIGRATE_INDEX_VALID };

struct migrate_state {
	bool has_schema, has_table, has_workspace, has_default;
	bool key_is_current; /* primary key (workspace, namespace, key) */
	bool has_old_index;
	bool key_by_bytes;
	bool plain_bytes;
	bool is_large;
	bool wants_lz4; /* the setting; the others are what is there */
	bool can_lz4, has_lz4;
	bool has_modified;
	enum migrate_index index_v3, index_s1; /* built for that step, which has not been done */
	bool has_history, has_steps, has_old_history;

	/* By the step's place in the table of steps. */
	bool recorded[MIGRATE_STEPS_MAX];
	char applied_on[MIGRATE_STEPS_MAX][MIGRATE_APPLIED_ON_SIZE];
	int unknown_version; /* of the original's history; 0: none */

	int64_t stranded; /* rows under MIGRATE_STRANDED_WORKSPACE, when they were last counted */
	int64_t sealed;   /* of them */
};

/* Reads all of it except the number of stranded rows. */
enum migrate_outcome migrate_state_read(struct migrate_db *db, const struct migrate_steps *steps,
    struct migrate_state *state) __attribute__((warn_unused_result));

/* Counts the stranded rows: none before V3, and none if their workspace is the default one. */
enum migrate_outcome migrate_state_count_stranded(struct migrate_db *db, struct migrate_state *state)
    __attribute__((warn_unused_result));

/* Whether what the step does is there. */
bool migrate_state_has(const struct migrate_state *state, enum migrate_effect effect);

/* Why a step is left out on this database, for people; NULL: it is not. */
const char *migrate_state_left_out(const struct migrate_state *state, enum migrate_effect effect);

/* Whether step number i has nothing to be done about it: it is done and recorded, or left out. */
bool migrate_state_is_done(const struct migrate_state *state, const struct migrate_steps *steps, size_t i);

/* Whether that is so for every step. */
bool migrate_state_is_current(const struct migrate_state *state, const struct migrate_steps *steps);

/* One line for people: "empty", "current", … */
const char *migrate_state_kind(const struct migrate_state *state, const struct migrate_steps *steps);

#endif
