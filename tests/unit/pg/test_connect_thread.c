/* SPDX-License-Identifier: EPL-2.0 */
/* The thread that makes connections, with the real libpq and servers of ours: tests/unit/lib/pg_peer.h. */
#include "pg/connect_thread.h"

#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "lib/pg_peer.h"
#include "lib/tap.h"
#include "pg/reconnect_delay.h"

#define GIVE_UP 60 /* seconds, after which a test that waits for ever ends */

/* What a server of ours answers when it is asked what it is; a null stands for a default and a missing column. */
static const struct pg_peer_answer good[] = {
	{ "version()", "PostgreSQL 15.8 on x86_64-pc-linux-gnu" },
	{ "pg_backend_pid", "42" },
	{ "pg_constraint", "workspace,namespace,key||modified" },
	{ "transaction_read_only", "off" },
	{ "select clock_timestamp()", "12345678" },
	{ NULL, NULL },
};
static const struct pg_peer_answer cluster[] = {
	{ "version()", "CockroachDB CCL v24.2.1 (x86_64-pc-linux-gnu)" },
	{ "information_schema", "workspace,namespace,key||modified" },
	{ "transaction_read_only", "off" },
	{ "select clock_timestamp()", "12345678" },
	{ NULL, NULL },
};
static const struct pg_peer_answer pooler[] = {
	{ "version()", "PostgreSQL 15.8 on x86_64-pc-linux-gnu" },
	{ "pg_backend_pid", "43" },
	{ "pg_constraint", "workspace,namespace,key||modified" },
	{ "transaction_read_only", "off" },
	{ "select clock_timestamp()", "12345678" },
	{ NULL, NULL },
};
static const struct pg_peer_answer read_only[] = {
	{ "version()", "PostgreSQL 15.8 on x86_64-pc-linux-gnu" },
	{ "pg_backend_pid", "42" },
	{ "pg_constraint", "workspace,namespace,key||modified" },
	{ "transaction_read_only", "on" },
	{ NULL, NULL },
};
static const struct pg_peer_answer old_schema[] = {
	{ "version()", "PostgreSQL 15.8 on x86_64-pc-linux-gnu" },
	{ "pg_backend_pid", "42" },
	{ "pg_constraint", "workspace,key||modified" },
	{ NULL, NULL },
};

/* A thread with a worker: its loop, and its channel. */
struct world {
	struct loop loop;
	struct statement_set set;
	char text[256];
	struct config config;
	struct connect_thread *thread;
	struct connect_thread_channel *channel;
};

/* An order, and what came of it. */
struct order {
	struct connect_thread_order o; /* first */
	struct loop *loop;
	unsigned ready, number; /* how often it was answered; the how manieth answer it was */
	PGconn *conn;
	enum dbconn_server server;
};

static unsigned answers;
static int64_t writes_from; /* of the statements of the next world */

static void
on_ready(struct connect_thread_order *order, PGconn *conn, enum dbconn_server server)
{
	struct order *o = (struct order *)order;

	if (order->placed)
		tap_bail("an order is still placed when it is answered");
	o->ready++;
	o->number = ++answers;
	o->conn = conn;
	o->server = server;
	loop_stop(o->loop);
}

static void
open_world(struct world *w, struct pg_peer *p, const char *options)
{
	*w = (struct world){ .config = { .statement_timeout = CLOCK_S } };
	pg_peer_start(p);
	(void)snprintf(w->text, sizeof(w->text), "host=127.0.0.1 port=%d user=u dbname=d %s", p->port, options);
	w->config.db_connection = w->text;
	if (!loop_init(&w->loop) || !statement_set_init(&w->set, STR("s"), true, CLOCK_S))
		tap_bail("no loop, or no statements");
	w->set.writes_from = writes_from;
	w->thread = connect_thread_new(&w->config, &w->set);
	w->channel = w->thread != NULL ? connect_thread_channel_new(w->thread, &w->loop) : NULL;
	if (w->channel == NULL)
		tap_bail("no thread");
	answers = 0;
}

static void
close_world(struct world *w, const char *name)
{
	connect_thread_channel_free(w->channel);
	tap_ok(connect_thread_free(w->thread), "%s: the thread ends", name);
	statement_set_free(&w->set);
	loop_close(&w->loop);
}

static void
place(struct world *w, struct order *o, enum statement_role role)
{
	*o = (struct order){ .o = { .role = role, .ready = on_ready }, .loop = &w->loop };
	connect_thread_place(w->channel, &o->o);
	if (!o->o.placed)
		tap_bail("an order that was placed does not say so");
}

/* Until the order has been answered. */
static void
wait_for(const struct order *o)
{
	while (o->ready == 0) {
		o->loop->stopped = false;
		loop_run(o->loop);
	}
}

static void
wait_until(const _Atomic unsigned *count, unsigned want)
{
	while (*count != want)
		(void)usleep(1000);
}

/* A connection is there once: when its owner closes it, the server has none left. */
static void
close_connection(struct order *o, struct pg_peer *p)
{
	PQfinish(o->conn);
	o->conn = NULL;
	wait_until(&p->open, 0);
}

static void
test_roles(void)
{
	static struct pg_peer p = { .kind = PG_PEER_PRIMARY, .value = "x", .encoding = "UTF8", .answers = good };
	static const struct {
		enum statement_role role;
		const char *name;
		bool pipeline;
	} rows[] = { { STATEMENT_ROLE_READ, "reads", true }, { STATEMENT_ROLE_WRITE, "writes", true },
		{ STATEMENT_ROLE_LIST, "lists", false } };
	struct world w;
	struct order o;

	open_world(&w, &p, "");
	for (size_t i = 0; i < COUNT(rows); i++) {
		place(&w, &o, rows[i].role);
		wait_for(&o);
		if (!tap_ok(o.conn != NULL && PQstatus(o.conn) == CONNECTION_OK, "for %s: a connection", rows[i].name))
			printf("# %s\n", o.o.reason);
		tap_ok(PQisnonblocking(o.conn) == 1 && (PQpipelineStatus(o.conn) == PQ_PIPELINE_ON) == rows[i].pipeline,
		    "that is ready to use");
		tap_ok(o.server == DBCONN_POSTGRESQL && !o.o.pooled, "with what is known of its server");
		tap_ok((o.o.clock.asked_at != 0) == (rows[i].role == STATEMENT_ROLE_WRITE), "and with its time");
		tap_int(o.ready, 1, "given once");
		tap_ok(o.o.conn == NULL, "and not kept");
		close_connection(&o, &p);
	}
	close_world(&w, "roles");
	tap_int(p.connections, COUNT(rows), "one attempt for each");
}

static void
test_servers(void)
{
	static struct pg_peer crdb = { .kind = PG_PEER_PRIMARY, .value = "x", .answers = cluster };
	static struct pg_peer pool = { .kind = PG_PEER_PRIMARY, .value = "x", .answers = pooler };
	struct world w;
	struct order o;

	open_world(&w, &crdb, "");
	place(&w, &o, STATEMENT_ROLE_WRITE);
	wait_for(&o);
	tap_ok(o.conn != NULL && o.server == DBCONN_COCKROACHDB, "CockroachDB is known as such");
	tap_int(o.o.clock.margin, DB_CLOCK_MARGIN_ANY, "its nodes may have different clocks");
	close_connection(&o, &crdb);
	close_world(&w, "CockroachDB");
	open_world(&w, &pool, "");
	place(&w, &o, STATEMENT_ROLE_WRITE);
	wait_for(&o);
	tap_ok(o.conn != NULL && o.o.pooled, "a pooler is known as such");
	tap_int(o.o.clock.margin, DB_CLOCK_MARGIN_ANY, "there may be several servers behind it");
	close_connection(&o, &pool);
	close_world(&w, "a pooler");
}

/* Of two workers; the oldest order is answered first. */
static void
test_several(void)
{
	static struct pg_peer p = { .kind = PG_PEER_PRIMARY, .value = "x", .answers = good, .held = true };
	struct world w;
	struct loop second;
	struct connect_thread_channel *channel;
	struct order o[6];

	open_world(&w, &p, "");
	if (!loop_init(&second) || (channel = connect_thread_channel_new(w.thread, &second)) == NULL)
		tap_bail("no second worker");
	for (size_t i = 0; i < COUNT(o) - 1; i++)
		place(&w, &o[i], i % 2 == 0 ? STATEMENT_ROLE_READ : STATEMENT_ROLE_WRITE);
	o[5] = (struct order){ .o = { .role = STATEMENT_ROLE_READ, .ready = on_ready }, .loop = &second };
	connect_thread_place(channel, &o[5].o);
	wait_until(&p.connections, 1);
	p.held = false;
	for (size_t i = 0; i < COUNT(o) - 1; i++)
		wait_for(&o[i]);
	tap_int(o[5].ready, 0, "an order is not answered on the loop of another worker");
	wait_for(&o[5]);
	for (size_t i = 0; i < COUNT(o); i++)
		tap_ok(o[i].ready == 1 && o[i].number == i + 1 && o[i].conn != NULL, "order %zu: in its turn, once", i);
	for (size_t i = 0; i < COUNT(o); i++)
		for (size_t j = 0; j < i; j++)
			if (o[i].conn == o[j].conn || PQsocket(o[i].conn) == PQsocket(o[j].conn))
				tap_ok(false, "orders %zu and %zu share a connection", i, j);
	for (size_t i = 0; i < COUNT(o); i++)
		PQfinish(o[i].conn);
	wait_until(&p.open, 0);
	connect_thread_channel_free(channel);
	loop_close(&second);
	close_world(&w, "several orders");
	tap_int(p.connections, COUNT(o), "as many attempts as orders");
}

/* An attempt that fails answers all orders; they may be placed again. */
static void
test_failures(void)
{
	static struct pg_peer p = { .kind = PG_PEER_LATE, .value = "x", .answers = good, .held = true };
	struct world w;
	struct order a, b;
	unsigned failed = 0;

	open_world(&w, &p, "");
	place(&w, &a, STATEMENT_ROLE_READ);
	place(&w, &b, STATEMENT_ROLE_WRITE);
	p.held = false;
	wait_for(&a);
	wait_for(&b);
	tap_ok(a.conn == NULL && b.conn == NULL, "the database refuses: no connection for anybody");
	tap_ok(strstr(a.o.reason, "too many") != NULL && strcmp(a.o.reason, b.o.reason) == 0, "the reason is told");
	tap_ok(!a.o.reached && !a.o.read_only, "and is no fault of its schema");
	while (a.conn == NULL) {
		place(&w, &a, STATEMENT_ROLE_READ);
		connect_thread_nudge(w.channel);
		wait_for(&a);
		failed += a.conn == NULL;
	}
	tap_int(p.connections, failed + 2, "tried until it takes connections, once for each order");
	close_connection(&a, &p);
	close_world(&w, "failures");
}

/* Connections that can be made but are of no use: the next one is not made at once, on whatever channel. */
static void
test_delay(void)
{
	static struct pg_peer p = { .kind = PG_PEER_PRIMARY, .value = "x", .answers = good };
	struct world w;
	struct order a;
	int64_t ended;

	open_world(&w, &p, "");
	place(&w, &a, STATEMENT_ROLE_READ);
	wait_for(&a);
	for (int64_t least = RECONNECT_DELAY_MIN; least <= 2 * RECONNECT_DELAY_MIN; least *= 2) {
		unsigned before = p.connections;

		close_connection(&a, &p);
		ended = clock_mono();
		connect_thread_note_end(w.channel, false, true);
		place(&w, &a, STATEMENT_ROLE_LIST);
		wait_until(&p.connections, before + 1);
		tap_ok(clock_mono() >= ended + least, "after one of no use the next is made %lld ms later",
		    (long long)(least / CLOCK_MS));
		wait_for(&a);
	}
	close_connection(&a, &p);
	close_world(&w, "delay");
}

static void
test_unusable(void)
{
	static struct pg_peer old = { .kind = PG_PEER_PRIMARY, .value = "x", .answers = old_schema };
	static struct pg_peer ascii = {
		.kind = PG_PEER_PRIMARY, .value = "x", .encoding = "SQL_ASCII", .answers = good
	};
	static struct {
		struct pg_peer *peer;
		const char *reason;
	} rows[] = { { &old, "older form" }, { &ascii, "SQL_ASCII" } };

	for (size_t i = 0; i < COUNT(rows); i++) {
		struct world w;
		struct order o;

		open_world(&w, rows[i].peer, "");
		place(&w, &o, STATEMENT_ROLE_READ);
		wait_for(&o);
		tap_ok(o.conn == NULL && o.o.reached && strstr(o.o.reason, rows[i].reason) != NULL,
		    "%s: not used, and said so", rows[i].reason);
		wait_until(&rows[i].peer->open, 0);
		close_world(&w, rows[i].reason);
	}
}

/* A database that takes no writes has connections for reads all the same. */
static void
test_read_only(void)
{
	static struct pg_peer p = { .kind = PG_PEER_PRIMARY, .value = "x", .answers = read_only };
	struct world w;
	struct order writer, reader;

	open_world(&w, &p, "");
	place(&w, &writer, STATEMENT_ROLE_WRITE);
	place(&w, &reader, STATEMENT_ROLE_READ);
	wait_for(&writer);
	tap_ok(writer.conn == NULL && writer.o.read_only && !writer.o.reached, "read-only: none for writes");
	wait_for(&reader);
	tap_ok(reader.conn != NULL && !reader.o.read_only, "but one for reads");
	close_connection(&reader, &p);
	close_world(&w, "read-only");
}

/* Nobody waits for the connection any more when it has been made. */
static void
test_channel_freed(void)
{
	static struct pg_peer p = { .kind = PG_PEER_PRIMARY, .value = "x", .answers = good, .held = true };
	struct world w;
	struct order under_way, waiting, later;
	struct pollfd fd;

	open_world(&w, &p, "");
	place(&w, &under_way, STATEMENT_ROLE_READ);
	place(&w, &waiting, STATEMENT_ROLE_WRITE);
	wait_until(&p.connections, 1);
	connect_thread_channel_free(w.channel);
	p.held = false;
	wait_until(&p.open, 0);
	tap_ok(under_way.ready == 0 && waiting.ready == 0, "the orders of a worker that ends are not answered");
	tap_int(p.connections, 1, "what was under way is closed, what waited is not tried");
	w.channel = connect_thread_channel_new(w.thread, &w.loop);
	place(&w, &later, STATEMENT_ROLE_READ);
	fd = (struct pollfd){ .fd = w.loop.epoll, .events = POLLIN };
	(void)poll(&fd, 1, -1);
	close_world(&w, "an answer that nobody has read");
	tap_int(later.ready, 0, "is not given");
	wait_until(&p.open, 0);
	tap_int(p.connections, 2, "but closed");
}

/* After a crash: writes wait, unless no session of the program before is left. */
static void
test_old_sessions(struct pg_peer *p, const struct pg_peer_answer *rows, bool waits, const char *name)
{
	struct world w;
	struct order reader, writer;

	*p = (struct pg_peer){ .kind = PG_PEER_PRIMARY, .value = "x", .answers = rows };
	writes_from = clock_mono() + 60 * CLOCK_S;
	open_world(&w, p, "");
	place(&w, &reader, STATEMENT_ROLE_READ);
	place(&w, &writer, STATEMENT_ROLE_WRITE);
	wait_for(&reader);
	wait_for(&writer);
	tap_ok(writer.conn != NULL, "%s: a connection for writes is made", name);
	tap_int(writer.o.writes_from, waits ? writes_from : 0, "and writes %s", waits ? "wait" : "need not wait");
	PQfinish(reader.conn);
	close_connection(&writer, p);
	close_world(&w, name);
	writes_from = 0;
}

/* Process IDs of another server say nothing about this one's sessions. */
static void
test_other_server(const struct pg_peer_answer *rows)
{
	static struct pg_peer first, second;
	struct world w;
	struct order reader, writer;

	first = (struct pg_peer){ .kind = PG_PEER_PRIMARY, .value = "x", .answers = rows };
	second = first;
	second.kept_part = "pg_stat_activity";
	writes_from = clock_mono() + 60 * CLOCK_S;
	open_world(&w, &first, "");
	pg_peer_start(&second);
	place(&w, &reader, STATEMENT_ROLE_READ);
	wait_for(&reader);
	(void)snprintf(w.text, sizeof(w.text), "host=127.0.0.1 port=%d user=u dbname=d", second.port);
	place(&w, &writer, STATEMENT_ROLE_WRITE);
	wait_for(&writer);
	tap_ok(reader.conn != NULL && writer.conn != NULL, "two servers: connections to both are made");
	tap_text(str_of(second.kept), STR("{42}"), "our own sessions are those of the server that is asked");
	PQfinish(reader.conn);
	close_connection(&writer, &second);
	close_world(&w, "two servers");
	writes_from = 0;
}

static void
test_crash(void)
{
	static const struct pg_peer_answer none[] = { { "pg_stat_activity", "0" }, { "version()", "PostgreSQL 15.8" },
		{ "pg_backend_pid", "42" }, { "pg_constraint", "workspace,namespace,key||modified" },
		{ "transaction_read_only", "off" }, { "select clock_timestamp()", "12345678" }, { NULL, NULL } };
	static const struct pg_peer_answer some[] = { { "pg_stat_activity", "1" }, { "version()", "PostgreSQL 15.8" },
		{ "pg_backend_pid", "42" }, { "pg_constraint", "workspace,namespace,key||modified" },
		{ "transaction_read_only", "off" }, { "select clock_timestamp()", "12345678" }, { NULL, NULL } };
	static const struct pg_peer_answer behind_pooler[] = { { "pg_stat_activity", "0" },
		{ "version()", "PostgreSQL 15.8" }, { "pg_backend_pid", "43" },
		{ "pg_constraint", "workspace,namespace,key||modified" }, { "transaction_read_only", "off" },
		{ "select clock_timestamp()", "12345678" }, { NULL, NULL } };
	static struct pg_peer peers[4]; /* each lasts as long as the process */

	test_old_sessions(&peers[0], none, false, "no session is left");
	test_old_sessions(&peers[1], some, true, "a session is left");
	test_old_sessions(&peers[2], behind_pooler, true, "behind a pooler, where that proves nothing");
	test_old_sessions(&peers[3], cluster, true, "CockroachDB");
	test_other_server(some);
}

/* A server that hangs: the attempt can be left alone, and is ended when it goes on. */
static void
test_hanging(void)
{
	static struct pg_peer p = { .kind = PG_PEER_PRIMARY, .value = "x", .answers = good, .held = true };
	struct world w;
	struct order o;

	open_world(&w, &p, "connect_timeout=60");
	place(&w, &o, STATEMENT_ROLE_READ);
	wait_until(&p.connections, 1);
	connect_thread_channel_free(w.channel);
	tap_ok(!connect_thread_free(w.thread), "the thread cannot end while an attempt hangs");
	p.held = false;
	wait_until(&p.open, 0);
	while (!connect_thread_free(w.thread))
		continue;
	tap_int(o.ready, 0, "then it ends, and the connection is closed");
	statement_set_free(&w.set);
	loop_close(&w.loop);
}

/* One that never answers costs its time limit; then the order is answered. */
static void
test_silent(void)
{
	static struct pg_peer p = { .kind = PG_PEER_SILENT };
	struct world w;
	struct order o;

	open_world(&w, &p, "connect_timeout=1");
	place(&w, &o, STATEMENT_ROLE_READ);
	wait_for(&o);
	tap_ok(o.conn == NULL && strstr(o.o.reason, "no answer within 1 s") != NULL, "silent: no connection");
	close_world(&w, "silent");
}

int
main(void)
{
	(void)alarm(GIVE_UP);
	test_roles();
	test_servers();
	test_several();
	test_failures();
	test_delay();
	test_unusable();
	test_read_only();
	test_channel_freed();
	test_crash();
	test_hanging();
	test_silent();
	return tap_end();
}
