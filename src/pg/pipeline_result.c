/* SPDX-License-Identifier: EPL-2.0 */
#include "pg/pipeline_result.h"

#include <assert.h>

#include "base/clock.h"
#include "pg/attempt.h"
#include "telemetry/metrics.h"

#define LARGE_REMEMBERED (2 * CLOCK_S)

void
pipeline_result_finish(struct store_ticket *t, enum store_outcome outcome)
{
	struct store_result r = t->pg.result;

	t->pg.result.memory = NULL;
	r.outcome = outcome;
	t->client->done(t, &r);
	PQclear(r.memory);
}

static void
drop_result(struct store_ticket *t)
{
	PQclear(t->pg.result.memory);
	t->pg.result = (struct store_result){ .outcome = STORE_FAULT };
}

/*
 * Whether a write of unknown outcome may still take effect.  "Unknown" is answered when it no longer can, so that it
 * never overwrites what the client writes afterwards.
 */
static bool
may_still_begin(const struct pipeline *p, const struct store_ticket *t)
{
	return !p->batch.ended && clock_mono() < t->pg.latest;
}

/* What happened to the operation is known: it ends, or is sent again. */
static void
end_attempt(struct pipeline *p, struct store_ticket *t, enum attempt_point point, enum sqlstate_verdict verdict)
{
	const struct attempt a = {
		.kind = t->op.kind,
		.point = point,
		.verdict = verdict,
		.attempts = t->pg.attempts,
		.in_time = clock_mono() < t->deadline,
	};
	struct attempt_decision d = attempt_decide(&a);

	switch (d.next) {
	case ATTEMPT_STANDS:
		pipeline_result_finish(t, t->pg.result.outcome);
		return;
	case ATTEMPT_END:
		drop_result(t);
		if (d.outcome == STORE_UNKNOWN && may_still_begin(p, t)) {
			ticket_queue_put(&p->shared->lost, t);
			return;
		}
		pipeline_result_finish(t, d.outcome);
		return;
	case ATTEMPT_AGAIN:
		break;
	}
	drop_result(t);
	t->pg.alone |= point != ATTEMPT_LOST;
	metrics_add(METRICS_DB_RETRIES + d.why, 1);
	ticket_queue_put_due(pipeline_state_queue(p->shared, t), t); /* in front of those with a later deadline */
}

static enum attempt_point
point_of(const struct store_ticket *t)
{
	switch (t->pg.progress) {
	case STORE_SENT:
		return ATTEMPT_SKIPPED;
	case STORE_ANSWERED:
		return ATTEMPT_ANSWERED;
	case STORE_FAILED:
		break;
	}
	return ATTEMPT_ERROR;
}

/* The transaction was rolled back, or its error says that this is not known. */
static void
end_failed(struct pipeline *p, struct ticket_queue *transaction, enum sqlstate_verdict verdict, bool at_sync)
{
	bool single = transaction->n == 1;
	struct store_ticket *t;

	if (attempt_closes(verdict))
		p->closing = PIPELINE_CLOSE_ERROR;
	while ((t = ticket_queue_take(transaction)) != NULL)
		end_attempt(p, t, at_sync && single ? ATTEMPT_ERROR : point_of(t), verdict);
}

/* Takes the tickets up to the next Sync out of the batch. */
static struct ticket_queue
take_transaction(struct pipeline_batch *b)
{
	struct ticket_queue transaction;
	struct store_ticket *t;

	ticket_queue_init(&transaction);
	do {
		t = ticket_queue_take(&b->tickets);
		assert(t != NULL);
		ticket_queue_put(&transaction, t);
	} while (!t->pg.last);
	return transaction;
}

/* The result of a Sync has come: it is known how the transaction before it ended. */
static void
end_transaction(struct pipeline *p)
{
	struct pipeline_batch *b = &p->batch;
	struct ticket_queue transaction = take_transaction(b);
	enum sqlstate_verdict verdict = b->verdict;
	struct store_ticket *t;

	b->current = b->tickets.head;
	b->verdict = SQLSTATE_NONE;
	if (verdict != SQLSTATE_NONE)
		end_failed(p, &transaction, verdict, b->at_sync);
	while ((t = ticket_queue_take(&transaction)) != NULL)
		pipeline_result_finish(t, t->pg.result.outcome);
	b->at_sync = false;
}

/* It is not known how far the transaction came; but a read that got its answer can keep it. */
static void
lose_transaction(struct pipeline *p, struct ticket_queue *transaction)
{
	struct store_ticket *t;

	while ((t = ticket_queue_take(transaction)) != NULL) {
		bool answered = !store_writes(&t->op) && t->pg.progress == STORE_ANSWERED;

		end_attempt(p, t, answered ? ATTEMPT_ANSWERED : ATTEMPT_LOST, SQLSTATE_UNKNOWN);
	}
}

/* Whether the error proves that the transaction was rolled back, even without the result of its Sync. */
static bool
is_rolled_back(enum sqlstate_verdict verdict)
{
	return verdict != SQLSTATE_NONE && verdict != SQLSTATE_UNKNOWN;
}

void
pipeline_result_lose(struct pipeline *p)
{
	struct pipeline_batch *b = &p->batch;

	b->current = NULL;
	while (b->tickets.head != NULL) {
		struct ticket_queue transaction = take_transaction(b);

		if (is_rolled_back(b->verdict))
			end_failed(p, &transaction, b->verdict, b->at_sync);
		else
			lose_transaction(p, &transaction);
		/* NOT_RUN counts for the whole batch, another error for one transaction. */
		if (b->verdict != SQLSTATE_NOT_RUN)
			b->verdict = SQLSTATE_NONE;
	}
	b->verdict = SQLSTATE_NONE;
	b->at_sync = false;
}

/* The first error of a transaction counts: later ones follow from it, or from the end of the connection. */
static void
take_error(struct pipeline *p, const PGresult *res)
{
	struct pipeline_batch *b = &p->batch;
	char code[STORE_SQLSTATE_SIZE];
	enum sqlstate_verdict verdict = sqlstate_of_error(res, p->shared->server, code);
	struct store_ticket *first = b->current != NULL ? b->current : b->tickets.head;

	dbconn_note_error(p->conn, res);
	/* A pooler may end its own session with us, while the server still executes the statements. */
	b->ended |= !p->pooled && sqlstate_ends_session(res);
	p->clock.jumped |= strcmp(code, "22012") == 0;
	if (b->verdict != SQLSTATE_NONE)
		return;
	/* It is not known which of the joined tickets caused it: each is sent again, alone, unless that cannot help. */
	if (b->current != NULL && b->current->pg.joined > 1 && !attempt_closes(verdict) && verdict != SQLSTATE_UNKNOWN)
		verdict = SQLSTATE_RETRY;
	b->verdict = verdict;
	b->at_sync = b->current == NULL;
	for (struct store_ticket *t = first; t != NULL; t = t->next) {
		memcpy(t->sqlstate, code, sizeof(code));
		if (!b->at_sync)
			t->pg.progress = STORE_FAILED;
		if (b->at_sync ? t->pg.last : t->next == NULL || t->next->pg.joined > 0)
			return;
	}
}

/* Notes a large value: while there are such, batches are small and several connections read them. */
static void
note_size(struct pipeline *p, size_t n)
{
	struct pipeline_shared *s = p->shared;

	if (n < PIPELINE_LARGE_VALUE)
		return;
	s->largest_until = clock_mono() + LARGE_REMEMBERED;
	if (n > s->largest)
		s->largest = n;
	if (n > PIPELINE_LARGE_MESSAGE)
		p->large_at = clock_mono();
}

/* The result of a statement that succeeded; takes res. */
static void
keep_rows(struct pipeline *p, PGresult *res)
{
	struct store_ticket *first = p->batch.current, *last = pipeline_state_last_joined(first);

	if (first == last)
		statement_read(&first->op, res, &first->pg.result);
	else
		statement_read_many(first->pg.statement, first, first->pg.joined, res);
	for (struct store_ticket *t = first; t != last->next; t = t->next) {
		t->pg.progress = STORE_ANSWERED;
		note_size(p, t->pg.result.value.n);
	}
	last->pg.result.memory = res; /* the tickets are answered in order, so the last of them frees it */
}

static void
take_result(struct pipeline *p, PGresult *res)
{
	struct pipeline_batch *b = &p->batch;

	b->read = true;
	switch ((int)PQresultStatus(res)) {
	case PGRES_PIPELINE_SYNC:
		b->read = false; /* libpq returns no NULL after this one */
		end_transaction(p);
		break;
	case PGRES_TUPLES_OK:
	case PGRES_COMMAND_OK:
		if (b->current != NULL) {
			keep_rows(p, res);
			return;
		}
		break;
	case PGRES_PIPELINE_ABORTED: /* the error that caused it has been noted */
		break;
	default:
		take_error(p, res);
		break;
	}
	PQclear(res);
}

/* libpq returned the NULL after a statement's result or after an error of a Sync: sets which result comes next. */
static void
advance(struct pipeline_batch *b)
{
	struct store_ticket *last;

	b->read = false;
	if (b->current == NULL)
		return; /* the Sync's own result */
	last = pipeline_state_last_joined(b->current);
	b->current = last->pg.last ? NULL : last->next;
}

bool
pipeline_result_read(struct pipeline *p)
{
	struct pipeline_batch *b = &p->batch;

	while (b->tickets.head != NULL && PQisBusy(p->conn) == 0) {
		PGresult *res = PQgetResult(p->conn);

		if (res != NULL)
			take_result(p, res);
		else if (b->read)
			advance(b);
		else
			return false;
	}
	return true;
}
