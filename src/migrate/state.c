/* SPDX-License-Identifier: EPL-2.0 */
#include "migrate/state.h"

#include <stdlib.h>

#include "codec/uuid.h"
#include "migrate/cell.h"

/* Columns of the files "state" of sql/, in their order. */
enum column {
	HAS_SCHEMA,
	HAS_TABLE,
	HAS_WORKSPACE,
	HAS_DEFAULT,
	PRIMARY_KEY,
	HAS_OLD_INDEX,
	KEY_BY_BYTES,
	PLAIN_BYTES,
	IS_LARGE,
	INDEX_V3,
	INDEX_S1,
	CAN_LZ4,
	HAS_LZ4,
	HAS_MODIFIED,
	HAS_HISTORY,
	HAS_STEPS,
	HAS_OLD_HISTORY,
};

static enum migrate_index
read_index(const PGresult *res, enum column column)
{
	struct str text = str_of(PQgetvalue(res, 0, (int)column));

	if (str_eq(text, STR("valid")))
		return MIGRATE_INDEX_VALID;
	return str_eq(text, STR("invalid")) ? MIGRATE_INDEX_INVALID : MIGRATE_INDEX_NONE;
}

static enum migrate_outcome
read_catalogue(struct migrate_db *db, struct migrate_state *state)
{
	const char *file = db->server == DBCONN_COCKROACHDB ? "cockroachdb/state" : "postgresql/state";
	PGresult *res;
	enum migrate_outcome outcome = migrate_db_ask(db, file, MIGRATE_ARGS(db->schema.p, MIGRATE_LARGE_BYTES), &res);

	if (outcome == MIGRATE_DONE && PQntuples(res) != 1)
		outcome = migrate_db_refuse(db, "the catalogue names the table kvs %d times", PQntuples(res));
	if (outcome == MIGRATE_DONE) {
		state->has_schema = migrate_cell_is_true(res, 0, HAS_SCHEMA);
		state->has_table = migrate_cell_is_true(res, 0, HAS_TABLE);
		state->has_workspace = migrate_cell_is_true(res, 0, HAS_WORKSPACE);
		state->has_default = migrate_cell_is_true(res, 0, HAS_DEFAULT);
		state->key_is_current = str_eq(str_of(PQgetvalue(res, 0, PRIMARY_KEY)), STR("workspace,namespace,key"));
		state->has_old_index = migrate_cell_is_true(res, 0, HAS_OLD_INDEX);
		state->key_by_bytes = migrate_cell_is_true(res, 0, KEY_BY_BYTES);
		state->plain_bytes = migrate_cell_is_true(res, 0, PLAIN_BYTES);
		state->is_large = migrate_cell_is_true(res, 0, IS_LARGE);
		state->index_v3 = read_index(res, INDEX_V3);
		state->index_s1 = read_index(res, INDEX_S1);
		state->can_lz4 = migrate_cell_is_true(res, 0, CAN_LZ4);
		state->has_lz4 = migrate_cell_is_true(res, 0, HAS_LZ4);
		state->wants_lz4 = db->config->db_compression == SETTING_COMPRESSION_LZ4;
		state->has_modified = migrate_cell_is_true(res, 0, HAS_MODIFIED);
		db->is_dated = state->has_modified && db->server == DBCONN_COCKROACHDB;
		state->has_history = migrate_cell_is_true(res, 0, HAS_HISTORY);
		state->has_steps = migrate_cell_is_true(res, 0, HAS_STEPS);
		state->has_old_history = migrate_cell_is_true(res, 0, HAS_OLD_HISTORY);
	}
	PQclear(res);
	return outcome;
}

/* The place of a version in the table of steps, or -1. */
static int
find_step(const struct migrate_steps *steps, bool own, int64_t version)
{
	for (size_t i = 0; i < steps->n; i++)
		if (steps->step[i].own == own && steps->step[i].version == version)
			return (int)i;
	return -1;
}

static void
take_record(const PGresult *res, int row, const struct migrate_steps *steps, bool own, struct migrate_state *state)
{
	int64_t version = migrate_cell_number(res, row, 0);
	int i = find_step(steps, own, version);

	if (i >= 0) {
		state->recorded[i] = true;
		(void)snprintf(state->applied_on[i], MIGRATE_APPLIED_ON_SIZE, "%s", PQgetvalue(res, row, 1));
	} else if (!own) {
		/* A step of our own that a later version of this program knows does no harm. */
		state->unknown_version = (int)version;
	}
}

static enum migrate_outcome
read_history(
    struct migrate_db *db, const char *file, const struct migrate_steps *steps, bool own, struct migrate_state *state)
{
	PGresult *res;
	enum migrate_outcome outcome = migrate_db_ask(db, file, MIGRATE_NO_ARGS, &res);

	for (int row = 0; outcome == MIGRATE_DONE && row < PQntuples(res); row++)
		take_record(res, row, steps, own, state);
	PQclear(res);
	return outcome;
}

enum migrate_outcome
migrate_state_read(struct migrate_db *db, const struct migrate_steps *steps, struct migrate_state *state)
{
	const char *history = db->server == DBCONN_COCKROACHDB ? "cockroachdb/history" : "postgresql/history";
	enum migrate_outcome outcome;

	memset(state, 0, sizeof(*state)); /* padding too: migrate compares two of them */
	outcome = read_catalogue(db, state);
	if (outcome == MIGRATE_DONE && state->has_history)
		outcome = read_history(db, history, steps, false, state);
	if (outcome == MIGRATE_DONE && state->has_steps)
		outcome = read_history(db, "migrate/steps", steps, true, state);
	return outcome;
}

enum migrate_outcome
migrate_state_count_stranded(struct migrate_db *db, struct migrate_state *state)
{
	struct uuid stranded;
	PGresult *res;
	enum migrate_outcome outcome;

	state->stranded = state->sealed = 0;
	/* An operator may have chosen the workspace of V2 as the default one. */
	if (!state->key_is_current ||
	    (uuid_parse(STR(MIGRATE_STRANDED_WORKSPACE), &stranded) &&
		uuid_eq(&stranded, &db->config->default_workspace_uuid)))
		return MIGRATE_DONE;
	outcome = migrate_db_ask_long(db, "migrate/stranded", MIGRATE_ARGS(MIGRATE_STRANDED_WORKSPACE), &res);
	if (outcome == MIGRATE_DONE) {
		state->stranded = migrate_cell_number(res, 0, 0);
		state->sealed = migrate_cell_number(res, 0, 1);
	}
	PQclear(res);
	return outcome;
}

bool
migrate_state_has(const struct migrate_state *state, enum migrate_effect effect)
{
	switch (effect) {
	case MIGRATE_TABLE:
		return state->has_table;
	case MIGRATE_WORKSPACE:
		return state->has_workspace;
	case MIGRATE_PRIMARY_KEY:
		return state->key_is_current;
	case MIGRATE_NO_DEFAULT:
		return state->has_workspace && !state->has_default;
	case MIGRATE_NO_OLD_INDEX:
		/* V3, which makes the new primary key, leaves it behind. */
		return state->key_is_current && !state->has_old_index;
	case MIGRATE_BYTE_ORDER:
		return state->key_by_bytes;
	case MIGRATE_PLAIN_BYTES:
		return state->plain_bytes;
	case MIGRATE_COMPRESSION:
		return state->has_lz4;
	case MIGRATE_MODIFIED:
		return state->has_modified;
	}
	abort();
}

const char *
migrate_state_left_out(const struct migrate_state *state, enum migrate_effect effect)
{
	if (effect != MIGRATE_COMPRESSION || state->has_lz4)
		return NULL;
	if (!state->wants_lz4)
		return "HULY_DB_COMPRESSION is default";
	return state->can_lz4 ? NULL : "the server has no lz4";
}

bool
migrate_state_is_done(const struct migrate_state *state, const struct migrate_steps *steps, size_t i)
{
	enum migrate_effect effect = steps->step[i].effect;

	return migrate_state_left_out(state, effect) != NULL ||
	    (state->recorded[i] && migrate_state_has(state, effect));
}

bool
migrate_state_is_current(const struct migrate_state *state, const struct migrate_steps *steps)
{
	for (size_t i = 0; i < steps->n; i++)
		if (!migrate_state_is_done(state, steps, i))
			return false;
	return true;
}

/* How many steps of the original are recorded. */
static size_t
count_recorded(const struct migrate_state *state, const struct migrate_steps *steps)
{
	size_t n = 0;

	for (size_t i = 0; i < steps->n; i++)
		n += state->recorded[i] && !steps->step[i].own;
	return n;
}

const char *
migrate_state_kind(const struct migrate_state *state, const struct migrate_steps *steps)
{
	if (state->unknown_version != 0)
		return "newer than this program";
	if (migrate_state_is_current(state, steps))
		return "current";
	if (count_recorded(state, steps) > 0)
		return state->has_table ? "behind" : "a history without the table kvs";
	if (!state->has_table)
		return "empty";
	return state->has_old_history ? "of an original before 0.3" : "the table kvs without a history";
}
