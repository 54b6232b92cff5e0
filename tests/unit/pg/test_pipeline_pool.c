/* SPDX-License-Identifier: EPL-2.0 */
/* Connections: how they are made, used, exchanged and closed, and which batches go over them. */
#include "pg/pipeline_pool.h"

#include <stdlib.h>
#include <sys/epoll.h>

#include "lib/fake_connect_thread.h"
#include "lib/fake_libpq.h"
#include "lib/pg_world.h"
#include "lib/tap.h"

static struct pg_world world;
static struct pipeline_pool *pool;

static void
open_pool(enum statement_role role, unsigned count)
{
	pool = calloc(1, sizeof(*pool));
	if (pool == NULL)
		tap_bail("no memory");
	pipeline_pool_init(pool, role, count, 0, &world.set, &world.loop, NULL);
}

static void
close_pool(const char *name)
{
	pipeline_pool_close(pool);
	fake_connect_thread_reset();
	world.loop.timers = NULL;
	free(pool);
	tap_int(fake_libpq_connections() + fake_libpq_results(), 0, "%s: nothing is left", name);
}

static void
submit(struct pg_world_ticket *t, enum store_kind kind, const char *key)
{
	pg_world_ticket(t, kind, key);
	pipeline_pool_submit(pool, &t->t);
}

static void
submit_value(struct pg_world_ticket *t, const char *key, struct str value)
{
	pg_world_ticket(t, STORE_PUT, key);
	t->t.op.condition = STORE_ALWAYS;
	t->t.op.value = value;
	pipeline_pool_submit(pool, &t->t);
}

static void
flush(void)
{
	pipeline_pool_flush(pool, 3);
}

static void
ready(unsigned i)
{
	pg_world_ready(&pool->pipeline[i].watch);
}

static const struct str found[] = { { "0123456789abcdef", 16 }, { "value", 5 } };

static void
answer_get(PGconn *conn)
{
	fake_libpq_answer_row(conn, 2, found);
	fake_libpq_answer_sync(conn);
}

static void
test_first_connection(void)
{
	struct pg_world_ticket a, b, c;
	PGconn *conn;

	open_pool(STATEMENT_ROLE_READ, 1);
	tap_int(fake_connect_thread_orders(), 1, "the first connection is ordered at once");
	tap_ok(!pipeline_pool_is_settled(pool), "nothing is known yet");
	submit(&a, STORE_GET, "a");
	flush();
	tap_int(a.done, 0, "an operation waits for the first answer");
	fake_connect_thread_refuse("no such host");
	tap_ok(pipeline_pool_is_settled(pool), "none can be made: that is known");
	tap_int(a.result.outcome, STORE_UNAVAILABLE, "what waited is refused");
	tap_text(a.result.reason, STR("no such host"), "with the reason");
	submit(&b, STORE_GET, "b");
	tap_ok(b.done == 1 && b.result.outcome == STORE_UNAVAILABLE, "what comes is refused at once");
	flush();
	tap_int(fake_connect_thread_orders(), 1, "the connection is ordered again");
	conn = fake_connect_thread_connect(DBCONN_POSTGRESQL);
	submit(&c, STORE_GET, "c");
	flush();
	tap_text(fake_libpq_sent(conn), STR("get:c sync"), "then operations are sent");
	answer_get(conn);
	ready(0);
	tap_ok(c.done == 1 && c.result.outcome == STORE_DONE && strcmp(c.value, "value") == 0, "and answered");
	close_pool("first connection");
}

/* What arrives while a batch is in flight forms the next one. */
static void
test_batches(void)
{
	struct pg_world_ticket t[4];
	PGconn *conn;

	open_pool(STATEMENT_ROLE_READ, 1);
	conn = fake_connect_thread_connect(DBCONN_POSTGRESQL);
	submit(&t[0], STORE_GET, "0");
	flush();
	submit(&t[1], STORE_GET, "1");
	submit(&t[2], STORE_HEAD, "2");
	flush();
	tap_text(fake_libpq_sent(conn), STR("get:0 sync"), "one batch is in flight");
	tap_int(t[0].t.batch_size, 1, "its size");
	answer_get(conn);
	ready(0);
	flush();
	tap_text(fake_libpq_sent(conn), STR("get:1 head:2 sync"), "then the next one is sent");
	tap_int(t[1].t.batch_size, 2, "its size");
	fake_libpq_answer_row(conn, 2, found);
	ready(0);
	tap_int(t[1].done, 0, "nothing is answered before the Sync");
	answer_get(conn);
	ready(0);
	tap_ok(t[1].done == 1 && t[2].done == 1, "then all of it is");
	close_pool("batches");
}

/* Writes wait until those of a program that crashed can no longer begin; a connection may say that this is so. */
static void
test_after_crash(void)
{
	struct pg_world_ticket a, b;
	PGconn *conn;

	world.set.writes_from = clock_mono() + 60 * CLOCK_S;
	fake_connect_thread_writes_from(world.set.writes_from);
	open_pool(STATEMENT_ROLE_WRITE, 1);
	conn = fake_connect_thread_connect(DBCONN_POSTGRESQL);
	submit(&a, STORE_PUT, "a");
	flush();
	tap_text(fake_libpq_sent(conn), STR(""), "after a crash: a write waits");
	tap_ok(pool->timer.due <= world.set.writes_from, "and is looked at again");
	fake_connect_thread_writes_from(0);
	fake_libpq_break(conn);
	ready(0);
	conn = fake_connect_thread_connect(DBCONN_POSTGRESQL);
	submit(&b, STORE_PUT, "b");
	flush();
	tap_text(fake_libpq_sent(conn), STR("put_if_present:a put_if_present:b sync"), "until none need wait");
	fake_libpq_answer_changed(conn, "1");
	fake_libpq_answer_changed(conn, "1");
	fake_libpq_answer_sync(conn);
	ready(0);
	tap_ok(a.done == 1 && b.done == 1, "then both are done");
	world.set.writes_from = 0;
	close_pool("after a crash");
}

static void
test_writes(enum dbconn_server server, const char *want)
{
	struct pg_world_ticket c, a, b;
	PGconn *conn;

	open_pool(STATEMENT_ROLE_WRITE, 1);
	conn = fake_connect_thread_connect(server);
	submit(&c, STORE_PUT, "c");
	submit(&a, STORE_DELETE, "a");
	submit(&b, STORE_PUT, "b");
	flush();
	tap_text(fake_libpq_sent(conn), str_of(want), "writes are sorted, and in as many transactions as they may be");
	for (int i = 0; i < 3; i++) {
		fake_libpq_answer_changed(conn, "1");
		if (server == DBCONN_COCKROACHDB || i == 2)
			fake_libpq_answer_sync(conn);
	}
	ready(0);
	tap_ok(a.done == 1 && b.done == 1 && c.done == 1, "all are answered");
	close_pool("writes");
}

/* Of a TLS record that libpq did not read as a whole, the socket shows nothing. */
static void
test_rest_of_record(void)
{
	struct pg_world_ticket t[2];
	PGconn *conn;

	open_pool(STATEMENT_ROLE_READ, 1);
	conn = fake_connect_thread_connect(DBCONN_COCKROACHDB);
	fake_libpq_split(conn);
	submit(&t[0], STORE_GET, "a");
	submit(&t[1], STORE_HEAD, "b");
	flush();
	fake_libpq_answer_row(conn, 2, found);
	fake_libpq_answer_row(conn, 2, found);
	fake_libpq_answer_sync(conn);
	ready(0);
	tap_ok(t[0].done == 1 && t[1].done == 1, "what OpenSSL holds back is read, too");
	tap_int(pool->pipeline[0].state, PIPELINE_IDLE, "up to the end of the batch");
	close_pool("a TLS record");
}

/* Which of the joined has failed is not known: each is sent alone, in a transaction of its own. */
static void
test_joined(void)
{
	struct pg_world_ticket t[3];
	PGconn *conn;

	open_pool(STATEMENT_ROLE_WRITE, 1);
	conn = fake_connect_thread_connect(DBCONN_POSTGRESQL);
	submit_value(&t[0], "a", STR("v"));
	submit_value(&t[1], "b", STR("v"));
	submit_value(&t[2], "b", STR("w"));
	flush();
	tap_text(fake_libpq_sent(conn), STR("put_many put:b sync"), "no key is twice in a statement");
	fake_libpq_answer_error(conn, "54000", "ERROR");
	fake_libpq_answer_aborted(conn);
	fake_libpq_answer_sync(conn);
	ready(0);
	flush();
	tap_text(fake_libpq_sent(conn), STR("put:a sync put:b sync put:b sync"), "then each is alone");
	fake_libpq_answer_changed(conn, "1");
	fake_libpq_answer_sync(conn);
	fake_libpq_answer_error(conn, "54000", "ERROR");
	fake_libpq_answer_sync(conn);
	fake_libpq_answer_changed(conn, "1");
	fake_libpq_answer_sync(conn);
	ready(0);
	tap_ok(t[0].result.outcome == STORE_DONE && t[1].result.outcome == STORE_TOO_LONG &&
		t[2].result.outcome == STORE_DONE,
	    "and each has its own outcome");
	tap_text(str_of(t[1].t.sqlstate), STR("54000"), "and SQLSTATE");
	tap_text(str_of(t[0].t.sqlstate), STR(""), "but not that of an attempt before");
	close_pool("joined");
}

/* One that is to be alone shares no transaction with those in front of it and behind it, either. */
static void
test_alone(void)
{
	struct pg_world_ticket a, b, c;
	PGconn *conn;

	open_pool(STATEMENT_ROLE_WRITE, 1);
	conn = fake_connect_thread_connect(DBCONN_POSTGRESQL);
	submit(&b, STORE_PUT, "b");
	flush();
	(void)fake_libpq_sent(conn);
	fake_libpq_answer_error(conn, "40001", "ERROR");
	fake_libpq_answer_sync(conn);
	ready(0);
	submit_value(&a, "a", STR("v"));
	submit(&c, STORE_PUT, "c");
	flush();
	tap_text(fake_libpq_sent(conn), STR("put:a sync put_if_present:b sync put_if_present:c sync"), "alone");
	for (int i = 0; i < 3; i++) {
		fake_libpq_answer_changed(conn, "1");
		fake_libpq_answer_sync(conn);
	}
	ready(0);
	tap_ok(a.done == 1 && b.done == 1 && c.done == 1, "all are answered");
	close_pool("alone");
}

static void
test_deadlines(void)
{
	struct pg_world_ticket sent, waiting, later;

	open_pool(STATEMENT_ROLE_WRITE, 1);
	(void)fake_connect_thread_connect(DBCONN_POSTGRESQL);
	submit(&sent, STORE_PUT, "a");
	flush();
	tap_int(pool->pipeline[0].timer.due, sent.t.deadline, "the deadline of a batch in flight is known");
	submit(&later, STORE_PUT, "b");
	pg_world_ticket(&waiting, STORE_PUT, "c");
	waiting.t.deadline = 1;
	pipeline_pool_submit(pool, &waiting.t);
	tap_int(pool->timer.due, 1, "the timer knows the first deadline, wherever that ticket stands");
	pg_world_fire(&pool->timer);
	tap_ok(waiting.done == 1 && waiting.result.outcome == STORE_UNAVAILABLE, "what was never sent is refused");
	tap_int(pool->timer.due, later.t.deadline, "and the next deadline is known");
	pool->pipeline[0].batch.due = sent.t.pg.latest = 1;
	pg_world_fire(&pool->pipeline[0].timer);
	tap_ok(sent.done == 1 && sent.result.outcome == STORE_UNKNOWN, "a write in flight is of unknown outcome");
	tap_int(pool->pipeline[0].state, PIPELINE_CONNECTING, "and its connection is closed, another one ordered");
	tap_int(later.done, 0, "what waits goes on waiting");
	fake_connect_thread_refuse("down");
	tap_int(later.result.outcome, STORE_UNAVAILABLE, "until it is known that there is none");
	close_pool("deadlines");
}

/* Some errors say that this connection is of no use. */
static void
test_closing_error(void)
{
	int delays = fake_connect_thread_delays();
	struct pg_world_ticket t;
	PGconn *conn;

	open_pool(STATEMENT_ROLE_WRITE, 1);
	conn = fake_connect_thread_connect(DBCONN_POSTGRESQL);
	submit(&t, STORE_PUT, "a");
	flush();
	fake_libpq_answer_error(conn, "25006", "ERROR");
	ready(0);
	tap_int(pool->pipeline[0].state, PIPELINE_WAITING, "the batch goes on to its end");
	fake_libpq_answer_sync(conn);
	ready(0);
	tap_int(pool->pipeline[0].state, PIPELINE_CONNECTING, "then the connection is closed");
	tap_int(fake_connect_thread_delays(), delays + 1, "another one is ordered, delayed");
	conn = fake_connect_thread_connect(DBCONN_POSTGRESQL);
	flush();
	tap_text(fake_libpq_sent(conn), STR("put_if_present:a sync"), "for what is sent again");
	fake_libpq_answer_changed(conn, "1");
	fake_libpq_answer_sync(conn);
	ready(0);
	tap_int(t.result.outcome, STORE_DONE, "and ends well");
	close_pool("closing error");
}

static void
test_full_socket(void)
{
	struct pg_world_ticket t;
	struct pipeline *p;
	PGconn *conn;

	open_pool(STATEMENT_ROLE_WRITE, 1);
	p = &pool->pipeline[0];
	conn = fake_connect_thread_connect(DBCONN_POSTGRESQL);
	fake_libpq_fill(conn, true);
	submit(&t, STORE_PUT, "a");
	flush();
	tap_int(p->state, PIPELINE_SENDING, "libpq holds bytes");
	p->watch.ready(&p->watch, EPOLLOUT);
	tap_int(p->state, PIPELINE_SENDING, "it still does");
	fake_libpq_fill(conn, false);
	p->watch.ready(&p->watch, EPOLLOUT);
	tap_int(p->state, PIPELINE_WAITING, "all is sent");
	fake_libpq_answer_changed(conn, "1");
	fake_libpq_answer_sync(conn);
	ready(0);
	tap_int(p->state, PIPELINE_IDLE, "and answered");
	/* libpq hands bytes to the socket when it reads, too */
	fake_libpq_fill(conn, true);
	submit(&t, STORE_PUT, "a");
	flush();
	fake_libpq_answer_changed(conn, "1");
	fake_libpq_answer_sync(conn);
	ready(0);
	tap_int(p->state, PIPELINE_IDLE, "answered before it was known to be sent");
	close_pool("full socket");
}

/* The database ends an idle connection, and later one that came too late is closed. */
static void
test_idle_loss(void)
{
	PGconn *conn;

	open_pool(STATEMENT_ROLE_WRITE, 1);
	conn = fake_connect_thread_connect(DBCONN_POSTGRESQL);
	fake_libpq_break(conn);
	ready(0);
	tap_int(pool->pipeline[0].state, PIPELINE_CONNECTING, "an idle connection that is lost is ordered again");
	ready(0);
	tap_int(pool->pipeline[0].state, PIPELINE_CONNECTING, "an event of a descriptor that is closed does nothing");
	close_pool("idle loss");
}

/* A connection that could be made but was of no use must not be made again at once, without end. */
static void
test_useless(void)
{
	int delays = fake_connect_thread_delays(), useful = fake_connect_thread_useful();
	struct pg_world_ticket t;
	PGconn *conn;

	open_pool(STATEMENT_ROLE_READ, 2);
	fake_libpq_break(fake_connect_thread_connect(DBCONN_POSTGRESQL));
	ready(0);
	tap_int(fake_connect_thread_delays(), delays + 1, "lost as soon as it was made: the next one is delayed");
	conn = fake_connect_thread_connect(DBCONN_POSTGRESQL);
	submit(&t, STORE_GET, "a");
	flush();
	fake_libpq_break(conn);
	ready(0);
	tap_int(fake_connect_thread_delays(), delays + 2, "lost with its first operation: too");
	conn = fake_connect_thread_connect(DBCONN_POSTGRESQL);
	flush();
	answer_get(conn);
	ready(0);
	fake_libpq_break(conn);
	ready(0);
	tap_int(fake_connect_thread_delays(), delays + 2, "one that has brought an answer: not");
	conn = fake_connect_thread_connect(DBCONN_POSTGRESQL);
	pool->pipeline[0].made_at = clock_mono() - DB_CLOSE_YOUNG;
	fake_libpq_break(conn);
	ready(0);
	tap_int(fake_connect_thread_delays(), delays + 2, "one that lasted a second: not");
	tap_int(fake_connect_thread_useful(), useful + 2, "both of these were of use");
	(void)fake_connect_thread_connect(DBCONN_POSTGRESQL);
	pool->pipeline[0].old_at = 1;
	pg_world_fire(&pool->pipeline[0].timer);
	(void)fake_connect_thread_connect(DBCONN_POSTGRESQL);
	tap_int(fake_connect_thread_delays(), delays + 2, "one that another takes the place of: not");
	fake_libpq_break(pool->pipeline[0].conn);
	ready(0);
	tap_int(fake_connect_thread_delays(), delays + 3, "that other one is lost at once: delayed");
	world.loop.epoll = -1 - world.loop.epoll;
	(void)fake_connect_thread_connect(DBCONN_POSTGRESQL);
	tap_int(fake_connect_thread_delays(), delays + 4, "epoll refuses the descriptor of each: delayed");
	world.loop.epoll = -1 - world.loop.epoll;
	close_pool("useless");
	tap_int(fake_connect_thread_delays(), delays + 4, "at the end: nothing is delayed");
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

	open_pool(STATEMENT_ROLE_WRITE, 1);
	conn = fake_connect_thread_connect(DBCONN_POSTGRESQL);
	pool->pipeline[0].pooled = pooled;
	submit(&t, STORE_PUT, "a");
	flush();
	tap_ok(t.t.pg.latest <= t.t.deadline && t.t.pg.latest <= clock_mono() + world.set.write_time + DB_CLOCK_MARGIN,
	    "it has to begin in time");
	if (severity != NULL)
		fake_libpq_answer_error(conn, "57P01", severity);
	fake_libpq_break(conn);
	ready(0);
	flush();
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
	close_pool("lost write");
}

/* Before writes, when it is long ago that the database's time was asked for. */
static void
test_asks_clock(void)
{
	static const struct str time = { "\0\0\0\0\0\0\0\1", 8 };
	struct pg_world_ticket t;
	struct pipeline *p;
	PGconn *conn;

	open_pool(STATEMENT_ROLE_WRITE, 1);
	p = &pool->pipeline[0];
	conn = fake_connect_thread_connect(DBCONN_POSTGRESQL);
	p->clock.asked_at = 0;
	fake_libpq_split(conn); /* the answer comes in one TLS record, which is not read at once */
	submit(&t, STORE_PUT, "a");
	flush();
	tap_text(fake_libpq_sent(conn), STR("clock sync"), "the time is asked for first");
	tap_int(p->state, PIPELINE_ASKING, "and nothing else is sent");
	flush();
	fake_libpq_answer_row(conn, 1, &time);
	fake_libpq_answer_sync(conn);
	ready(0);
	tap_ok(p->state == PIPELINE_IDLE && p->clock.asked_at != 0, "it is answered");
	flush();
	tap_text(fake_libpq_sent(conn), STR("put_if_present:a sync"), "then the write is sent");
	fake_libpq_answer_error(conn, "22012", "ERROR");
	fake_libpq_answer_sync(conn);
	ready(0);
	flush();
	tap_text(fake_libpq_sent(conn), STR("clock sync"), "a write that was late shows that the clock is wrong");
	tap_int(p->timer.due, p->asked_at + 2 * CLOCK_S, "the answer has some time");
	p->asked_at = 1;
	pg_world_fire(&p->timer);
	tap_ok(p->state == PIPELINE_CONNECTING && t.done == 0, "a silent connection is closed, and no write with it");
	conn = fake_connect_thread_connect(DBCONN_POSTGRESQL);
	flush();
	tap_text(fake_libpq_sent(conn), STR("put_if_present:a sync"), "it is sent over the next one");
	fake_libpq_answer_changed(conn, "1");
	fake_libpq_answer_sync(conn);
	ready(0);
	tap_int(t.result.outcome, STORE_DONE, "and done");
	p->clock.asked_at = 0;
	submit(&t, STORE_PUT, "a");
	flush();
	fake_libpq_break(conn);
	ready(0);
	tap_ok(p->state == PIPELINE_CONNECTING && t.done == 0, "a connection that breaks loses no write, either");
	fake_connect_thread_refuse("down");
	close_pool("clock");
}

/* A write that has no time left is not sent. */
static void
test_late_write(void)
{
	struct pg_world_ticket t;
	PGconn *conn;

	open_pool(STATEMENT_ROLE_WRITE, 1);
	conn = fake_connect_thread_connect(DBCONN_POSTGRESQL);
	submit(&t, STORE_PUT, "a");
	t.t.deadline = clock_mono() + DB_CLOCK_MARGIN / 2;
	flush();
	tap_ok(fake_libpq_sent(conn).n == 0 && t.done == 1 && t.result.outcome == STORE_UNAVAILABLE,
	    "a write without time is refused");
	close_pool("late write");
}

static char large[PIPELINE_LARGE_VALUE];

/* Large values go over other connections than small ones, in equal parts. */
static void
test_large_writes(void)
{
	struct pg_world_ticket t[4], small;
	struct str value = str_from(large, sizeof(large));
	PGconn *first, *second, *third;

	open_pool(STATEMENT_ROLE_WRITE, 3);
	first = fake_connect_thread_connect(DBCONN_POSTGRESQL);
	submit_value(&t[0], "0", value);
	flush();
	tap_text(fake_libpq_sent(first), STR("put:0 sync"), "over the first, while there is no other");
	tap_int(fake_connect_thread_orders(), 1, "which is ordered");
	second = fake_connect_thread_connect(DBCONN_POSTGRESQL);
	submit_value(&t[1], "1", value);
	submit_value(&t[2], "2", value);
	flush();
	tap_int(fake_connect_thread_orders(), 1, "one more is ordered, one by one");
	tap_text(fake_libpq_sent(second), STR("put:1 put:2 sync"), "then over the other");
	third = fake_connect_thread_connect(DBCONN_POSTGRESQL);
	fake_libpq_answer_changed(first, "1");
	fake_libpq_answer_sync(first);
	ready(0);
	submit_value(&t[3], "3", value);
	submit_value(&small, "s", STR("v"));
	flush();
	tap_text(fake_libpq_sent(third), STR("put:3 sync"), "over the third");
	tap_text(fake_libpq_sent(first), STR("put:s sync"), "while a small one goes over the first");
	fake_libpq_answer_changed(first, "1");
	fake_libpq_answer_sync(first);
	ready(0);
	tap_int(small.done, 1, "and has not waited");
	for (int i = 0; i < 2; i++)
		fake_libpq_answer_changed(second, "1");
	fake_libpq_answer_sync(second);
	fake_libpq_answer_changed(third, "1");
	fake_libpq_answer_sync(third);
	ready(1);
	ready(2);
	tap_ok(t[1].done == 1 && t[2].done == 1 && t[3].done == 1, "all are answered");
	pool->pipeline[2].used_at -= PIPELINE_UNUSED;
	pg_world_fire(&pool->pipeline[2].timer);
	tap_int(pool->pipeline[2].state, PIPELINE_CLOSED, "a connection that is unused is closed");
	pg_world_fire(&pool->pipeline[0].timer);
	tap_int(pool->pipeline[0].state, PIPELINE_IDLE, "but not the first");
	close_pool("large writes");
}

/* libpq's buffers shrink with a new connection only, which takes the place of the old one between two batches. */
static void
test_exchange(void)
{
	static char huge[PIPELINE_LARGE_MESSAGE + 1];
	struct pg_world_ticket t;
	PGconn *conn, *fresh;

	open_pool(STATEMENT_ROLE_WRITE, 1);
	conn = fake_connect_thread_connect(DBCONN_POSTGRESQL);
	submit_value(&t, "k", str_from(huge, sizeof(huge)));
	flush();
	fake_libpq_answer_changed(conn, "1");
	fake_libpq_answer_sync(conn);
	ready(0);
	tap_ok(pool->pipeline[0].timer.due != TIMER_OFF, "the buffers have grown");
	pool->pipeline[0].large_at = 1;
	pg_world_fire(&pool->pipeline[0].timer);
	tap_int(fake_connect_thread_orders(), 1, "another connection is ordered");
	fake_connect_thread_refuse("too many");
	tap_ok(pool->pipeline[0].conn == conn && !pool->down, "none now: the old one stays");
	pool->pipeline[0].large_at = 1;
	pg_world_fire(&pool->pipeline[0].timer);
	(void)fake_libpq_sent(conn);
	submit_value(&t, "k", STR("v"));
	flush();
	fresh = fake_connect_thread_connect(DBCONN_POSTGRESQL);
	tap_ok(pool->pipeline[0].conn == conn, "not under a batch");
	tap_text(fake_libpq_sent(conn), STR("put:k sync"), "which is on the old one");
	fake_libpq_answer_changed(conn, "1");
	fake_libpq_answer_sync(conn);
	ready(0);
	tap_ok(t.done == 1 && pool->pipeline[0].conn == fresh, "behind it");
	tap_int(fake_libpq_connections(), 1, "and the old one is closed");
	/* one that is lost meanwhile is replaced by what was ordered already */
	pool->pipeline[0].large_at = 1;
	pg_world_fire(&pool->pipeline[0].timer);
	fake_libpq_break(fresh);
	ready(0);
	tap_int(fake_connect_thread_orders(), 1, "lost while another one is ordered: no second order");
	fresh = fake_connect_thread_connect(DBCONN_POSTGRESQL);
	tap_ok(pool->pipeline[0].conn == fresh && pool->pipeline[0].state == PIPELINE_IDLE, "which is used");
	close_pool("exchange");
}

/* While large values are read, several connections read them. */
static void
test_large_reads(void)
{
	struct pg_world_ticket t[5];
	const struct str row[] = { { "0123456789abcdef", 16 }, { large, sizeof(large) } };
	PGconn *first, *second;

	open_pool(STATEMENT_ROLE_READ, 2);
	first = fake_connect_thread_connect(DBCONN_POSTGRESQL);
	submit(&t[0], STORE_GET, "0");
	flush();
	tap_int(fake_connect_thread_orders(), 0, "one connection is enough for values of any size, as far as is known");
	fake_libpq_answer_row(first, 2, row);
	fake_libpq_answer_sync(first);
	ready(0);
	for (int i = 1; i < 5; i++)
		submit(&t[i], STORE_HEAD, "h");
	flush();
	tap_int(fake_connect_thread_orders(), 1, "they are large: another one is ordered");
	second = fake_connect_thread_connect(DBCONN_POSTGRESQL);
	for (int i = 0; i < 4; i++)
		fake_libpq_answer_row(first, 2, found);
	fake_libpq_answer_sync(first);
	ready(0);
	(void)fake_libpq_sent(first);
	for (int i = 1; i < 5; i++)
		submit(&t[i], STORE_HEAD, "h");
	flush();
	tap_text(fake_libpq_sent(first), STR("head:h head:h sync"), "half of the reads");
	tap_text(fake_libpq_sent(second), STR("head:h head:h sync"), "and the other half");
	for (int i = 0; i < 2; i++) {
		fake_libpq_answer_row(first, 2, found);
		fake_libpq_answer_row(second, 2, found);
	}
	fake_libpq_answer_sync(first);
	fake_libpq_answer_sync(second);
	ready(0);
	ready(1);
	tap_ok(pipeline_pool_is_idle(pool), "all are answered");
	pool->shared.largest_until = 1;
	pg_world_fire(&pool->forget);
	tap_int((int64_t)pool->shared.largest, 0, "then that is forgotten");
	close_pool("large reads");
}

/* Answers what is in flight on a connection as changed or found. */
static void
answer_batch(unsigned i)
{
	struct pipeline *p = &pool->pipeline[i];

	for (const struct store_ticket *t = p->batch.tickets.head; t != NULL; t = t->next) {
		if (t->pg.joined == 0)
			continue;
		if (store_writes(&t->op))
			fake_libpq_answer_changed(p->conn, "1");
		else
			fake_libpq_answer_row(p->conn, 2, found);
		while (t->next != NULL && t->next->pg.joined == 0)
			t = t->next;
		if (t->pg.last)
			fake_libpq_answer_sync(p->conn);
	}
	ready(i);
}

/* As if the last batches had taken long. */
static void
flush_slow(unsigned most)
{
	pool->shared.pace = (struct pace){ .before = 5 * CLOCK_MS };
	pipeline_pool_flush(pool, most);
}

/* Batches that take long, whatever is in them: several connections hide that. */
static void
test_slow_database(void)
{
	struct pg_world_ticket t[8];
	PGconn *first;

	open_pool(STATEMENT_ROLE_WRITE, 3);
	first = fake_connect_thread_connect(DBCONN_POSTGRESQL);
	submit(&t[0], STORE_PUT, "0");
	flush();
	submit(&t[1], STORE_PUT, "1");
	pool->pipeline[0].used_at += 10 * CLOCK_S; /* so that the batch is surely not held up yet */
	flush();
	pool->pipeline[0].used_at -= 10 * CLOCK_S;
	tap_int(fake_connect_thread_orders(), 0, "on a quick database one connection is enough");
	(void)fake_libpq_sent(first);
	answer_batch(0);
	flush();
	answer_batch(0);
	for (int i = 0; i < 6; i++)
		submit(&t[i], STORE_PUT, "012345" + i);
	flush_slow(3);
	tap_int(fake_connect_thread_orders(), 1, "on a slow one another is ordered");
	answer_batch(0);
	(void)fake_connect_thread_connect(DBCONN_POSTGRESQL);
	for (int i = 0; i < 6; i++)
		submit(&t[i], STORE_PUT, "012345" + i);
	flush_slow(3);
	tap_int((int64_t)pool->pipeline[0].batch.size, 3, "and has half of the operations");
	tap_int((int64_t)pool->pipeline[1].batch.size, 3, "as the first one");
	tap_int(fake_connect_thread_orders(), 1, "one more is ordered");
	answer_batch(0);
	answer_batch(1);
	fake_connect_thread_refuse("too many");
	tap_ok(!pool->down, "which cannot be made: that does no harm");
	submit(&t[0], STORE_PUT, "0");
	flush_slow(2);
	tap_int(fake_connect_thread_orders(), 0, "none is ordered for a single operation");
	answer_batch(0);
	pipeline_pool_give_up_one(pool);
	tap_int(pool->pipeline[1].state, PIPELINE_IDLE, "one that was just used is not given up");
	pool->pipeline[1].used_at -= PIPELINE_SPARE;
	pipeline_pool_give_up_one(pool);
	tap_int(pool->pipeline[1].state, PIPELINE_CLOSED, "but one that was not");
	pipeline_pool_give_up_one(pool);
	tap_int(pool->pipeline[0].state, PIPELINE_IDLE, "and never the first");
	for (int i = 0; i < 6; i++)
		submit(&t[i], STORE_PUT, "012345" + i);
	flush_slow(1);
	tap_int(fake_connect_thread_orders(), 0, "no more than are allowed");
	tap_ok(pipeline_pool_wants_another(pool), "though it would be used");
	answer_batch(0);
	close_pool("slow database");
}

static void
submit_many(struct pg_world_ticket *t)
{
	for (int i = 0; i < 6; i++)
		submit(&t[i], STORE_PUT, "012345" + i);
	flush_slow(3);
}

/* Connections are made one at a time, also where one that is being made has its place behind one that is closed. */
static void
test_one_at_a_time(void)
{
	struct pg_world_ticket t[6];

	open_pool(STATEMENT_ROLE_WRITE, 3);
	(void)fake_connect_thread_connect(DBCONN_POSTGRESQL);
	submit_many(t);
	answer_batch(0);
	(void)fake_connect_thread_connect(DBCONN_POSTGRESQL);
	submit_many(t);
	answer_batch(0);
	answer_batch(1);
	tap_int(pool->pipeline[2].state, PIPELINE_CONNECTING, "the third connection is being made");
	fake_libpq_break(pool->pipeline[1].conn);
	ready(1);
	submit_many(t);
	answer_batch(0);
	tap_int(pool->pipeline[1].state, PIPELINE_CLOSED, "the second, which is lost meanwhile, has to wait");
	(void)fake_connect_thread_connect(DBCONN_POSTGRESQL);
	submit_many(t);
	answer_batch(0);
	answer_batch(2);
	tap_int(pool->pipeline[1].state, PIPELINE_CONNECTING, "until the third is there");
	close_pool("one at a time");
}

/* A batch that is held up holds no others up. */
static void
test_held_up(void)
{
	struct pg_world_ticket a, b;
	PGconn *second;

	open_pool(STATEMENT_ROLE_WRITE, 2);
	(void)fake_connect_thread_connect(DBCONN_POSTGRESQL);
	submit(&a, STORE_PUT, "a");
	flush();
	pool->pipeline[0].used_at += 10 * CLOCK_S; /* so that the batch is surely not held up yet */
	submit(&b, STORE_PUT, "b");
	flush();
	tap_int(fake_connect_thread_orders(), 0, "not at once");
	tap_int(pool->timer.due, pool->pipeline[0].used_at + 11 * CLOCK_MS, "but the timer knows when");
	pool->pipeline[0].used_at -= 11 * CLOCK_S;
	flush();
	tap_int(fake_connect_thread_orders(), 1, "another connection is ordered");
	second = fake_connect_thread_connect(DBCONN_POSTGRESQL);
	flush();
	tap_text(fake_libpq_sent(second), STR("put_if_present:b sync"), "for what waits behind it");
	answer_batch(1);
	tap_ok(b.done == 1 && a.done == 0, "which ends first");
	answer_batch(0);
	close_pool("held up");
}

/* A connection whose time is over is exchanged while it is idle. */
static void
test_lifetime(void)
{
	PGconn *conn, *fresh;
	struct pipeline *p;

	open_pool(STATEMENT_ROLE_WRITE, 1);
	p = &pool->pipeline[0];
	pool->shared.lifetime = SETTING_LIFETIME_AUTO;
	conn = fake_connect_thread_connect(DBCONN_POSTGRESQL);
	tap_ok(p->old_at == TIMER_OFF, "auto: never on PostgreSQL");
	fake_libpq_break(conn);
	ready(0);
	conn = fake_connect_thread_connect(DBCONN_COCKROACHDB);
	tap_ok(p->old_at - p->used_at <= 600 * CLOCK_S && p->old_at - p->used_at >= 450 * CLOCK_S,
	    "auto: ten minutes at most on CockroachDB");
	p->old_at = 1;
	pg_world_fire(&p->timer);
	tap_ok(p->conn == conn && fake_connect_thread_orders() == 1, "another one is ordered");
	fake_connect_thread_refuse("too many");
	tap_ok(p->conn == conn && p->old_at > 1, "none now: later");
	p->old_at = 1;
	pg_world_fire(&p->timer);
	fresh = fake_connect_thread_connect(DBCONN_COCKROACHDB);
	tap_ok(p->conn == fresh && fake_libpq_connections() == 1, "it takes the place of the old one");
	pool->shared.lifetime = 0;
	fake_libpq_break(fresh);
	ready(0);
	(void)fake_connect_thread_connect(DBCONN_COCKROACHDB);
	tap_ok(p->old_at == TIMER_OFF, "off: never");
	close_pool("lifetime");
}

/* Keys of one namespace share a statement on CockroachDB, no key twice; and so do values, one statement a Sync. */
static void
test_joined_on_cockroachdb(void)
{
	struct pg_world_ticket t[6];
	PGconn *conn;

	open_pool(STATEMENT_ROLE_READ, 1);
	conn = fake_connect_thread_connect(DBCONN_COCKROACHDB);
	submit(&t[0], STORE_GET, "b");
	submit(&t[1], STORE_GET, "a");
	submit(&t[2], STORE_GET, "b");
	pg_world_ticket(&t[3], STORE_GET, "c");
	t[3].t.op.ns = STR("other");
	pipeline_pool_submit(pool, &t[3].t);
	flush();
	tap_text(fake_libpq_sent(conn), STR("get_keys get:b get:c sync"), "reads");
	fake_libpq_answer_row(conn, 0, NULL);
	fake_libpq_answer_row(conn, 2, found);
	fake_libpq_answer_row(conn, 2, found);
	fake_libpq_answer_sync(conn);
	ready(0);
	tap_ok(t[0].done + t[1].done + t[2].done + t[3].done == 4, "all are answered");
	close_pool("reads on CockroachDB");

	open_pool(STATEMENT_ROLE_WRITE, 1);
	conn = fake_connect_thread_connect(DBCONN_COCKROACHDB);
	submit_value(&t[0], "b", STR("v"));
	submit_value(&t[1], "a", STR("v"));
	submit_value(&t[2], "b", STR("w"));
	submit(&t[3], STORE_DELETE, "c");
	flush();
	tap_text(fake_libpq_sent(conn), STR("put_many sync put:b sync delete:c sync"), "one writing statement a Sync");
	fake_libpq_answer_error(conn, "40001", "ERROR");
	fake_libpq_answer_sync(conn);
	for (int i = 0; i < 2; i++) {
		fake_libpq_answer_changed(conn, "1");
		fake_libpq_answer_sync(conn);
	}
	ready(0);
	flush();
	tap_text(fake_libpq_sent(conn), STR("put:a sync put:b sync"), "then one by one");
	answer_batch(0);
	tap_ok(t[0].done + t[1].done + t[2].done + t[3].done == 4, "all are answered");
	close_pool("writes on CockroachDB");
}

/* An error that hides how the joined writes ended: none of them is sent again. */
static void
test_joined_unknown(const char *sqlstate)
{
	struct pg_world_ticket t[2];
	PGconn *conn;

	open_pool(STATEMENT_ROLE_WRITE, 1);
	conn = fake_connect_thread_connect(DBCONN_COCKROACHDB);
	submit_value(&t[0], "a", STR("v"));
	submit_value(&t[1], "b", STR("v"));
	flush();
	tap_text(fake_libpq_sent(conn), STR("put_many sync"), "%s: one statement for both", sqlstate);
	fake_libpq_answer_error(conn, sqlstate, "ERROR");
	fake_libpq_answer_sync(conn);
	ready(0);
	flush();
	tap_text(fake_libpq_sent(conn), STR(""), "%s: neither is sent again", sqlstate);
	for (struct store_ticket *s = pool->shared.lost.head; s != NULL; s = s->next)
		s->pg.latest = 1; /* long ago */
	pg_world_fire(&pool->timer);
	tap_ok(t[0].done == 1 && t[1].done == 1, "%s: both are answered", sqlstate);
	tap_ok(t[0].result.outcome == STORE_UNKNOWN && t[1].result.outcome == STORE_UNKNOWN,
	    "%s: nobody knows whether they were committed", sqlstate);
	close_pool("joined writes of unknown outcome");
}

/* The last idle connection waits for operations that are likely to share its statement, see gather.h. */
static void
test_gather(void)
{
	struct pg_world_ticket t[3];
	PGconn *conn;

	open_pool(STATEMENT_ROLE_READ, 1);
	conn = fake_connect_thread_connect(DBCONN_COCKROACHDB);
	pool->shared.gather = (struct gather){ .expected = 2, .until = clock_mono() + 60 * CLOCK_S };
	submit(&t[0], STORE_GET, "0");
	flush();
	tap_text(fake_libpq_sent(conn), STR(""), "one of two has come: it waits");
	tap_ok(pool->timer.due <= pool->shared.gather.until, "and is looked at again");
	submit(&t[1], STORE_GET, "1");
	flush();
	tap_text(fake_libpq_sent(conn), STR("get_keys sync"), "both have come: they share a statement");
	fake_libpq_answer_row(conn, 0, NULL);
	fake_libpq_answer_sync(conn);
	ready(0);
	pool->shared.gather = (struct gather){ .expected = 2, .until = 1 };
	submit(&t[2], STORE_GET, "2");
	flush();
	tap_text(fake_libpq_sent(conn), STR("get:2 sync"), "the other one does not come: it is sent");
	answer_get(conn);
	ready(0);
	close_pool("gather");
}

int
main(void)
{
	log_set_threshold(LOG_ERROR);
	pg_world_open(&world);
	test_first_connection();
	test_batches();
	test_after_crash();
	test_writes(DBCONN_POSTGRESQL, "delete:a put_if_present:b put_if_present:c sync");
	test_writes(DBCONN_COCKROACHDB, "delete:a sync put_if_present:b sync put_if_present:c sync");
	test_rest_of_record();
	test_joined();
	test_alone();
	test_deadlines();
	test_closing_error();
	test_full_socket();
	test_idle_loss();
	test_useless();
	test_lost_write(NULL, false, true);
	test_lost_write("FATAL", false, false);
	test_lost_write("FATAL", true, true);
	test_lost_write("ERROR", false, true);
	test_asks_clock();
	test_late_write();
	test_large_writes();
	test_exchange();
	test_large_reads();
	test_slow_database();
	test_one_at_a_time();
	test_held_up();
	test_gather();
	test_lifetime();
	test_joined_on_cockroachdb();
	test_joined_unknown("40003");
	test_joined_unknown("57014");
	pg_world_close(&world);
	return tap_end();
}
