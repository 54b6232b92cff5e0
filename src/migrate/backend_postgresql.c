/* SPDX-License-Identifier: EPL-2.0 */
#include <inttypes.h>
#include <unistd.h>

#include "base/base.h"
#include "base/clock.h"
#include "migrate/backend.h"
#include "migrate/cell.h"
#include "migrate/session.h"

/* A statement of ours waits for a lock for as long as this at most: statements of clients wait for it meanwhile. */
#define LOCK_TIMEOUT "200ms"

/* An index that becomes the primary key in a step. */
struct replacement {
	enum migrate_effect effect;
	const char *build, *drop; /* files */
	enum migrate_index found;
};

static enum migrate_outcome
postgresql_lock(struct migrate_db *db, const struct migrate_state *state)
{
	PGresult *res;
	enum migrate_outcome outcome;

	(void)state;
	if (db->state == MIGRATE_DB_LOCKED)
		return MIGRATE_DONE;
	outcome = migrate_db_change(db, "postgresql/lock", MIGRATE_ARGS(db->schema.p), &res);
	if (outcome == MIGRATE_DONE)
		outcome = migrate_backend_locked(db, res == NULL || migrate_cell_is_true(res, 0, 0));
	PQclear(res);
	return outcome;
}

/* A lock that is not there to be given back was taken in another session: a connection pooler is in between. */
static enum migrate_outcome
postgresql_unlock(struct migrate_db *db)
{
	PGresult *res;
	enum migrate_outcome outcome = migrate_db_change(db, "postgresql/unlock", MIGRATE_ARGS(db->schema.p), &res);

	if (outcome == MIGRATE_DONE && res != NULL && !migrate_cell_is_true(res, 0, 0))
		outcome = migrate_db_refuse(db, MIGRATE_SESSION_POOLED);
	PQclear(res);
	migrate_db_set_state(db, MIGRATE_DB_OPEN);
	return outcome;
}

/* How long the following statements may wait for a lock: for what is left of db->patience. */
static enum migrate_outcome
allow_waiting(struct migrate_db *db)
{
	char limit[32];

	(void)snprintf(limit, sizeof(limit), "%" PRId64 "ms", migrate_db_patience_left(db) / CLOCK_MS + 1);
	return migrate_db_do(db, "postgresql/lock_timeout", MIGRATE_ARGS(limit, "false"));
}

/* An index is built or dropped beside the traffic, so it may wait for long. */
static enum migrate_outcome
build_index(struct migrate_db *db, const char *file)
{
	enum migrate_outcome outcome = allow_waiting(db);

	return outcome == MIGRATE_DONE ? migrate_db_build(db, file) : outcome;
}

/*
 * Drops indexes of an interrupted run whose step somebody else, the original for one, has done since: nobody reads
 * them, and all writes have to maintain them.
 */
static enum migrate_outcome
drop_leftovers(struct migrate_db *db, const struct migrate_state *state)
{
	enum migrate_outcome outcome = MIGRATE_DONE;

	if (state->key_is_current && state->index_v3 != MIGRATE_INDEX_NONE)
		outcome = build_index(db, "postgresql/V3_index_drop");
	if (outcome == MIGRATE_DONE && state->key_by_bytes && state->index_s1 != MIGRATE_INDEX_NONE)
		outcome = build_index(db, "postgresql/S1_index_drop");
	return outcome;
}

static enum migrate_outcome
postgresql_prepare(struct migrate_db *db, const struct migrate_state *state)
{
	enum migrate_outcome outcome = allow_waiting(db);

	/* What is there is not made: "if not exists" needs the right to create anyway. */
	if (outcome == MIGRATE_DONE)
		outcome = migrate_backend_make_schema(db, state);
	if (outcome == MIGRATE_DONE && !state->has_history)
		outcome = migrate_db_do(db, "postgresql/history_table", MIGRATE_NO_ARGS);
	if (outcome == MIGRATE_DONE && !state->has_steps)
		outcome = migrate_db_do(db, "migrate/steps_table", MIGRATE_NO_ARGS);
	return outcome == MIGRATE_DONE ? drop_leftovers(db, state) : outcome;
}

/* Builds the index that becomes the primary key in this step, so that the step itself is short. */
static enum migrate_outcome
build_before(struct migrate_db *db, const struct migrate_state *state, enum migrate_effect effect)
{
	const struct replacement replacements[] = {
		{ MIGRATE_PRIMARY_KEY, "postgresql/V3_index", "postgresql/V3_index_drop", state->index_v3 },
		{ MIGRATE_BYTE_ORDER, "postgresql/S1_index", "postgresql/S1_index_drop", state->index_s1 },
	};
	enum migrate_outcome outcome = MIGRATE_DONE;

	for (size_t i = 0; i < ARRAY_SIZE(replacements); i++) {
		const struct replacement *r = &replacements[i];

		if (r->effect != effect)
			continue;
		if (r->found == MIGRATE_INDEX_INVALID)
			outcome = build_index(db, r->drop);
		if (outcome != MIGRATE_DONE || !state->is_large || r->found == MIGRATE_INDEX_VALID)
			continue;
		outcome = build_index(db, r->build);
		/* To drop what an interrupted build has left is no progress: builds that are ended each time would never end. */
		if (outcome == MIGRATE_DONE)
			migrate_db_progress(db);
	}
	return outcome;
}

static enum migrate_outcome
postgresql_record(struct migrate_db *db, const struct migrate_step *step)
{
	char version[12], applied_on[MIGRATE_APPLIED_ON_SIZE];

	(void)snprintf(version, sizeof(version), "%d", step->version);
	migrate_backend_now(applied_on);
	if (step->own)
		return migrate_db_do(db, "postgresql/record_step", MIGRATE_ARGS(version, step->name, applied_on));
	return migrate_db_do(db, "postgresql/record", MIGRATE_ARGS(version, step->name, applied_on, step->checksum));
}

static enum migrate_outcome
postgresql_do_step(struct migrate_db *db, const struct migrate_step *step, bool done, bool recorded)
{
	enum migrate_outcome outcome = migrate_db_do(db, "migrate/begin", MIGRATE_NO_ARGS);

	if (outcome == MIGRATE_DONE)
		outcome = migrate_db_do(db, "postgresql/lock_timeout", MIGRATE_ARGS(LOCK_TIMEOUT, "true"));
	if (outcome == MIGRATE_DONE && !done)
		outcome = migrate_db_do(db, step->file, MIGRATE_NO_ARGS);
	if (outcome == MIGRATE_DONE && !recorded)
		outcome = postgresql_record(db, step);
	if (outcome == MIGRATE_DONE)
		return migrate_db_do(db, "migrate/commit", MIGRATE_NO_ARGS);
	if (outcome != MIGRATE_NO_CONNECTION && migrate_db_do(db, "migrate/rollback", MIGRATE_NO_ARGS) != MIGRATE_DONE)
		outcome = MIGRATE_NO_CONNECTION;
	return outcome;
}

static enum migrate_outcome
postgresql_apply(struct migrate_db *db, const struct migrate_state *state, size_t i)
{
	const struct migrate_step *step = &migrate_backend_postgresql.steps.step[i];
	bool done = migrate_state_has(state, step->effect);
	enum migrate_outcome outcome = MIGRATE_DONE;

	if (!done)
		outcome = build_before(db, state, step->effect);
	if (outcome == MIGRATE_DONE)
		outcome = postgresql_do_step(db, step, done, state->recorded[i]);
	if (outcome == MIGRATE_DONE && !done && step->effect == MIGRATE_BYTE_ORDER)
		outcome = migrate_db_build(db, "postgresql/S1_analyze");
	return outcome;
}

/* Says how far the index is that the first connection builds, if standard error is a terminal. */
static void
postgresql_tick(struct migrate_db *db)
{
	char pid[16];
	PGresult *res;

	if (!isatty(STDERR_FILENO) || migrate_session_second(db) != MIGRATE_DONE)
		return;
	(void)snprintf(pid, sizeof(pid), "%d", PQbackendPID(db->conn));
	if (migrate_db_ask(db->second, "postgresql/progress", MIGRATE_ARGS(pid), &res) != MIGRATE_DONE)
		migrate_db_close(db->second);
	else if (PQntuples(res) == 1)
		log_event(LOG_INFO, "building an index", log_text("phase", str_of(PQgetvalue(res, 0, 0))),
		    log_number("done", migrate_cell_number(res, 0, 1)),
		    log_number("of", migrate_cell_number(res, 0, 2)));
	PQclear(res);
}

#define FILE_OF(id) "postgresql/" id
const struct migrate_backend migrate_backend_postgresql = {
	.steps = {
		.n = 0
#define X(version, name, effect, postgresql, cockroachdb) +1
		MIGRATE_STEPS(X)
#undef X
#define X(version, name, effect) +1
		MIGRATE_OWN_STEPS_POSTGRESQL(X) MIGRATE_OWN_STEPS(X),
#undef X
		.step = {
#define X(version, name, effect, postgresql, cockroachdb) \
	{ version, false, name, effect, postgresql, "V" #version "__" name, FILE_OF("V" #version "__" name) },
			MIGRATE_STEPS(X)
#undef X
#define X(version, name, effect) \
	{ version, true, name, effect, NULL, "S" #version "__" name, FILE_OF("S" #version "__" name) },
			MIGRATE_OWN_STEPS_POSTGRESQL(X) MIGRATE_OWN_STEPS(X)
#undef X
		},
	},
	.lock = postgresql_lock,
	.unlock = postgresql_unlock,
	.prepare = postgresql_prepare,
	.apply = postgresql_apply,
	.tick = postgresql_tick,
};
