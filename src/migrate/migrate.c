/* SPDX-License-Identifier: EPL-2.0 */
#include "migrate/migrate.h"

#include <stdlib.h>
#include <time.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/log.h"
#include "migrate/backend.h"
#include "migrate/move.h"
#include "migrate/report.h"
#include "migrate/scan.h"
#include "migrate/seal.h"
#include "migrate/session.h"

#define PAUSE_MIN (50 * CLOCK_MS)
#define PAUSE_MAX CLOCK_S

/* Before a statement is sent again whose error another attempt rarely helps against. */
#define PAUSE_DOUBTFUL (2 * CLOCK_S)

/* Half of the time to all of it, so that many migrations do not try again at the same moment. */
static void
sleep_with_jitter(int64_t ns)
{
	int64_t jittered = ns / 2 + clock_mono() % (ns / 2 + 1);
	struct timespec t = { .tv_sec = jittered / CLOCK_S, .tv_nsec = jittered % CLOCK_S };

	(void)nanosleep(&t, NULL);
}

static int64_t
longer_pause(int64_t pause)
{
	return pause * 2 < PAUSE_MAX ? pause * 2 : PAUSE_MAX;
}

static int64_t
shorter(int64_t a, int64_t b)
{
	return a < b ? a : b;
}

static struct log_field
sqlstate_field(const struct migrate_db *db)
{
	return db->error.sqlstate[0] != '\0' ? log_text("sqlstate", str_of(db->error.sqlstate)) : log_nothing();
}

static struct log_field
statement_field(const struct migrate_db *db)
{
	return db->error.file != NULL ? log_text("statement", str_of(db->error.file)) : log_nothing();
}

/* Says why we wait, once for each reason; logged: the last one. */
static void
log_wait(struct migrate_db *db, struct buf *logged)
{
	if (str_eq(buf_str(logged), buf_str(&db->error.text)))
		return;
	log_event(LOG_INFO, "will try again", log_text("why", buf_str(&db->error.text)), sqlstate_field(db),
	    statement_field(db));
	buf_clear(logged);
	buf_puts(logged, buf_str(&db->error.text));
}

static enum migrate_outcome
open_db(struct migrate_db *db)
{
	enum migrate_outcome outcome = migrate_session_open(db);

	if (outcome == MIGRATE_DONE)
		db->tick = migrate_backend_of(db)->tick;
	return outcome;
}

/* The first connection. */
static enum migrate_outcome
connect_within(struct migrate_db *db, int64_t wait, struct buf *logged)
{
	int64_t deadline = clock_mono() + wait;
	enum migrate_outcome outcome;

	for (int64_t pause = PAUSE_MIN;; pause = longer_pause(pause)) {
		int64_t left;

		outcome = open_db(db);
		left = deadline - clock_mono();
		if (outcome == MIGRATE_DONE || outcome == MIGRATE_REFUSED || left <= 0)
			return outcome;
		log_wait(db, logged);
		sleep_with_jitter(shorter(pause, left));
	}
}

/* Two databases that are left alone, see the header. */
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
	enum migrate_outcome outcome = migrate_state_read(db, &migrate_backend_of(db)->steps, state);

	/* Another migration may have made both after we read the catalogue and before we read the history. */
	if (outcome == MIGRATE_DONE && state->recorded[0] && !state->has_table)
		outcome = migrate_state_read(db, &migrate_backend_of(db)->steps, state);
	return outcome == MIGRATE_DONE ? refuse_unfit(db, state) : outcome;
}

static enum migrate_outcome
run_step(struct migrate_db *db, struct migrate_state *state, size_t i)
{
	const struct migrate_backend *backend = migrate_backend_of(db);
	const struct migrate_step *step = &backend->steps.step[i];
	int64_t start = clock_mono();
	enum migrate_outcome outcome = backend->apply(db, state, i);

	if (outcome != MIGRATE_DONE || db->script != NULL)
		return outcome;
	outcome = read_state(db, state);
	if (outcome != MIGRATE_DONE)
		return outcome;
	if (!migrate_state_has(state, step->effect))
		return migrate_db_refuse(db, "step %s was done, but its effect is not there", step->id);
	migrate_db_progress(db);
	log_event(LOG_INFO, "step done", log_text("step", str_of(step->id)),
	    log_number("dur_ms", (db->progress_at - start) / CLOCK_MS));
	return MIGRATE_DONE;
}

/* Says which steps are left out here, and why. */
static void
log_left_out(const struct migrate_state *state, const struct migrate_steps *steps)
{
	for (size_t i = 0; i < steps->n; i++) {
		const char *why = migrate_state_left_out(state, steps->step[i].effect);

		if (why != NULL)
			log_event(LOG_INFO, "step left out", log_text("step", str_of(steps->step[i].id)),
			    log_text("why", str_of(why)));
	}
}

/* Does what is missing; the lock is ours. */
static enum migrate_outcome
do_missing_steps(struct migrate_db *db, struct migrate_state *state)
{
	const struct migrate_backend *backend = migrate_backend_of(db);
	enum migrate_outcome outcome = MIGRATE_DONE;

	if (!migrate_state_is_current(state, &backend->steps))
		outcome = backend->prepare(db, state);
	for (size_t i = 0; outcome == MIGRATE_DONE && i < backend->steps.n; i++) {
		enum migrate_effect effect = backend->steps.step[i].effect;

		if (migrate_state_is_done(state, &backend->steps, i))
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

/* Reads all of the state; *current: there is nothing to do. */
static enum migrate_outcome
read_whole_state(struct migrate_db *db, struct migrate_state *state, bool *current)
{
	enum migrate_outcome outcome = read_state(db, state);

	if (outcome == MIGRATE_DONE)
		outcome = migrate_state_count_stranded(db, state);
	*current = migrate_state_is_current(state, &migrate_backend_of(db)->steps) && state->stranded == 0;
	return outcome;
}

/* Brings the schema up to date, whatever its state is; *state is what was read last. */
static enum migrate_outcome
bring_up_to_date(struct migrate_db *db, struct migrate_state *state)
{
	bool current;
	enum migrate_outcome outcome = read_whole_state(db, state, &current);

	if (outcome != MIGRATE_DONE || current)
		return outcome;
	outcome = migrate_backend_of(db)->lock(db, state);
	/* Another migration may have done it while we waited for the lock. */
	if (outcome == MIGRATE_DONE)
		outcome = read_whole_state(db, state, &current);
	return outcome == MIGRATE_DONE && !current ? do_missing_steps(db, state) : outcome;
}

/* What was refused last, and in which state of the database. */
struct refusal {
	char sqlstate[MIGRATE_SQLSTATE_SIZE];
	const char *file;
	struct migrate_state state;
};

/* The same statement was refused twice with the same code, and nothing changed in between. */
static bool
is_repeated(const struct refusal *last, const struct migrate_db *db, const struct migrate_state *state)
{
	return last->file != NULL && last->file == db->error.file && strcmp(last->sqlstate, db->error.sqlstate) == 0 &&
	    memcmp(&last->state, state, sizeof(*state)) == 0;
}

/* Ends a doubtful error that came twice, and remembers one that came once. */
static enum migrate_outcome
judge_doubtful(struct refusal *last, struct migrate_db *db, const struct migrate_state *state)
{
	char text[256];

	if (is_repeated(last, db, state)) {
		(void)snprintf(text, sizeof(text), "%.*s", STR_FMT(buf_str(&db->error.text)));
		return migrate_db_refuse(
		    db, "the statement %s was refused twice with SQLSTATE %s: %s", last->file, last->sqlstate, text);
	}
	memcpy(last->sqlstate, db->error.sqlstate, sizeof(last->sqlstate));
	last->file = db->error.file;
	memcpy(&last->state, state, sizeof(last->state));
	return MIGRATE_DOUBTFUL;
}

/* What is tried until it is done: a call, and what it needs. */
struct task {
	enum migrate_outcome (*call)(struct migrate_db *db, struct task *task);
	struct refusal refusal;
	struct migrate_seal *seal; /* for seal() */
	struct migrate_import *import;
	struct migrate_purge *purge;
	FILE *out;
};

static enum migrate_outcome
try_once(struct migrate_db *db, struct task *task)
{
	enum migrate_outcome outcome = db->state != MIGRATE_DB_CLOSED ? MIGRATE_DONE : open_db(db);

	if (outcome == MIGRATE_DONE)
		outcome = task->call(db, task);
	if (outcome == MIGRATE_NO_CONNECTION)
		migrate_db_close(db);
	return outcome;
}

/* Tries until the task is done, or there was no progress for db->patience. */
static enum migrate_outcome
try_until_done(struct migrate_db *db, struct buf *logged, struct task *task)
{
	int64_t pause = PAUSE_MIN;

	for (;;) {
		int64_t progress_at = db->progress_at;
		enum migrate_outcome outcome = try_once(db, task);

		if (outcome == MIGRATE_DONE || outcome == MIGRATE_REFUSED || migrate_db_patience_left(db) == 0)
			return outcome;
		log_wait(db, logged);
		pause = db->progress_at != progress_at ? PAUSE_MIN : longer_pause(pause);
		if (outcome == MIGRATE_DOUBTFUL)
			pause = PAUSE_DOUBTFUL;
		sleep_with_jitter(shorter(pause, migrate_db_patience_left(db)));
	}
}

static enum migrate_outcome
up(struct migrate_db *db, struct task *task)
{
	struct migrate_state state;
	enum migrate_outcome outcome = bring_up_to_date(db, &state);

	if (outcome == MIGRATE_DONE)
		log_left_out(&state, &migrate_backend_of(db)->steps);
	return outcome == MIGRATE_DOUBTFUL ? judge_doubtful(&task->refusal, db, &state) : outcome;
}

static enum migrate_outcome
seal(struct migrate_db *db, struct task *task)
{
	/* It reads the state, which sets db->is_dated; migrate_seal needs that. */
	enum migrate_outcome outcome = migrate_scan_check_schema(db);

	return outcome == MIGRATE_DONE ? migrate_seal_run(task->seal, db) : outcome;
}

static enum migrate_outcome
forget_keys(struct migrate_db *db, struct task *task)
{
	enum migrate_outcome outcome = migrate_scan_check_schema(db);

	(void)task;
	return outcome == MIGRATE_DONE ? migrate_seal_forget_keys(db) : outcome;
}

/* The commands about sealed values. */
static enum migrate_outcome
seal_all(struct migrate_db *db, const struct migrate_options *options, struct buf *logged, FILE *out)
{
	enum migrate_seal_task task = options->command == MIGRATE_REENCRYPT ? MIGRATE_SEAL
	    : options->command == MIGRATE_DECRYPT                           ? MIGRATE_UNSEAL
									    : MIGRATE_COUNT;
	struct migrate_seal *m = migrate_seal_new(db->config, task, options->keys, options->rate);
	enum migrate_outcome outcome;

	if (m == NULL)
		return migrate_db_no_memory(db);
	outcome = try_until_done(db, logged, &(struct task){ .call = seal, .seal = m });
	if (outcome == MIGRATE_DONE && task == MIGRATE_COUNT)
		migrate_seal_report(m, out);
	migrate_seal_free(m);
	return outcome;
}

static enum migrate_outcome
import(struct migrate_db *db, struct task *task)
{
	return migrate_import_run(task->import, db);
}

static enum migrate_outcome
import_all(struct migrate_db *db, const struct migrate_options *options, struct buf *logged)
{
	struct migrate_import *m = migrate_import_new(STDIN_FILENO, options->existing, options->keys);
	enum migrate_outcome outcome;

	if (m == NULL)
		return migrate_db_no_memory(db);
	outcome = try_until_done(db, logged, &(struct task){ .call = import, .import = m });
	migrate_import_free(m);
	return outcome;
}

static enum migrate_outcome
purge(struct migrate_db *db, struct task *task)
{
	return migrate_purge_run(task->purge, db, task->out);
}

static enum migrate_outcome
purge_all(struct migrate_db *db, const struct migrate_options *options, struct buf *logged, FILE *out)
{
	struct migrate_purge *p = migrate_purge_new(&options->purge);
	enum migrate_outcome outcome;

	if (p == NULL)
		return migrate_db_no_memory(db);
	outcome = try_until_done(db, logged, &(struct task){ .call = purge, .purge = p, .out = out });
	migrate_purge_free(p);
	return outcome;
}

static enum migrate_outcome
status(struct migrate_db *db, FILE *out)
{
	struct migrate_state state;
	enum migrate_outcome outcome = migrate_state_read(db, &migrate_backend_of(db)->steps, &state);

	if (outcome == MIGRATE_DONE)
		outcome = migrate_state_count_stranded(db, &state);
	if (outcome == MIGRATE_DONE)
		migrate_report(out, db, &migrate_backend_of(db)->steps, &state);
	return outcome;
}

/* Gives the lock back; an error of that does not hide an earlier one. */
static enum migrate_outcome
unlock(struct migrate_db *db, enum migrate_outcome outcome)
{
	struct migrate_error earlier = db->error;
	enum migrate_outcome unlocked;

	if (db->state != MIGRATE_DB_LOCKED)
		return outcome;
	buf_init(&db->error.text, 4096);
	unlocked = migrate_backend_of(db)->unlock(db);
	if (outcome == MIGRATE_DONE && unlocked == MIGRATE_REFUSED) {
		buf_free(&earlier.text);
		return unlocked;
	}
	buf_free(&db->error.text);
	db->error = earlier;
	return outcome;
}

static enum migrate_outcome
carry_out(struct migrate_db *db, const struct migrate_options *options, struct buf *logged, FILE *out)
{
	enum migrate_outcome outcome = MIGRATE_REFUSED;
	struct migrate_state state;

	switch (options->command) {
	case MIGRATE_UP:
		outcome = try_until_done(db, logged, &(struct task){ .call = up });
		break;
	case MIGRATE_DRY_RUN:
		outcome = bring_up_to_date(db, &state);
		break;
	case MIGRATE_STATUS:
		return status(db, out);
	case MIGRATE_REENCRYPT:
	case MIGRATE_DECRYPT:
	case MIGRATE_KEY_STATUS:
		return seal_all(db, options, logged, out);
	case MIGRATE_FORGET_KEYS:
		return try_until_done(db, logged, &(struct task){ .call = forget_keys });
	case MIGRATE_EXPORT:
		return migrate_export_run(db, &options->export, options->keys, out);
	case MIGRATE_IMPORT:
		return import_all(db, options, logged);
	case MIGRATE_COMPARE:
		return migrate_compare_run(db, out);
	case MIGRATE_PURGE:
		return purge_all(db, options, logged, out);
	}
	return unlock(db, outcome);
}

static const char *
refused_text(enum migrate_command command)
{
	if (command == MIGRATE_EXPORT)
		return "cannot export";
	if (command == MIGRATE_IMPORT)
		return "cannot import";
	if (command == MIGRATE_COMPARE)
		return "cannot compare";
	return command == MIGRATE_PURGE ? "cannot purge" : "cannot migrate";
}

/* Says why it failed. */
static enum exitcode
finish_migration(struct migrate_db *db, enum migrate_command command, enum migrate_outcome outcome)
{
	switch (outcome) {
	case MIGRATE_DONE:
		return EXIT_OK;
	case MIGRATE_TRY_AGAIN:
	case MIGRATE_DOUBTFUL:
		log_event(LOG_ERROR, "gave up waiting", log_text("why", buf_str(&db->error.text)), sqlstate_field(db),
		    statement_field(db));
		return EXIT_TRY_LATER;
	case MIGRATE_NO_CONNECTION:
		log_event(LOG_ERROR, "cannot connect to the database", log_text("why", buf_str(&db->error.text)));
		return EXIT_DATABASE;
	case MIGRATE_REFUSED:
		if (db->error.code == EXIT_DIFFERENT)
			return EXIT_DIFFERENT; /* it has been printed in what */
		log_event(LOG_ERROR, refused_text(command), log_text("why", buf_str(&db->error.text)),
		    sqlstate_field(db), statement_field(db));
		return db->error.code;
	}
	abort();
}

static bool
changes(const struct migrate_options *options)
{
	switch (options->command) {
	case MIGRATE_UP:
	case MIGRATE_REENCRYPT:
	case MIGRATE_DECRYPT:
	case MIGRATE_FORGET_KEYS:
	case MIGRATE_IMPORT:
		return true;
	case MIGRATE_PURGE:
		return !options->purge.dry_run;
	case MIGRATE_STATUS:
	case MIGRATE_DRY_RUN:
	case MIGRATE_KEY_STATUS:
	case MIGRATE_EXPORT:
	case MIGRATE_COMPARE:
		return false;
	}
	abort();
}

static enum exitcode
run_command(struct migrate_db *db, const struct migrate_options *options, FILE *out)
{
	struct buf logged;
	enum migrate_outcome outcome;

	buf_init(&logged, 4096);
	db->patience = options->patience;
	db->read_only = !changes(options);
	db->script = options->command == MIGRATE_DRY_RUN ? out : NULL;
	migrate_db_progress(db); /* the wait for a connection counts */
	outcome = connect_within(db, options->connect_wait, &logged);
	if (outcome == MIGRATE_DONE)
		outcome = carry_out(db, options, &logged, out);
	if (outcome == MIGRATE_DONE && options->command == MIGRATE_UP)
		log_event(LOG_INFO, "the schema is current", log_text("schema", str_of(db->schema.p)));
	buf_free(&logged);
	return finish_migration(db, options->command, outcome);
}

enum exitcode
migrate_run(const struct config *config, const struct migrate_options *options, FILE *out)
{
	struct migrate_db db;
	enum exitcode code = EXIT_CONFIG;

	migrate_db_init(&db, config);
	if (!buf_ok(&db.schema))
		log_event(LOG_ERROR, "bad setting", log_text("why", STR("HULY_DB_SCHEME: too long")));
	else if (!dbconn_string_ok(config->db_connection, &db.error.text))
		log_event(LOG_ERROR, "bad setting", log_text("setting", STR("HULY_DB_CONNECTION")),
		    log_text("why", buf_str(&db.error.text)));
	else
		code = run_command(&db, options, out);
	migrate_db_free(&db);
	return code;
}
