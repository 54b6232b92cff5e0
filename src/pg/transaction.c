/* SPDX-License-Identifier: EPL-2.0 */
#include "pg/transaction.h"

#include <assert.h>

#include "base/clock.h"
#include "pg/pipeline_attempt.h"

#define TO(stage) (1U << (stage))

/* The only function that changes the stage; asserts that the diagram in the header allows the move. */
static void
move_stage(struct pipeline *p, enum transaction_stage next)
{
	static const unsigned moves[] = {
		[TRANSACTION_NONE] = TO(TRANSACTION_STATEMENTS),
		[TRANSACTION_STATEMENTS] = TO(TRANSACTION_COMMIT) | TO(TRANSACTION_ROLLBACK) | TO(TRANSACTION_NONE),
		[TRANSACTION_COMMIT] = TO(TRANSACTION_ROLLBACK) | TO(TRANSACTION_NONE),
		[TRANSACTION_ROLLBACK] = TO(TRANSACTION_NONE),
	};

	assert((moves[p->batch.stage] & TO(next)) != 0);
	p->batch.stage = next;
}

void
transaction_begin(struct pipeline *p, struct store_ticket *whole)
{
	assert(p->batch.whole == NULL && p->batch.stage == TRANSACTION_NONE);
	p->batch.whole = whole;
	p->batch.decided = STORE_DONE;
	whole->pg.attempts++;
	whole->pg.result.part = 0;
	whole->batch_size = (unsigned)whole->op.part_count;
	whole->sqlstate[0] = '\0';
	whole->pg.statement = statement_of(&whole->op);
	if (store_writes(&whole->op))
		move_stage(p, TRANSACTION_STATEMENTS);
}

static bool
send_control(struct pipeline *p, enum statement s)
{
	p->batch.control++;
	return statement_send_control(p->shared->set, p->conn, p->shared->server, s);
}

/*
 * Whether a part may find no row and go on: it locks nothing then, so READ COMMITTED would not keep the whole
 * transaction to one moment.  A PUT, and a write whose condition holds, locks its row until the commit.
 */
static bool
looks_without_lock(const struct store_op *op)
{
	for (size_t i = 0; i < op->part_count; i++) {
		const struct store_op *part = &op->parts[i]->op;

		if (part->kind == STORE_GET || (part->kind == STORE_DELETE && part->condition == STORE_ALWAYS))
			return true;
	}
	return false;
}

bool
transaction_open(struct pipeline *p)
{
	bool serializable = looks_without_lock(&p->batch.whole->op);

	p->batch.control = 0;
	if (p->batch.stage == TRANSACTION_NONE)
		return true;
	return send_control(p, serializable ? STATEMENT_BEGIN_SERIALIZABLE : STATEMENT_BEGIN);
}

/* The messages are small and all earlier ones have been answered, so the socket takes them. */
static bool
send_sync(struct pipeline *p)
{
	return PQpipelineSync(p->conn) == 1 && PQflush(p->conn) == 0;
}

static bool
send_rollback(struct pipeline *p)
{
	move_stage(p, TRANSACTION_ROLLBACK);
	return send_control(p, STATEMENT_ROLLBACK) && send_sync(p);
}

static bool
send_commit(struct pipeline *p)
{
	struct store_ticket *whole = p->batch.whole;
	int64_t now = clock_mono(), latest = now + p->clock.earlier + p->shared->set->write_time;

	if (whole->deadline < latest)
		latest = whole->deadline;
	if (db_clock_is_late(&p->clock, latest, now)) {
		p->batch.decided = STORE_UNAVAILABLE;
		return send_rollback(p);
	}
	whole->pg.latest = latest;
	move_stage(p, TRANSACTION_COMMIT);
	p->batch.control++;
	return statement_send_in_time(
		   p->shared->set, p->conn, p->shared->server, db_clock_deadline(&p->clock, latest)) &&
	    send_control(p, STATEMENT_COMMIT) && send_sync(p);
}

/* Takes the parts out of the connection's batch, which ends with that. */
static struct store_ticket *
detach_whole(struct pipeline *p)
{
	struct pipeline_batch *b = &p->batch;
	struct store_ticket *whole = b->whole;

	ticket_queue_init(&b->tickets);
	b->current = NULL;
	b->control = 0;
	b->verdict = SQLSTATE_NONE;
	b->at_sync = false;
	b->whole = NULL;
	if (b->stage != TRANSACTION_NONE)
		move_stage(p, TRANSACTION_NONE);
	return whole;
}

static void
drop_parts(const struct store_ticket *whole)
{
	for (size_t i = 0; i < whole->op.part_count; i++)
		pipeline_attempt_drop(whole->op.parts[i]);
}

/* The outcome of the first part that prevents the commit; STORE_DONE: there is none. */
static enum store_outcome
look_at_parts(struct store_ticket *whole)
{
	for (size_t i = 0; i < whole->op.part_count; i++) {
		enum store_outcome outcome = whole->op.parts[i]->pg.result.outcome;

		if (outcome == STORE_DONE || outcome == STORE_NO_KEY)
			continue;
		whole->pg.result.part = i;
		return outcome;
	}
	return STORE_DONE;
}

/* The index of the part that got the error. */
static size_t
failed_part(const struct store_ticket *whole)
{
	size_t i = 0;

	while (i + 1 < whole->op.part_count && whole->op.parts[i]->pg.progress != STORE_FAILED)
		i++;
	return i;
}

/* Committed, or read: the results of the parts are given to their owner, in their order. */
static void
finish_committed(struct pipeline *p)
{
	struct store_ticket *whole = detach_whole(p);

	for (size_t i = 0; i < whole->op.part_count; i++) {
		struct store_ticket *part = whole->op.parts[i];
		struct store_result r = part->pg.result;

		r.memory = NULL; /* it may have values of other parts, too */
		part->client->done(part, &r);
	}
	drop_parts(whole);
	pipeline_attempt_finish(whole, STORE_DONE);
}

/* Nothing was changed. */
static void
finish_decided(struct pipeline *p, enum store_outcome outcome)
{
	struct store_ticket *whole = detach_whole(p);

	drop_parts(whole);
	pipeline_attempt_finish(whole, outcome);
}

/* An error has ended the attempt, or the connection was lost. */
static void
end_whole(struct pipeline *p, enum attempt_point point)
{
	enum sqlstate_verdict verdict = p->batch.verdict;
	enum transaction_stage stage = p->batch.stage;
	struct store_ticket *whole = p->batch.whole;

	if (attempt_closes(verdict))
		p->closing = DB_CLOSE_ERROR;
	whole->pg.result.part = failed_part(whole);
	drop_parts(whole);
	(void)detach_whole(p);
	pipeline_attempt_end(p, whole, point, verdict, stage != TRANSACTION_COMMIT);
}

/* The statements have ended, and no COMMIT was sent yet. */
static bool
judge_statements(struct pipeline *p)
{
	if (p->batch.verdict == SQLSTATE_NONE)
		p->batch.decided = look_at_parts(p->batch.whole);
	if (p->batch.verdict == SQLSTATE_NONE && p->batch.decided == STORE_DONE)
		return send_commit(p);
	if (PQtransactionStatus(p->conn) != PQTRANS_IDLE)
		return send_rollback(p);
	end_whole(p, ATTEMPT_ERROR); /* BEGIN itself has failed */
	return true;
}

static void
end_read(struct pipeline *p)
{
	enum store_outcome outcome;

	if (p->batch.verdict != SQLSTATE_NONE) {
		end_whole(p, ATTEMPT_ERROR);
		return;
	}
	outcome = look_at_parts(p->batch.whole);
	if (outcome == STORE_DONE)
		finish_committed(p);
	else
		finish_decided(p, outcome);
}

/* COMMIT was answered, or the statement in front of it failed. */
static bool
judge_commit(struct pipeline *p)
{
	if (p->batch.verdict == SQLSTATE_NONE) {
		finish_committed(p);
		return true;
	}
	/* The session is still in the transaction if the statement in front of COMMIT failed: COMMIT did not run. */
	if (p->batch.verdict != SQLSTATE_UNKNOWN && PQtransactionStatus(p->conn) != PQTRANS_IDLE)
		return send_rollback(p);
	if (PQtransactionStatus(p->conn) != PQTRANS_IDLE)
		p->closing = DB_CLOSE_ERROR;
	end_whole(p, ATTEMPT_ERROR);
	return true;
}

static void
end_rollback(struct pipeline *p)
{
	if (PQtransactionStatus(p->conn) != PQTRANS_IDLE)
		p->closing = DB_CLOSE_ERROR;
	if (p->batch.decided != STORE_DONE)
		finish_decided(p, p->batch.decided);
	else
		end_whole(p, ATTEMPT_ERROR);
}

bool
transaction_synced(struct pipeline *p)
{
	switch (p->batch.stage) {
	case TRANSACTION_NONE:
		end_read(p);
		return true;
	case TRANSACTION_STATEMENTS:
		return judge_statements(p);
	case TRANSACTION_COMMIT:
		return judge_commit(p);
	case TRANSACTION_ROLLBACK:
		break;
	}
	end_rollback(p);
	return true;
}

void
transaction_lose(struct pipeline *p)
{
	const struct pipeline_batch *b = &p->batch;
	bool known = b->verdict != SQLSTATE_NONE && b->verdict != SQLSTATE_UNKNOWN;

	if (b->stage == TRANSACTION_ROLLBACK && b->decided != STORE_DONE)
		finish_decided(p, b->decided);
	else
		end_whole(p, known ? ATTEMPT_ERROR : ATTEMPT_LOST);
}
