/* SPDX-License-Identifier: EPL-2.0 */
#include <sys/random.h>

#include "migrate/backend.h"
#include "migrate/session.h"

#define LEASE_SECONDS "15" /* cockroachdb_tick() renews it every 2 s */

static enum migrate_outcome
make_holder(struct migrate_db *db)
{
	unsigned char bytes[16];

	if (db->holder[0] != '\0')
		return MIGRATE_DONE;
	if (getrandom(bytes, sizeof(bytes), 0) != (ssize_t)sizeof(bytes))
		return migrate_db_refuse(db, "the system gives no random bytes");
	for (size_t i = 0; i < sizeof(bytes); i++)
		(void)snprintf(db->holder + 2 * i, 3, "%02x", bytes[i]);
	return MIGRATE_DONE;
}

static enum migrate_outcome
take_lease(struct migrate_db *db)
{
	PGresult *res;
	enum migrate_outcome outcome =
	    migrate_db_change(db, "cockroachdb/lease_take", MIGRATE_ARGS(db->holder, LEASE_SECONDS), &res);

	if (outcome == MIGRATE_DONE)
		outcome = migrate_backend_locked(db, res == NULL || PQntuples(res) == 1);
	PQclear(res);
	return outcome;
}

static enum migrate_outcome
cockroachdb_lock(struct migrate_db *db, const struct migrate_state *state)
{
	enum migrate_outcome outcome = make_holder(db);

	if (outcome == MIGRATE_DONE)
		outcome = migrate_backend_make_schema(db, state);
	if (outcome == MIGRATE_DONE)
		outcome = migrate_db_do(db, "cockroachdb/lease_table", MIGRATE_NO_ARGS);
	if (outcome == MIGRATE_DONE)
		outcome = take_lease(db);
	return outcome;
}

static enum migrate_outcome
cockroachdb_unlock(struct migrate_db *db)
{
	enum migrate_outcome outcome = migrate_db_do(db, "cockroachdb/lease_release", MIGRATE_ARGS(db->holder));

	migrate_db_set_state(db, MIGRATE_DB_OPEN);
	return outcome;
}

static enum migrate_outcome
cockroachdb_prepare(struct migrate_db *db, const struct migrate_state *state)
{
	enum migrate_outcome outcome = MIGRATE_DONE;

	if (!state->has_history)
		outcome = migrate_db_do(db, "cockroachdb/history_table", MIGRATE_NO_ARGS);
	if (outcome == MIGRATE_DONE && !state->has_steps)
		outcome = migrate_db_do(db, "migrate/steps_table", MIGRATE_NO_ARGS);
	return outcome;
}

/* No row was written: the lease is not ours any longer (we were stopped for too long), or the step is recorded. */
static enum migrate_outcome
cockroachdb_record(struct migrate_db *db, const struct migrate_step *step)
{
	char version[12], applied_on[MIGRATE_APPLIED_ON_SIZE];
	PGresult *res;
	enum migrate_outcome outcome;

	(void)snprintf(version, sizeof(version), "%d", step->version);
	migrate_backend_now(applied_on);
	if (step->own)
		outcome = migrate_db_change(
		    db, "cockroachdb/record_step", MIGRATE_ARGS(version, step->name, applied_on, db->holder), &res);
	else
		outcome = migrate_db_change(db, "cockroachdb/record",
		    MIGRATE_ARGS(version, step->name, applied_on, step->checksum, db->holder), &res);
	if (outcome == MIGRATE_DONE && res != NULL && strcmp(PQcmdTuples(res), "0") == 0) {
		outcome = migrate_db_try_again(db, "the lease ran out");
		migrate_db_set_state(db, MIGRATE_DB_OPEN);
	}
	PQclear(res);
	return outcome;
}

/* What a step consists of besides its file: every schema change is a statement of its own. */
static enum migrate_outcome
alter_table_first(struct migrate_db *db, enum migrate_effect effect)
{
	enum migrate_outcome outcome = MIGRATE_DONE;

	if (effect != MIGRATE_MODIFIED)
		return outcome;
	outcome = migrate_db_build(db, "cockroachdb/S4_column");
	return outcome == MIGRATE_DONE ? migrate_db_build(db, "cockroachdb/S4_on_update") : outcome;
}

static enum migrate_outcome
cockroachdb_do_step(struct migrate_db *db, const struct migrate_step *step)
{
	enum migrate_outcome outcome = alter_table_first(db, step->effect);

	return outcome == MIGRATE_DONE ? migrate_db_build(db, step->file) : outcome;
}

static enum migrate_outcome
cockroachdb_apply(struct migrate_db *db, const struct migrate_state *state, size_t i)
{
	const struct migrate_step *step = &migrate_backend_cockroachdb.steps.step[i];
	enum migrate_outcome outcome = MIGRATE_DONE;

	if (!migrate_state_has(state, step->effect))
		outcome = cockroachdb_do_step(db, step);
	if (outcome == MIGRATE_DONE && !state->recorded[i])
		outcome = cockroachdb_record(db, step);
	return outcome;
}

/* A lease that cannot be renewed is noticed when the step is recorded. */
static void
cockroachdb_tick(struct migrate_db *db)
{
	if (db->state != MIGRATE_DB_LOCKED || migrate_session_second(db) != MIGRATE_DONE)
		return;
	if (migrate_db_do(db->second, "cockroachdb/lease_renew", MIGRATE_ARGS(db->holder, LEASE_SECONDS)) !=
	    MIGRATE_DONE)
		migrate_db_close(db->second);
}

#define FILE_OF(id) "cockroachdb/" id
const struct migrate_backend migrate_backend_cockroachdb = {
	.steps = {
		.n = 0
#define X(version, name, effect, postgresql, cockroachdb) +1
		MIGRATE_STEPS(X)
#undef X
#define X(version, name, effect) +1
		MIGRATE_OWN_STEPS(X),
#undef X
		.step = {
#define X(version, name, effect, postgresql, cockroachdb) \
	{ version, false, name, effect, cockroachdb, "V" #version "__" name, FILE_OF("V" #version "__" name) },
			MIGRATE_STEPS(X)
#undef X
#define X(version, name, effect) \
	{ version, true, name, effect, NULL, "S" #version "__" name, FILE_OF("S" #version "__" name) },
			MIGRATE_OWN_STEPS(X)
#undef X
		},
	},
	.lock = cockroachdb_lock,
	.unlock = cockroachdb_unlock,
	.prepare = cockroachdb_prepare,
	.apply = cockroachdb_apply,
	.tick = cockroachdb_tick,
};
