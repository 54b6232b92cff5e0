/* SPDX-License-Identifier: EPL-2.0 */
#include "migrate/report.h"

#include <inttypes.h>

/* The last word about a step. */
static const char *
progress_of(const struct migrate_state *state, const struct migrate_steps *steps, size_t i)
{
	bool done = migrate_state_has(state, steps->step[i].effect);

	if (state->recorded[i])
		return done ? "applied" : "recorded, but not done";
	/* On PostgreSQL V5 consists of its record; on a table without its history most steps do. */
	return done ? "pending (only its record)" : "pending";
}

static void
print_step(FILE *out, const struct migrate_state *state, const struct migrate_steps *steps, size_t i)
{
	const char *left_out = migrate_state_left_out(state, steps->step[i].effect);

	if (left_out != NULL)
		fprintf(out, "%s: left out, %s\n", steps->step[i].id, left_out);
	else
		fprintf(out, "%s: %s%s%s\n", steps->step[i].id, progress_of(state, steps, i),
		    state->recorded[i] ? " " : "", state->applied_on[i]);
}

void
migrate_report(
    FILE *out, const struct migrate_db *db, const struct migrate_steps *steps, const struct migrate_state *state)
{
	fprintf(out, "server: %s\n", db->server == DBCONN_COCKROACHDB ? "CockroachDB" : "PostgreSQL");
	fprintf(out, "schema: %s\n", db->schema.p);
	fprintf(out, "database: %s\n", migrate_state_kind(state, steps));
	if (state->unknown_version != 0)
		fprintf(out, "unknown version: %d\n", state->unknown_version);
	for (size_t i = 0; i < steps->n; i++)
		print_step(out, state, steps, i);
	fprintf(out, "stranded rows: %" PRId64 "\n", state->stranded);
}
