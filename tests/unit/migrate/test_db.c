/* SPDX-License-Identifier: EPL-2.0 */
#include "migrate/db.h"

#include <stdio.h>
#include <stdlib.h>

#include "base/clock.h"
#include "lib/pg_peer.h"
#include "lib/tap.h"
#include "migrate/purge.h"
#include "migrate/state.h"

/* Columns of postgresql/state: a schema that is up to date. */
#define CATALOGUE "t|t|t|f|workspace,namespace,key|f|t|t|f|none|none|t|t|t|f|f|f"

static const struct pg_peer_answer answers[] = {
	{ "where workspace = $1", "3|1" },
	{ "interval '1 second'", "2026-01-02 03:04:05+00" },
	{ "count(*) filter (where modified <", "5|4|2" },
	{ NULL, NULL },
};

static struct pg_peer *late_peer; /* whose answer begins with the next tick */
static int64_t ticked_at;

static void
let_answer(struct migrate_db *db)
{
	(void)db;
	ticked_at = clock_mono();
	late_peer->late = false;
}

/* A database whose short statements must be answered within the time of a tick. */
static void
open_late(struct migrate_db *db, const struct config *config, struct pg_peer *peer, const char *late_part)
{
	char text[128];

	*peer = (struct pg_peer){
		.kind = PG_PEER_PRIMARY, .value = CATALOGUE, .answers = answers, .late_part = late_part, .late = true
	};
	pg_peer_start(peer);
	late_peer = peer;
	ticked_at = 0;
	(void)snprintf(text, sizeof(text), "host=127.0.0.1 port=%d user=u dbname=d", peer->port);
	migrate_db_init(db, config);
	db->conn = PQconnectdb(text);
	if (PQstatus(db->conn) != CONNECTION_OK)
		tap_bail("no connection to the peer");
	migrate_db_set_state(db, MIGRATE_DB_OPEN);
	db->server = DBCONN_POSTGRESQL;
	db->answer_limit = 0;
	db->patience = CLOCK_S;
	db->tick = let_answer;
}

static char scheme[] = "hulykvs";
static const struct config config = { .db_scheme = scheme };

static void
test_short_statement(void)
{
	static struct pg_peer peer;
	struct migrate_db db;
	PGresult *res;

	open_late(&db, &config, &peer, "interval '1 second'");
	tap_int(migrate_db_ask(&db, "migrate/purge_time", MIGRATE_ARGS("60"), &res), MIGRATE_NO_CONNECTION,
	    "a short statement without an answer: the connection counts as lost");
	tap_text(buf_str(&db.error.text), STR("no answer from the database"), "its error");
	PQclear(res);
	peer.late = false;
	migrate_db_free(&db);
}

static void
test_stranded(void)
{
	static struct pg_peer peer;
	struct migrate_state state = { .key_is_current = true };
	struct migrate_db db;
	int64_t start = clock_mono(), progress_at;

	open_late(&db, &config, &peer, "where workspace = $1");
	progress_at = db.progress_at;
	tap_int(migrate_state_count_stranded(&db, &state), MIGRATE_DONE, "the count of stranded rows may take long");
	tap_ok(state.stranded == 3 && state.sealed == 1, "its result");
	tap_ok(ticked_at > start, "a lease is renewed meanwhile");
	tap_ok(db.progress_at - progress_at > CLOCK_S, "its time does not count against the patience");
	migrate_db_free(&db);
}

static void
test_purge_count(void)
{
	static struct pg_peer peer;
	struct migrate_purge_options options = {
		.selection = { .ns = "n", .prefix = "" }, .older_than = 60, .dry_run = true
	};
	struct migrate_purge *purge = migrate_purge_new(&options);
	struct migrate_db db;
	char *text = NULL;
	size_t size = 0;
	FILE *out = open_memstream(&text, &size);

	if (purge == NULL || out == NULL)
		tap_bail("no memory");
	open_late(&db, &config, &peer, "count(*) filter (where modified <");
	tap_int(migrate_purge_run(purge, &db, out), MIGRATE_DONE, "the count of rows to be purged may take long");
	(void)fclose(out);
	tap_ok(strstr(text, "to be deleted: 5\nyounger: 4\nwithout a time, kept: 2\n") != NULL, "its result");
	free(text);
	migrate_purge_free(purge);
	migrate_db_free(&db);
}

int
main(void)
{
	test_short_statement();
	test_stranded();
	test_purge_count();
	return tap_end();
}
