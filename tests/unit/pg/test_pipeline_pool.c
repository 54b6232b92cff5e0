/* SPDX-License-Identifier: EPL-2.0 */
/* Connections: how they are made, used, exchanged and closed. */
#include <sys/epoll.h>

#include "lib/pool_world.h"

static void
test_first_connection(void)
{
	struct pg_world_ticket a, b, c;
	PGconn *conn;

	pool_world_open(STATEMENT_ROLE_READ, 1);
	tap_int(fake_connect_thread_orders(), 1, "the first connection is ordered at once");
	tap_ok(!pipeline_pool_is_settled(pool), "nothing is known yet");
	pool_world_submit(&a, STORE_GET, "a");
	pool_world_flush();
	tap_int(a.done, 0, "an operation waits for the first answer");
	fake_connect_thread_refuse("no such host");
	tap_ok(pipeline_pool_is_settled(pool), "none can be made: that is known");
	tap_int(a.result.outcome, STORE_UNAVAILABLE, "what waited is refused");
	tap_text(a.result.reason, STR("no such host"), "with the reason");
	pool_world_submit(&b, STORE_GET, "b");
	tap_ok(b.done == 1 && b.result.outcome == STORE_UNAVAILABLE, "what comes is refused at once");
	pool_world_flush();
	tap_int(fake_connect_thread_orders(), 1, "the connection is ordered again");
	conn = fake_connect_thread_connect(DBCONN_POSTGRESQL);
	pool_world_submit(&c, STORE_GET, "c");
	pool_world_flush();
	tap_text(fake_libpq_sent(conn), STR("get:c sync"), "then operations are sent");
	pool_world_answer_get(conn);
	pool_world_ready(0);
	tap_ok(c.done == 1 && c.result.outcome == STORE_DONE && strcmp(c.value, "value") == 0, "and answered");
	pool_world_close("first connection");
}

/* What arrives while a batch is in flight forms the next one. */
static void
test_batches(void)
{
	struct pg_world_ticket t[4];
	PGconn *conn;

	pool_world_open(STATEMENT_ROLE_READ, 1);
	conn = fake_connect_thread_connect(DBCONN_POSTGRESQL);
	pool_world_submit(&t[0], STORE_GET, "0");
	pool_world_flush();
	pool_world_submit(&t[1], STORE_GET, "1");
	pool_world_submit(&t[2], STORE_HEAD, "2");
	pool_world_flush();
	tap_text(fake_libpq_sent(conn), STR("get:0 sync"), "one batch is in flight");
	tap_int(t[0].t.batch_size, 1, "its size");
	pool_world_answer_get(conn);
	pool_world_ready(0);
	pool_world_flush();
	tap_text(fake_libpq_sent(conn), STR("get:1 head:2 sync"), "then the next one is sent");
	tap_int(t[1].t.batch_size, 2, "its size");
	fake_libpq_answer_row(conn, 2, pool_world_found);
	pool_world_ready(0);
	tap_int(t[1].done, 0, "nothing is answered before the Sync");
	pool_world_answer_get(conn);
	pool_world_ready(0);
	tap_ok(t[1].done == 1 && t[2].done == 1, "then all of it is");
	pool_world_close("batches");
}

/* Of a TLS record that libpq did not read as a whole, the socket shows nothing. */
static void
test_rest_of_record(void)
{
	struct pg_world_ticket t[2];
	PGconn *conn;

	pool_world_open(STATEMENT_ROLE_READ, 1);
	conn = fake_connect_thread_connect(DBCONN_COCKROACHDB);
	fake_libpq_split(conn);
	pool_world_submit(&t[0], STORE_GET, "a");
	pool_world_submit(&t[1], STORE_HEAD, "b");
	pool_world_flush();
	fake_libpq_answer_row(conn, 2, pool_world_found);
	fake_libpq_answer_row(conn, 2, pool_world_found);
	fake_libpq_answer_sync(conn);
	pool_world_ready(0);
	tap_ok(t[0].done == 1 && t[1].done == 1, "what OpenSSL holds back is read, too");
	tap_int(pool->pipeline[0].state, PIPELINE_IDLE, "up to the end of the batch");
	pool_world_close("a TLS record");
}

static void
test_deadlines(void)
{
	struct pg_world_ticket sent, waiting, later;

	pool_world_open(STATEMENT_ROLE_WRITE, 1);
	(void)fake_connect_thread_connect(DBCONN_POSTGRESQL);
	pool_world_submit(&sent, STORE_PUT, "a");
	pool_world_flush();
	tap_int(pool->pipeline[0].timer.due, sent.t.deadline, "the deadline of a batch in flight is known");
	pool_world_submit(&later, STORE_PUT, "b");
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
	pool_world_close("deadlines");
}

/* Some errors say that this connection is of no use. */
static void
test_closing_error(void)
{
	int delays = fake_connect_thread_delays();
	struct pg_world_ticket t;
	PGconn *conn;

	pool_world_open(STATEMENT_ROLE_WRITE, 1);
	conn = fake_connect_thread_connect(DBCONN_POSTGRESQL);
	pool_world_submit(&t, STORE_PUT, "a");
	pool_world_flush();
	fake_libpq_answer_error(conn, "25006", "ERROR");
	pool_world_ready(0);
	tap_int(pool->pipeline[0].state, PIPELINE_WAITING, "the batch goes on to its end");
	fake_libpq_answer_sync(conn);
	pool_world_ready(0);
	tap_int(pool->pipeline[0].state, PIPELINE_CONNECTING, "then the connection is closed");
	tap_int(fake_connect_thread_delays(), delays + 1, "another one is ordered, delayed");
	conn = fake_connect_thread_connect(DBCONN_POSTGRESQL);
	pool_world_flush();
	tap_text(fake_libpq_sent(conn), STR("put_if_present:a sync"), "for what is sent again");
	fake_libpq_answer_changed(conn, "1");
	fake_libpq_answer_sync(conn);
	pool_world_ready(0);
	tap_int(t.result.outcome, STORE_DONE, "and ends well");
	pool_world_close("closing error");
}

static void
test_full_socket(void)
{
	struct pg_world_ticket t;
	struct pipeline *p;
	PGconn *conn;

	pool_world_open(STATEMENT_ROLE_WRITE, 1);
	p = &pool->pipeline[0];
	conn = fake_connect_thread_connect(DBCONN_POSTGRESQL);
	fake_libpq_fill(conn, true);
	pool_world_submit(&t, STORE_PUT, "a");
	pool_world_flush();
	tap_int(p->state, PIPELINE_SENDING, "libpq holds bytes");
	p->watch.ready(&p->watch, EPOLLOUT);
	tap_int(p->state, PIPELINE_SENDING, "it still does");
	fake_libpq_fill(conn, false);
	p->watch.ready(&p->watch, EPOLLOUT);
	tap_int(p->state, PIPELINE_WAITING, "all is sent");
	fake_libpq_answer_changed(conn, "1");
	fake_libpq_answer_sync(conn);
	pool_world_ready(0);
	tap_int(p->state, PIPELINE_IDLE, "and answered");
	/* libpq hands bytes to the socket when it reads, too */
	fake_libpq_fill(conn, true);
	pool_world_submit(&t, STORE_PUT, "a");
	pool_world_flush();
	fake_libpq_answer_changed(conn, "1");
	fake_libpq_answer_sync(conn);
	pool_world_ready(0);
	tap_int(p->state, PIPELINE_IDLE, "answered before it was known to be sent");
	pool_world_close("full socket");
}

/* The database ends an idle connection, and later one that came too late is closed. */
static void
test_idle_loss(void)
{
	PGconn *conn;

	pool_world_open(STATEMENT_ROLE_WRITE, 1);
	conn = fake_connect_thread_connect(DBCONN_POSTGRESQL);
	fake_libpq_break(conn);
	pool_world_ready(0);
	tap_int(pool->pipeline[0].state, PIPELINE_CONNECTING, "an idle connection that is lost is ordered again");
	pool_world_ready(0);
	tap_int(pool->pipeline[0].state, PIPELINE_CONNECTING, "an event of a descriptor that is closed does nothing");
	pool_world_close("idle loss");
}

/* A connection that could be made but was of no use must not be made again at once, without end. */
static void
test_useless(void)
{
	int delays = fake_connect_thread_delays(), useful = fake_connect_thread_useful();
	struct pg_world_ticket t;
	PGconn *conn;

	pool_world_open(STATEMENT_ROLE_READ, 2);
	fake_libpq_break(fake_connect_thread_connect(DBCONN_POSTGRESQL));
	pool_world_ready(0);
	tap_int(fake_connect_thread_delays(), delays + 1, "lost as soon as it was made: the next one is delayed");
	conn = fake_connect_thread_connect(DBCONN_POSTGRESQL);
	pool_world_submit(&t, STORE_GET, "a");
	pool_world_flush();
	fake_libpq_break(conn);
	pool_world_ready(0);
	tap_int(fake_connect_thread_delays(), delays + 2, "lost with its first operation: too");
	conn = fake_connect_thread_connect(DBCONN_POSTGRESQL);
	pool_world_flush();
	pool_world_answer_get(conn);
	pool_world_ready(0);
	fake_libpq_break(conn);
	pool_world_ready(0);
	tap_int(fake_connect_thread_delays(), delays + 2, "one that has brought an answer: not");
	conn = fake_connect_thread_connect(DBCONN_POSTGRESQL);
	pool->pipeline[0].made_at = clock_mono() - DB_CLOSE_YOUNG;
	fake_libpq_break(conn);
	pool_world_ready(0);
	tap_int(fake_connect_thread_delays(), delays + 2, "one that lasted a second: not");
	tap_int(fake_connect_thread_useful(), useful + 2, "both of these were of use");
	(void)fake_connect_thread_connect(DBCONN_POSTGRESQL);
	pool->pipeline[0].old_at = 1;
	pg_world_fire(&pool->pipeline[0].timer);
	(void)fake_connect_thread_connect(DBCONN_POSTGRESQL);
	tap_int(fake_connect_thread_delays(), delays + 2, "one that another takes the place of: not");
	fake_libpq_break(pool->pipeline[0].conn);
	pool_world_ready(0);
	tap_int(fake_connect_thread_delays(), delays + 3, "that other one is lost at once: delayed");
	world.loop.epoll = -1 - world.loop.epoll;
	(void)fake_connect_thread_connect(DBCONN_POSTGRESQL);
	tap_int(fake_connect_thread_delays(), delays + 4, "epoll refuses the descriptor of each: delayed");
	world.loop.epoll = -1 - world.loop.epoll;
	pool_world_close("useless");
	tap_int(fake_connect_thread_delays(), delays + 4, "at the end: nothing is delayed");
}

/* libpq's buffers shrink with a new connection only, which takes the place of the old one between two batches. */
static void
test_exchange(void)
{
	static char huge[PIPELINE_LARGE_MESSAGE + 1];
	struct pg_world_ticket t;
	PGconn *conn, *fresh;

	pool_world_open(STATEMENT_ROLE_WRITE, 1);
	conn = fake_connect_thread_connect(DBCONN_POSTGRESQL);
	pool_world_submit_value(&t, "k", str_from(huge, sizeof(huge)));
	pool_world_flush();
	fake_libpq_answer_changed(conn, "1");
	fake_libpq_answer_sync(conn);
	pool_world_ready(0);
	tap_ok(pool->pipeline[0].timer.due != TIMER_OFF, "the buffers have grown");
	pool->pipeline[0].large_at = 1;
	pg_world_fire(&pool->pipeline[0].timer);
	tap_int(fake_connect_thread_orders(), 1, "another connection is ordered");
	fake_connect_thread_refuse("too many");
	tap_ok(pool->pipeline[0].conn == conn && !pool->down, "none now: the old one stays");
	pool->pipeline[0].large_at = 1;
	pg_world_fire(&pool->pipeline[0].timer);
	(void)fake_libpq_sent(conn);
	pool_world_submit_value(&t, "k", STR("v"));
	pool_world_flush();
	fresh = fake_connect_thread_connect(DBCONN_POSTGRESQL);
	tap_ok(pool->pipeline[0].conn == conn, "not under a batch");
	tap_text(fake_libpq_sent(conn), STR("put:k sync"), "which is on the old one");
	fake_libpq_answer_changed(conn, "1");
	fake_libpq_answer_sync(conn);
	pool_world_ready(0);
	tap_ok(t.done == 1 && pool->pipeline[0].conn == fresh, "behind it");
	tap_int(fake_libpq_connections(), 1, "and the old one is closed");
	/* one that is lost meanwhile is replaced by what was ordered already */
	pool->pipeline[0].large_at = 1;
	pg_world_fire(&pool->pipeline[0].timer);
	fake_libpq_break(fresh);
	pool_world_ready(0);
	tap_int(fake_connect_thread_orders(), 1, "lost while another one is ordered: no second order");
	fresh = fake_connect_thread_connect(DBCONN_POSTGRESQL);
	tap_ok(pool->pipeline[0].conn == fresh && pool->pipeline[0].state == PIPELINE_IDLE, "which is used");
	pool_world_close("exchange");
}

/* A connection whose time is over is exchanged while it is idle. */
static void
test_lifetime(void)
{
	PGconn *conn, *fresh;
	struct pipeline *p;

	pool_world_open(STATEMENT_ROLE_WRITE, 1);
	p = &pool->pipeline[0];
	pool->shared.lifetime = SETTING_LIFETIME_AUTO;
	conn = fake_connect_thread_connect(DBCONN_POSTGRESQL);
	tap_ok(p->old_at == TIMER_OFF, "auto: never on PostgreSQL");
	fake_libpq_break(conn);
	pool_world_ready(0);
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
	pool_world_ready(0);
	(void)fake_connect_thread_connect(DBCONN_COCKROACHDB);
	tap_ok(p->old_at == TIMER_OFF, "off: never");
	pool_world_close("lifetime");
}

int
main(void)
{
	log_set_threshold(LOG_ERROR);
	pg_world_open(&world);
	test_first_connection();
	test_batches();
	test_rest_of_record();
	test_deadlines();
	test_closing_error();
	test_full_socket();
	test_idle_loss();
	test_useless();
	test_exchange();
	test_lifetime();
	pg_world_close(&world);
	return tap_end();
}
