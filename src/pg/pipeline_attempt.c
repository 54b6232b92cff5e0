/* SPDX-License-Identifier: EPL-2.0 */
#include "pg/pipeline_attempt.h"

#include "base/clock.h"
#include "telemetry/metrics.h"

void
pipeline_attempt_finish(struct store_ticket *t, enum store_outcome outcome)
{
	struct store_result r = t->pg.result;

	t->pg.result.memory = NULL;
	r.outcome = outcome;
	t->client->done(t, &r);
	PQclear(r.memory);
}

void
pipeline_attempt_drop(struct store_ticket *t)
{
	PQclear(t->pg.result.memory);
	t->pg.result = (struct store_result){ .outcome = STORE_FAULT, .part = t->pg.result.part };
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

void
pipeline_attempt_end(struct pipeline *p, struct store_ticket *t, enum attempt_point point,
    enum sqlstate_verdict verdict, bool uncommitted)
{
	const struct attempt a = {
		.kind = t->op.kind,
		.point = point,
		.verdict = verdict,
		.attempts = t->pg.attempts,
		.in_time = clock_mono() < t->deadline,
		.writes = store_writes(&t->op),
		.uncommitted = uncommitted,
	};
	struct attempt_decision d = attempt_decide(&a);
	struct ticket_queue *q;

	switch (d.next) {
	case ATTEMPT_STANDS:
		pipeline_attempt_finish(t, t->pg.result.outcome);
		return;
	case ATTEMPT_END:
		pipeline_attempt_drop(t);
		if (d.outcome == STORE_UNKNOWN && may_still_begin(p, t)) {
			ticket_queue_put(&p->shared->lost, t);
			return;
		}
		pipeline_attempt_finish(t, d.outcome);
		return;
	case ATTEMPT_AGAIN:
		break;
	}
	pipeline_attempt_drop(t);
	t->pg.alone |= point != ATTEMPT_LOST && point != ATTEMPT_UNSENT;
	metrics_add(METRICS_DB_RETRIES + d.why, 1);
	q = pipeline_state_queue(p->shared, t);
	if (q == &p->shared->alone)
		ticket_queue_put(q, t); /* behind those that may not have to wait for a lock */
	else
		ticket_queue_put_due(q, t); /* in front of those with a later deadline */
}
