#include "lane.h"

#include <assert.h>
#include <errno.h>
#include <malloc.h>
#include <stdlib.h>
#include <sys/epoll.h>

#include "clock.h"
#include "log.h"
#include "metrics.h"
#include "sqlstate.h"

#define GROUP_MAX_OPS   128
#define GROUP_MAX_BYTES (1024 * 1024)
#define GROUP_LARGE_OPS 4 /* while values are large: a group's results are in memory together */
#define READ_MAX_TRIES  16
#define LARGE_MESSAGE   (1024 * 1024) /* bytes; beyond it libpq's buffers are worth giving back */
#define LARGE_KEPT      (2 * CLOCK_S)

static bool
is_write(const struct store_ticket *t)
{
	return t->op.kind == STORE_PUT || t->op.kind == STORE_DELETE;
}

/* The first ticket behind the batch. */
static struct store_ticket *
batch_end(struct store_ticket *first)
{
	struct store_ticket *t = first->next;

	while (t != NULL && t->batch == 0)
		t = t->next;
	return t;
}

/* The ticket is its owner's again from here on. */
static void
finish(struct store_ticket *t, enum store_outcome outcome)
{
	struct store_result r = t->result;

	t->result.memory = NULL;
	r.outcome = outcome;
	t->client->done(t, &r);
	PQclear(r.memory);
}

static void
drop_result(struct store_ticket *t)
{
	PQclear(t->result.memory);
	t->result = (struct store_result){ .outcome = STORE_FAULT };
}

static void
set_timer(struct lane *l)
{
	int64_t due = l->group.head != NULL ? l->group_due : TIMER_OFF;

	if (l->queue.head != NULL && l->queue.head->deadline < due)
		due = l->queue.head->deadline;
	if (l->large_at != 0 && l->large_at + LARGE_KEPT < due)
		due = l->large_at + LARGE_KEPT;
	l->timer.due = due;
}

static void
place_order(struct lane *l)
{
	connector_place(l->box, &l->order);
}

/* The one way a connection ends. */
static void
leave_connection(struct lane *l)
{
	loop_unwatch(l->loop, &l->watch);
	PQfinish(l->conn);
	l->conn = NULL;
	l->leave = false;
	l->unsent = false;
	l->large_at = 0;
}

/* There is no connection, and the reason is known. */
static void
refuse(struct lane *l, struct store_ticket *t)
{
	drop_result(t);
	t->result.reason = str_of(l->reason);
	t->result.reached = l->reached;
	finish(t, STORE_UNAVAILABLE);
}

static void
refuse_all(struct lane *l)
{
	struct queue waiting = queue_take_all(&l->queue);
	struct store_ticket *t;

	while ((t = queue_take(&waiting)) != NULL)
		refuse(l, t);
}

static void
try_again(struct lane *l, struct store_ticket *t, enum metrics_retry why)
{
	drop_result(t);
	if (clock_mono() >= t->deadline || (!is_write(t) && t->tries >= READ_MAX_TRIES)) {
		finish(t, STORE_UNAVAILABLE);
		return;
	}
	metrics_add(METRICS_DB_RETRIES + why, 1);
	queue_put(&l->queue, t);
}

/* An error that the ticket's own statement got, after which all of its segment was rolled back. */
static void
judge(struct lane *l, struct store_ticket *t, enum sqlstate_verdict verdict)
{
	switch (verdict) {
	case SQLSTATE_MOVE:
		l->leave = true;
		try_again(l, t, METRICS_RETRY_MOVED);
		return;
	case SQLSTATE_RETRY:
		try_again(l, t, METRICS_RETRY_CONFLICT);
		return;
	case SQLSTATE_UNKNOWN:
		if (!is_write(t)) {
			try_again(l, t, METRICS_RETRY_LOST);
			return;
		}
		finish(t, STORE_UNKNOWN);
		return;
	case SQLSTATE_SCHEMA:
		l->leave = true;
		finish(t, STORE_UNAVAILABLE);
		return;
	case SQLSTATE_UNAVAILABLE:
		finish(t, STORE_UNAVAILABLE);
		return;
	case SQLSTATE_TOO_LONG:
		finish(t, STORE_TOO_LONG);
		return;
	case SQLSTATE_FAULT:
		break;
	}
	finish(t, STORE_FAULT);
}

/*
 * A segment with an error.  Whoever got it is judged; the others were rolled
 * back with it or never ran, and run again on their own.  Reads that were
 * answered before it stand.
 */
static void
settle_failed(struct lane *l, struct queue *segment)
{
	bool single = segment->head->next == NULL;
	bool before = true;
	int unknown = l->sync_verdict == SQLSTATE_UNKNOWN ? SQLSTATE_UNKNOWN : -1;
	struct store_ticket *t;

	for (t = segment->head; t != NULL; t = t->next)
		if (t->verdict == SQLSTATE_UNKNOWN)
			unknown = SQLSTATE_UNKNOWN;
	while ((t = queue_take(segment)) != NULL) {
		int verdict = t->verdict;

		if (verdict >= 0)
			before = false;
		else if (l->sync_verdict >= 0 && single)
			verdict = l->sync_verdict;
		t->alone = true;
		if (verdict >= 0) {
			judge(l, t, verdict);
		} else if (!is_write(t) && t->result.memory != NULL) {
			finish(t, t->result.outcome);
		} else if (unknown >= 0 && before && is_write(t)) {
			drop_result(t);
			finish(t, STORE_UNKNOWN);
		} else {
			try_again(l, t, METRICS_RETRY_GROUP);
		}
	}
}

/* Everything up to the next Sync. */
static struct queue
take_segment(struct lane *l)
{
	struct queue segment;
	struct store_ticket *t;

	queue_init(&segment);
	do {
		t = queue_take(&l->group);
		assert(t != NULL);
		queue_put(&segment, t);
	} while (!t->synced);
	return segment;
}

/* A Sync has been answered: everything in front of it is decided. */
static void
end_segment(struct lane *l)
{
	struct queue segment = take_segment(l);
	struct store_ticket *t;

	l->at = l->group.head;
	if (l->failed)
		settle_failed(l, &segment);
	while ((t = queue_take(&segment)) != NULL)
		finish(t, t->result.outcome);
	l->failed = false;
	l->sync_verdict = -1;
}

static bool
is_definite(int verdict)
{
	return verdict >= 0 && verdict != SQLSTATE_UNKNOWN;
}

/*
 * The connection went away before the segment's Sync was answered.  With a definite error it was rolled back, and
 * what the end of the connection said of the others does not count; else nobody knows what a write did.
 */
static void
lose_segment(struct lane *l, struct queue *segment)
{
	bool rolled_back = is_definite(l->sync_verdict);
	struct store_ticket *t;

	for (t = segment->head; t != NULL; t = t->next)
		rolled_back |= is_definite(t->verdict);
	for (t = segment->head; t != NULL && rolled_back; t = t->next)
		t->verdict = is_definite(t->verdict) ? t->verdict : -1;
	if (rolled_back) {
		l->sync_verdict = is_definite(l->sync_verdict) ? l->sync_verdict : -1;
		settle_failed(l, segment);
	}
	while ((t = queue_take(segment)) != NULL) {
		if (!is_write(t)) {
			try_again(l, t, METRICS_RETRY_LOST);
			continue;
		}
		drop_result(t);
		finish(t, STORE_UNKNOWN);
	}
	l->sync_verdict = -1; /* of the first segment only */
}

static void
lose_connection(struct lane *l, struct str why)
{
	log_event(LOG_WARN, "database connection lost", log_text("reason", why));
	if (l->group.head != NULL && is_write(l->group.head))
		l->order.stale_pid = PQbackendPID(l->conn);
	while (l->group.head != NULL) {
		struct queue segment = take_segment(l);

		lose_segment(l, &segment);
	}
	leave_connection(l);
	place_order(l);
	set_timer(l);
}

static void
lose_connection_libpq(struct lane *l)
{
	struct buf why;

	buf_init(&why, CONNECTOR_REASON_SIZE);
	dbconn_put_message(&why, PQerrorMessage(l->conn));
	lose_connection(l, buf_str(&why));
	buf_free(&why);
}

static void
take_error(struct lane *l, PGresult *res)
{
	const char *code = PQresultErrorField(res, PG_DIAG_SQLSTATE);
	enum sqlstate_verdict verdict = sqlstate_verdict(code);

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
		for (struct store_ticket *t = l->at; t != batch_end(l->at); t = t->next) {
			t->verdict = (int)verdict;
			sqlstate_copy(t->sqlstate, code);
		}
	}
	PQclear(res);
}

static void
take_answer(struct lane *l, PGresult *res)
{
	struct store_ticket *last = l->at;

	if (l->at->batch == 1)
		statement_read(&l->at->op, res, &l->at->result);
	else
		statement_read_many(l->at, l->at->batch, res);
	for (struct store_ticket *t = l->at; t != batch_end(l->at); t = t->next) {
		if (t->result.length > LARGE_MESSAGE)
			l->large_at = clock_mono();
		last = t;
	}
	last->result.memory = res; /* the last of a batch is the last to be answered */
}

static void
take_result(struct lane *l, PGresult *res)
{
	ExecStatusType status = PQresultStatus(res);

	l->answered = status != PGRES_PIPELINE_SYNC;
	if (status == PGRES_PIPELINE_SYNC) {
		PQclear(res);
		end_segment(l);
	} else if (l->at == NULL && (status == PGRES_TUPLES_OK || status == PGRES_COMMAND_OK)) {
		PQclear(res); /* nobody asked */
	} else if (status == PGRES_PIPELINE_ABORTED) {
		PQclear(res);
		l->failed = true;
	} else if (status != PGRES_TUPLES_OK && status != PGRES_COMMAND_OK) {
		take_error(l, res);
	} else {
		take_answer(l, res);
	}
}

/* PQgetResult gave the NULL behind a statement's result, or behind a Sync's error: what comes next? */
static void
advance(struct lane *l)
{
	struct store_ticket *next;

	l->answered = false;
	if (l->at == NULL) /* the Sync itself */
		return;
	next = batch_end(l->at);
	while (!l->at->synced && l->at->next != next)
		l->at = l->at->next;
	l->at = l->at->synced ? NULL : next;
}

/* Takes what has arrived; false: the connection is lost. */
static bool
take_results(struct lane *l)
{
	while (l->group.head != NULL && PQisBusy(l->conn) == 0) {
		PGresult *res = PQgetResult(l->conn);

		if (res != NULL)
			take_result(l, res);
		else if (l->answered)
			advance(l);
		else
			return false;
	}
	return true;
}

static void
flush(struct lane *l)
{
	int rc = PQflush(l->conn);

	if (rc < 0) {
		lose_connection_libpq(l);
	} else if (l->unsent != (rc > 0)) {
		l->unsent = rc > 0;
		loop_want(l->loop, &l->watch, true, l->unsent);
	}
}

/* The group has ended. */
static void
rest(struct lane *l)
{
	bool large = l->large_at != 0 && clock_mono() >= l->large_at + LARGE_KEPT;

	/* libpq keeps its buffers at the size of the largest message; only a new connection gives them back. */
	if (l->conn != NULL && (l->leave || large)) {
		l->order.unhurried = l->leave;
		leave_connection(l);
		place_order(l);
	}
	if (large) /* and malloc the free pages between blocks that are in use */
		(void)malloc_trim(0);
	set_timer(l);
}

static void
on_ready(struct watch *w, uint32_t events)
{
	struct lane *l = (struct lane *)w;

	if ((events & EPOLLOUT) != 0)
		flush(l);
	if (l->conn == NULL)
		return;
	if (PQconsumeInput(l->conn) == 0 || !take_results(l))
		lose_connection_libpq(l);
	else if (l->group.head == NULL)
		rest(l);
}

static void
on_connected(struct connector_order *o, PGconn *conn, enum dbconn_server server)
{
	struct lane *l = (struct lane *)((char *)o - offsetof(struct lane, order));

	if (conn == NULL) {
		l->down = true;
		l->reached = o->reached;
		memcpy(l->reason, o->reason, sizeof(l->reason));
		refuse_all(l);
		set_timer(l);
		place_order(l);
		return;
	}
	l->down = false;
	l->conn = conn;
	l->server = server;
	l->watch.fd = PQsocket(conn);
	if (!loop_watch(l->loop, &l->watch, LOOP_LEVEL))
		lose_connection(l, STR("epoll"));
}

/* Moves the next group from the queue. */
static void
choose_group(struct lane *l)
{
	size_t ops = 0, bytes = 0, most = l->large_at != 0 ? GROUP_LARGE_OPS : GROUP_MAX_OPS;

	l->group_due = TIMER_OFF;
	while (l->queue.head != NULL && ops < most &&
	    (ops == 0 || bytes + l->queue.head->op.value.n <= GROUP_MAX_BYTES)) {
		struct store_ticket *t = queue_take(&l->queue);

		ops++;
		bytes += t->op.value.n;
		t->verdict = -1;
		t->tries++;
		t->batch = 1;
		t->sqlstate[0] = '\0';
		t->synced = is_write(t) && (t->alone || l->server == DBCONN_COCKROACHDB);
		if (t->deadline < l->group_due)
			l->group_due = t->deadline;
		if (is_write(t))
			queue_put_sorted(&l->group, t);
		else
			queue_put(&l->group, t);
	}
	for (struct store_ticket *t = l->group.head; t != NULL; t = t->next) {
		t->synced |= t->next == NULL;
		t->group = (unsigned)ops;
	}
	if (bytes > LARGE_MESSAGE)
		l->large_at = clock_mono();
	metrics_observe_size(METRICS_DB_GROUP_SIZE, ops);
}

/* Whether b can be in the batch that begins with a and ends before b so far. */
static bool
joins(const struct lane *l, const struct store_ticket *a, const struct store_ticket *last, const struct store_ticket *b)
{
	if (a->alone || b->alone || a->op.kind != b->op.kind || !statement_joins(&a->op) || !statement_joins(&b->op))
		return false;
	/* A write's statement takes no key twice; sorted, equals are neighbours.  Large values are read one by one. */
	return is_write(a) ? queue_compare(last, b) != 0 : l->large_at == 0;
}

/* Finds the batches of the group. */
static void
make_batches(struct lane *l)
{
	struct store_ticket *first = l->group.head;

	if (!l->set->prepared || l->server != DBCONN_POSTGRESQL)
		return;
	for (struct store_ticket *last = first; last->next != NULL; last = last->next) {
		if (joins(l, first, last, last->next)) {
			first->batch++;
			last->next->batch = 0;
		} else {
			first = last->next;
		}
	}
}

/* Hands the group to libpq; false: the connection is lost. */
static bool
send_group(struct lane *l)
{
	for (struct store_ticket *t = l->group.head, *end; t != NULL; t = end) {
		end = batch_end(t);
		if (!(t->batch > 1 ? statement_send_many(l->conn, t, t->batch) : statement_send(l->set, l->conn, &t->op)))
			return false;
		if ((end == NULL || t->synced) && PQpipelineSync(l->conn) == 0)
			return false;
	}
	return true;
}

void
lane_flush(struct lane *l)
{
	if (l->conn == NULL || l->group.head != NULL || l->queue.head == NULL)
		return;
	choose_group(l);
	make_batches(l);
	l->at = l->group.head;
	l->answered = false;
	l->failed = false;
	l->sync_verdict = -1;
	if (send_group(l))
		flush(l);
	else
		lose_connection_libpq(l);
	set_timer(l);
}

/* Tickets that were never sent and whose time is over. */
static void
expire_queue(struct lane *l, int64_t now)
{
	struct queue old = queue_take_all(&l->queue);
	struct store_ticket *t;

	while ((t = queue_take(&old)) != NULL)
		if (now >= t->deadline)
			finish(t, STORE_UNAVAILABLE);
		else
			queue_put(&l->queue, t);
}

static void
on_timer(struct timer *timer)
{
	struct lane *l = (struct lane *)((char *)timer - offsetof(struct lane, timer));
	int64_t now = clock_mono();

	expire_queue(l, now);
	if (l->group.head != NULL && now >= l->group_due)
		lose_connection(l, STR("no answer by the deadline"));
	else if (l->group.head == NULL)
		rest(l);
	set_timer(l);
}

void
lane_init(struct lane *l, enum statement_role role, const struct statement_set *set, struct loop *loop,
    struct connector_box *box)
{
	*l = (struct lane){ .box = box, .loop = loop, .set = set, .order = { .role = role, .ready = on_connected } };
	l->watch = (struct watch){ .fd = -1, .ready = on_ready };
	l->timer = (struct timer){ .due = TIMER_OFF, .fire = on_timer };
	queue_init(&l->queue);
	queue_init(&l->group);
	loop_add_timer(loop, &l->timer);
	place_order(l);
}

void
lane_close(struct lane *l)
{
	assert(lane_is_idle(l));
	if (l->conn != NULL)
		leave_connection(l);
}

void
lane_submit(struct lane *l, struct store_ticket *t)
{
	t->tries = 0;
	t->alone = false;
	t->result = (struct store_result){ .outcome = STORE_FAULT };
	if (l->conn == NULL)
		connector_nudge(l->box);
	if (l->down) {
		refuse(l, t);
		return;
	}
	queue_put(&l->queue, t);
	if (t->deadline < l->timer.due)
		l->timer.due = t->deadline;
}

bool
lane_is_idle(const struct lane *l)
{
	return l->queue.head == NULL && l->group.head == NULL;
}

bool
lane_has_one(const struct lane *l)
{
	return l->group.head != NULL && l->group.head->next == NULL;
}

bool
lane_is_settled(const struct lane *l)
{
	return l->conn != NULL || l->down;
}
