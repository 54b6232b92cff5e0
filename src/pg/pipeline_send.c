/* SPDX-License-Identifier: EPL-2.0 */
#include "pg/pipeline_send.h"

#include <assert.h>

#include "base/clock.h"
#include "pg/pipeline_attempt.h"
#include "pg/transaction.h"
#include "telemetry/metrics.h"

#define BATCHES_LEFT 3  /* an operation must have time for so many of the quickest batches */
#define TICKETS_MOST 64 /* a limit for reads, since the sizes of values are not known before */
#define SENT_MOST    PIPELINE_LARGE_MESSAGE
#define READ_MOST    ((size_t)4 * 1024 * 1024) /* bytes; all results of a batch are in memory at the same time */

/* While large values are read: as many as fit into READ_MOST if each is as large as the largest. */
static size_t
most_tickets(const struct pipeline_shared *s, size_t most)
{
	size_t fit = s->largest != 0 ? READ_MOST / s->largest : TICKETS_MOST;

	if (fit > TICKETS_MOST)
		fit = TICKETS_MOST;
	if (fit > most)
		fit = most;
	return fit > 0 ? fit : 1;
}

static void
begin_attempt(struct pipeline *p, struct store_ticket *t)
{
	t->pg.attempts++;
	t->pg.progress = STORE_WAITS;
	t->pg.joined = 1;
	t->pg.last = p->batch.whole == NULL && store_writes(&t->op) && p->shared->server == DBCONN_COCKROACHDB;
	t->sqlstate[0] = '\0';
	if (t->deadline < p->batch.due)
		p->batch.due = t->deadline;
	if (store_writes(&t->op) || (p->batch.whole == NULL && p->shared->server == DBCONN_COCKROACHDB))
		ticket_queue_put_sorted(&p->batch.tickets, t);
	else
		ticket_queue_put(&p->batch.tickets, t);
}

/*
 * How much time an operation must have left.  If a batch is not answered by the deadline of any of its operations, its
 * connection is closed, and the outcome of all its writes is unknown.  The time never is more than half of what the last
 * one in the queue has, so that this one is sent in any case, and shows whether the database has become faster.
 */
static int64_t
time_needed(const struct pipeline *p, const struct ticket_queue *queue)
{
	int64_t pace = pace_time(&p->shared->pace), half = (ticket_queue_last(queue)->deadline - clock_mono()) / 2;
	int64_t need = BATCHES_LEFT * (pace > PACE_SLOW ? pace : PACE_SLOW);

	if (p->order.role == STATEMENT_ROLE_WRITE)
		need += p->clock.earlier;
	return need < half ? need : half;
}

static bool
is_too_late(const struct pipeline *p, const struct store_ticket *t, int64_t need)
{
	int64_t now = clock_mono();

	return now >= t->deadline - need || (store_writes(&t->op) && db_clock_is_late(&p->clock, t->deadline, now));
}

static void
take_tickets(struct pipeline *p, struct ticket_queue *queue, size_t most, int64_t need)
{
	size_t bytes = 0;

	while (queue->head != NULL && queue->head->op.kind != STORE_BATCH && p->batch.tickets.n < most &&
	    (bytes == 0 || bytes + queue->head->op.value.n <= SENT_MOST)) {
		struct store_ticket *t = ticket_queue_take(queue);

		if (is_too_late(p, t, need)) {
			pipeline_attempt_finish(t, STORE_UNAVAILABLE);
			continue;
		}
		bytes += t->op.value.n;
		begin_attempt(p, t);
	}
	if (bytes > PIPELINE_LARGE_MESSAGE)
		p->large_at = clock_mono();
}

static void
begin_part(struct pipeline *p, const struct store_ticket *whole, struct store_ticket *part)
{
	part->pg = (struct store_ticket_pg){ .result = { .outcome = STORE_FAULT }, .alone = whole->pg.alone };
	part->deadline = whole->deadline;
	begin_attempt(p, part);
}

/* The writes first, sorted as those of every batch; then the reads, which share one statement. */
static void
take_whole(struct pipeline *p, struct store_ticket *whole, int64_t need)
{
	size_t bytes = 0;

	if (is_too_late(p, whole, need)) {
		pipeline_attempt_finish(whole, STORE_UNAVAILABLE);
		return;
	}
	transaction_begin(p, whole);
	for (size_t i = 0; i < whole->op.part_count; i++)
		if (store_writes(&whole->op.parts[i]->op))
			begin_part(p, whole, whole->op.parts[i]);
	for (size_t i = 0; i < whole->op.part_count; i++)
		if (!store_writes(&whole->op.parts[i]->op))
			begin_part(p, whole, whole->op.parts[i]);
	for (const struct store_ticket *t = p->batch.tickets.head; t != NULL; t = t->next)
		bytes += t->op.value.n;
	if (bytes > PIPELINE_LARGE_MESSAGE)
		p->large_at = clock_mono();
}

static bool
is_same_namespace(const struct store_ticket *a, const struct store_ticket *b)
{
	return uuid_eq(&a->op.workspace, &b->op.workspace) && str_eq(a->op.ns, b->op.ns);
}

/* Whether b can share the statement that begins with a and ends with `last` so far. */
static bool
can_join(const struct pipeline_shared *s, const struct store_ticket *a, const struct store_ticket *last,
    const struct store_ticket *b, bool part_of_whole)
{
	if (part_of_whole && a->op.kind == STORE_GET && b->op.kind == STORE_GET)
		return true;
	if (!pipeline_state_can_join(s, a) || !pipeline_state_can_join(s, b) || a->op.kind != b->op.kind)
		return false;
	/* No key may be in such a statement twice; where this matters, tickets are sorted and equal keys are neighbours. */
	if (store_writes(&a->op))
		return ticket_queue_compare(last, b) != 0;
	if (s->largest >= PIPELINE_LARGE_MESSAGE)
		return false; /* large values are read one by one */
	return s->server == DBCONN_POSTGRESQL || (is_same_namespace(a, b) && ticket_queue_compare(last, b) != 0);
}

static void
join_tickets(struct pipeline *p)
{
	struct store_ticket *first = p->batch.tickets.head;

	for (struct store_ticket *last = first; last->next != NULL; last = last->next) {
		if (can_join(p->shared, first, last, last->next, p->batch.whole != NULL)) {
			first->pg.joined++;
			last->next->pg.joined = 0;
			last->pg.last = false; /* the Sync is sent after the whole statement */
		} else {
			first = last->next;
		}
	}
}

void
pipeline_send_fill(struct pipeline *p, struct ticket_queue *queue, size_t most)
{
	struct pipeline_batch *b = &p->batch;
	int64_t need;

	b->large = queue == &p->shared->large;
	b->alone = queue == &p->shared->alone;
	assert(b->tickets.head == NULL && queue->head != NULL);
	b->due = TIMER_OFF;
	need = time_needed(p, queue);
	if (queue->head->op.kind == STORE_BATCH)
		take_whole(p, ticket_queue_take(queue), need);
	else
		take_tickets(p, queue, b->alone ? 1 : most_tickets(p->shared, most), need);
	if (b->tickets.head == NULL)
		return; /* all of them were refused as too late */
	for (struct store_ticket *t = b->tickets.head; t != NULL; t = t->next) {
		t->pg.last |= t->next == NULL;
		t->batch_size = (unsigned)b->tickets.n;
	}
	join_tickets(p);
	b->size = b->whole == NULL ? b->tickets.n : 0;
	b->current = b->tickets.head;
	b->read = false;
	b->verdict = SQLSTATE_NONE;
	b->at_sync = false;
	b->ended = false;
	if (!b->large && !b->alone)
		gather_note_sent(&p->shared->gather, b->size, b->tickets.head->pg.joined == b->size);
	metrics_observe_size(METRICS_DB_GROUP_SIZE, b->tickets.n);
}

/* Until when the writes of a statement may begin, on the database's clock; their `latest` is the same on ours. */
static int64_t
write_deadline(const struct pipeline *p, struct store_ticket *first, const struct store_ticket *last)
{
	int64_t latest = clock_mono() + p->clock.earlier + p->shared->set->write_time;

	for (const struct store_ticket *t = first; t != last->next; t = t->next)
		if (t->deadline < latest)
			latest = t->deadline;
	for (struct store_ticket *t = first; t != last->next; t = t->next)
		t->pg.latest = latest;
	return db_clock_deadline(&p->clock, latest);
}

/* The statement of the tickets from `first` to `last`. */
static bool
queue_statement(struct pipeline *p, struct store_ticket *first, struct store_ticket *last)
{
	bool gets_of_whole = p->batch.whole != NULL && first->op.kind == STORE_GET;
	enum statement s = gets_of_whole ? STATEMENT_GET_BATCH : statement_of_many(first, first->pg.joined);
	int64_t deadline = store_writes(&first->op) ? write_deadline(p, first, last) : 0;

	for (struct store_ticket *t = first; t != last->next; t = t->next) {
		t->pg.statement = s;
		t->pg.progress = STORE_SENT; /* or perhaps in part, if libpq fails */
	}
	if (first->pg.joined == 1 && !gets_of_whole)
		return statement_send(p->shared->set, p->conn, p->shared->server, &first->op, deadline);
	return statement_send_many(p->shared->set, p->conn, p->shared->server, s, first, first->pg.joined, deadline);
}

bool
pipeline_send_queue(struct pipeline *p)
{
	if (p->batch.whole != NULL && !transaction_open(p))
		return false;
	for (struct store_ticket *t = p->batch.tickets.head; t != NULL;) {
		struct store_ticket *last = pipeline_state_last_joined(t);

		if (!queue_statement(p, t, last))
			return false;
		if (last->pg.last && PQpipelineSync(p->conn) == 0)
			return false;
		t = last->next;
	}
	return true;
}
