/* SPDX-License-Identifier: EPL-2.0 */
#include <inttypes.h>
#include <unistd.h>

#include "base/base.h"
#include "base/clock.h"
#include "migrate/backend.h"

/* The longest that traffic may have to wait behind us for a lock. */
#define LOCK_TIMEOUT "200ms"

/* An index that a step puts in the place of the primary key. */
struct replacement {
	enum migrate_effect effect;
	const char *build, *drop;
	enum migrate_index found;
};

static enum migrate_outcome
pg_lock(struct migrate_db *db, const struct migrate_state *state)
{
	PGresult *res;
	enum migrate_outcome outcome;

	(void)state;
	if (db->locked)
		return MIGRATE_DONE;
	outcome = migrate_db_change(db, "postgresql/lock", MIGRATE_ARGS(db->schema.p), &res);
	if (outcome == MIGRATE_DONE) {
		db->locked = res == NULL || migrate_db_true(res, 0, 0);
		if (!db->locked) {
			(void)migrate_db_refuse(db, "another migration of this schema is at work");
			outcome = MIGRATE_BUSY;
		}
	}
	PQclear(res);
	return outcome;
}

static void
pg_unlock(struct migrate_db *db)
{
	(void)!migrate_db_do(db, "postgresql/unlock", MIGRATE_ARGS(db->schema.p));
	db->locked = false;
}

/* Indexes of an interrupted run, whose step somebody else has done meanwhile: nobody needs them, all writes pay for them. */
static enum migrate_outcome
drop_leftovers(struct migrate_db *db, const struct migrate_state *state)
{
	enum migrate_outcome outcome = MIGRATE_DONE;

	if (state->key_is_current && state->index_v3 != MIGRATE_INDEX_NONE)
		outcome = migrate_db_build(db, "postgresql/V3_index_drop");
	if (outcome == MIGRATE_DONE && state->key_by_bytes && state->index_s1 != MIGRATE_INDEX_NONE)
		outcome = migrate_db_build(db, "postgresql/S1_index_drop");
	return outcome;
}

static enum migrate_outcome
pg_prepare(struct migrate_db *db, const struct migrate_state *state)
{
	char limit[32];
	enum migrate_outcome outcome;

	/* An index build waits beside the traffic, so it may wait for long. */
	(void)snprintf(limit, sizeof(limit), "%" PRId64 "ms", db->patience / CLOCK_MS + 1);
	outcome = migrate_db_do(db, "postgresql/lock_timeout", MIGRATE_ARGS(limit, "false"));
	/* Only what is missing: "if not exists" needs the right to create all the same. */
	if (outcome == MIGRATE_DONE && !state->has_schema)
		outcome = migrate_db_do(db, "migrate/create_schema", MIGRATE_NO_ARGS);
	if (outcome == MIGRATE_DONE && !state->has_history)
		outcome = migrate_db_do(db, "postgresql/history_table", MIGRATE_NO_ARGS);
	if (outcome == MIGRATE_DONE && !state->has_steps)
		outcome = migrate_db_do(db, "postgresql/steps_table", MIGRATE_NO_ARGS);
	return outcome == MIGRATE_DONE ? drop_leftovers(db, state) : outcome;
}

/* Builds the index that the step will put in place, so that the step itself is short. */
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
			outcome = migrate_db_build(db, r->drop);
		if (outcome != MIGRATE_DONE || !state->is_large || r->found == MIGRATE_INDEX_VALID)
			continue;
		outcome = migrate_db_build(db, r->build);
		if (outcome == MIGRATE_DONE)
			db->progress_at = clock_mono();
	}
	return outcome;
}

static enum migrate_outcome
pg_record(struct migrate_db *db, const struct migrate_step *step)
{
	char version[12], applied_on[MIGRATE_APPLIED_ON_SIZE];

	(void)snprintf(version, sizeof(version), "%d", step->version);
	migrate_applied_on(applied_on);
	if (step->own)
		return migrate_db_do(db, "postgresql/record_step", MIGRATE_ARGS(version, step->name, applied_on));
	return migrate_db_do(db, "postgresql/record", MIGRATE_ARGS(version, step->name, applied_on, step->checksum));
}

static enum migrate_outcome
pg_do_step(struct migrate_db *db, const struct migrate_step *step, bool done, bool recorded)
{
	enum migrate_outcome outcome = migrate_db_do(db, "migrate/begin", MIGRATE_NO_ARGS);

	if (outcome == MIGRATE_DONE)
		outcome = migrate_db_do(db, "postgresql/lock_timeout", MIGRATE_ARGS(LOCK_TIMEOUT, "true"));
	if (outcome == MIGRATE_DONE && !done)
		outcome = migrate_db_do(db, step->file, MIGRATE_NO_ARGS);
	if (outcome == MIGRATE_DONE && !recorded)
		outcome = pg_record(db, step);
	if (outcome == MIGRATE_DONE)
		return migrate_db_do(db, "migrate/commit", MIGRATE_NO_ARGS);
	if (outcome != MIGRATE_GONE && migrate_db_do(db, "migrate/rollback", MIGRATE_NO_ARGS) != MIGRATE_DONE)
		outcome = MIGRATE_GONE;
	return outcome;
}

static enum migrate_outcome
pg_apply(struct migrate_db *db, const struct migrate_state *state, size_t i)
{
	const struct migrate_step *step = &migrate_pg.steps.step[i];
	bool done = migrate_state_has(state, step->effect);
	enum migrate_outcome outcome = MIGRATE_DONE;

	if (!done)
		outcome = build_before(db, state, step->effect);
	if (outcome == MIGRATE_DONE)
		outcome = pg_do_step(db, step, done, state->recorded[i]);
	if (outcome == MIGRATE_DONE && !done && step->effect == MIGRATE_BYTE_ORDER)
		outcome = migrate_db_build(db, "postgresql/S1_analyze");
	return outcome;
}

/* How far the index is that the other connection builds, for who sits in front of it. */
static void
pg_tick(struct migrate_db *db)
{
	char pid[16];
	PGresult *res;
	struct migrate_db *side;

	if (!isatty(STDERR_FILENO) || (side = migrate_db_second(db)) == NULL)
		return;
	(void)snprintf(pid, sizeof(pid), "%d", PQbackendPID(db->conn));
	if (migrate_db_ask(side, "postgresql/progress", MIGRATE_ARGS(pid), &res) != MIGRATE_DONE)
		migrate_db_close(side);
	else if (PQntuples(res) == 1)
		log_event(LOG_INFO, "building an index", log_text("phase", str_of(PQgetvalue(res, 0, 0))),
		    log_number("done", migrate_db_number(res, 0, 1)), log_number("of", migrate_db_number(res, 0, 2)));
	PQclear(res);
}

#define FILE_OF(id) "postgresql/" id
const struct migrate_backend migrate_pg = {
	.steps = {
		.n = 0
#define X(version, name, effect, pg, crdb) +1
		MIGRATE_STEPS(X)
#undef X
#define X(version, name, effect) +1
		MIGRATE_OWN_STEPS(X),
#undef X
		.step = {
#define X(version, name, effect, pg, crdb) \
	{ version, false, name, effect, pg, "V" #version "__" name, FILE_OF("V" #version "__" name) },
			MIGRATE_STEPS(X)
#undef X
#define X(version, name, effect) \
	{ version, true, name, effect, NULL, "S" #version "__" name, FILE_OF("S" #version "__" name) },
			MIGRATE_OWN_STEPS(X)
#undef X
		},
	},
	.lock = pg_lock,
	.unlock = pg_unlock,
	.prepare = pg_prepare,
	.apply = pg_apply,
	.tick = pg_tick,
};
