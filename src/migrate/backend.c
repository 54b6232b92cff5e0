/* SPDX-License-Identifier: EPL-2.0 */
#include "migrate/backend.h"

#include <time.h>

#include "base/log.h"

const struct migrate_backend *
migrate_backend_of(const struct migrate_db *db)
{
	return db->server == DBCONN_COCKROACHDB ? &migrate_backend_cockroachdb : &migrate_backend_postgresql;
}

enum migrate_outcome
migrate_backend_make_schema(struct migrate_db *db, const struct migrate_state *state)
{
	enum migrate_outcome outcome;

	if (state->has_schema)
		return MIGRATE_DONE;
	outcome = migrate_db_do(db, "migrate/create_schema", MIGRATE_NO_ARGS);
	if (outcome == MIGRATE_DONE && db->script == NULL)
		log_event(LOG_WARN, "the schema of HULY_DB_SCHEME was not there and has been created",
		    log_text("schema", str_of(db->schema.p)));
	return outcome;
}

enum migrate_outcome
migrate_backend_locked(struct migrate_db *db, bool taken)
{
	if (!taken)
		return migrate_db_try_again(db, "another migration of this schema is at work");
	migrate_db_set_state(db, MIGRATE_DB_LOCKED);
	return MIGRATE_DONE;
}

void
migrate_backend_now(char out[MIGRATE_APPLIED_ON_SIZE])
{
	struct timespec now;
	struct tm tm;
	char day[24], fraction[16];
	size_t n = 10;

	(void)clock_gettime(CLOCK_REALTIME, &now);
	(void)gmtime_r(&now.tv_sec, &tm);
	(void)strftime(day, sizeof(day), "%Y-%m-%dT%H:%M:%S", &tm);
	(void)snprintf(fraction, sizeof(fraction), ".%09ld", now.tv_nsec);
	while (n > 0 && (fraction[n - 1] == '0' || fraction[n - 1] == '.'))
		n--;
	(void)snprintf(out, MIGRATE_APPLIED_ON_SIZE, "%s%.*sZ", day, (int)n, fraction);
}
