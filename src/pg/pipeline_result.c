/* SPDX-License-Identifier: EPL-2.0 */
#include "pg/pipeline_result.h"

#include <assert.h>

#include "base/clock.h"
#include "pg/pipeline_attempt.h"
#include "pg/transaction.h"

#define LARGE_REMEMBERED (2 * CLOCK_S)

static enum attempt_point
point_of(const struct store_ticket *t)
{
	switch (t->pg.progress) {
	case STORE_WAITS:
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
		p->closing = DB_CLOSE_ERROR;
	while ((t = ticket_queue_take(transaction)) != NULL)
		pipeline_attempt_end(p, t, at_sync && single ? ATTEMPT_ERROR : point_of(t), verdict, false);
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

/* The result of a Sync has come: it is known how the implicit transaction before it ended. */
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
		pipeline_attempt_finish(t, t->pg.result.outcome);
	b->at_sync = false;
}

/* It is not known how far the transaction came; but a read that got its answer can keep it. */
static void
lose_transaction(struct pipeline *p, struct ticket_queue *transaction)
{
	struct store_ticket *t;

	while ((t = ticket_queue_take(transaction)) != NULL) {
		bool answered = !store_writes(&t->op) && t->pg.progress == STORE_ANSWERED;
		enum attempt_point lost = t->pg.progress == STORE_WAITS ? ATTEMPT_UNSENT : ATTEMPT_LOST;

		pipeline_attempt_end(p, t, answered ? ATTEMPT_ANSWERED : lost, SQLSTATE_UNKNOWN, false);
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

	if (b->whole != NULL)
		transaction_lose(p);
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
	p->clock.jumped |= strcmp(code, SQLSTATE_LATE) == 0;
	if (b->verdict != SQLSTATE_NONE)
		return;
	/* It is not known which of the joined tickets caused it: each is sent again, alone, unless that cannot help. */
	if (b->current != NULL && b->current->pg.joined > 1 && !b->current->pg.alone && !attempt_closes(verdict) &&
	    verdict != SQLSTATE_UNKNOWN)
		verdict = SQLSTATE_RETRY;
	b->verdict = verdict;
	b->at_sync = b->current == NULL;
	if (b->whole != NULL)
		memcpy(b->whole->sqlstate, code, sizeof(code));
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

	if (first == last && first->pg.statement != STATEMENT_GET_BATCH)
		statement_read(&first->op, res, &first->pg.result);
	else
		statement_read_many(first->pg.statement, first, first->pg.joined, res);
	for (struct store_ticket *t = first; t != last->next; t = t->next) {
		t->pg.progress = STORE_ANSWERED;
		note_size(p, t->pg.result.value.n);
	}
	last->pg.result.memory = res; /* the tickets are answered in order, so the last of them frees it */
}

/* False: the connection is lost. */
static bool
take_result(struct pipeline *p, PGresult *res)
{
	struct pipeline_batch *b = &p->batch;

	b->read = true;
	switch ((int)PQresultStatus(res)) {
	case PGRES_PIPELINE_SYNC:
		PQclear(res);
		b->read = false; /* libpq returns no NULL after this one */
		if (b->whole != NULL)
			return transaction_synced(p);
		end_transaction(p);
		return true;
	case PGRES_TUPLES_OK:
	case PGRES_COMMAND_OK:
		if (b->current != NULL && b->control == 0) {
			keep_rows(p, res);
			return true;
		}
		break;
	case PGRES_PIPELINE_ABORTED: /* the error that caused it has been noted */
		break;
	default:
		take_error(p, res);
		break;
	}
	PQclear(res);
	return true;
}

/* libpq returned the NULL after a statement's result or after an error of a Sync: sets which result comes next. */
static void
advance(struct pipeline_batch *b)
{
	struct store_ticket *last;

	b->read = false;
	if (b->control > 0) {
		b->control--;
		return;
	}
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

		if (res == NULL && !b->read)
			return false;
		if (res == NULL)
			advance(b);
		else if (!take_result(p, res))
			return false;
	}
	return true;
}
