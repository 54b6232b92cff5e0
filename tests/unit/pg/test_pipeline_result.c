/* SPDX-License-Identifier: EPL-2.0 */
/* What becomes of an operation, wherever its attempt fails: the whole way from the pool to a fake libpq and back. */
#include "pg/pipeline_pool.h"

#include <stdlib.h>

#include "lib/fake_connect_thread.h"
#include "lib/fake_libpq.h"
#include "lib/pg_world.h"
#include "lib/tap.h"

/* Where the error is; "other": of another operation that was sent with it, in one implicit transaction on PostgreSQL. */
enum point {
	OWN,          /* its statement's */
	OWN_FATAL,    /* its statement's, and then the server ends the session, with FATAL 57P01 */
	OWN_CUT,      /* its statement's, and then the connection is lost */
	COMMIT,       /* the Sync's, with nothing else in the transaction */
	COMMIT_OTHER, /* the Sync's, with the other in the transaction */
	FRONT,        /* the other's, in front of it */
	FRONT_CUT,    /* the other's, in front of it, and then the connection is lost */
	BEHIND,       /* the other's, behind it */
	BEHIND_CUT,   /* the other's, behind it, and then the connection is lost */
	CUT,          /* none: the connection is lost before an answer */
	ANSWERED_CUT, /* none: it is answered, but the connection is lost before the Sync's answer */
};

enum { AGAIN = -1 }; /* it is sent once more, and then succeeds */

#define PG   DBCONN_POSTGRESQL
#define CRDB DBCONN_COCKROACHDB

static const struct {
	enum store_kind kind;
	enum dbconn_server server;
	enum point point;
	const char *sqlstate, *severity;
	int end;
} rows[] = {
	/* Its own statement fails. */
	{ STORE_PUT, PG, OWN, "40001", "ERROR", AGAIN },
	{ STORE_PUT, PG, OWN, "40P01", "ERROR", AGAIN },
	{ STORE_PUT, PG, OWN, "55P03", "ERROR", AGAIN },
	{ STORE_PUT, PG, OWN, "25006", "ERROR", AGAIN },
	{ STORE_PUT, PG, OWN, "26000", "ERROR", AGAIN },
	{ STORE_PUT, PG, OWN, "0A000", "ERROR", AGAIN },
	{ STORE_PUT, PG, OWN, "40003", "ERROR", STORE_UNKNOWN },
	{ STORE_PUT, PG, OWN, "57P01", "FATAL", STORE_UNKNOWN },
	{ STORE_PUT, PG, OWN, "54000", "ERROR", STORE_TOO_LONG },
	{ STORE_PUT, PG, OWN, "53100", "ERROR", STORE_UNAVAILABLE },
	{ STORE_PUT, PG, OWN, "57014", "ERROR", STORE_UNAVAILABLE },
	{ STORE_PUT, CRDB, OWN, "57014", "ERROR", STORE_UNKNOWN },
	{ STORE_DELETE, CRDB, OWN, "57014", "ERROR", STORE_UNKNOWN },
	{ STORE_PUT, PG, OWN, "42P01", "ERROR", STORE_UNAVAILABLE },
	{ STORE_PUT, PG, OWN, "42501", "ERROR", STORE_UNAVAILABLE },
	{ STORE_PUT, PG, OWN, "XX000", "ERROR", STORE_FAULT },
	{ STORE_PUT, PG, OWN, "58C00", "ERROR", STORE_FAULT },
	{ STORE_PUT, CRDB, OWN, "58C00", "ERROR", STORE_UNKNOWN },
	{ STORE_PUT, CRDB, OWN, "XXUUU", "ERROR", STORE_UNKNOWN },
	{ STORE_PUT, CRDB, OWN, "40001", "ERROR", AGAIN },
	{ STORE_DELETE, PG, OWN, "40001", "ERROR", AGAIN },
	{ STORE_DELETE, PG, OWN, "08006", "ERROR", STORE_UNKNOWN },
	{ STORE_GET, PG, OWN, "40001", "ERROR", AGAIN },
	{ STORE_GET, PG, OWN, "40003", "ERROR", AGAIN },
	{ STORE_GET, PG, OWN, "0A000", "ERROR", AGAIN },
	{ STORE_GET, PG, OWN, "53200", "ERROR", STORE_UNAVAILABLE },
	{ STORE_GET, PG, OWN, "22021", "ERROR", STORE_FAULT },
	{ STORE_GET, CRDB, OWN, "58C01", "ERROR", AGAIN },
	{ STORE_GET, CRDB, OWN, "XXUUU", "ERROR", AGAIN },
	{ STORE_GET, PG, OWN, "57014", "ERROR", STORE_UNAVAILABLE },
	{ STORE_GET, CRDB, OWN, "57014", "ERROR", AGAIN },
	{ STORE_HEAD, PG, OWN, "40P01", "ERROR", AGAIN },
	/* Then the connection is lost, too: an error that says "rolled back" says so still. */
	{ STORE_PUT, PG, OWN_CUT, "40001", "ERROR", AGAIN },
	{ STORE_PUT, PG, OWN_CUT, "XX000", "ERROR", STORE_FAULT },
	{ STORE_PUT, PG, OWN_CUT, "53100", "ERROR", STORE_UNAVAILABLE },
	{ STORE_PUT, PG, OWN_CUT, "57P01", "FATAL", STORE_UNKNOWN },
	{ STORE_PUT, PG, OWN_CUT, "53100", "PANIC", STORE_UNKNOWN },
	{ STORE_PUT, PG, OWN_CUT, "57P05", "FATAL", AGAIN },
	{ STORE_PUT, CRDB, OWN_CUT, "57P05", "FATAL", AGAIN },
	{ STORE_PUT, PG, OWN_CUT, "40003", "ERROR", STORE_UNKNOWN },
	{ STORE_GET, PG, OWN_CUT, "57P01", "FATAL", AGAIN },
	{ STORE_GET, PG, OWN_CUT, "XX000", "ERROR", STORE_FAULT },
	{ STORE_PUT, PG, OWN_FATAL, "40001", "ERROR", AGAIN },
	{ STORE_PUT, PG, OWN_FATAL, "XX000", "ERROR", STORE_FAULT },
	{ STORE_PUT, PG, OWN_FATAL, "40003", "ERROR", STORE_UNKNOWN },
	{ STORE_GET, PG, OWN_FATAL, "54000", "ERROR", STORE_TOO_LONG },
	/* The commit fails. */
	{ STORE_PUT, PG, COMMIT, "40001", "ERROR", AGAIN },
	{ STORE_PUT, PG, COMMIT, "53100", "ERROR", STORE_UNAVAILABLE },
	{ STORE_PUT, PG, COMMIT, "40003", "ERROR", STORE_UNKNOWN },
	{ STORE_PUT, CRDB, COMMIT, "58C00", "ERROR", STORE_UNKNOWN },
	{ STORE_PUT, CRDB, COMMIT, "57014", "ERROR", STORE_UNKNOWN },
	{ STORE_PUT, CRDB, COMMIT, "40001", "ERROR", AGAIN },
	{ STORE_PUT, PG, COMMIT_OTHER, "40001", "ERROR", AGAIN },
	{ STORE_PUT, PG, COMMIT_OTHER, "53100", "ERROR", AGAIN },
	{ STORE_PUT, PG, COMMIT_OTHER, "40003", "ERROR", STORE_UNKNOWN },
	{ STORE_PUT, PG, COMMIT_OTHER, "57P01", "FATAL", STORE_UNKNOWN },
	{ STORE_GET, PG, COMMIT_OTHER, "57P01", "FATAL", STORE_DONE },
	/* Another one of the transaction fails in front of it: it did not run. */
	{ STORE_PUT, PG, FRONT, "XX000", "ERROR", AGAIN },
	{ STORE_PUT, PG, FRONT, "40001", "ERROR", AGAIN },
	{ STORE_PUT, PG, FRONT, "42P01", "ERROR", AGAIN },
	{ STORE_DELETE, PG, FRONT, "54000", "ERROR", AGAIN },
	{ STORE_GET, PG, FRONT, "XX000", "ERROR", AGAIN },
	{ STORE_PUT, CRDB, FRONT, "XX000", "ERROR", STORE_DONE },
	{ STORE_PUT, PG, FRONT_CUT, "XX000", "ERROR", AGAIN },
	{ STORE_PUT, PG, FRONT_CUT, "57P01", "FATAL", STORE_UNKNOWN },
	{ STORE_PUT, PG, FRONT_CUT, "57P05", "FATAL", AGAIN },
	{ STORE_PUT, CRDB, FRONT_CUT, "40001", "ERROR", STORE_UNKNOWN },
	{ STORE_PUT, CRDB, FRONT_CUT, "57P01", "FATAL", STORE_UNKNOWN },
	{ STORE_PUT, CRDB, FRONT_CUT, "57P05", "FATAL", AGAIN },
	/* Another one fails behind it: its answer was not committed. */
	{ STORE_PUT, PG, BEHIND, "XX000", "ERROR", AGAIN },
	{ STORE_PUT, PG, BEHIND, "40P01", "ERROR", AGAIN },
	{ STORE_PUT, PG, BEHIND, "40003", "ERROR", STORE_UNKNOWN },
	{ STORE_DELETE, PG, BEHIND, "53100", "ERROR", AGAIN },
	{ STORE_GET, PG, BEHIND, "XX000", "ERROR", STORE_DONE },
	{ STORE_PUT, CRDB, BEHIND, "XX000", "ERROR", STORE_DONE },
	{ STORE_PUT, PG, BEHIND_CUT, "XX000", "ERROR", AGAIN },
	{ STORE_PUT, PG, BEHIND_CUT, "57P02", "FATAL", STORE_UNKNOWN },
	{ STORE_PUT, PG, BEHIND_CUT, "40003", "ERROR", STORE_UNKNOWN },
	{ STORE_GET, PG, BEHIND_CUT, "57P01", "FATAL", STORE_DONE },
	{ STORE_PUT, CRDB, BEHIND_CUT, "57P01", "FATAL", STORE_DONE },
	/* The connection is lost. */
	{ STORE_PUT, PG, CUT, NULL, NULL, STORE_UNKNOWN },
	{ STORE_DELETE, PG, CUT, NULL, NULL, STORE_UNKNOWN },
	{ STORE_PUT, CRDB, CUT, NULL, NULL, STORE_UNKNOWN },
	{ STORE_GET, PG, CUT, NULL, NULL, AGAIN },
	{ STORE_HEAD, CRDB, CUT, NULL, NULL, AGAIN },
	{ STORE_PUT, PG, ANSWERED_CUT, NULL, NULL, STORE_UNKNOWN },
	{ STORE_DELETE, PG, ANSWERED_CUT, NULL, NULL, STORE_UNKNOWN },
	{ STORE_PUT, CRDB, ANSWERED_CUT, NULL, NULL, STORE_UNKNOWN },
	{ STORE_GET, PG, ANSWERED_CUT, NULL, NULL, STORE_DONE },
};

static const struct str found[] = { { "0123456789abcdef", 16 }, { "value", 5 } };

static void
answer(PGconn *conn, enum store_kind kind)
{
	if (kind == STORE_PUT || kind == STORE_DELETE)
		fake_libpq_answer_changed(conn, "1");
	else
		fake_libpq_answer_row(conn, 2, found);
}

/* What the server says, in the order of the keys: to the subject "m", and to the other in front of it or behind it. */
static void
answer_all(PGconn *conn, size_t i)
{
	enum store_kind kind = rows[i].kind;
	bool own_sync = rows[i].server == CRDB && (kind == STORE_PUT || kind == STORE_DELETE);
	const char *code = rows[i].sqlstate, *severity = rows[i].severity;

	switch (rows[i].point) {
	case OWN:
		fake_libpq_answer_error(conn, code, severity);
		break;
	case OWN_FATAL:
		fake_libpq_answer_error(conn, code, severity);
		fake_libpq_answer_error(conn, "57P01", "FATAL");
		fake_libpq_break(conn);
		return;
	case OWN_CUT:
		fake_libpq_answer_error(conn, code, severity);
		fake_libpq_break(conn);
		return;
	case COMMIT:
		answer(conn, kind);
		fake_libpq_answer_error(conn, code, severity);
		break;
	case COMMIT_OTHER:
		answer(conn, kind);
		answer(conn, kind);
		fake_libpq_answer_error(conn, code, severity);
		break;
	case FRONT:
		fake_libpq_answer_error(conn, code, severity);
		if (own_sync) {
			fake_libpq_answer_sync(conn);
			answer(conn, kind);
		} else {
			fake_libpq_answer_aborted(conn);
		}
		break;
	case FRONT_CUT:
		fake_libpq_answer_error(conn, code, severity);
		fake_libpq_break(conn);
		return;
	case BEHIND:
	case BEHIND_CUT:
		answer(conn, kind);
		if (own_sync)
			fake_libpq_answer_sync(conn);
		fake_libpq_answer_error(conn, code, severity);
		if (rows[i].point == BEHIND)
			break;
		fake_libpq_break(conn);
		return;
	case CUT:
		fake_libpq_break(conn);
		return;
	case ANSWERED_CUT:
		answer(conn, kind);
		fake_libpq_break(conn);
		return;
	}
	fake_libpq_answer_sync(conn);
}

/* Whether it was sent: "m" stands for it in what was sent. */
static bool
was_sent(PGconn *conn)
{
	struct str sent = fake_libpq_sent(conn);

	for (size_t i = 0; i + 1 < sent.n; i++)
		if (sent.p[i] == ':' && sent.p[i + 1] == 'm')
			return true;
	return false;
}

/* Answers everything that is sent from now on as done; whether the subject was among it. */
static bool
end_well(struct pipeline_pool *pool, const struct pg_world_ticket *t, enum dbconn_server server)
{
	bool again = false;

	for (int n = 0; n < 8 && !pipeline_pool_is_idle(pool); n++) {
		struct pipeline *p = &pool->pipeline[0];

		for (struct store_ticket *s = pool->shared.lost.head; s != NULL; s = s->next)
			s->pg.latest = 1; /* long ago */
		pg_world_fire(&pool->timer);
		if (p->state == PIPELINE_CONNECTING)
			(void)fake_connect_thread_connect(server);
		pipeline_pool_flush(pool, 3);
		if (p->conn == NULL)
			continue;
		again |= was_sent(p->conn);
		for (const struct store_ticket *s = p->batch.tickets.head; s != NULL; s = s->next) {
			answer(p->conn, t->t.op.kind);
			if (s->pg.last)
				fake_libpq_answer_sync(p->conn);
		}
		pg_world_ready(&p->watch);
	}
	return again;
}

static void
run_row(struct pg_world *w, size_t i)
{
	bool other = rows[i].point >= COMMIT_OTHER && rows[i].point <= BEHIND_CUT;
	bool front = rows[i].point == FRONT || rows[i].point == FRONT_CUT;
	struct pg_world_ticket subject, companion;
	struct pipeline_pool *pool = calloc(1, sizeof(*pool));
	PGconn *conn;
	bool again;

	if (pool == NULL)
		tap_bail("no memory");
	pipeline_pool_init(pool,
	    rows[i].kind == STORE_GET || rows[i].kind == STORE_HEAD ? STATEMENT_ROLE_READ : STATEMENT_ROLE_WRITE, 1, 0,
	    &w->set, &w->loop, NULL);
	conn = fake_connect_thread_connect(rows[i].server);
	pg_world_ticket(&subject, rows[i].kind, "m");
	pg_world_ticket(&companion, rows[i].kind == STORE_GET ? STORE_HEAD : rows[i].kind, front ? "a" : "z");
	if (other && front)
		pipeline_pool_submit(pool, &companion.t);
	pipeline_pool_submit(pool, &subject.t);
	if (other && !front)
		pipeline_pool_submit(pool, &companion.t);
	pipeline_pool_flush(pool, 3);
	tap_ok(was_sent(conn) && subject.done == 0, "row %zu: it is sent", i);
	answer_all(conn, i);
	pg_world_ready(&pool->pipeline[0].watch);
	again = end_well(pool, &subject, rows[i].server);
	tap_ok(again == (rows[i].end == AGAIN), "row %zu: it is sent %s", i, rows[i].end == AGAIN ? "again" : "once");
	tap_int(subject.done, 1, "row %zu: it ends once", i);
	tap_int(subject.result.outcome, rows[i].end == AGAIN ? STORE_DONE : rows[i].end, "row %zu: its outcome", i);
	pipeline_pool_close(pool);
	fake_connect_thread_reset();
	w->loop.timers = NULL;
	free(pool);
	tap_int(fake_libpq_connections() + fake_libpq_results(), 0, "row %zu: nothing is left", i);
}

int
main(void)
{
	struct pg_world w;

	log_set_threshold(LOG_ERROR);
	pg_world_open(&w);
	for (size_t i = 0; i < COUNT(rows); i++)
		run_row(&w, i);
	pg_world_close(&w);
	return tap_end();
}
