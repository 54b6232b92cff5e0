/* SPDX-License-Identifier: EPL-2.0 */
/* Which operations share a batch or a statement, when writes may be sent, and what becomes of them. */
#include "lib/pool_world.h"

/* Writes wait until those of a program that crashed can no longer begin; a connection may say that this is so. */
static void
test_after_crash(void)
{
	struct pg_world_ticket a, b;
	PGconn *conn;

	world.set.writes_from = clock_mono() + 60 * CLOCK_S;
	fake_connect_thread_writes_from(world.set.writes_from);
	pool_world_open(STATEMENT_ROLE_WRITE, 1);
	conn = fake_connect_thread_connect(DBCONN_POSTGRESQL);
	pool_world_submit(&a, STORE_PUT, "a");
	pool_world_flush();
	tap_text(fake_libpq_sent(conn), STR(""), "after a crash: a write waits");
	tap_ok(pool->timer.due <= world.set.writes_from, "and is looked at again");
	fake_connect_thread_writes_from(0);
	fake_libpq_break(conn);
	pool_world_ready(0);
	conn = fake_connect_thread_connect(DBCONN_POSTGRESQL);
	pool_world_submit(&b, STORE_PUT, "b");
	pool_world_flush();
	tap_text(fake_libpq_sent(conn), STR("put_if_present:a put_if_present:b sync"), "until none need wait");
	fake_libpq_answer_changed(conn, "1");
	fake_libpq_answer_changed(conn, "1");
	fake_libpq_answer_sync(conn);
	pool_world_ready(0);
	tap_ok(a.done == 1 && b.done == 1, "then both are done");
	world.set.writes_from = 0;
	pool_world_close("after a crash");
}

static void
test_writes(enum dbconn_server server, const char *want)
{
	struct pg_world_ticket c, a, b;
	PGconn *conn;

	pool_world_open(STATEMENT_ROLE_WRITE, 1);
	conn = fake_connect_thread_connect(server);
	pool_world_submit(&c, STORE_PUT, "c");
	pool_world_submit(&a, STORE_DELETE, "a");
	pool_world_submit(&b, STORE_PUT, "b");
	pool_world_flush();
	tap_text(fake_libpq_sent(conn), str_of(want), "writes are sorted, and in as many transactions as they may be");
	for (int i = 0; i < 3; i++) {
		fake_libpq_answer_changed(conn, "1");
		if (server == DBCONN_COCKROACHDB || i == 2)
			fake_libpq_answer_sync(conn);
	}
	pool_world_ready(0);
	tap_ok(a.done == 1 && b.done == 1 && c.done == 1, "all are answered");
	pool_world_close("writes");
}

/* Which of the joined has failed is not known: each is sent alone, in a transaction of its own. */
static void
test_joined(void)
{
	struct pg_world_ticket t[3];
	PGconn *conn;

	pool_world_open(STATEMENT_ROLE_WRITE, 1);
	conn = fake_connect_thread_connect(DBCONN_POSTGRESQL);
	pool_world_submit_value(&t[0], "a", STR("v"));
	pool_world_submit_value(&t[1], "b", STR("v"));
	pool_world_submit_value(&t[2], "b", STR("w"));
	pool_world_flush();
	tap_text(fake_libpq_sent(conn), STR("put_many put:b sync"), "no key is twice in a statement");
	fake_libpq_answer_error(conn, "54000", "ERROR");
	fake_libpq_answer_aborted(conn);
	fake_libpq_answer_sync(conn);
	pool_world_ready(0);
	pool_world_flush();
	tap_text(fake_libpq_sent(conn), STR("put:a sync"), "then each is alone");
	pool_world_answer_batch(0);
	pool_world_flush();
	tap_text(fake_libpq_sent(conn), STR("put:b sync"), "one after the other");
	fake_libpq_answer_error(conn, "54000", "ERROR");
	fake_libpq_answer_sync(conn);
	pool_world_ready(0);
	pool_world_flush();
	pool_world_answer_batch(0);
	tap_ok(t[0].result.outcome == STORE_DONE && t[1].result.outcome == STORE_TOO_LONG &&
		t[2].result.outcome == STORE_DONE,
	    "and each has its own outcome");
	tap_text(str_of(t[1].t.sqlstate), STR("54000"), "and SQLSTATE");
	tap_text(str_of(t[0].t.sqlstate), STR(""), "but not that of an attempt before");
	pool_world_close("joined");
}

/* One that is to be alone shares no batch with others, which would wait for it if its row is locked. */
static void
test_alone(void)
{
	struct pg_world_ticket a, b, c;
	PGconn *conn;

	pool_world_open(STATEMENT_ROLE_WRITE, 1);
	conn = fake_connect_thread_connect(DBCONN_POSTGRESQL);
	pool_world_submit(&b, STORE_PUT, "b");
	pool_world_flush();
	(void)fake_libpq_sent(conn);
	fake_libpq_answer_error(conn, "40001", "ERROR");
	fake_libpq_answer_sync(conn);
	pool_world_ready(0);
	pool_world_submit_value(&a, "a", STR("v"));
	pool_world_submit(&c, STORE_PUT, "c");
	pool_world_flush();
	tap_text(fake_libpq_sent(conn), STR("put_if_present:b sync"), "alone");
	fake_libpq_answer_error(conn, "55P03", "ERROR");
	fake_libpq_answer_sync(conn);
	pool_world_ready(0);
	pool_world_flush();
	tap_text(fake_libpq_sent(conn), STR("put:a put_if_present:c sync"), "then the others have their turn");
	pool_world_answer_batch(0);
	pool_world_flush();
	tap_text(fake_libpq_sent(conn), STR("put_if_present:b sync"), "and then it is sent again");
	pool_world_answer_batch(0);
	tap_ok(a.done == 1 && b.done == 1 && c.done == 1, "all are answered");
	pool_world_close("alone");
}

/*
 * A write whose connection is lost may still begin, on a server that nobody hears of: "unknown" is answered when its
 * deadline has passed, so that nothing that is written afterwards is overwritten by it.
 */
static void
test_lost_write(const char *severity, bool pooled, bool waits)
{
	struct pg_world_ticket t;
	PGconn *conn;

	pool_world_open(STATEMENT_ROLE_WRITE, 1);
	conn = fake_connect_thread_connect(DBCONN_POSTGRESQL);
	pool->pipeline[0].pooled = pooled;
	pool_world_submit(&t, STORE_PUT, "a");
	pool_world_flush();
	tap_ok(t.t.pg.latest <= t.t.deadline && t.t.pg.latest <= clock_mono() + world.set.write_time + DB_CLOCK_MARGIN,
	    "it has to begin in time");
	if (severity != NULL)
		fake_libpq_answer_error(conn, "57P01", severity);
	fake_libpq_break(conn);
	pool_world_ready(0);
	pool_world_flush();
	tap_int(t.done, waits ? 0 : 1, "%s, %s: it is %s", severity != NULL ? severity : "cut",
	    pooled ? "pooler" : "direct", waits ? "not answered while it may begin" : "over");
	if (waits) {
		tap_int(pool->timer.due, t.t.pg.latest, "the timer knows when");
		tap_ok(!pipeline_pool_is_idle(pool), "the pool has something left to do");
		pg_world_fire(&pool->timer);
		tap_int(t.done, 0, "a timer that comes early changes nothing");
		t.t.pg.latest = 1;
		pg_world_fire(&pool->timer);
	}
	tap_ok(t.done == 1 && t.result.outcome == STORE_UNKNOWN, "then its outcome is unknown");
	pool_world_close("lost write");
}

/* If libpq fails in the middle of a batch, the writes behind that were certainly not sent. */
static void
test_unsent(void)
{
	struct pg_world_ticket t[3], other;
	PGconn *conn;

	pool_world_open(STATEMENT_ROLE_WRITE, 1);
	conn = fake_connect_thread_connect(DBCONN_POSTGRESQL);
	for (int i = 0; i < 3; i++)
		pool_world_submit(&t[i], STORE_PUT, "a\0b\0c" + 2 * i);
	fake_libpq_refuse(conn, 2);
	pool_world_flush();
	for (struct store_ticket *s = pool->shared.lost.head; s != NULL; s = s->next)
		s->pg.latest = 1; /* long ago */
	pg_world_fire(&pool->timer);
	tap_ok(t[0].result.outcome == STORE_UNKNOWN && t[1].result.outcome == STORE_UNKNOWN,
	    "unsent: not those that libpq got");
	tap_ok(t[0].done == 1 && t[1].done == 1 && t[2].done == 0, "but the one behind");
	conn = fake_connect_thread_connect(DBCONN_POSTGRESQL);
	pool_world_submit(&other, STORE_PUT, "d");
	pool_world_flush();
	tap_text(
	    fake_libpq_sent(conn), STR("put_if_present:c put_if_present:d sync"), "which is sent now, with others");
	pool_world_answer_batch(0);
	tap_ok(t[2].done == 1 && other.done == 1, "and answered");
	pool_world_close("unsent");
}

/* Before writes, when it is long ago that the database's time was asked for. */
static void
test_asks_clock(void)
{
	static const struct str time = { "\0\0\0\0\0\0\0\1", 8 };
	struct pg_world_ticket t;
	struct pipeline *p;
	PGconn *conn;

	pool_world_open(STATEMENT_ROLE_WRITE, 1);
	p = &pool->pipeline[0];
	conn = fake_connect_thread_connect(DBCONN_POSTGRESQL);
	p->clock.asked_at = 0;
	fake_libpq_split(conn); /* the answer comes in one TLS record, which is not read at once */
	pool_world_submit(&t, STORE_PUT, "a");
	pool_world_flush();
	tap_text(fake_libpq_sent(conn), STR("clock sync"), "the time is asked for first");
	tap_int(p->state, PIPELINE_ASKING, "and nothing else is sent");
	pool_world_flush();
	fake_libpq_answer_row(conn, 1, &time);
	fake_libpq_answer_sync(conn);
	pool_world_ready(0);
	tap_ok(p->state == PIPELINE_IDLE && p->clock.asked_at != 0, "it is answered");
	pool_world_flush();
	tap_text(fake_libpq_sent(conn), STR("put_if_present:a sync"), "then the write is sent");
	fake_libpq_answer_error(conn, "22012", "ERROR");
	fake_libpq_answer_sync(conn);
	pool_world_ready(0);
	pool_world_flush();
	tap_text(fake_libpq_sent(conn), STR("clock sync"), "a write that was late shows that the clock is wrong");
	tap_int(p->timer.due, p->asked_at + 2 * CLOCK_S, "the answer has some time");
	p->asked_at = 1;
	pg_world_fire(&p->timer);
	tap_ok(p->state == PIPELINE_CONNECTING && t.done == 0, "a silent connection is closed, and no write with it");
	conn = fake_connect_thread_connect(DBCONN_POSTGRESQL);
	pool_world_flush();
	tap_text(fake_libpq_sent(conn), STR("put_if_present:a sync"), "it is sent over the next one");
	fake_libpq_answer_changed(conn, "1");
	fake_libpq_answer_sync(conn);
	pool_world_ready(0);
	tap_int(t.result.outcome, STORE_DONE, "and done");
	p->clock.asked_at = 0;
	pool_world_submit(&t, STORE_PUT, "a");
	pool_world_flush();
	fake_libpq_break(conn);
	pool_world_ready(0);
	tap_ok(p->state == PIPELINE_CONNECTING && t.done == 0, "a connection that breaks loses no write, either");
	fake_connect_thread_refuse("down");
	pool_world_close("clock");
}

/* A write that has no time left is not sent. */
static void
test_late_write(void)
{
	struct pg_world_ticket t;
	PGconn *conn;

	pool_world_open(STATEMENT_ROLE_WRITE, 1);
	conn = fake_connect_thread_connect(DBCONN_POSTGRESQL);
	pool_world_submit(&t, STORE_PUT, "a");
	t.t.deadline = clock_mono() + DB_CLOCK_MARGIN / 2;
	pool_world_flush();
	tap_ok(fake_libpq_sent(conn).n == 0 && t.done == 1 && t.result.outcome == STORE_UNAVAILABLE,
	    "a write without time is refused");
	pool_world_close("late write");
}

/* What would probably not be answered in time is refused: it would take its whole batch with it. */
static void
test_overload(enum statement_role role, enum store_kind kind, const char *one, const char *two)
{
	struct pg_world_ticket t[3];
	PGconn *conn;

	pool_world_open(role, 1);
	conn = fake_connect_thread_connect(DBCONN_POSTGRESQL);
	pool->shared.pace = (struct pace){ .before = 5 * CLOCK_S };
	for (int i = 0; i < 3; i++)
		pool_world_submit(&t[i], kind, "a\0b\0c" + 2 * i);
	t[0].t.deadline -= 50 * CLOCK_S;
	pool_world_flush();
	tap_ok(t[0].done == 1 && t[0].result.outcome == STORE_UNAVAILABLE, "overload: who has waited long is refused");
	tap_text(fake_libpq_sent(conn), str_of(two), "the others are sent");
	tap_ok(pool->pipeline[0].batch.due == t[1].t.deadline, "and have time");
	pool_world_answer_batch(0);
	pool->shared.pace = (struct pace){ .before = 50 * CLOCK_S };
	pool_world_submit(&t[0], kind, "a");
	pool_world_flush();
	tap_text(fake_libpq_sent(conn), str_of(one), "however slow the database was, a new one is sent");
	pool_world_answer_batch(0);
	tap_ok(pace_time(&pool->shared.pace) < 50 * CLOCK_S, "one quick answer changes that");
	pool->shared.pace = (struct pace){ 0 };
	pool_world_submit(&t[0], kind, "a");
	pool_world_submit(&t[1], kind, "b");
	t[0].t.deadline -= 50 * CLOCK_S;
	pool_world_flush();
	tap_int(pool->pipeline[0].batch.tickets.n, 2, "when nothing is known, all are sent");
	pool_world_answer_batch(0);
	pool_world_close("overload");
}

/* The last idle connection waits for operations that are likely to share its statement, see gather.h. */
static void
test_gather(void)
{
	struct pg_world_ticket t[3];
	PGconn *conn;

	pool_world_open(STATEMENT_ROLE_READ, 1);
	conn = fake_connect_thread_connect(DBCONN_COCKROACHDB);
	pool->shared.gather = (struct gather){ .expected = 2, .until = clock_mono() + 60 * CLOCK_S };
	pool_world_submit(&t[0], STORE_GET, "0");
	pool_world_flush();
	tap_text(fake_libpq_sent(conn), STR(""), "one of two has come: it waits");
	tap_ok(pool->timer.due <= pool->shared.gather.until, "and is looked at again");
	pool_world_submit(&t[1], STORE_GET, "1");
	pool_world_flush();
	tap_text(fake_libpq_sent(conn), STR("get_keys sync"), "both have come: they share a statement");
	fake_libpq_answer_row(conn, 0, NULL);
	fake_libpq_answer_sync(conn);
	pool_world_ready(0);
	pool->shared.gather = (struct gather){ .expected = 2, .until = 1 };
	pool_world_submit(&t[2], STORE_GET, "2");
	pool_world_flush();
	tap_text(fake_libpq_sent(conn), STR("get:2 sync"), "the other one does not come: it is sent");
	pool_world_answer_get(conn);
	pool_world_ready(0);
	pool_world_close("gather");
}

/* Keys of one namespace share a statement on CockroachDB, no key twice; and so do values, one statement a Sync. */
static void
test_joined_on_cockroachdb(void)
{
	struct pg_world_ticket t[6];
	PGconn *conn;

	pool_world_open(STATEMENT_ROLE_READ, 1);
	conn = fake_connect_thread_connect(DBCONN_COCKROACHDB);
	pool_world_submit(&t[0], STORE_GET, "b");
	pool_world_submit(&t[1], STORE_GET, "a");
	pool_world_submit(&t[2], STORE_GET, "b");
	pg_world_ticket(&t[3], STORE_GET, "c");
	t[3].t.op.ns = STR("other");
	pipeline_pool_submit(pool, &t[3].t);
	pool_world_flush();
	tap_text(fake_libpq_sent(conn), STR("get_keys get:b get:c sync"), "reads");
	fake_libpq_answer_row(conn, 0, NULL);
	fake_libpq_answer_row(conn, 2, pool_world_found);
	fake_libpq_answer_row(conn, 2, pool_world_found);
	fake_libpq_answer_sync(conn);
	pool_world_ready(0);
	tap_ok(t[0].done + t[1].done + t[2].done + t[3].done == 4, "all are answered");
	pool_world_close("reads on CockroachDB");

	pool_world_open(STATEMENT_ROLE_WRITE, 1);
	conn = fake_connect_thread_connect(DBCONN_COCKROACHDB);
	pool_world_submit_value(&t[0], "b", STR("v"));
	pool_world_submit_value(&t[1], "a", STR("v"));
	pool_world_submit_value(&t[2], "b", STR("w"));
	pool_world_submit(&t[3], STORE_DELETE, "c");
	pool_world_flush();
	tap_text(fake_libpq_sent(conn), STR("put_many sync put:b sync delete:c sync"), "one writing statement a Sync");
	fake_libpq_answer_error(conn, "40001", "ERROR");
	fake_libpq_answer_sync(conn);
	for (int i = 0; i < 2; i++) {
		fake_libpq_answer_changed(conn, "1");
		fake_libpq_answer_sync(conn);
	}
	pool_world_ready(0);
	pool_world_flush();
	tap_text(fake_libpq_sent(conn), STR("put:a sync"), "then one by one");
	pool_world_answer_batch(0);
	pool_world_flush();
	tap_text(fake_libpq_sent(conn), STR("put:b sync"), "until all were sent");
	pool_world_answer_batch(0);
	tap_ok(t[0].done + t[1].done + t[2].done + t[3].done == 4, "all are answered");
	pool_world_close("writes on CockroachDB");
}

/* An error that hides how the joined writes ended: none of them is sent again. */
static void
test_joined_unknown(const char *sqlstate)
{
	struct pg_world_ticket t[2];
	PGconn *conn;

	pool_world_open(STATEMENT_ROLE_WRITE, 1);
	conn = fake_connect_thread_connect(DBCONN_COCKROACHDB);
	pool_world_submit_value(&t[0], "a", STR("v"));
	pool_world_submit_value(&t[1], "b", STR("v"));
	pool_world_flush();
	tap_text(fake_libpq_sent(conn), STR("put_many sync"), "%s: one statement for both", sqlstate);
	fake_libpq_answer_error(conn, sqlstate, "ERROR");
	fake_libpq_answer_sync(conn);
	pool_world_ready(0);
	pool_world_flush();
	tap_text(fake_libpq_sent(conn), STR(""), "%s: neither is sent again", sqlstate);
	for (struct store_ticket *s = pool->shared.lost.head; s != NULL; s = s->next)
		s->pg.latest = 1; /* long ago */
	pg_world_fire(&pool->timer);
	tap_ok(t[0].done == 1 && t[1].done == 1, "%s: both are answered", sqlstate);
	tap_ok(t[0].result.outcome == STORE_UNKNOWN && t[1].result.outcome == STORE_UNKNOWN,
	    "%s: nobody knows whether they were committed", sqlstate);
	pool_world_close("joined writes of unknown outcome");
}

int
main(void)
{
	log_set_threshold(LOG_ERROR);
	pg_world_open(&world);
	test_after_crash();
	test_writes(DBCONN_POSTGRESQL, "delete:a put_if_present:b put_if_present:c sync");
	test_writes(DBCONN_COCKROACHDB, "delete:a sync put_if_present:b sync put_if_present:c sync");
	test_joined();
	test_alone();
	test_lost_write(NULL, false, true);
	test_lost_write("FATAL", false, false);
	test_lost_write("FATAL", true, true);
	test_lost_write("ERROR", false, true);
	test_unsent();
	test_asks_clock();
	test_late_write();
	test_overload(STATEMENT_ROLE_WRITE, STORE_DELETE, "delete:a sync", "delete:b delete:c sync");
	test_overload(STATEMENT_ROLE_READ, STORE_HEAD, "head:a sync", "head:b head:c sync");
	test_gather();
	test_joined_on_cockroachdb();
	test_joined_unknown("40003");
	test_joined_unknown("57014");
	pg_world_close(&world);
	return tap_end();
}
