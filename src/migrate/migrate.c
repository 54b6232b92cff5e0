/* SPDX-License-Identifier: EPL-2.0 */
#include "migrate/migrate.h"

#include <stdlib.h>
#include <time.h>

#include "base/clock.h"
#include "base/log.h"
#include "migrate/backend.h"
#include "migrate/move.h"
#include "migrate/report.h"
#include "migrate/seal.h"

#define PAUSE_MIN (50 * CLOCK_MS)
#define PAUSE_MAX CLOCK_S

/* Anywhere between a half and all of it, so that many migrators do not come back together. */
static void
nap(int64_t ns)
{
	int64_t jittered = ns / 2 + clock_mono() % (ns / 2);
	struct timespec t = { .tv_sec = jittered / CLOCK_S, .tv_nsec = jittered % CLOCK_S };

	(void)nanosleep(&t, NULL);
}

static int64_t
longer(int64_t pause)
{
	return pause * 2 < PAUSE_MAX ? pause * 2 : PAUSE_MAX;
}

static const struct migrate_backend *
backend_of(const struct migrate_db *db)
{
	return db->server == DBCONN_COCKROACHDB ? &migrate_crdb : &migrate_pg;
}

/* Says why we wait, once per reason. */
static void
log_wait(struct migrate_db *db, struct buf *said)
{
	if (str_eq(buf_str(said), buf_str(&db->error)))
		return;
	log_event(LOG_INFO, "waiting", log_text("why", buf_str(&db->error)));
	buf_clear(said);
	buf_puts(said, buf_str(&db->error));
}

static enum migrate_outcome
open_db(struct migrate_db *db)
{
	enum migrate_outcome outcome = migrate_db_open(db);

	if (outcome == MIGRATE_DONE)
		db->tick = backend_of(db)->tick;
	return outcome;
}

static enum migrate_outcome
connect_within(struct migrate_db *db, int64_t wait, struct buf *said)
{
	int64_t deadline = clock_mono() + wait;
	enum migrate_outcome outcome;

	for (int64_t pause = PAUSE_MIN;; pause = longer(pause)) {
		outcome = open_db(db);
		if (outcome == MIGRATE_DONE || clock_mono() >= deadline)
			return outcome;
		log_wait(db, said);
		nap(pause);
	}
}

/* The two databases that are left alone; see the header. */
static enum migrate_outcome
refuse_unfit(struct migrate_db *db, const struct migrate_state *state)
{
	if (state->unknown_version != 0)
		return migrate_db_refuse(db,
		    "the history holds version %d, unknown to this program: use a newer hulykvs-migrate",
		    state->unknown_version);
	if (state->recorded[0] && !state->has_table)
		return migrate_db_refuse(
		    db, "the history names the table kvs, but it is gone: restore it, or drop the history");
	return MIGRATE_DONE;
}

static enum migrate_outcome
read_state(struct migrate_db *db, struct migrate_state *state)
{
	enum migrate_outcome outcome = migrate_state_read(db, &backend_of(db)->steps, state);

	/* Another migrator may have made both between our look at the catalogue and that at the history. */
	if (outcome == MIGRATE_DONE && state->recorded[0] && !state->has_table)
		outcome = migrate_state_read(db, &backend_of(db)->steps, state);
	return outcome == MIGRATE_DONE ? refuse_unfit(db, state) : outcome;
}

static enum migrate_outcome
run_step(struct migrate_db *db, struct migrate_state *state, size_t i)
{
	const struct migrate_backend *backend = backend_of(db);
	const struct migrate_step *step = &backend->steps.step[i];
	int64_t start = clock_mono();
	enum migrate_outcome outcome = backend->apply(db, state, i);

	if (outcome != MIGRATE_DONE || db->script != NULL)
		return outcome;
	outcome = read_state(db, state);
	if (outcome != MIGRATE_DONE)
		return outcome;
	if (!migrate_state_has(state, step->effect))
		return migrate_db_refuse(db, "step %s ran, but its effect is not there", step->id);
	db->progress_at = clock_mono();
	log_event(LOG_INFO, "step done", log_text("step", str_of(step->id)),
	    log_number("dur_ms", (db->progress_at - start) / CLOCK_MS));
	return MIGRATE_DONE;
}

/* What is missing, as the one migrator. */
static enum migrate_outcome
work(struct migrate_db *db, struct migrate_state *state)
{
	const struct migrate_backend *backend = backend_of(db);
	enum migrate_outcome outcome = MIGRATE_DONE;

	if (!migrate_state_is_current(state, &backend->steps))
		outcome = backend->prepare(db, state);
	for (size_t i = 0; outcome == MIGRATE_DONE && i < backend->steps.n; i++) {
		enum migrate_effect effect = backend->steps.step[i].effect;

		if (state->recorded[i] && migrate_state_has(state, effect))
			continue;
		if (effect == MIGRATE_NO_DEFAULT)
			outcome = migrate_move(db, state);
		if (outcome == MIGRATE_DONE)
			outcome = run_step(db, state, i);
	}
	if (outcome == MIGRATE_DONE)
		outcome = migrate_move(db, state);
	if (outcome == MIGRATE_DONE)
		migrate_move_warn(state);
	return outcome;
}

/* Reads where the database stands; *current: there is nothing to do. */
static enum migrate_outcome
look(struct migrate_db *db, struct migrate_state *state, bool *current)
{
	enum migrate_outcome outcome = read_state(db, state);

	if (outcome == MIGRATE_DONE)
		outcome = migrate_state_count_stranded(db, state);
	*current = migrate_state_is_current(state, &backend_of(db)->steps) && state->stranded == 0;
	return outcome;
}

/* From wherever the database is. */
static enum migrate_outcome
go_on_migrating(struct migrate_db *db)
{
	struct migrate_state state;
	bool current;
	enum migrate_outcome outcome = look(db, &state, &current);

	if (outcome != MIGRATE_DONE || current)
		return outcome;
	outcome = backend_of(db)->lock(db, &state);
	/* Another may have done it while we waited for the lock. */
	if (outcome == MIGRATE_DONE)
		outcome = look(db, &state, &current);
	return outcome == MIGRATE_DONE && !current ? work(db, &state) : outcome;
}

/* Calls work() until it is done, or nothing goes forward any more. */
static enum migrate_outcome
persist(
    struct migrate_db *db, struct buf *said, enum migrate_outcome (*work_on)(struct migrate_db *, void *), void *ctx)
{
	int64_t pause = PAUSE_MIN;

	for (;;) {
		int64_t progress_at = db->progress_at;
		enum migrate_outcome outcome = db->conn != NULL ? MIGRATE_DONE : open_db(db);

		if (outcome == MIGRATE_DONE)
			outcome = work_on(db, ctx);
		if (outcome == MIGRATE_DONE || outcome == MIGRATE_REFUSED ||
		    clock_mono() - db->progress_at >= db->patience)
			return outcome;
		if (outcome == MIGRATE_GONE)
			migrate_db_close(db);
		log_wait(db, said);
		pause = db->progress_at != progress_at ? PAUSE_MIN : longer(pause);
		nap(pause);
	}
}

static enum migrate_outcome
up(struct migrate_db *db, void *ctx)
{
	(void)ctx;
	return go_on_migrating(db);
}

static enum migrate_outcome
seal(struct migrate_db *db, void *ctx)
{
	return migrate_seal_run(ctx, db);
}

/* The commands about sealed values. */
static enum migrate_outcome
seal_all(struct migrate_db *db, const struct migrate_options *options, struct buf *said, FILE *out)
{
	enum migrate_seal_task task = options->command == MIGRATE_REENCRYPT ? MIGRATE_SEAL
	    : options->command == MIGRATE_DECRYPT                           ? MIGRATE_UNSEAL
									    : MIGRATE_COUNT;
	struct migrate_seal *m = migrate_seal_new(db->config, task, options->keys, options->rate);
	enum migrate_outcome outcome;

	if (m == NULL)
		return migrate_db_refuse(db, "out of memory");
	outcome = persist(db, said, seal, m);
	if (outcome == MIGRATE_DONE && task == MIGRATE_COUNT)
		migrate_seal_report(m, out);
	migrate_seal_free(m);
	return outcome;
}

static enum migrate_outcome
status(struct migrate_db *db, FILE *out)
{
	struct migrate_state state;
	enum migrate_outcome outcome = migrate_state_read(db, &backend_of(db)->steps, &state);

	if (outcome == MIGRATE_DONE)
		outcome = migrate_state_count_stranded(db, &state);
	if (outcome == MIGRATE_DONE)
		migrate_report(out, db, &backend_of(db)->steps, &state);
	return outcome;
}

static enum migrate_outcome
command(struct migrate_db *db, const struct migrate_options *options, struct buf *said, FILE *out)
{
	enum migrate_outcome outcome = MIGRATE_REFUSED;

	switch (options->command) {
	case MIGRATE_UP:
		outcome = persist(db, said, up, NULL);
		break;
	case MIGRATE_DRY_RUN:
		outcome = go_on_migrating(db);
		break;
	case MIGRATE_STATUS:
		return status(db, out);
	case MIGRATE_REENCRYPT:
	case MIGRATE_DECRYPT:
	case MIGRATE_KEY_STATUS:
		return seal_all(db, options, said, out);
	}
	if (db->locked && outcome != MIGRATE_GONE) /* the lock goes with the connection */
		backend_of(db)->unlock(db);
	return outcome;
}

/* Says how it ended. */
static enum exitcode
finish_migration(struct migrate_db *db, enum migrate_outcome outcome)
{
	switch (outcome) {
	case MIGRATE_DONE:
		return EXIT_OK;
	case MIGRATE_BUSY:
		log_event(LOG_ERROR, "gave up waiting", log_text("why", buf_str(&db->error)));
		return EXIT_TRY_LATER;
	case MIGRATE_GONE:
		log_event(LOG_ERROR, "no database", log_text("why", buf_str(&db->error)));
		return EXIT_DATABASE;
	case MIGRATE_REFUSED:
		log_event(LOG_ERROR, "cannot migrate", log_text("why", buf_str(&db->error)));
		return EXIT_DATABASE;
	}
	abort();
}

static bool
changes(enum migrate_command command)
{
	return command == MIGRATE_UP || command == MIGRATE_REENCRYPT || command == MIGRATE_DECRYPT;
}

static enum exitcode
run_command(struct migrate_db *db, const struct migrate_options *options, FILE *out)
{
	struct buf said;
	enum migrate_outcome outcome;

	buf_init(&said, 4096);
	db->patience = options->patience;
	db->read_only = !changes(options->command);
	db->script = options->command == MIGRATE_DRY_RUN ? out : NULL;
	outcome = connect_within(db, options->connect_wait, &said);
	db->progress_at = clock_mono();
	if (outcome == MIGRATE_DONE)
		outcome = command(db, options, &said, out);
	if (outcome == MIGRATE_DONE && options->command == MIGRATE_UP)
		log_event(LOG_INFO, "the schema is current", log_text("schema", str_of(db->schema.p)));
	buf_free(&said);
	return finish_migration(db, outcome);
}

enum exitcode
migrate_run(const struct config *config, const struct migrate_options *options, FILE *out)
{
	struct migrate_db db;
	enum exitcode code = EXIT_CONFIG;

	migrate_db_init(&db, config);
	if (!buf_ok(&db.schema))
		log_event(LOG_ERROR, "bad setting", log_text("why", STR("HULY_DB_SCHEME: too long")));
	else if (!dbconn_string_ok(config->db_connection, &db.error))
		log_event(LOG_ERROR, "bad setting", log_text("setting", STR("HULY_DB_CONNECTION")),
		    log_text("why", buf_str(&db.error)));
	else
		code = run_command(&db, options, out);
	migrate_db_free(&db);
	return code;
}
