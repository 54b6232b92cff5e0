/* SPDX-License-Identifier: EPL-2.0 */
#include "pg/pipeline.h"

#include <assert.h>
#include <errno.h>
#include <malloc.h>
#include <stdlib.h>
#include <sys/epoll.h>

#include "base/base.h"
#include "base/clock.h"
#include "base/log.h"
#include "pg/pipeline_result.h"
#include "pg/pipeline_send.h"
#include "pg/sqlstate.h"

#define LARGE_KEPT (2 * CLOCK_S)

static int64_t
first_of(int64_t a, int64_t b)
{
	return a < b ? a : b;
}

static void
set_timer(struct pipeline *l)
{
	int64_t due = l->group.head != NULL ? l->group_due : TIMER_OFF;

	if (l->queue.head != NULL)
		due = first_of(due, l->queue.head->deadline);
	if (l->group.head == NULL && l->large_at != 0 && !l->ordered)
		due = first_of(due, l->large_at + LARGE_KEPT);
	if (l->group.head == NULL && l->largest != 0)
		due = first_of(due, l->spread_until);
	l->timer.due = due;
}

static void
place_order(struct pipeline *l)
{
	if (l->ordered)
		return;
	l->ordered = true;
	l->order.stale_pid = l->stale_pid;
	connect_thread_place(l->box, &l->order);
}

/* There is no connection any more; an extra lane needs another one only for what it still has to do. */
static void
replace_connection(struct pipeline *l)
{
	if (!l->extra || l->queue.head != NULL || l->doubtful)
		place_order(l);
}

/* The one way a connection ends. */
static void
leave_connection(struct pipeline *l)
{
	loop_unwatch(l->loop, &l->watch);
	PQfinish(l->conn);
	PQfinish(l->fresh);
	l->conn = l->fresh = NULL;
	l->leave = false;
	l->unsent = false;
	l->large_at = 0;
}

/* A write was sent, and nobody knows whether it will happen: until its backend has ended, no other is sent. */
static void
begin_doubt(struct pipeline *l)
{
	l->stale_pid = l->pid;
	if (!l->doubtful)
		connect_thread_fence(l->box);
	l->doubtful = true;
}

static void
end_doubt(struct pipeline *l)
{
	l->stale_pid = 0;
	if (l->doubtful)
		connect_thread_unfence(l->box);
	l->doubtful = false;
}

/* There is no connection, and the reason is known. */
static void
refuse_ticket(struct pipeline *l, struct store_ticket *t)
{
	t->result.reason = str_of(l->reason);
	t->result.reached = l->reached;
	pipeline_result_finish(t, STORE_UNAVAILABLE);
}

static void
refuse_all(struct pipeline *l)
{
	struct ticket_queue waiting = ticket_queue_take_all(&l->queue);
	struct store_ticket *t;

	while ((t = ticket_queue_take(&waiting)) != NULL)
		refuse_ticket(l, t);
}

static void
lose_connection(struct pipeline *l, struct str why)
{
	log_event(LOG_WARN, "database connection lost", log_text("reason", why));
	if (l->group.head != NULL && store_writes(&l->group.head->op))
		begin_doubt(l);
	pipeline_result_lose_all(l);
	leave_connection(l);
	replace_connection(l);
	set_timer(l);
}

static void
lose_connection_libpq(struct pipeline *l)
{
	struct buf why;

	buf_init(&why, CONNECT_THREAD_REASON_SIZE);
	dbconn_put_message(&why, PQerrorMessage(l->conn));
	lose_connection(l, buf_str(&why));
	buf_free(&why);
}

static void
take_error(struct pipeline *l, PGresult *res)
{
	const char *code = PQresultErrorField(res, PG_DIAG_SQLSTATE);
	enum sqlstate_verdict verdict = sqlstate_verdict(code, PQresultErrorField(res, PG_DIAG_SEVERITY_NONLOCALIZED));

	if (verdict == SQLSTATE_FAULT || verdict == SQLSTATE_SCHEMA)
		log_event(LOG_ERROR, "database refused", log_text("sqlstate", str_of(code)));
	l->failed = true;
	if (l->at == NULL) {
		l->sync_verdict = (int)verdict;
		for (struct store_ticket *t = l->group.head; t != NULL; t = t->synced ? NULL : t->next)
			sqlstate_copy(t->sqlstate, code);
	} else {
		/* Which of a batch was it?  Each will say for itself. */
		if (l->at->batch > 1 && verdict != SQLSTATE_UNKNOWN)
			verdict = SQLSTATE_RETRY;
		for (struct store_ticket *t = l->at; t != pipeline_send_batch_end(l->at); t = t->next) {
			t->verdict = (int)verdict;
			sqlstate_copy(t->sqlstate, code);
		}
	}
	PQclear(res);
}

/* Large values rarely come alone: what follows is spread over connections, in small groups. */
static void
note_size(struct pipeline *l, size_t n)
{
	if (n < PIPELINE_LARGE_VALUE)
		return;
	l->spread_until = clock_mono() + LARGE_KEPT;
	if (n > l->largest)
		l->largest = n;
}

static void
take_rows_of_batch(struct pipeline *l, PGresult *res)
{
	struct store_ticket *last = l->at;

	if (l->at->batch == 1)
		statement_read(&l->at->op, res, &l->at->result);
	else
		statement_read_many(l->at->statement, l->at, l->at->batch, res);
	for (struct store_ticket *t = l->at; t != pipeline_send_batch_end(l->at); t = t->next) {
		note_size(l, t->result.value.n);
		if (t->result.value.n > PIPELINE_LARGE_MESSAGE)
			l->large_at = clock_mono();
		last = t;
	}
	last->result.memory = res; /* the last of a batch is the last to be answered */
}

static void
take_pipeline_result(struct pipeline *l, PGresult *res)
{
	ExecStatusType status = PQresultStatus(res);

	l->answered = status != PGRES_PIPELINE_SYNC;
	if (status == PGRES_PIPELINE_SYNC) {
		PQclear(res);
		pipeline_result_end(l);
	} else if (l->at == NULL && (status == PGRES_TUPLES_OK || status == PGRES_COMMAND_OK)) {
		PQclear(res); /* nobody asked */
	} else if (status == PGRES_PIPELINE_ABORTED) {
		PQclear(res);
		l->failed = true;
	} else if (status != PGRES_TUPLES_OK && status != PGRES_COMMAND_OK) {
		take_error(l, res);
	} else {
		take_rows_of_batch(l, res);
	}
}

/* PQgetResult gave the NULL behind a statement's result, or behind a Sync's error: what comes next? */
static void
advance(struct pipeline *l)
{
	struct store_ticket *next;

	l->answered = false;
	if (l->at == NULL) /* the Sync itself */
		return;
	next = pipeline_send_batch_end(l->at);
	while (!l->at->synced && l->at->next != next)
		l->at = l->at->next;
	l->at = l->at->synced ? NULL : next;
}

/* Takes what has arrived; false: the connection is lost. */
static bool
take_results(struct pipeline *l)
{
	while (l->group.head != NULL && PQisBusy(l->conn) == 0) {
		PGresult *res = PQgetResult(l->conn);

		if (res != NULL)
			take_pipeline_result(l, res);
		else if (l->answered)
			advance(l);
		else
			return false;
	}
	return true;
}

static void
flush_pipeline(struct pipeline *l)
{
	int rc = PQflush(l->conn);

	if (rc < 0) {
		lose_connection_libpq(l);
	} else if (l->unsent != (rc > 0)) {
		l->unsent = rc > 0;
		loop_want(l->loop, &l->watch, true, l->unsent);
	}
}

/* From now on this is the connection. */
static void
use_connection(struct pipeline *l, PGconn *conn)
{
	l->conn = conn;
	l->pid = PQbackendPID(conn);
	l->watch.fd = PQsocket(conn);
	if (!loop_watch(l->loop, &l->watch, LOOP_LEVEL))
		lose_connection(l, STR("epoll"));
}

/*
 * libpq keeps its buffers at the size of the largest message; only another
 * connection gives them back.  An extra lane does without; the first one keeps
 * what it has until there is another, which the database may refuse.
 */
static void
shrink(struct pipeline *l)
{
	if (l->extra) {
		leave_connection(l);
		replace_connection(l);
	} else {
		l->order.unhurried = false;
		place_order(l);
	}
}

static void
change_connection(struct pipeline *l)
{
	PGconn *fresh = l->fresh;

	l->fresh = NULL;
	leave_connection(l);
	use_connection(l, fresh);
}

/* The group has ended. */
static void
become_idle(struct pipeline *l)
{
	int64_t now = clock_mono();

	if (l->conn != NULL && l->leave) {
		leave_connection(l);
		if (!l->ordered)
			l->order.unhurried = true;
		replace_connection(l);
	} else if (l->fresh != NULL) {
		change_connection(l);
	} else if (l->conn != NULL && !l->ordered && l->large_at != 0 && now >= l->large_at + LARGE_KEPT) {
		shrink(l);
	}
	/* malloc keeps the free pages between blocks that are in use */
	if (l->largest != 0 && now >= l->spread_until) {
		l->largest = 0;
		(void)malloc_trim(0);
	}
	set_timer(l);
}

static void
on_pipeline_ready(struct watch *w, uint32_t events)
{
	struct pipeline *l = (struct pipeline *)w;

	if ((events & EPOLLOUT) != 0)
		flush_pipeline(l);
	if (l->conn == NULL)
		return;
	if (PQconsumeInput(l->conn) == 0 || !take_results(l))
		lose_connection_libpq(l);
	else if (l->group.head == NULL)
		become_idle(l);
}

/* An extra connection has work to do, or should have. */
static void
keep_for_a_while(struct pipeline *l)
{
	l->large_at = clock_mono();
	set_timer(l);
}

/* There is a connection, which waits for another to take its place; NULL: not now, then. */
static void
take_fresh(struct pipeline *l, PGconn *conn)
{
	l->fresh = conn;
	if (conn != NULL)
		l->clock = l->order.clock; /* of the same database, whichever connection */
	if (conn == NULL)
		l->large_at = clock_mono();
	else if (l->group.head == NULL)
		change_connection(l);
	set_timer(l);
}

static void
on_pipeline_connected(struct connect_thread_order *o, PGconn *conn, enum dbconn_server server)
{
	struct pipeline *l = container_of(o, struct pipeline, order);

	l->ordered = false;
	if (l->conn != NULL) {
		take_fresh(l, conn);
		return;
	}
	if (conn != NULL && o->stale_pid != l->stale_pid) {
		/* It was ordered before the write was lost, and ended nobody's backend. */
		PQfinish(conn);
		place_order(l);
		return;
	}
	if (conn == NULL) {
		l->down = true;
		l->reached = o->reached;
		memcpy(l->reason, o->reason, sizeof(l->reason));
		refuse_all(l);
		set_timer(l);
		replace_connection(l);
		return;
	}
	l->down = false;
	end_doubt(l);
	l->server = server;
	l->clock = o->clock;
	use_connection(l, conn);
	if (l->conn != NULL && l->extra)
		keep_for_a_while(l);
}

void
pipeline_flush(struct pipeline *l)
{
	if (l->conn == NULL || l->group.head != NULL || l->queue.head == NULL)
		return;
	pipeline_send_make(l);
	if (l->extra)
		l->large_at = clock_mono();
	l->at = l->group.head;
	l->answered = false;
	l->failed = false;
	l->sync_verdict = -1;
	if (pipeline_send_send(l))
		flush_pipeline(l);
	else
		lose_connection_libpq(l);
	set_timer(l);
}

/* Tickets that were never sent and whose time is over. */
static void
expire_queue(struct pipeline *l, int64_t now)
{
	struct ticket_queue old = ticket_queue_take_all(&l->queue);
	struct store_ticket *t;

	while ((t = ticket_queue_take(&old)) != NULL)
		if (now >= t->deadline)
			pipeline_result_finish(t, STORE_UNAVAILABLE);
		else
			ticket_queue_put(&l->queue, t);
}

static void
on_pipeline_timer(struct timer *timer)
{
	struct pipeline *l = container_of(timer, struct pipeline, timer);
	int64_t now = clock_mono();

	expire_queue(l, now);
	if (l->group.head != NULL && now >= l->group_due)
		lose_connection(l, STR("no answer by the deadline"));
	else if (l->group.head == NULL)
		become_idle(l);
	set_timer(l);
}

void
pipeline_init(struct pipeline *l, bool extra, enum statement_role role, const struct statement_set *set,
    struct loop *loop, struct connector_box *box)
{
	*l = (struct pipeline){ .extra = extra,
		.box = box,
		.loop = loop,
		.set = set,
		.order = { .role = role, .ready = on_pipeline_connected } };
	l->watch = (struct watch){ .fd = -1, .ready = on_pipeline_ready };
	l->timer = (struct timer){ .due = TIMER_OFF, .fire = on_pipeline_timer };
	ticket_queue_init(&l->queue);
	ticket_queue_init(&l->group);
	loop_add_timer(loop, &l->timer);
	if (!extra)
		place_order(l);
}

void
pipeline_open(struct pipeline *l)
{
	if (l->conn != NULL || l->ordered)
		return;
	l->order.unhurried = false;
	place_order(l);
}

void
pipeline_close(struct pipeline *l)
{
	assert(pipeline_is_idle(l));
	if (l->conn != NULL)
		leave_connection(l);
}

void
pipeline_submit(struct pipeline *l, struct store_ticket *t)
{
	t->tries = 0;
	t->alone = false;
	t->result = (struct store_result){ .outcome = STORE_FAULT };
	if (l->conn == NULL)
		connect_thread_nudge(l->box);
	if (l->down) {
		refuse_ticket(l, t);
		return;
	}
	ticket_queue_put(&l->queue, t);
	if (t->deadline < l->timer.due)
		l->timer.due = t->deadline;
}

bool
pipeline_is_idle(const struct pipeline *l)
{
	return l->queue.head == NULL && l->group.head == NULL;
}

bool
pipeline_has_one(const struct pipeline *l)
{
	return l->group.head != NULL && l->group.head->next == NULL;
}

bool
pipeline_is_settled(const struct pipeline *l)
{
	return l->conn != NULL || l->down;
}
