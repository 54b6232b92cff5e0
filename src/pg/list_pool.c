/* SPDX-License-Identifier: EPL-2.0 */
#include "pg/list_pool.h"

#include <stddef.h>
#include <sys/epoll.h>

#include "base/base.h"
#include "base/clock.h"
#include "base/log.h"
#include "pg/sqlstate.h"
#include "telemetry/metrics.h"

#define IDLE_KEPT (60 * CLOCK_S) /* how long a connection beyond the first waits for another list */
#define MAX_TRIES 16
#define STINT     256 /* rows in front of a rest */
#define REST      (1 * CLOCK_MS)

static void
finish_list(struct store_ticket *t, enum store_outcome outcome, struct str reason)
{
	struct store_result r = { .outcome = outcome, .reason = reason };

	t->lister = NULL;
	t->client->done(t, &r);
}

static bool
is_free(const struct list_pool_line *line)
{
	return line->conn != NULL && line->ticket == NULL;
}

static void
close_line(struct list_pool_line *line)
{
	loop_unwatch(line->lister->loop, &line->watch);
	PQfinish(line->conn);
	line->conn = NULL;
	line->timer.due = TIMER_OFF;
}

static void
order_line(struct list_pool_line *line)
{
	if (line->conn != NULL || line->ordered)
		return;
	line->ordered = true;
	connect_thread_place(line->lister->box, &line->order);
}

/* The list on this line is over, its connection with it unless the statement ended properly. */
static void
end_list(struct list_pool_line *line, enum store_outcome outcome, bool clean)
{
	struct store_ticket *t = line->ticket;

	line->ticket = NULL;
	line->paused = line->resting = false;
	if (!clean) {
		close_line(line);
		if (line == &line->lister->line[0] || line->lister->head != NULL)
			order_line(line);
	} else {
		line->timer.due = clock_mono() + IDLE_KEPT;
	}
	if (t != NULL)
		finish_list(t, outcome, STR_ABSENT);
}

static void
put_first(struct list_pool *l, struct store_ticket *t)
{
	t->lister = NULL;
	t->next = l->head;
	if (l->head == NULL)
		l->tail = &t->next;
	l->head = t;
	if (t->deadline < l->timer.due)
		l->timer.due = t->deadline;
}

static enum metrics_retry
retry_of(enum sqlstate_verdict verdict)
{
	if (verdict == SQLSTATE_RETRY)
		return METRICS_RETRY_CONFLICT;
	return verdict == SQLSTATE_MOVE ? METRICS_RETRY_MOVED : METRICS_RETRY_LOST;
}

/* The statement failed, or the connection under it: the list begins anew where nobody has seen a key of it. */
static void
fail_list(struct list_pool_line *line, enum sqlstate_verdict verdict)
{
	struct store_ticket *t = line->ticket;
	bool passes = verdict == SQLSTATE_RETRY || verdict == SQLSTATE_MOVE || verdict == SQLSTATE_UNKNOWN;

	if (t != NULL && passes && !line->delivered && t->tries < MAX_TRIES && clock_mono() < t->deadline) {
		line->ticket = NULL;
		put_first(line->lister, t);
		metrics_add(METRICS_DB_RETRIES + retry_of(verdict), 1);
	}
	end_list(line, verdict == SQLSTATE_FAULT ? STORE_FAULT : STORE_UNAVAILABLE, false);
}

static void
start_list(struct list_pool_line *line, struct store_ticket *t)
{
	line->ticket = t;
	line->verdict = -1;
	line->paused = line->resting = line->delivered = line->complete = false;
	t->tries++;
	t->group = 1;
	t->sqlstate[0] = '\0';
	line->timer.due = clock_mono() + line->lister->timeout;
	t->lister = line;
	if (!statement_send(line->lister->set, line->conn, line->lister->server, &t->op, 0) ||
	    PQsetSingleRowMode(line->conn) == 0 || PQflush(line->conn) != 0)
		fail_list(line, SQLSTATE_UNKNOWN);
}

static struct store_ticket *
take_waiting(struct list_pool *l)
{
	struct store_ticket *t = l->head;

	l->head = t->next;
	if (l->head == NULL)
		l->tail = &l->head;
	return t;
}

/* Gives waiting lists to free lines; orders more lines where all are taken. */
static void
dispatch_lists(struct list_pool *l)
{
	for (unsigned i = 0; i < l->max && l->head != NULL; i++)
		if (is_free(&l->line[i]))
			start_list(&l->line[i], take_waiting(l));
	for (unsigned i = 0; i < l->max && l->head != NULL; i++)
		if (l->line[i].conn == NULL && !l->line[i].ordered) {
			order_line(&l->line[i]);
			return;
		}
}

static bool
is_stopped(const struct list_pool_line *line)
{
	return line->paused || line->resting;
}

static void
pause_line(struct list_pool_line *line)
{
	line->paused = true;
	loop_want(line->lister->loop, &line->watch, false, false);
}

static void
rest_line(struct list_pool_line *line)
{
	line->resting = true;
	line->rows = 0;
	loop_want(line->lister->loop, &line->watch, false, false);
	if (line->lister->rest.due == TIMER_OFF)
		line->lister->rest.due = clock_mono() + REST;
}

/* One result of the statement. */
static void
take_list_result(struct list_pool_line *line, PGresult *res)
{
	struct store_ticket *t = line->ticket;

	switch ((int)PQresultStatus(res)) {
	case PGRES_SINGLE_TUPLE:
		line->rows++;
		line->delivered = true;
		if (!t->client->key(t, str_from(PQgetvalue(res, 0, 0), (size_t)PQgetlength(res, 0, 0))))
			pause_line(line);
		break;
	case PGRES_TUPLES_OK:
		line->complete = true;
		break;
	default:
		line->verdict = (int)sqlstate_verdict(
		    PQresultErrorField(res, PG_DIAG_SQLSTATE), PQresultErrorField(res, PG_DIAG_SEVERITY_NONLOCALIZED));
		sqlstate_copy(t->sqlstate, PQresultErrorField(res, PG_DIAG_SQLSTATE));
		break;
	}
	PQclear(res);
}

/* All rows have come, or an error, or the connection has ended; whatever fails behind the last row is no concern. */
static void
end_statement(struct list_pool_line *line, bool clean)
{
	if (line->complete)
		end_list(line, STORE_DONE, clean && line->verdict < 0);
	else
		fail_list(line, line->verdict >= 0 ? (enum sqlstate_verdict)line->verdict : SQLSTATE_UNKNOWN);
}

/* Takes rows until there are none, the receiver is full, or the statement is over. */
static void
take_list_rows(struct list_pool_line *line)
{
	line->timer.due = clock_mono() + line->lister->timeout;
	while (line->ticket != NULL && !line->paused && PQisBusy(line->conn) == 0) {
		PGresult *res;

		if (line->lister->gives_way && line->rows >= STINT) {
			rest_line(line);
			return;
		}
		res = PQgetResult(line->conn);
		if (res == NULL) {
			end_statement(line, PQstatus(line->conn) == CONNECTION_OK);
			dispatch_lists(line->lister);
			return;
		}
		take_list_result(line, res);
	}
}

static void
on_list_ready(struct watch *w, uint32_t events)
{
	struct list_pool_line *line = (struct list_pool_line *)w;

	if (line->conn == NULL)
		return; /* closed in this turn; its descriptor may be somebody else's by now */
	if (!is_stopped(line) && PQflush(line->conn) >= 0 && PQconsumeInput(line->conn) == 1) {
		if (line->ticket != NULL)
			take_list_rows(line);
		return;
	}
	if (is_stopped(line) && (events & (EPOLLHUP | EPOLLERR)) == 0)
		return;
	if (line->ticket == NULL) {
		end_list(line, STORE_UNAVAILABLE, false);
		return;
	}
	log_event(LOG_WARN, "database connection lost", log_text("during", STR("list")));
	end_statement(line, false);
	dispatch_lists(line->lister);
}

static void
fail_waiting(struct list_pool *l, struct str reason)
{
	while (l->head != NULL)
		finish_list(take_waiting(l), STORE_UNAVAILABLE, reason);
}

static bool
has_connection(const struct list_pool *l)
{
	for (unsigned i = 0; i < l->max; i++)
		if (l->line[i].conn != NULL)
			return true;
	return false;
}

static void
on_list_connected(struct connect_thread_order *o, PGconn *conn, enum dbconn_server server)
{
	struct list_pool_line *line = container_of(o, struct list_pool_line, order);
	struct list_pool *l = line->lister;

	line->ordered = false;
	l->down = conn == NULL && !has_connection(l);
	if (conn == NULL) {
		if (l->down)
			fail_waiting(l, str_of(o->reason));
		if (line == &l->line[0])
			order_line(line);
		return;
	}
	line->conn = conn;
	l->server = server;
	line->watch.fd = PQsocket(conn);
	line->timer.due = clock_mono() + IDLE_KEPT;
	if (loop_watch(l->loop, &line->watch, LOOP_LEVEL))
		dispatch_lists(l);
	else
		close_line(line);
}

/* Lists that waited for a connection until their deadline. */
static void
expire_waiting(struct timer *timer)
{
	struct list_pool *l = container_of(timer, struct list_pool, timer);
	int64_t now = clock_mono();

	while (l->head != NULL && l->head->deadline <= now)
		finish_list(take_waiting(l), STORE_UNAVAILABLE, STR_ABSENT);
	l->timer.due = l->head != NULL ? l->head->deadline : TIMER_OFF;
}

/* Once nothing stops the line. */
static void
go_on_listing(struct list_pool_line *line)
{
	if (is_stopped(line))
		return;
	loop_want(line->lister->loop, &line->watch, true, false);
	take_list_rows(line);
}

static void
end_rest(struct timer *timer)
{
	struct list_pool *l = container_of(timer, struct list_pool, rest);

	for (unsigned i = 0; i < l->max; i++)
		if (l->line[i].resting) {
			l->line[i].resting = false;
			go_on_listing(&l->line[i]);
		}
}

static void
on_list_timer(struct timer *timer)
{
	struct list_pool_line *line = container_of(timer, struct list_pool_line, timer);

	if (line->ticket != NULL)
		end_list(line, STORE_UNAVAILABLE, false);
	else if (line->conn != NULL && line != &line->lister->line[0])
		close_line(line);
}

void
list_pool_init(struct list_pool *l, unsigned max, int64_t timeout, const struct statement_set *set, struct loop *loop,
    struct connector_box *box)
{
	*l = (struct list_pool){ .loop = loop, .box = box, .set = set, .timeout = timeout, .max = max };
	l->tail = &l->head;
	l->timer = (struct timer){ .due = TIMER_OFF, .fire = expire_waiting };
	l->rest = (struct timer){ .due = TIMER_OFF, .fire = end_rest };
	loop_add_timer(loop, &l->timer);
	loop_add_timer(loop, &l->rest);
	for (unsigned i = 0; i < max; i++) {
		struct list_pool_line *line = &l->line[i];

		line->lister = l;
		line->watch = (struct watch){ .fd = -1, .ready = on_list_ready };
		line->timer = (struct timer){ .due = TIMER_OFF, .fire = on_list_timer };
		line->order = (struct connect_thread_order){ .role = STATEMENT_ROLE_LIST, .ready = on_list_connected };
		loop_add_timer(loop, &line->timer);
	}
	order_line(&l->line[0]);
}

void
list_pool_close(struct list_pool *l)
{
	for (unsigned i = 0; i < l->max; i++)
		if (l->line[i].conn != NULL)
			close_line(&l->line[i]);
}

void
list_pool_submit(struct list_pool *l, struct store_ticket *t)
{
	if (l->down) {
		connect_thread_nudge(l->box);
		finish_list(t, STORE_UNAVAILABLE, str_of(l->line[0].order.reason));
		return;
	}
	t->lister = NULL;
	t->tries = 0;
	t->next = NULL;
	*l->tail = t;
	l->tail = &t->next;
	if (t->deadline < l->timer.due)
		l->timer.due = t->deadline;
	dispatch_lists(l);
}

void
list_pool_resume(struct list_pool *l, struct store_ticket *t)
{
	struct list_pool_line *line = t->lister;

	(void)l;
	if (line == NULL || !line->paused)
		return;
	line->paused = false;
	go_on_listing(line);
}

void
list_pool_cancel(struct list_pool *l, struct store_ticket *t)
{
	struct list_pool_line *line = t->lister;

	if (line != NULL) {
		line->ticket = NULL;
		end_list(line, STORE_UNAVAILABLE, false);
		dispatch_lists(l);
		return;
	}
	for (struct store_ticket **at = &l->head; *at != NULL; at = &(*at)->next)
		if (*at == t) {
			*at = t->next;
			if (*at == NULL)
				l->tail = at;
			return;
		}
}
