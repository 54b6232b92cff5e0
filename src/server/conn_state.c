/* SPDX-License-Identifier: EPL-2.0 */
#include "server/conn_state.h"

#include <assert.h>

#include "base/base.h"
#include "base/log.h"

static const char *const reason_texts[] = {
#define X(name, text) text,
	CONN_REASONS(X)
#undef X
};

#define STATE(s) (1U << (s))

void
conn_state_set(struct conn *c, enum conn_state next)
{
	static const unsigned allowed[] = {
		[CONN_WAITING] = STATE(CONN_READING) | STATE(CONN_CLOSED),
		[CONN_READING] = STATE(CONN_STORING) | STATE(CONN_STREAMING) | STATE(CONN_WRITING) |
		    STATE(CONN_CLOSING) | STATE(CONN_CLOSED),
		[CONN_STORING] = STATE(CONN_WRITING),
		[CONN_STREAMING] = STATE(CONN_PAUSED) | STATE(CONN_WRITING) | STATE(CONN_CLOSED),
		[CONN_PAUSED] = STATE(CONN_STREAMING) | STATE(CONN_CLOSED),
		[CONN_WRITING] = STATE(CONN_WAITING) | STATE(CONN_CLOSED),
		[CONN_CLOSING] = STATE(CONN_CLOSED),
		[CONN_CLOSED] = 0,
	};

	assert((allowed[c->state] & STATE(next)) != 0);
	c->state = next;
}

void
conn_state_check(const struct conn *c)
{
	bool has_request = c->state >= CONN_READING && c->state <= CONN_PAUSED;

	assert(c->state == CONN_CLOSED || c->entry.open == has_request);
	assert(c->state == CONN_CLOSED || c->reserved == 0 || has_request);
	assert(c->memory == NULL || c->state == CONN_WRITING || c->state == CONN_CLOSED);
	assert(c->answer == 0 || c->state == CONN_WRITING || c->state == CONN_CLOSED);
	assert(c->watched || c->state == CONN_STORING || c->state == CONN_CLOSED);
}

void
conn_state_close(struct conn *c, enum conn_reason reason)
{
	if (c->state == CONN_CLOSED)
		return;
	log_event(LOG_DEBUG, "connection closed", log_text("reason", str_of(reason_texts[reason])));
	if (c->state == CONN_STREAMING)
		c->context->store->calls->cancel(c->context->store, &c->ticket);
	conn_state_set(c, CONN_CLOSED);
	c->reason = reason;
	LIST_REMOVE(c, link);
	assert(c->context->count > 0);
	c->context->count--;
	LIST_INSERT_HEAD(&c->context->closed, c, link);
}

const char *
conn_state_reason(const struct conn *c)
{
	return reason_texts[c->reason];
}
