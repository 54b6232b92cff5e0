/* SPDX-License-Identifier: EPL-2.0 */
#include "pg/pipeline_result.h"

#include <assert.h>

#include "base/clock.h"
#include "pg/sqlstate.h"
#include "telemetry/metrics.h"

#define READ_MAX_TRIES 16

void
pipeline_result_finish(struct store_ticket *t, enum store_outcome outcome)
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
try_again(struct pipeline *l, struct store_ticket *t, enum metrics_retry why)
{
	drop_result(t);
	if (clock_mono() >= t->deadline || (!store_writes(&t->op) && t->tries >= READ_MAX_TRIES)) {
		pipeline_result_finish(t, STORE_UNAVAILABLE);
		return;
	}
	metrics_add(METRICS_DB_RETRIES + why, 1);
	ticket_queue_put_due(&l->queue, t); /* so that the first deadline stays in front */
}

/* An error that the ticket's own statement got, after which all of its segment was rolled back. */
static void
judge(struct pipeline *l, struct store_ticket *t, enum sqlstate_verdict verdict)
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
		if (!store_writes(&t->op)) {
			try_again(l, t, METRICS_RETRY_LOST);
			return;
		}
		pipeline_result_finish(t, STORE_UNKNOWN);
		return;
	case SQLSTATE_SCHEMA:
		l->leave = true;
		pipeline_result_finish(t, STORE_UNAVAILABLE);
		return;
	case SQLSTATE_UNAVAILABLE:
		pipeline_result_finish(t, STORE_UNAVAILABLE);
		return;
	case SQLSTATE_TOO_LONG:
		pipeline_result_finish(t, STORE_TOO_LONG);
		return;
	case SQLSTATE_FAULT:
		break;
	}
	pipeline_result_finish(t, STORE_FAULT);
}

/*
 * A segment with an error.  Whoever got it is judged; the others were rolled
 * back with it or never ran, and run again on their own.  Reads that were
 * answered before it stand.
 */
static void
settle_failed(struct pipeline *l, struct ticket_queue *segment)
{
	bool single = segment->head->next == NULL;
	bool before = true;
	int unknown = l->sync_verdict == SQLSTATE_UNKNOWN ? SQLSTATE_UNKNOWN : -1;
	struct store_ticket *t;

	for (t = segment->head; t != NULL; t = t->next)
		if (t->verdict == SQLSTATE_UNKNOWN)
			unknown = SQLSTATE_UNKNOWN;
	while ((t = ticket_queue_take(segment)) != NULL) {
		int verdict = t->verdict;

		if (verdict >= 0)
			before = false;
		else if (l->sync_verdict >= 0 && single)
			verdict = l->sync_verdict;
		t->alone = true;
		if (verdict >= 0) {
			judge(l, t, verdict);
		} else if (!store_writes(&t->op) && t->result.memory != NULL) {
			pipeline_result_finish(t, t->result.outcome);
		} else if (unknown >= 0 && before && store_writes(&t->op)) {
			drop_result(t);
			pipeline_result_finish(t, STORE_UNKNOWN);
		} else {
			try_again(l, t, METRICS_RETRY_GROUP);
		}
	}
}

/* Everything up to the next Sync. */
static struct ticket_queue
take_segment(struct pipeline *l)
{
	struct ticket_queue segment;
	struct store_ticket *t;

	ticket_queue_init(&segment);
	do {
		t = ticket_queue_take(&l->group);
		assert(t != NULL);
		ticket_queue_put(&segment, t);
	} while (!t->synced);
	return segment;
}

void
pipeline_result_end(struct pipeline *l)
{
	struct ticket_queue segment = take_segment(l);
	struct store_ticket *t;

	l->at = l->group.head;
	if (l->failed)
		settle_failed(l, &segment);
	while ((t = ticket_queue_take(&segment)) != NULL)
		pipeline_result_finish(t, t->result.outcome);
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
lose_segment(struct pipeline *l, struct ticket_queue *segment)
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
	while ((t = ticket_queue_take(segment)) != NULL) {
		if (!store_writes(&t->op)) {
			try_again(l, t, METRICS_RETRY_LOST);
			continue;
		}
		drop_result(t);
		pipeline_result_finish(t, STORE_UNKNOWN);
	}
	l->sync_verdict = -1; /* of the first segment only */
}

void
pipeline_result_lose_all(struct pipeline *l)
{
	while (l->group.head != NULL) {
		struct ticket_queue segment = take_segment(l);

		lose_segment(l, &segment);
	}
}
