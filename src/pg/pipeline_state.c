/* SPDX-License-Identifier: EPL-2.0 */
#include "pg/pipeline_state.h"

#include <assert.h>

#define TO(state) (1U << (state))

void
pipeline_state_move(struct pipeline *p, enum pipeline_state next)
{
	static const unsigned moves[] = {
		[PIPELINE_CLOSED] = TO(PIPELINE_CONNECTING),
		[PIPELINE_CONNECTING] = TO(PIPELINE_IDLE) | TO(PIPELINE_CLOSED),
		[PIPELINE_IDLE] = TO(PIPELINE_ASKING) | TO(PIPELINE_SENDING) | TO(PIPELINE_CLOSED),
		[PIPELINE_ASKING] = TO(PIPELINE_IDLE) | TO(PIPELINE_CLOSED),
		[PIPELINE_SENDING] = TO(PIPELINE_WAITING) | TO(PIPELINE_IDLE) | TO(PIPELINE_CLOSED),
		[PIPELINE_WAITING] = TO(PIPELINE_IDLE) | TO(PIPELINE_CLOSED),
	};

	assert((moves[p->state] & TO(next)) != 0);
	p->state = next;
}

void
pipeline_state_check(const struct pipeline *p)
{
	const struct pipeline_batch *b = &p->batch;

	assert((p->conn != NULL) == pipeline_state_is_open(p));
	assert((b->tickets.head != NULL) == pipeline_state_is_busy(p));
	assert((p->state == PIPELINE_CONNECTING) == (p->order.placed && p->conn == NULL));
	assert(p->fresh == NULL || (p->state >= PIPELINE_ASKING && !p->order.placed));
	assert(p->state != PIPELINE_ASKING || p->order.role == STATEMENT_ROLE_WRITE);
	assert(p->closing == DB_CLOSE_NOT || pipeline_state_is_busy(p));
	assert(b->whole == NULL || pipeline_state_is_busy(p));
	assert(b->stage == TRANSACTION_NONE || b->whole != NULL);
	assert(b->current == NULL || pipeline_state_is_busy(p));
	assert(b->verdict == SQLSTATE_NONE || pipeline_state_is_busy(p));
}

bool
pipeline_state_is_open(const struct pipeline *p)
{
	return p->state >= PIPELINE_IDLE;
}

bool
pipeline_state_is_busy(const struct pipeline *p)
{
	return p->state >= PIPELINE_SENDING;
}

struct store_ticket *
pipeline_state_last_joined(struct store_ticket *first)
{
	assert(first->pg.joined > 0);
	while (first->next != NULL && first->next->pg.joined == 0)
		first = first->next;
	return first;
}

bool
pipeline_state_can_join(const struct pipeline_shared *s, const struct store_ticket *t)
{
	return s->set->prepared && !t->pg.alone && statement_joins(&t->op);
}

struct ticket_queue *
pipeline_state_queue(struct pipeline_shared *s, const struct store_ticket *t)
{
	bool large = t->op.kind == STORE_BATCH || (t->op.kind == STORE_PUT && t->op.value.n >= PIPELINE_LARGE_VALUE);

	if (t->pg.alone && t->op.kind != STORE_BATCH)
		return &s->alone;
	return large ? &s->large : &s->small;
}
