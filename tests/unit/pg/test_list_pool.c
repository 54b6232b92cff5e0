/* SPDX-License-Identifier: EPL-2.0 */
#include "pg/list_pool.h"

#include <stdlib.h>
#include <sys/epoll.h>

#include "lib/fake_connect_thread.h"
#include "lib/fake_libpq.h"
#include "lib/pg_world.h"
#include "lib/tap.h"

static struct pg_world world;
static struct list_pool *pool;

static void
open_pool(unsigned count)
{
	pool = calloc(1, sizeof(*pool));
	if (pool == NULL)
		tap_bail("no memory");
	list_pool_init(pool, count, CLOCK_S, 100 * CLOCK_S, &world.set, &world.loop, NULL);
}

static void
close_pool(const char *name)
{
	list_pool_give_way(pool, false); /* which looks at the invariants */
	list_pool_close(pool);
	fake_connect_thread_reset();
	world.loop.timers = NULL;
	free(pool);
	tap_int(fake_libpq_connections() + fake_libpq_results(), 0, "%s: nothing is left", name);
}

static void
submit(struct pg_world_ticket *t, const char *from)
{
	pg_world_ticket(t, STORE_LIST, from);
	list_pool_submit(pool, &t->t);
}

static void
ready(unsigned i)
{
	pg_world_ready(&pool->connection[i].watch);
}

static void
test_whole_list(void)
{
	struct pg_world_ticket t;
	PGconn *conn;

	open_pool(1);
	submit(&t, "a");
	conn = fake_connect_thread_connect(DBCONN_POSTGRESQL);
	tap_text(fake_libpq_sent(conn), STR("list:a"), "a list that waited is sent");
	fake_libpq_answer_single(conn, STR("x"));
	ready(0);
	fake_libpq_answer_single(conn, STR("y"));
	fake_libpq_answer_end(conn);
	ready(0);
	tap_ok(t.done == 1 && t.result.outcome == STORE_DONE && strcmp(t.key, "xy") == 0, "all keys, in their order");
	tap_int(pool->connection[0].state, LIST_IDLE, "the connection stays");
	close_pool("whole list");
}

static const struct {
	const char *sqlstate, *severity; /* NULL: the connection is lost */
	bool delivered;                  /* behind the first key */
	int end;                         /* -1: it begins again */
} failures[] = {
	{ "40001", "ERROR", false, -1 },
	{ "40001", "ERROR", true, STORE_UNAVAILABLE },
	{ "25006", "ERROR", false, -1 },
	{ "57P01", "FATAL", false, -1 },
	{ "57P01", "FATAL", true, STORE_UNAVAILABLE },
	{ "58C00", "ERROR", false, STORE_FAULT },
	{ "53200", "ERROR", false, STORE_UNAVAILABLE },
	{ "54000", "ERROR", false, STORE_UNAVAILABLE },
	{ "42P01", "ERROR", false, STORE_UNAVAILABLE },
	{ "XX000", "ERROR", false, STORE_FAULT },
	{ "XX000", "ERROR", true, STORE_FAULT },
	{ NULL, NULL, false, -1 },
	{ NULL, NULL, true, STORE_UNAVAILABLE },
};

static void
test_failure(size_t i)
{
	struct pg_world_ticket t;
	PGconn *conn;

	open_pool(1);
	submit(&t, "a");
	conn = fake_connect_thread_connect(DBCONN_POSTGRESQL);
	if (failures[i].delivered)
		fake_libpq_answer_single(conn, STR("x"));
	ready(0);
	if (failures[i].sqlstate != NULL)
		fake_libpq_answer_error(conn, failures[i].sqlstate, failures[i].severity);
	else
		fake_libpq_break(conn);
	ready(0);
	tap_int(pool->connection[0].state, LIST_CONNECTING, "failure %zu: another connection is ordered", i);
	conn = fake_connect_thread_connect(DBCONN_POSTGRESQL);
	tap_text(fake_libpq_sent(conn), failures[i].end == -1 ? STR("list:a") : STR(""), "failure %zu: sent again", i);
	if (failures[i].end == -1) {
		tap_int(t.done, 0, "failure %zu: it has not ended", i);
		fake_libpq_answer_end(conn);
		ready(0);
	}
	tap_ok(t.done == 1 &&
		t.result.outcome == (failures[i].end == -1 ? STORE_DONE : (enum store_outcome)failures[i].end),
	    "failure %zu: its outcome", i);
	if (failures[i].end != -1 && failures[i].sqlstate != NULL)
		tap_text(str_of(t.t.sqlstate), str_of(failures[i].sqlstate), "failure %zu: its SQLSTATE", i);
	close_pool("failure");
}

/* Of the receiver: also while rows come, and while it waits for a connection. */
/* Of a TLS record that libpq did not read as a whole, the socket shows nothing. */
static void
test_rest_of_record(void)
{
	struct pg_world_ticket t;
	PGconn *conn;

	open_pool(1);
	conn = fake_connect_thread_connect(DBCONN_COCKROACHDB);
	fake_libpq_split(conn);
	submit(&t, "a");
	list_pool_give_way(pool, true);
	for (int i = 0; i < 300; i++)
		fake_libpq_answer_single(conn, STR("x"));
	fake_libpq_answer_end(conn);
	ready(0);
	tap_ok(t.keys == 256 && pool->connection[0].state == LIST_YIELDING,
	    "what OpenSSL holds back is read until it yields");
	pg_world_fire(&pool->yield);
	tap_ok(t.keys == 300 && t.done == 1, "and after that, up to the end");
	close_pool("a TLS record");
}

static void
test_cancel(void)
{
	struct pg_world_ticket t, next;
	PGconn *conn;

	open_pool(1);
	conn = fake_connect_thread_connect(DBCONN_POSTGRESQL);
	submit(&t, "a");
	fake_libpq_answer_single(conn, STR("x"));
	ready(0);
	tap_ok(t.keys == 1 && pool->connection[0].state == LIST_READING, "its keys come");
	submit(&next, "b");
	tap_int((int64_t)pool->waiting.n, 1, "another one waits");
	list_pool_cancel(pool, &t.t);
	tap_ok(t.done == 0 && pool->connection[0].state == LIST_CONNECTING, "cancelled: the connection goes with it");
	list_pool_cancel(pool, &next.t);
	tap_int((int64_t)pool->waiting.n, 0, "one that waits is cancelled");
	close_pool("cancel");
}

static void
test_yield(void)
{
	struct pg_world_ticket t;
	PGconn *conn;

	open_pool(1);
	conn = fake_connect_thread_connect(DBCONN_POSTGRESQL);
	submit(&t, "a");
	list_pool_give_way(pool, true);
	for (int i = 0; i < 300; i++)
		fake_libpq_answer_single(conn, STR("x"));
	ready(0);
	tap_ok(t.keys == 256 && pool->connection[0].state == LIST_YIELDING, "it yields");
	ready(0);
	tap_int(t.keys, 256, "and nothing is read");
	pg_world_fire(&pool->yield);
	tap_ok(t.keys == 300 && pool->connection[0].state == LIST_READING, "and goes on");
	fake_libpq_answer_end(conn);
	ready(0);
	tap_int(t.done, 1, "to its end");
	submit(&t, "b");
	for (int i = 0; i < 300; i++)
		fake_libpq_answer_single(conn, STR("x"));
	ready(0);
	pool->connection[0].watch.ready(&pool->connection[0].watch, EPOLLHUP);
	tap_ok(t.done == 1 && t.result.outcome == STORE_UNAVAILABLE, "a connection that ends meanwhile ends the list");
	close_pool("yield");
}

static void
test_overlap(void)
{
	struct pg_world_ticket t[3];
	PGconn *first, *second;

	open_pool(2);
	first = fake_connect_thread_connect(DBCONN_POSTGRESQL);
	submit(&t[0], "0");
	submit(&t[1], "1");
	submit(&t[2], "2");
	tap_int(fake_connect_thread_orders(), 1, "lists that overlap have a connection more");
	second = fake_connect_thread_connect(DBCONN_POSTGRESQL);
	tap_text(fake_libpq_sent(second), STR("list:1"), "for the next one");
	fake_libpq_answer_end(first);
	ready(0);
	tap_text(fake_libpq_sent(first), STR("list:0 list:2"), "and none more than allowed: the last one waited");
	fake_libpq_answer_end(second);
	ready(1);
	pg_world_fire(&pool->connection[1].timer);
	tap_int(pool->connection[1].state, LIST_CLOSED, "one that is unused is closed");
	pg_world_fire(&pool->connection[0].timer);
	tap_ok(t[2].done == 1 && t[2].result.outcome == STORE_UNAVAILABLE, "a list without progress is given up");
	close_pool("overlap");
}

static void
test_refusal(void)
{
	struct pg_world_ticket waiting, next, late;

	open_pool(1);
	submit(&waiting, "a");
	fake_connect_thread_refuse("no such host");
	tap_text(waiting.result.reason, STR("no such host"), "what waited is refused");
	submit(&next, "b");
	tap_ok(next.done == 1 && next.result.outcome == STORE_UNAVAILABLE, "what comes is refused");
	(void)fake_connect_thread_connect(DBCONN_POSTGRESQL);
	submit(&next, "b");
	submit(&late, "c");
	late.t.deadline = 1;
	pg_world_fire(&pool->timer);
	tap_ok(late.done == 1 && next.done == 0, "what waited too long is refused");
	tap_int(late.result.outcome, STORE_BUSY, "it is told that other lists have all connections");
	list_pool_cancel(pool, &next.t);
	submit(&late, "d");
	late.t.deadline = 1;
	pg_world_fire(&pool->timer);
	tap_int(late.result.outcome, STORE_UNAVAILABLE, "where there is no connection, the database is the reason");
	close_pool("refusal");
}

/* The deadline passes after the connections were lost: then other lists are not the reason. */
static void
test_lost_while_waiting(void)
{
	struct pg_world_ticket runs, waits;

	open_pool(1);
	(void)fake_connect_thread_connect(DBCONN_POSTGRESQL);
	submit(&runs, "a");
	submit(&waits, "b");
	fake_libpq_break(pool->connection[0].conn);
	ready(0);
	tap_int((int64_t)pool->waiting.n, 2, "the list that lost its connection waits, too");
	waits.t.deadline = runs.t.deadline = 1;
	pg_world_fire(&pool->timer);
	tap_int(waits.result.outcome, STORE_UNAVAILABLE, "one that found the connection in use, which is lost");
	tap_int(runs.result.outcome, STORE_UNAVAILABLE, "the one that lost it");
	close_pool("lost while waiting");
}

/* The same, with one connection that another list keeps. */
static void
test_lost_beside_another(void)
{
	struct pg_world_ticket runs, other;
	PGconn *first;

	open_pool(2);
	(void)fake_connect_thread_connect(DBCONN_POSTGRESQL);
	submit(&other, "a");
	submit(&runs, "b");
	(void)fake_connect_thread_connect(DBCONN_POSTGRESQL);
	first = pool->connection[0].conn;
	fake_libpq_break(pool->connection[1].conn);
	ready(1);
	tap_ok(pool->connection[0].conn == first && pool->waiting.n == 1, "one connection of two is lost");
	runs.t.deadline = 1;
	pg_world_fire(&pool->timer);
	tap_int(runs.result.outcome, STORE_UNAVAILABLE, "its list had a connection: the database is the reason");
	list_pool_cancel(pool, &other.t);
	close_pool("lost beside another");
}

/* Of the pool nobody knows yet that it is down, for example because the database takes no writes and is tried seldom. */
static void
test_nudge(void)
{
	struct pg_world_ticket t;
	int nudges;

	open_pool(1);
	fake_libpq_break(fake_connect_thread_connect(DBCONN_POSTGRESQL));
	ready(0);
	nudges = fake_connect_thread_nudges();
	submit(&t, "a");
	tap_int(fake_connect_thread_nudges(), nudges + 1, "a list that finds no connection has one made soon");
	fake_connect_thread_refuse("down");
	tap_int(t.result.outcome, STORE_UNAVAILABLE, "it waits until it is known that there is none");
	submit(&t, "a");
	tap_int(fake_connect_thread_nudges(), nudges + 2, "and so does one that is refused");
	(void)fake_connect_thread_connect(DBCONN_POSTGRESQL);
	submit(&t, "a");
	tap_int(fake_connect_thread_nudges(), nudges + 2, "not where there is one");
	list_pool_cancel(pool, &t.t);
	close_pool("nudge");
}

/* A connection that could be made but was of no use must not be made again at once, without end. */
static void
test_useless(void)
{
	int delays = fake_connect_thread_delays(), useful = fake_connect_thread_useful();
	struct pg_world_ticket t;
	PGconn *conn;

	open_pool(1);
	fake_libpq_break(fake_connect_thread_connect(DBCONN_POSTGRESQL));
	ready(0);
	tap_int(fake_connect_thread_delays(), delays + 1, "lost as soon as it was made: the next one is delayed");
	submit(&t, "a");
	conn = fake_connect_thread_connect(DBCONN_POSTGRESQL);
	fake_libpq_answer_error(conn, "40001", "ERROR");
	ready(0);
	tap_int(fake_connect_thread_delays(), delays + 2, "closed after the first statement failed: too");
	conn = fake_connect_thread_connect(DBCONN_POSTGRESQL);
	fake_libpq_answer_end(conn);
	ready(0);
	fake_libpq_break(conn);
	ready(0);
	tap_ok(t.done == 1 && fake_connect_thread_delays() == delays + 2, "one that has brought a list: not");
	tap_int(fake_connect_thread_useful(), useful + 1, "it was of use");
	(void)fake_connect_thread_connect(DBCONN_POSTGRESQL);
	submit(&t, "a");
	list_pool_cancel(pool, &t.t);
	tap_int(fake_connect_thread_delays(), delays + 2, "one whose list was cancelled: not");
	world.loop.epoll = -1 - world.loop.epoll;
	(void)fake_connect_thread_connect(DBCONN_POSTGRESQL);
	tap_int(fake_connect_thread_delays(), delays + 3, "epoll refuses the descriptor: delayed");
	world.loop.epoll = -1 - world.loop.epoll;
	close_pool("useless");
}

static void
test_lifetime(void)
{
	struct pg_world_ticket t;
	struct list_connection *c;
	PGconn *conn;

	open_pool(2);
	c = &pool->connection[0];
	(void)fake_connect_thread_connect(DBCONN_POSTGRESQL);
	tap_ok(c->timer.due == c->old_at && c->old_at < clock_mono() + 101 * CLOCK_S &&
		c->old_at > clock_mono() + 70 * CLOCK_S,
	    "the first connection is kept for its lifetime");
	submit(&t, "a");
	c->old_at = 1;
	fake_libpq_answer_single(c->conn, STR("x"));
	ready(0);
	tap_ok(c->state == LIST_READING && c->timer.due > 1, "a list is not cut off");
	fake_libpq_answer_end(c->conn);
	ready(0);
	tap_ok(t.done == 1 && c->state == LIST_IDLE && c->timer.due == 1, "it is old as soon as it has no list");
	pg_world_fire(&c->timer);
	tap_ok(c->state == LIST_CONNECTING && fake_libpq_connections() == 0, "it is exchanged");
	conn = fake_connect_thread_connect(DBCONN_POSTGRESQL);
	tap_ok(c->conn == conn && c->state == LIST_IDLE, "for a new one");
	pool->lifetime = 0;
	fake_libpq_break(conn);
	ready(0);
	(void)fake_connect_thread_connect(DBCONN_POSTGRESQL);
	tap_ok(c->timer.due == TIMER_OFF, "off: the first connection is kept for ever");
	close_pool("lifetime");
}

int
main(void)
{
	log_set_threshold(LOG_ERROR);
	pg_world_open(&world);
	test_whole_list();
	for (size_t i = 0; i < COUNT(failures); i++)
		test_failure(i);
	test_rest_of_record();
	test_cancel();
	test_yield();
	test_overlap();
	test_refusal();
	test_lost_while_waiting();
	test_lost_beside_another();
	test_nudge();
	test_useless();
	test_lifetime();
	pg_world_close(&world);
	return tap_end();
}
