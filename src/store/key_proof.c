/* SPDX-License-Identifier: EPL-2.0 */
#include "store/key_proof.h"

#include <assert.h>
#include <stdlib.h>

#include "base/base.h"
#include "base/log.h"

static void read_proof_of_key(struct key_proof *p);

void
key_proof_init(struct key_proof *p, struct store *inner, bool seals,
    void (*answered)(struct key_proof *p, enum store_outcome outcome))
{
	*p = (struct key_proof){ .inner = inner, .seals = seals, .answered = answered };
}

void
key_proof_set_keys(struct key_proof *p, struct seal *seal)
{
	p->seal = seal;
	p->state = KEY_PROOF_UNKNOWN;
	p->changed = p->asking;
}

static struct key_proof *
proof_of(struct store_ticket *t)
{
	return container_of(t, struct key_proof, ticket);
}

/* Logs what is wrong, if the state changes. */
static void
log_state(const struct key_proof *p, enum key_proof_state state)
{
	if (state == p->state)
		return;
	if (state == KEY_PROOF_WRONG)
		log_event(LOG_ERROR,
		    "the current key is not the one that has sealed under its id until now: nothing will be sealed",
		    log_text("key_id", p->ticket.op.key));
	else if (state == KEY_PROOF_MISSING)
		log_event(LOG_WARN,
		    "the database holds sealed values, and HULY_ENCRYPTION_KEYS_FILE names no keys: these values cannot "
		    "be read, and nothing is written to HULY_ENCRYPTION_NAMESPACES");
}

static void
end_question(struct key_proof *p, enum key_proof_state state, enum store_outcome outcome)
{
	assert(p->asking);
	log_state(p, state);
	p->state = state;
	p->asking = false;
	p->answered(p, outcome);
}

/* No answer: the state stays as it was. */
static void
end_unanswered(struct key_proof *p, enum store_outcome outcome)
{
	end_question(p, p->state, outcome == STORE_FAULT ? STORE_FAULT : STORE_UNAVAILABLE);
}

static void
submit_ticket(struct key_proof *p)
{
	p->inner->calls->submit(p->inner, &p->ticket);
}

static void
free_memory(struct key_proof *p)
{
	free(p->memory);
	p->memory = NULL;
}

static void
on_written(struct store_ticket *t, struct store_result *r)
{
	struct key_proof *p = proof_of(t);

	free_memory(p);
	if (p->changed)
		end_question(p, KEY_PROOF_UNKNOWN, STORE_DONE);
	else if (r->outcome == STORE_MISMATCH)
		read_proof_of_key(p); /* another program has written it meanwhile */
	else if (r->outcome == STORE_DONE)
		end_question(p, KEY_PROOF_GOOD, STORE_DONE);
	else
		end_unanswered(p, r->outcome);
}

/* There is no proof of this key yet: writes it. */
static void
write_proof(struct key_proof *p)
{
	static const struct store_client client = { .done = on_written };
	struct store_op *op = &p->ticket.op;
	const struct seal_place place = { op->workspace, op->ns, op->key };
	size_t n = seal_size(p->seal, 0);

	p->memory = malloc(n);
	op->kind = STORE_PUT;
	op->condition = STORE_IF_ABSENT;
	p->ticket.client = &client;
	if (p->memory != NULL && seal_proof(p->seal, &place, p->memory, &op->md5)) {
		op->value = str_from(p->memory, n);
		submit_ticket(p);
		return;
	}
	free_memory(p);
	end_unanswered(p, STORE_FAULT);
}

static void
on_proof_read(struct store_ticket *t, struct store_result *r)
{
	struct key_proof *p = proof_of(t);
	const struct seal_place place = { t->op.workspace, t->op.ns, t->op.key };

	if (p->changed)
		end_question(p, KEY_PROOF_UNKNOWN, STORE_DONE);
	else if (r->outcome == STORE_DONE && seal_proves(p->seal, &place, &r->md5, (char *)r->value.p, r->value.n))
		end_question(p, KEY_PROOF_GOOD, STORE_DONE);
	else if (r->outcome == STORE_DONE)
		end_question(p, KEY_PROOF_WRONG, STORE_DONE);
	else if (r->outcome == STORE_NO_KEY && p->seals)
		write_proof(p);
	else if (r->outcome == STORE_NO_KEY)
		end_question(p, KEY_PROOF_GOOD, STORE_DONE);
	else
		end_unanswered(p, r->outcome);
}

/* Asks for the proof of the current key. */
static void
read_proof_of_key(struct key_proof *p)
{
	static const struct store_client client = { .done = on_proof_read };
	struct str id = keyring_id(seal_ring(p->seal), 0);
	struct seal_place place;

	memcpy(p->id, id.p, id.n);
	place = seal_proof_place(str_from(p->id, id.n));
	p->ticket.op =
	    (struct store_op){ .kind = STORE_GET, .workspace = place.workspace, .ns = place.ns, .key = place.key };
	p->ticket.client = &client;
	submit_ticket(p);
}

static void
on_any_proof(struct store_ticket *t, struct store_result *r)
{
	struct key_proof *p = proof_of(t);

	if (p->changed)
		end_question(p, KEY_PROOF_UNKNOWN, STORE_DONE);
	else if (r->outcome == STORE_DONE)
		end_question(p, KEY_PROOF_MISSING, STORE_DONE);
	else if (r->outcome == STORE_NO_KEY)
		end_question(p, KEY_PROOF_GOOD, STORE_DONE);
	else
		end_unanswered(p, r->outcome);
}

/* Asks whether there is a proof of any key. */
static void
find_any_proof(struct key_proof *p)
{
	static const struct store_client client = { .done = on_any_proof };
	struct seal_place place = seal_proof_place(STR_ABSENT);

	p->ticket.op = (struct store_op){ .kind = STORE_ANY, .workspace = place.workspace, .ns = place.ns };
	p->ticket.client = &client;
	submit_ticket(p);
}

void
key_proof_ask(struct key_proof *p, int64_t deadline)
{
	if (p->asking)
		return;
	p->asking = true;
	p->changed = false;
	p->ticket = (struct store_ticket){ .deadline = deadline };
	if (p->seal != NULL)
		read_proof_of_key(p);
	else
		find_any_proof(p);
}
