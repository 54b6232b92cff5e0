/* SPDX-License-Identifier: EPL-2.0 */
#include <sys/random.h>

#include "migrate/backend.h"

#define LEASE_SECONDS "15" /* migrate_db's tick, every 2 s, renews it */

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

	if (outcome == MIGRATE_DONE) {
		db->locked = res == NULL || PQntuples(res) == 1;
		if (!db->locked) {
			(void)migrate_db_refuse(db, "another migration of this schema is at work");
			outcome = MIGRATE_BUSY;
		}
	}
	PQclear(res);
	return outcome;
}

static enum migrate_outcome
crdb_lock(struct migrate_db *db, const struct migrate_state *state)
{
	enum migrate_outcome outcome = make_holder(db);

	if (outcome == MIGRATE_DONE && !state->has_schema)
		outcome = migrate_db_do(db, "migrate/create_schema", MIGRATE_NO_ARGS);
	if (outcome == MIGRATE_DONE)
		outcome = migrate_db_do(db, "cockroachdb/lease_table", MIGRATE_NO_ARGS);
	if (outcome == MIGRATE_DONE)
		outcome = take_lease(db);
	return outcome;
}

static void
crdb_unlock(struct migrate_db *db)
{
	(void)!migrate_db_do(db, "cockroachdb/lease_release", MIGRATE_ARGS(db->holder));
	db->locked = false;
}

static enum migrate_outcome
crdb_prepare(struct migrate_db *db, const struct migrate_state *state)
{
	return state->has_history ? MIGRATE_DONE : migrate_db_do(db, "cockroachdb/history_table", MIGRATE_NO_ARGS);
}

/* No row: we are not the holder any longer (stopped for too long), or the version is there. */
static enum migrate_outcome
crdb_record(struct migrate_db *db, const struct migrate_step *step)
{
	char version[12], applied_on[MIGRATE_APPLIED_ON_SIZE];
	PGresult *res;
	enum migrate_outcome outcome;

	(void)snprintf(version, sizeof(version), "%d", step->version);
	migrate_applied_on(applied_on);
	outcome = migrate_db_change(
	    db, "cockroachdb/record", MIGRATE_ARGS(version, step->name, applied_on, step->checksum, db->holder), &res);
	if (outcome == MIGRATE_DONE && res != NULL && strcmp(PQcmdTuples(res), "0") == 0) {
		(void)migrate_db_refuse(db, "the lease ran out");
		db->locked = false;
		outcome = MIGRATE_BUSY;
	}
	PQclear(res);
	return outcome;
}

static enum migrate_outcome
crdb_apply(struct migrate_db *db, const struct migrate_state *state, size_t i)
{
	const struct migrate_step *step = &migrate_crdb.steps.step[i];
	enum migrate_outcome outcome = MIGRATE_DONE;

	if (!migrate_state_has(state, step->effect))
		outcome = migrate_db_build(db, step->file);
	if (outcome == MIGRATE_DONE && !state->recorded[i])
		outcome = crdb_record(db, step);
	return outcome;
}

/* A lease that cannot be renewed is noticed when the step is recorded. */
static void
crdb_tick(struct migrate_db *db)
{
	struct migrate_db *side = db->locked ? migrate_db_second(db) : NULL;

	if (side == NULL)
		return;
	if (migrate_db_do(side, "cockroachdb/lease_renew", MIGRATE_ARGS(db->holder, LEASE_SECONDS)) != MIGRATE_DONE)
		migrate_db_close(side);
}

#define FILE_OF(id) "cockroachdb/" id
const struct migrate_backend migrate_crdb = {
	.steps = {
		.n = 0
#define X(version, name, effect, pg, crdb) +1
		MIGRATE_STEPS(X),
#undef X
		.step = {
#define X(version, name, effect, pg, crdb) \
	{ version, false, name, effect, crdb, "V" #version "__" name, FILE_OF("V" #version "__" name) },
			MIGRATE_STEPS(X)
#undef X
		},
	},
	.lock = crdb_lock,
	.unlock = crdb_unlock,
	.prepare = crdb_prepare,
	.apply = crdb_apply,
	.tick = crdb_tick,
};
