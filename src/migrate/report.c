/* SPDX-License-Identifier: EPL-2.0 */
#include "migrate/report.h"

#include <inttypes.h>

static const char *
standing(const struct migrate_state *state, const struct migrate_steps *steps, size_t i)
{
	bool done = migrate_state_has(state, steps->step[i].effect);

	if (state->recorded[i])
		return done ? "applied" : "recorded, but not done";
	/* V5 is nothing but its record on PostgreSQL, and most of them on a table without its history. */
	return done ? "pending (only its record)" : "pending";
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
		fprintf(out, "%s: %s%s%s\n", steps->step[i].id, standing(state, steps, i),
		    state->recorded[i] ? " " : "", state->applied_on[i]);
	fprintf(out, "stranded rows: %" PRId64 "\n", state->stranded);
}
