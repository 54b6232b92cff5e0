/* SPDX-License-Identifier: EPL-2.0 */
/* A BATCH over a fake libpq: what is sent after which answers, and what becomes of it. */
#include "pg/transaction.h"

#include <stdlib.h>

#include "lib/fake_connect_thread.h"
#include "lib/fake_libpq.h"
#include "lib/pg_world.h"
#include "lib/tap.h"
#include "pg/pipeline_pool.h"

enum { AGAIN = -1 }; /* it is sent once more from the start */

#define STATEMENTS_SENT "begin_serializable delete:a put_if_present:b get_batch sync"
#define COMMIT_SENT     "in_time commit sync"
#define ROLLBACK_SENT   "rollback sync"

/*
 * What the server answers: o: done; 1 and 0: so many rows were changed; g: the row of the key c; n: no row; N: a row
 * whose value is null; e: the error; x: skipped after an error; s: Sync; C: the connection is lost.
 * I, T, E: from now on the session is in no transaction, in one, or in one that has failed.
 */
struct row {
	const char *sqlstate, *severity;
	const char *answers[3], *sent[2]; /* sent[0] comes after answers[0] … */
	int outcome;
	size_t part;
};

static const struct row rows[] = {
	{ NULL, NULL, { "o11gTs", "ooIs", NULL }, { COMMIT_SENT, NULL }, STORE_DONE, 0 },
	{ NULL, NULL, { "o11nTs", "ooIs", NULL }, { COMMIT_SENT, NULL }, STORE_DONE, 0 },
	/* A condition does not hold; the first one in the order of the parts is named: b, then a. */
	{ NULL, NULL, { "o10gTs", "oIs", NULL }, { ROLLBACK_SENT, NULL }, STORE_MISMATCH, 0 },
	{ NULL, NULL, { "o01gTs", "oIs", NULL }, { ROLLBACK_SENT, NULL }, STORE_MISMATCH, 1 },
	{ NULL, NULL, { "o00gTs", "oIs", NULL }, { ROLLBACK_SENT, NULL }, STORE_MISMATCH, 0 },
	{ NULL, NULL, { "o11NTs", "oIs", NULL }, { ROLLBACK_SENT, NULL }, STORE_TOO_LARGE, 2 },
	{ NULL, NULL, { "o00gTs", "C", NULL }, { ROLLBACK_SENT, NULL }, STORE_MISMATCH, 0 },
	/* An error of a statement: nothing has happened. */
	{ "40001", "ERROR", { "oexxEs", "oIs", NULL }, { ROLLBACK_SENT, NULL }, AGAIN, 0 },
	{ "40P01", "ERROR", { "o1exEs", "oIs", NULL }, { ROLLBACK_SENT, NULL }, AGAIN, 0 },
	{ "22012", "ERROR", { "o1exEs", "oIs", NULL }, { ROLLBACK_SENT, NULL }, AGAIN, 0 },
	{ "40003", "ERROR", { "o11eEs", "oIs", NULL }, { ROLLBACK_SENT, NULL }, AGAIN, 0 },
	{ "58C00", "ERROR", { "o1exEs", "oIs", NULL }, { ROLLBACK_SENT, NULL }, STORE_FAULT, 0 },
	{ "54000", "ERROR", { "o1exEs", "oIs", NULL }, { ROLLBACK_SENT, NULL }, STORE_TOO_LONG, 0 },
	{ "54000", "ERROR", { "oexxEs", "oIs", NULL }, { ROLLBACK_SENT, NULL }, STORE_TOO_LONG, 1 },
	{ "53100", "ERROR", { "o1exEs", "oIs", NULL }, { ROLLBACK_SENT, NULL }, STORE_UNAVAILABLE, 0 },
	{ "XX000", "ERROR", { "o1exEs", "oIs", NULL }, { ROLLBACK_SENT, NULL }, STORE_FAULT, 0 },
	{ "40003", "ERROR", { "o11gTes", "oIs", NULL }, { ROLLBACK_SENT, NULL }, AGAIN, 0 },
	{ "53200", "ERROR", { "exxxIs", NULL, NULL }, { NULL, NULL }, STORE_UNAVAILABLE, 0 },
	{ "40001", "ERROR", { "exxxIs", NULL, NULL }, { NULL, NULL }, AGAIN, 0 },
	{ "53100", "ERROR", { "o1exEs", "C", NULL }, { ROLLBACK_SENT, NULL }, STORE_UNAVAILABLE, 0 },
	/* The connection is lost before COMMIT is sent: nothing has happened. */
	{ NULL, NULL, { "C", NULL, NULL }, { NULL, NULL }, AGAIN, 0 },
	{ NULL, NULL, { "o11gC", NULL, NULL }, { NULL, NULL }, AGAIN, 0 },
	{ "57P01", "FATAL", { "o1eC", NULL, NULL }, { NULL, NULL }, AGAIN, 0 },
	{ "XX000", "ERROR", { "o1eC", NULL, NULL }, { NULL, NULL }, STORE_FAULT, 0 },
	/* COMMIT comes too late, or its transaction cannot be serialized: the server has rolled it back. */
	{ "22012", "ERROR", { "o11gTs", "exEs", "oIs" }, { COMMIT_SENT, ROLLBACK_SENT }, AGAIN, 0 },
	{ "40001", "ERROR", { "o11gTs", "oeIs", NULL }, { COMMIT_SENT, NULL }, AGAIN, 0 },
	{ "40001", "ERROR", { "o11gTs", "oeEs", "oIs" }, { COMMIT_SENT, ROLLBACK_SENT }, AGAIN, 0 },
	{ "53100", "ERROR", { "o11gTs", "oeIs", NULL }, { COMMIT_SENT, NULL }, STORE_UNAVAILABLE, 0 },
	{ "25P03", "FATAL", { "o11gTs", "eC", NULL }, { COMMIT_SENT, NULL }, AGAIN, 0 },
	/* Nobody knows. */
	{ NULL, NULL, { "o11gTs", "C", NULL }, { COMMIT_SENT, NULL }, STORE_UNKNOWN, 0 },
	{ NULL, NULL, { "o11gTs", "oC", NULL }, { COMMIT_SENT, NULL }, STORE_UNKNOWN, 0 },
	{ NULL, NULL, { "o11gTs", "ooC", NULL }, { COMMIT_SENT, NULL }, STORE_UNKNOWN, 0 },
	{ "40003", "ERROR", { "o11gTs", "oeIs", NULL }, { COMMIT_SENT, NULL }, STORE_UNKNOWN, 0 },
	{ "40003", "ERROR", { "o11gTs", "oeEs", NULL }, { COMMIT_SENT, NULL }, STORE_UNKNOWN, 0 },
	{ "40003", "ERROR", { "o11gTs", "ooIes", NULL }, { COMMIT_SENT, NULL }, STORE_UNKNOWN, 0 },
	{ "57P01", "FATAL", { "o11gTs", "oeC", NULL }, { COMMIT_SENT, NULL }, STORE_UNKNOWN, 0 },
};

/* The batch of all tests: parts in another order than that of their keys. */
struct batch_world {
	struct pg_world *w;
	struct pipeline_pool *pool;
	struct pg_world_ticket whole, part[3];
	struct store_ticket *parts[3];
	PGconn *conn;
};

static void
begin_world(struct batch_world *b, struct pg_world *w)
{
	static const char *const keys[] = { "b", "a", "c" };
	static const enum store_kind kinds[] = { STORE_PUT, STORE_DELETE, STORE_GET };

	b->w = w;
	b->pool = calloc(1, sizeof(*b->pool));
	if (b->pool == NULL)
		tap_bail("no memory");
	pipeline_pool_init(b->pool, STATEMENT_ROLE_WRITE, 1, 0, &w->set, &w->loop, NULL);
	b->conn = fake_connect_thread_connect(DBCONN_POSTGRESQL);
	pg_world_ticket(&b->whole, STORE_BATCH, "");
	for (size_t i = 0; i < COUNT(keys); i++) {
		pg_world_ticket(&b->part[i], kinds[i], keys[i]);
		b->parts[i] = &b->part[i].t;
	}
	b->whole.t.op.parts = b->parts;
	b->whole.t.op.part_count = COUNT(keys);
	b->whole.t.op.parts_write = true;
	pipeline_pool_submit(b->pool, &b->whole.t);
	pipeline_pool_flush(b->pool, 3);
}

static void
end_world(struct batch_world *b)
{
	pipeline_pool_close(b->pool);
	fake_connect_thread_reset();
	b->w->loop.timers = NULL;
	free(b->pool);
}

static void
answer_with(PGconn *conn, char c, const struct row *row)
{
	static const struct str found[] = { { "c", 1 }, { "0123456789abcdef", 16 }, { "value", 5 }, { NULL, 0 } };
	static const struct str too_much[] = { { "c", 1 }, { "0123456789abcdef", 16 }, { NULL, 0 }, { NULL, 0 } };
	static const char *const statuses = "ITE";
	static const PGTransactionStatusType status[] = { PQTRANS_IDLE, PQTRANS_INTRANS, PQTRANS_INERROR };

	if (c == 'o')
		fake_libpq_answer_changed(conn, "");
	else if (c == '1' || c == '0')
		fake_libpq_answer_changed(conn, c == '1' ? "1" : "0");
	else if (c == 'g' || c == 'N')
		fake_libpq_answer_row(conn, 4, c == 'g' ? found : too_much);
	else if (c == 'n')
		fake_libpq_answer_row(conn, 0, NULL);
	else if (c == 'e')
		fake_libpq_answer_error(conn, row->sqlstate, row->severity);
	else if (c == 'x')
		fake_libpq_answer_aborted(conn);
	else if (c == 's')
		fake_libpq_answer_sync(conn);
	else if (c == 'C')
		fake_libpq_break(conn);
	else
		fake_libpq_transaction(conn, status[strchr(statuses, c) - statuses]);
}

static void
answer_step(struct batch_world *b, const struct row *row, size_t step)
{
	for (const char *c = row->answers[step]; *c != '\0'; c++)
		answer_with(b->conn, *c, row);
	pg_world_ready(&b->pool->pipeline[0].watch);
}

static void
settle(struct batch_world *b)
{
	/* A write of unknown outcome is answered when it can no longer begin. */
	for (struct store_ticket *t = b->pool->shared.lost.head; t != NULL; t = t->next)
		t->pg.latest = 1;
	pg_world_fire(&b->pool->timer);
}

/* It waits to be sent again: sends it over whatever connection there is now, and lets it succeed. */
static void
succeed(struct batch_world *b, size_t i)
{
	static const struct row good = { NULL, NULL, { "o11gTs", "ooIs", NULL }, { NULL, NULL }, 0, 0 };

	if (b->pool->pipeline[0].state == PIPELINE_CONNECTING)
		(void)fake_connect_thread_connect(DBCONN_POSTGRESQL);
	b->conn = b->pool->pipeline[0].conn;
	for (int n = 0; n < 3 && b->pool->pipeline[0].state != PIPELINE_WAITING; n++) {
		pipeline_pool_flush(b->pool, 3);
		if (b->pool->pipeline[0].state != PIPELINE_ASKING)
			continue;
		fake_libpq_answer_row(b->conn, 1, &(struct str){ "\0\0\0\0\0\0\0\0", 8 });
		fake_libpq_answer_sync(b->conn);
		pg_world_ready(&b->pool->pipeline[0].watch);
		(void)fake_libpq_sent(b->conn);
	}
	tap_text(fake_libpq_sent(b->conn), STR(STATEMENTS_SENT), "row %zu: it is sent again as a whole", i);
	answer_step(b, &good, 0);
	answer_step(b, &good, 1);
}

static void
check_done(const struct batch_world *b, size_t i)
{
	static const enum store_outcome outcomes[] = { STORE_DONE, STORE_DONE, STORE_DONE };

	for (size_t n = 0; n < COUNT(outcomes); n++)
		tap_int(b->part[n].done, 1, "row %zu: part %zu ends", i, n);
	tap_ok(b->part[2].result.outcome == STORE_NO_KEY || strcmp(b->part[2].value, "value") == 0,
	    "row %zu: the value that was read", i);
}

static void
run_row(struct pg_world *w, size_t i)
{
	const struct row *row = &rows[i];
	struct batch_world b;

	begin_world(&b, w);
	tap_text(fake_libpq_sent(b.conn), STR(STATEMENTS_SENT), "row %zu: the statements", i);
	for (size_t step = 0; step < 3 && row->answers[step] != NULL; step++) {
		tap_int(b.whole.done, 0, "row %zu: it has not ended before step %zu", i, step);
		answer_step(&b, row, step);
		if (step < 2 && row->sent[step] != NULL)
			tap_text(fake_libpq_sent(b.conn), str_of(row->sent[step]), "row %zu: then %zu", i, step);
	}
	settle(&b);
	if (row->outcome == AGAIN) {
		tap_int(b.whole.done, 0, "row %zu: it has not ended", i);
		succeed(&b, i);
	}
	tap_int(b.whole.done, 1, "row %zu: it ends once", i);
	tap_int(b.whole.result.outcome, row->outcome == AGAIN ? STORE_DONE : row->outcome, "row %zu: its outcome", i);
	if (b.whole.result.outcome == STORE_MISMATCH || b.whole.result.outcome == STORE_TOO_LONG)
		tap_int(b.whole.result.part, row->part, "row %zu: the part", i);
	if (b.whole.result.outcome == STORE_DONE)
		check_done(&b, i);
	else
		tap_int(b.part[0].done + b.part[1].done + b.part[2].done, 0, "row %zu: no part ends", i);
	end_world(&b);
	tap_int(fake_libpq_connections() + fake_libpq_results(), 0, "row %zu: nothing is left", i);
}

/* Until COMMIT was sent, the deadline ends a batch that certainly did nothing; then one of unknown outcome. */
static void
ends_at_the_deadline(struct pg_world *w, bool commits)
{
	struct batch_world b;

	begin_world(&b, w);
	if (commits)
		answer_step(&b, &rows[0], 0);
	b.whole.t.deadline = 1;
	b.pool->pipeline[0].batch.due = 1;
	pg_world_fire(&b.pool->pipeline[0].timer);
	settle(&b);
	tap_int(b.whole.result.outcome, commits ? STORE_UNKNOWN : STORE_UNAVAILABLE, "a deadline, COMMIT %s",
	    commits ? "sent" : "not sent");
	end_world(&b);
}

/* COMMIT is not sent if its deadline would have passed already. */
static void
is_late_before_commit(struct pg_world *w)
{
	struct batch_world b;

	begin_world(&b, w);
	b.whole.t.deadline = 1;
	(void)fake_libpq_sent(b.conn);
	answer_step(&b, &rows[0], 0);
	tap_text(fake_libpq_sent(b.conn), STR(ROLLBACK_SENT), "late before COMMIT: rolled back");
	answer_with(b.conn, 'I', NULL);
	fake_libpq_answer_changed(b.conn, "");
	fake_libpq_answer_sync(b.conn);
	pg_world_ready(&b.pool->pipeline[0].watch);
	tap_int(b.whole.result.outcome, STORE_UNAVAILABLE, "late before COMMIT: its outcome");
	end_world(&b);
}

/* What waits behind a batch that comes too late gets its connection at once. */
static void
is_late_before_it_is_sent(struct pg_world *w)
{
	static char large[PIPELINE_LARGE_VALUE]; /* so that it waits in the same queue */
	struct pg_world_ticket next;
	struct batch_world b;

	begin_world(&b, w);
	answer_step(&b, &rows[0], 0);
	answer_step(&b, &rows[0], 1);
	(void)fake_libpq_sent(b.conn);
	pg_world_ticket(&next, STORE_PUT, "z");
	next.t.op.value = str_from(large, sizeof(large));
	b.whole.t.deadline = 1;
	pipeline_pool_submit(b.pool, &b.whole.t);
	pipeline_pool_submit(b.pool, &next.t);
	pipeline_pool_flush(b.pool, 3);
	tap_int(b.whole.result.outcome, STORE_UNAVAILABLE, "late before it is sent: its outcome");
	tap_text(fake_libpq_sent(b.conn), STR("put_if_present:z sync"), "late before it is sent: the next one is sent");
	fake_libpq_answer_changed(b.conn, "1");
	fake_libpq_answer_sync(b.conn);
	pg_world_ready(&b.pool->pipeline[0].watch);
	end_world(&b);
}

/* Puts and conditional deletes lock what they look at. */
static void
is_serializable_only_if_needed(struct pg_world *w)
{
	struct batch_world b;

	begin_world(&b, w);
	answer_step(&b, &rows[0], 0);
	answer_step(&b, &rows[0], 1);
	(void)fake_libpq_sent(b.conn);
	b.whole.t.op.part_count = 2;
	pipeline_pool_submit(b.pool, &b.whole.t);
	pipeline_pool_flush(b.pool, 3);
	tap_text(fake_libpq_sent(b.conn), STR("begin delete:a put_if_present:b sync"), "conditional writes only");
	fake_libpq_break(b.conn);
	b.whole.t.deadline = 1;
	pg_world_ready(&b.pool->pipeline[0].watch);
	tap_int(b.whole.result.outcome, STORE_UNAVAILABLE, "it is lost after its deadline");
	end_world(&b);
}

int
main(void)
{
	struct pg_world w;

	log_set_threshold(LOG_ERROR);
	pg_world_open(&w);
	for (size_t i = 0; i < COUNT(rows); i++)
		run_row(&w, i);
	ends_at_the_deadline(&w, false);
	ends_at_the_deadline(&w, true);
	is_late_before_commit(&w);
	is_late_before_it_is_sent(&w);
	is_serializable_only_if_needed(&w);
	tap_int(fake_libpq_connections() + fake_libpq_results(), 0, "nothing is left");
	pg_world_close(&w);
	return tap_end();
}
