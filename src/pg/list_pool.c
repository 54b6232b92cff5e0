/* SPDX-License-Identifier: EPL-2.0 */
#include "pg/list_pool.h"

#include <assert.h>
#include <sys/epoll.h>

#include "base/base.h"
#include "base/clock.h"
#include "pg/attempt.h"
#include "pg/lifetime.h"

#define UNUSED_KEPT (60 * CLOCK_S) /* how long a connection beyond the first waits for another list */
#define YIELD_ROWS  256            /* a list yields after this number of rows */
#define YIELD_TIME  (1 * CLOCK_MS) /* how long a list yields */

#define TO(state) (1U << (state))

/* The only function that changes the state; asserts that the move is allowed. */
static void
move_list(struct list_connection *c, enum list_state next)
{
	static const unsigned moves[] = {
		[LIST_CLOSED] = TO(LIST_CONNECTING),
		[LIST_CONNECTING] = TO(LIST_IDLE) | TO(LIST_CLOSED),
		[LIST_IDLE] = TO(LIST_READING) | TO(LIST_CLOSED),
		[LIST_READING] = TO(LIST_IDLE) | TO(LIST_YIELDING) | TO(LIST_CLOSED),
		[LIST_YIELDING] = TO(LIST_READING) | TO(LIST_CLOSED),
	};

	assert((moves[c->state] & TO(next)) != 0);
	c->state = next;
}

static bool
is_listing(const struct list_connection *c)
{
	return c->state >= LIST_READING;
}

/* What must hold between two iterations of the event loop. */
static void
check_list(const struct list_connection *c)
{
	assert((c->conn != NULL) == (c->state >= LIST_IDLE));
	assert((c->ticket != NULL) == is_listing(c));
	assert(c->order.placed == (c->state == LIST_CONNECTING));
	assert(c->ticket == NULL || c->ticket->pg.connection == c);
}

static void
finish_list(struct store_ticket *t, enum store_outcome outcome, struct str reason)
{
	struct store_result r = { .outcome = outcome, .reason = reason };

	t->pg.connection = NULL;
	t->client->done(t, &r);
}

static void
order_list(struct list_connection *c)
{
	move_list(c, LIST_CONNECTING);
	connect_thread_place(c->pool->channel, &c->order);
}

static bool
has_list_connection(const struct list_pool *l)
{
	for (unsigned i = 0; i < l->count; i++)
		if (l->connection[i].conn != NULL)
			return true;
	return false;
}

/* From now on the lists that wait do so because of the database. */
static void
blame_database(struct list_pool *l)
{
	for (struct store_ticket *t = l->waiting.head; t != NULL; t = t->next)
		t->pg.queued = false;
}

/* The only function that closes a connection.  The list that ran on it has been detached. */
static void
close_list(struct list_connection *c, enum db_close why)
{
	assert(c->ticket == NULL);
	db_close_note(why, c->conn, c->pool->channel, c->made_at, c->answered);
	loop_unwatch(c->pool->loop, &c->watch);
	PQfinish(c->conn);
	c->conn = NULL;
	c->timer.due = TIMER_OFF;
	move_list(c, LIST_CLOSED);
	if (why == DB_CLOSE_LOST && !has_list_connection(c->pool))
		blame_database(c->pool);
	if (why != DB_CLOSE_END && (c == &c->pool->connection[0] || c->pool->waiting.head != NULL))
		order_list(c);
}

static struct store_ticket *
detach_list(struct list_connection *c)
{
	struct store_ticket *t = c->ticket;

	c->ticket = NULL;
	t->pg.connection = NULL;
	return t;
}

/* The first connection is kept until its lifetime is over. */
static void
set_idle_timer(struct list_connection *c)
{
	int64_t unused = clock_mono() + UNUSED_KEPT;

	c->timer.due = c != &c->pool->connection[0] && unused < c->old_at ? unused : c->old_at;
}

/* All rows have come: the list is done, even if something fails after the last row. */
static void
end_complete(struct list_connection *c, bool usable)
{
	struct store_ticket *t = detach_list(c);

	c->answered = true;
	if (usable && c->verdict == SQLSTATE_NONE) {
		move_list(c, LIST_IDLE);
		set_idle_timer(c);
	} else {
		close_list(c, DB_CLOSE_LOST);
	}
	finish_list(t, STORE_DONE, STR_ABSENT);
}

static void
note_first_deadline(struct list_pool *l)
{
	l->timer.due = l->waiting.head != NULL ? l->waiting.head->deadline : TIMER_OFF;
}

/* The statement or the connection failed: the list begins again if no key has been given to the receiver. */
static void
end_broken(struct list_connection *c, enum sqlstate_verdict verdict, enum db_close why)
{
	struct list_pool *l = c->pool;
	struct store_ticket *t = detach_list(c);
	const struct attempt a = {
		.kind = STORE_LIST,
		.point = ATTEMPT_ERROR,
		.verdict = verdict,
		.attempts = t->pg.attempts,
		.in_time = clock_mono() < t->deadline,
		.delivered = c->delivered,
	};
	struct attempt_decision d = attempt_decide(&a);

	if (d.next == ATTEMPT_AGAIN) {
		metrics_add(METRICS_DB_RETRIES + d.why, 1);
		ticket_queue_put_due(&l->waiting, t);
		note_first_deadline(l);
	}
	close_list(c, why);
	if (d.next != ATTEMPT_AGAIN)
		finish_list(t, d.outcome, STR_ABSENT);
}

static void
start_list(struct list_connection *c, struct store_ticket *t)
{
	c->ticket = t;
	c->verdict = SQLSTATE_NONE;
	c->delivered = c->complete = c->ended = false;
	c->rows = 0;
	c->timer.due = clock_mono() + c->pool->timeout;
	t->pg.connection = c;
	t->pg.queued = false; /* if it waits again, then because it lost this connection */
	t->pg.attempts++;
	t->batch_size = 1;
	t->sqlstate[0] = '\0';
	move_list(c, LIST_READING);
	/* The statement is small and the connection idle, so the socket takes all of it. */
	if (!statement_send(c->pool->set, c->conn, c->pool->server, &t->op, 0) || PQsetSingleRowMode(c->conn) == 0 ||
	    PQflush(c->conn) != 0)
		end_broken(c, SQLSTATE_UNKNOWN, DB_CLOSE_LOST);
}

/* Starts waiting lists on idle connections, and orders one connection more if some still wait. */
static void
dispatch_lists(struct list_pool *l)
{
	for (unsigned i = 0; i < l->count && l->waiting.head != NULL; i++)
		if (l->connection[i].state == LIST_IDLE)
			start_list(&l->connection[i], ticket_queue_take(&l->waiting));
	for (unsigned i = 0; i < l->count && l->waiting.head != NULL; i++)
		if (l->connection[i].state == LIST_CLOSED) {
			order_list(&l->connection[i]);
			break;
		}
	note_first_deadline(l);
}

/* Stops reading for a moment; only the end of the connection is still noticed. */
static void
yield_list(struct list_connection *c)
{
	c->rows = 0;
	move_list(c, LIST_YIELDING);
	loop_want(c->pool->loop, &c->watch, false, false);
	if (c->pool->yield.due == TIMER_OFF)
		c->pool->yield.due = clock_mono() + YIELD_TIME;
}

/* One result of the statement. */
static void
take_list_result(struct list_connection *c, PGresult *res)
{
	struct store_ticket *t = c->ticket;
	struct store_row row;

	switch ((int)PQresultStatus(res)) {
	case PGRES_SINGLE_TUPLE:
		c->rows++;
		c->delivered = true;
		statement_read_list_row(&t->op, res, &row);
		t->client->row(t, &row);
		break;
	case PGRES_TUPLES_OK:
		c->complete = true;
		break;
	default:
		dbconn_note_error(c->conn, res);
		c->verdict = sqlstate_of_error(res, c->pool->server, t->sqlstate);
		c->ended = sqlstate_ends_session(res);
		break;
	}
	PQclear(res);
}

/* All results of the statement have come. */
static void
end_statement(struct list_connection *c, bool usable)
{
	if (c->complete)
		end_complete(c, usable);
	else if (c->verdict != SQLSTATE_NONE)
		end_broken(c, c->verdict, c->ended ? DB_CLOSE_LOST : DB_CLOSE_LIST_FAILED);
	else
		end_broken(c, SQLSTATE_UNKNOWN, DB_CLOSE_LOST);
	dispatch_lists(c->pool);
}

/* Takes rows until there are none, it yields, or the statement has ended. */
static void
take_list_rows(struct list_connection *c)
{
	c->timer.due = clock_mono() + c->pool->timeout;
	while (c->state == LIST_READING && PQisBusy(c->conn) == 0) {
		PGresult *res;

		if (c->pool->gives_way && c->rows >= YIELD_ROWS) {
			yield_list(c);
			return;
		}
		res = PQgetResult(c->conn);
		if (res == NULL) {
			end_statement(c, PQstatus(c->conn) == CONNECTION_OK);
			return;
		}
		take_list_result(c, res);
	}
}

/* In the states IDLE and READING: lets libpq read what has arrived, and takes the rows. */
static void
read_list(struct list_connection *c)
{
	do {
		if (PQflush(c->conn) >= 0 && PQconsumeInput(c->conn) == 1) {
			if (c->state == LIST_READING)
				take_list_rows(c);
		} else if (c->state == LIST_READING) {
			end_statement(c, false);
		} else {
			close_list(c, DB_CLOSE_LOST);
		}
	} while (c->state == LIST_READING && dbconn_has_more(c->conn));
}

static void
on_list_ready(struct watch *w, uint32_t events)
{
	struct list_connection *c = (struct list_connection *)w;
	bool ended = (events & (EPOLLHUP | EPOLLERR)) != 0;

	if (c->state < LIST_IDLE)
		return; /* closed in this iteration; the descriptor may belong to another connection by now */
	if (c->state == LIST_YIELDING) {
		if (ended)
			end_statement(c, false);
		return;
	}
	read_list(c);
}

static void
refuse_waiting(struct list_pool *l)
{
	struct ticket_queue waiting = ticket_queue_take_all(&l->waiting);
	struct store_ticket *t;

	while ((t = ticket_queue_take(&waiting)) != NULL)
		finish_list(t, STORE_UNAVAILABLE, str_of(l->reason));
}

static void
on_list_connected(struct connect_thread_order *o, PGconn *conn, enum dbconn_server server)
{
	struct list_connection *c = container_of(o, struct list_connection, order);
	struct list_pool *l = c->pool;

	l->down = conn == NULL && !has_list_connection(l);
	if (conn == NULL) {
		move_list(c, LIST_CLOSED);
		memcpy(l->reason, o->reason, sizeof(l->reason));
		if (l->down)
			refuse_waiting(l);
		if (c == &l->connection[0])
			order_list(c);
		return;
	}
	c->conn = conn;
	l->server = server;
	c->watch.fd = PQsocket(conn);
	c->made_at = clock_mono();
	c->answered = false;
	c->old_at = lifetime_end(l->lifetime, server, c->made_at);
	set_idle_timer(c);
	move_list(c, LIST_IDLE);
	if (loop_watch(l->loop, &c->watch, LOOP_LEVEL))
		dispatch_lists(l);
	else
		close_list(c, DB_CLOSE_EPOLL);
}

/* Ends the lists whose deadline has passed while they waited for a connection. */
static void
on_waiting_timer(struct timer *timer)
{
	struct list_pool *l = container_of(timer, struct list_pool, timer);
	int64_t now = clock_mono();

	while (l->waiting.head != NULL && l->waiting.head->deadline <= now) {
		struct store_ticket *t = ticket_queue_take(&l->waiting);

		finish_list(t, t->pg.queued ? STORE_BUSY : STORE_UNAVAILABLE, STR_ABSENT);
	}
	note_first_deadline(l);
}

static void
go_on_reading(struct list_connection *c)
{
	move_list(c, LIST_READING);
	loop_want(c->pool->loop, &c->watch, true, false);
	take_list_rows(c);
	if (c->state == LIST_READING && dbconn_has_more(c->conn))
		read_list(c);
}

static void
on_yield_timer(struct timer *timer)
{
	struct list_pool *l = container_of(timer, struct list_pool, yield);

	for (unsigned i = 0; i < l->count; i++)
		if (l->connection[i].state == LIST_YIELDING)
			go_on_reading(&l->connection[i]);
}

static void
on_list_timer(struct timer *timer)
{
	struct list_connection *c = container_of(timer, struct list_connection, timer);

	if (is_listing(c)) {
		struct store_ticket *t = detach_list(c);

		close_list(c, DB_CLOSE_NO_PROGRESS);
		finish_list(t, STORE_UNAVAILABLE, STR_ABSENT);
	} else if (c->state == LIST_IDLE) {
		close_list(c, clock_mono() >= c->old_at ? DB_CLOSE_OLD : DB_CLOSE_UNUSED);
	}
}

void
list_pool_init(struct list_pool *l, unsigned count, int64_t timeout, int64_t lifetime, const struct statement_set *set,
    struct loop *loop, struct connect_thread_channel *channel)
{
	assert(count >= 1 && count <= ARRAY_SIZE(l->connection));
	*l = (struct list_pool){
		.loop = loop, .channel = channel, .set = set, .timeout = timeout, .lifetime = lifetime, .count = count
	};
	ticket_queue_init(&l->waiting);
	l->timer = (struct timer){ .due = TIMER_OFF, .fire = on_waiting_timer };
	l->yield = (struct timer){ .due = TIMER_OFF, .fire = on_yield_timer };
	loop_add_timer(loop, &l->timer);
	loop_add_timer(loop, &l->yield);
	for (unsigned i = 0; i < count; i++) {
		struct list_connection *c = &l->connection[i];

		c->pool = l;
		c->watch = (struct watch){ .fd = -1, .ready = on_list_ready };
		c->timer = (struct timer){ .due = TIMER_OFF, .fire = on_list_timer };
		c->order = (struct connect_thread_order){ .role = STATEMENT_ROLE_LIST, .ready = on_list_connected };
		loop_add_timer(loop, &c->timer);
	}
	order_list(&l->connection[0]);
}

void
list_pool_close(struct list_pool *l)
{
	for (unsigned i = 0; i < l->count; i++)
		if (l->connection[i].conn != NULL)
			close_list(&l->connection[i], DB_CLOSE_END);
}

void
list_pool_submit(struct list_pool *l, struct store_ticket *t)
{
	t->pg = (struct store_ticket_pg){ .connection = NULL };
	if (!has_list_connection(l))
		connect_thread_nudge(l->channel);
	if (l->down) {
		finish_list(t, STORE_UNAVAILABLE, str_of(l->reason));
		return;
	}
	t->pg.queued = has_list_connection(l); /* looked at only if it gets none of them now */
	ticket_queue_put_due(&l->waiting, t);
	dispatch_lists(l);
}

void
list_pool_cancel(struct list_pool *l, struct store_ticket *t)
{
	struct list_connection *c = t->pg.connection;

	if (c == NULL) {
		bool waited = ticket_queue_remove(&l->waiting, t);

		assert(waited);
		note_first_deadline(l);
		return;
	}
	(void)detach_list(c);
	close_list(c, DB_CLOSE_CANCELLED);
	dispatch_lists(l);
}

void
list_pool_give_way(struct list_pool *l, bool gives_way)
{
	l->gives_way = gives_way;
	for (unsigned i = 0; i < l->count; i++)
		check_list(&l->connection[i]);
}

void
list_pool_count(const struct list_pool *l, uint64_t counts[METRICS_STATES])
{
	for (unsigned i = 0; i < l->count; i++) {
		const struct list_connection *c = &l->connection[i];

		if (c->state == LIST_CONNECTING)
			counts[METRICS_CONNECTING]++;
		else if (c->state != LIST_CLOSED)
			counts[is_listing(c) ? METRICS_BUSY : METRICS_IDLE]++;
	}
}
