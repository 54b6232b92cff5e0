/* SPDX-License-Identifier: EPL-2.0 */
#include "pg/pipeline.h"

#include <assert.h>
#include <sys/epoll.h>

#include "base/base.h"
#include "base/clock.h"
#include "pg/lifetime.h"
#include "pg/pipeline_result.h"
#include "pg/pipeline_send.h"

#define ASK_TIME   (2 * CLOCK_S) /* within which the question for the time must be answered */
#define LARGE_KEPT (2 * CLOCK_S) /* how long libpq's buffers stay large after the last large message */

/* When an idle connection is to be closed (if it is not on demand: replaced), and why. */
static int64_t
idle_end(const struct pipeline *p, enum db_close *why)
{
	int64_t end = p->on_demand ? p->used_at + PIPELINE_UNUSED : TIMER_OFF;

	*why = DB_CLOSE_UNUSED;
	/* libpq keeps its large buffers, but a new connection has small ones */
	if (p->large_at != 0 && p->large_at + LARGE_KEPT < end) {
		*why = DB_CLOSE_BUFFERS;
		end = p->large_at + LARGE_KEPT;
	}
	if (p->old_at < end) {
		*why = DB_CLOSE_OLD;
		end = p->old_at;
	}
	return end;
}

static void
set_timer(struct pipeline *p)
{
	enum db_close why;

	p->timer.due = TIMER_OFF;
	if (pipeline_state_is_busy(p))
		p->timer.due = p->batch.due;
	else if (p->state == PIPELINE_ASKING)
		p->timer.due = p->asked_at + ASK_TIME;
	else if (p->state == PIPELINE_IDLE && !p->order.placed)
		p->timer.due = idle_end(p, &why);
}

static void
place_order(struct pipeline *p)
{
	if (p->order.placed)
		return;
	connect_thread_place(p->shared->channel, &p->order);
}

/* In the state CLOSED. */
static void
connect_pipeline(struct pipeline *p)
{
	place_order(p);
	pipeline_state_move(p, PIPELINE_CONNECTING);
}

static bool
needs_connection(const struct pipeline *p, enum db_close why)
{
	return !p->on_demand && why != DB_CLOSE_END && why != DB_CLOSE_REPLACED;
}

/* The only function that closes a connection. */
static void
close_connection(struct pipeline *p, enum db_close why)
{
	db_close_note(why, p->conn, p->shared->channel, p->made_at, p->answered);
	loop_unwatch(p->shared->loop, &p->watch);
	PQfinish(p->conn);
	PQfinish(p->fresh);
	p->conn = p->fresh = NULL;
	p->large_at = 0;
	pipeline_state_move(p, PIPELINE_CLOSED);
	pipeline_result_lose(p);
	p->closing = DB_CLOSE_NOT;
	/* If a replacement was ordered already, its order is used. */
	if (needs_connection(p, why) || p->order.placed)
		connect_pipeline(p);
	set_timer(p);
}

/* In the state CONNECTING: the new connection is used from now on. */
static void
use_connection(struct pipeline *p, PGconn *conn)
{
	p->conn = conn;
	p->clock = p->order.clock;
	p->shared->writes_from = p->order.writes_from;
	p->pooled = p->order.pooled;
	p->used_at = p->made_at = clock_mono();
	p->answered = false;
	p->old_at = lifetime_end(p->shared->lifetime, p->shared->server, p->used_at);
	p->watch.fd = PQsocket(conn);
	pipeline_state_move(p, PIPELINE_IDLE);
	if (!loop_watch(p->shared->loop, &p->watch, LOOP_LEVEL))
		close_connection(p, DB_CLOSE_EPOLL);
	set_timer(p);
}

/* In the state IDLE: the fresh connection replaces the old one. */
static void
exchange_connection(struct pipeline *p)
{
	PGconn *fresh = p->fresh;

	p->fresh = NULL;
	close_connection(p, DB_CLOSE_REPLACED);
	pipeline_state_move(p, PIPELINE_CONNECTING);
	use_connection(p, fresh);
}

/* What the batch shows about the database's time, and about what comes next. */
static void
note_pace(struct pipeline *p)
{
	struct pipeline_shared *s = p->shared;
	int64_t now = clock_mono();

	pace_note(&s->pace, p->batch.size, p->used_at, now);
	if (!p->batch.large)
		gather_note_answered(&s->gather, p->batch.size, now, pace_time(&s->pace));
}

/* Every result of the batch has come. */
static void
end_batch(struct pipeline *p)
{
	enum db_close why = p->closing;

	if (p->state == PIPELINE_SENDING)
		loop_want(p->shared->loop, &p->watch, true, false);
	pipeline_state_move(p, PIPELINE_IDLE);
	p->answered = true;
	if (p->batch.size > 0 && !p->batch.alone)
		note_pace(p);
	p->closing = DB_CLOSE_NOT;
	if (why != DB_CLOSE_NOT) {
		close_connection(p, why);
	} else if (p->fresh != NULL) {
		exchange_connection(p);
	}
	set_timer(p);
}

/* In the state IDLE. */
static void
ask_clock(struct pipeline *p)
{
	p->asked_at = clock_mono();
	pipeline_state_move(p, PIPELINE_ASKING);
	if (!statement_send_control(p->shared->set, p->conn, p->shared->server, STATEMENT_CLOCK) ||
	    PQpipelineSync(p->conn) == 0 || PQflush(p->conn) != 0)
		close_connection(p, DB_CLOSE_LOST);
	set_timer(p);
}

/* In the state ASKING: reads one result; false: it is not the answer. */
static bool
take_clock(struct pipeline *p, const PGresult *res)
{
	int64_t time;

	switch ((int)PQresultStatus(res)) {
	case PGRES_TUPLES_OK:
		if (!dbconn_read_clock(res, &time))
			return false;
		p->clock = db_clock_of(p->asked_at, clock_mono(), time, p->clock.margin);
		return true;
	case PGRES_PIPELINE_SYNC:
		p->answered = true;
		pipeline_state_move(p, PIPELINE_IDLE);
		return true;
	default:
		dbconn_note_error(p->conn, res);
		return false;
	}
}

/* In the state ASKING: takes the results that libpq has; false: the connection cannot be used. */
static bool
take_clock_results(struct pipeline *p)
{
	bool ok = true;

	while (ok && p->state == PIPELINE_ASKING && PQisBusy(p->conn) == 0) {
		PGresult *res = PQgetResult(p->conn);

		/* libpq returns NULL between the answer and the result of the Sync. */
		ok = res != NULL ? take_clock(p, res) : PQstatus(p->conn) == CONNECTION_OK;
		PQclear(res);
	}
	return ok;
}

/* Lets libpq read what has arrived, and has its results taken; false: the connection cannot be used. */
static bool
read_connection(struct pipeline *p, bool (*take)(struct pipeline *p))
{
	bool ok;

	do
		ok = PQconsumeInput(p->conn) == 1 && take(p);
	while (ok && dbconn_has_more(p->conn));
	return ok;
}

/* In the state ASKING. */
static void
read_clock(struct pipeline *p)
{
	if (!read_connection(p, take_clock_results))
		close_connection(p, DB_CLOSE_LOST);
	else if (p->state == PIPELINE_IDLE && p->fresh != NULL)
		exchange_connection(p);
	set_timer(p);
}

/* Sends the bytes that libpq holds; false: the connection was lost and is closed. */
static bool
flush_connection(struct pipeline *p)
{
	int left = PQflush(p->conn);

	if (left < 0) {
		close_connection(p, DB_CLOSE_LOST);
		return false;
	}
	if (left == 0)
		pipeline_state_move(p, PIPELINE_WAITING);
	return true;
}

/* The socket takes more. */
static bool
go_on_sending(struct pipeline *p)
{
	if (p->state != PIPELINE_SENDING)
		return true;
	if (!flush_connection(p))
		return false;
	if (p->state == PIPELINE_WAITING)
		loop_want(p->shared->loop, &p->watch, true, false);
	return true;
}

static void
on_pipeline_ready(struct watch *w, uint32_t events)
{
	struct pipeline *p = (struct pipeline *)w;

	if (!pipeline_state_is_open(p))
		return; /* closed in this iteration; the descriptor may belong to another connection by now */
	if (p->state == PIPELINE_ASKING) {
		read_clock(p);
		return;
	}
	if ((events & EPOLLOUT) != 0 && !go_on_sending(p))
		return;
	if (!read_connection(p, pipeline_result_read))
		close_connection(p, DB_CLOSE_LOST);
	else if (pipeline_state_is_busy(p) && p->batch.tickets.head == NULL)
		end_batch(p);
}

/* No replacement could be made: the connection stays, and one is ordered again after LARGE_KEPT. */
static void
put_off_exchange(struct pipeline *p)
{
	int64_t now = clock_mono();

	if (p->large_at != 0)
		p->large_at = now;
	if (p->old_at <= now)
		p->old_at = now + LARGE_KEPT;
}

/* The order for a replacement was answered; conn is NULL: none could be made. */
static void
take_replacement(struct pipeline *p, PGconn *conn)
{
	p->fresh = conn;
	if (conn == NULL)
		put_off_exchange(p);
	else if (p->state == PIPELINE_IDLE)
		exchange_connection(p);
	set_timer(p);
}

/* In the state CONNECTING. */
static void
take_first(struct pipeline *p, PGconn *conn, enum dbconn_server server)
{
	if (conn != NULL) {
		p->shared->server = server;
		use_connection(p, conn);
	} else if (!p->on_demand) {
		place_order(p);
	} else {
		pipeline_state_move(p, PIPELINE_CLOSED);
	}
}

static void
on_pipeline_connected(struct connect_thread_order *o, PGconn *conn, enum dbconn_server server)
{
	struct pipeline *p = container_of(o, struct pipeline, order);

	if (p->state != PIPELINE_CONNECTING) {
		take_replacement(p, conn);
		return;
	}
	p->shared->answered(p->shared, o, conn != NULL);
	take_first(p, conn, server);
}

static void
on_pipeline_timer(struct timer *timer)
{
	struct pipeline *p = container_of(timer, struct pipeline, timer);
	int64_t now = clock_mono();
	enum db_close why;

	if (pipeline_state_is_busy(p) && now >= p->batch.due) {
		close_connection(p, DB_CLOSE_DEADLINE);
	} else if (p->state == PIPELINE_ASKING && now >= p->asked_at + ASK_TIME) {
		close_connection(p, DB_CLOSE_SILENT);
	} else if (p->state == PIPELINE_IDLE && !p->order.placed && now >= idle_end(p, &why)) {
		if (p->on_demand)
			close_connection(p, why);
		else
			place_order(p); /* the connection stays in use until its replacement has been made */
	}
	set_timer(p);
}

void
pipeline_init(struct pipeline *p, struct pipeline_shared *shared, enum statement_role role, bool on_demand)
{
	*p = (struct pipeline){
		.shared = shared, .on_demand = on_demand, .order = { .role = role, .ready = on_pipeline_connected }
	};
	p->watch = (struct watch){ .fd = -1, .ready = on_pipeline_ready };
	p->timer = (struct timer){ .due = TIMER_OFF, .fire = on_pipeline_timer };
	ticket_queue_init(&p->batch.tickets);
	loop_add_timer(shared->loop, &p->timer);
	if (!on_demand)
		connect_pipeline(p);
}

void
pipeline_open(struct pipeline *p)
{
	connect_pipeline(p);
}

bool
pipeline_give_up(struct pipeline *p)
{
	if (p->state != PIPELINE_IDLE || !p->on_demand || clock_mono() < p->used_at + PIPELINE_SPARE)
		return false;
	close_connection(p, DB_CLOSE_UNUSED);
	return true;
}

void
pipeline_send(struct pipeline *p, struct ticket_queue *queue, size_t most)
{
	if (p->order.role == STATEMENT_ROLE_WRITE && db_clock_is_old(&p->clock, clock_mono())) {
		ask_clock(p);
		return;
	}
	pipeline_send_fill(p, queue, most);
	if (p->batch.tickets.head == NULL)
		return;
	pipeline_state_move(p, PIPELINE_SENDING);
	p->used_at = clock_mono();
	if (!pipeline_send_queue(p)) {
		close_connection(p, DB_CLOSE_LOST);
		return;
	}
	if (flush_connection(p) && p->state == PIPELINE_SENDING)
		loop_want(p->shared->loop, &p->watch, true, true);
	set_timer(p);
}

void
pipeline_end(struct pipeline *p)
{
	assert(!pipeline_state_is_busy(p));
	if (pipeline_state_is_open(p))
		close_connection(p, DB_CLOSE_END);
}
