/* SPDX-License-Identifier: EPL-2.0 */
#include "store/store_sealed.h"

#include <assert.h>
#include <stdlib.h>

#include "base/base.h"
#include "base/clock.h"
#include "base/log.h"
#include "store/key_proof.h"
#include "store/sealed_op.h"
#include "store/ticket_queue.h"

struct store_sealed {
	struct store store;
	struct store *inner;
	struct store_sealed_options options;
	struct seal *seal; /* NULL: there are no keys */
	struct key_proof proof;
	struct ticket_queue waiting; /* for the answer of key_proof, by their deadlines */
};

static struct store_sealed *
sealed_of(struct store *s)
{
	return container_of(s, struct store_sealed, store);
}

static void
forward(struct store_sealed *s, struct store_ticket *t)
{
	s->inner->calls->submit(s->inner, t);
}

/* From now on the inner store calls done() of `client` instead of the owner's. */
static void
take_ticket(struct store_sealed *s, struct store_ticket *t, const struct store_client *client)
{
	t->sealed = (struct store_ticket_sealed){ .by = &s->store, .client = t->client, .op = t->op };
	t->client = client;
}

/* The ticket is as its owner submitted it. */
static void
give_back(struct store_ticket *t)
{
	free(t->sealed.memory);
	t->client = t->sealed.client;
	t->op = t->sealed.op;
	t->sealed = (struct store_ticket_sealed){ .by = NULL };
}

/* Gives the ticket back to its owner. */
static void
end_ticket(struct store_ticket *t, struct store_result *r)
{
	give_back(t);
	t->client->done(t, r);
}

static void
end_taken_with(struct store_ticket *t, enum store_outcome outcome)
{
	struct store_result r = { .outcome = outcome };

	end_ticket(t, &r);
}

/* Whether values of this place are sealed when they are written. */
static bool
is_covered(const struct store_sealed *s, const struct store_op *op)
{
	return s->seal != NULL && s->options.mode != SEAL_OFF && seal_covers(s->options.namespaces, op->ns);
}

static struct seal_place
op_place(const struct store_op *op)
{
	return (struct seal_place){ op->workspace, op->ns, op->key };
}

/* The keys may have been exchanged since the last operation: store_sealed_change() is called before this returns. */
static void
renew_keys(struct store_sealed *s)
{
	if (s->options.renew != NULL)
		s->options.renew(s->options.ctx);
}

/* Whether what was read has nothing to do with sealing. */
static bool
is_outside(const struct store_sealed *s, const struct store_ticket *t, const struct store_result *r)
{
	return s->seal == NULL || (!is_covered(s, &t->op) && !seal_has_magic(r->value));
}

/* Opens what was read; the result has value and MD5 also if it is plain. */
static enum seal_verdict
open_stored(struct store_sealed *s, const struct store_ticket *t, struct store_result *r)
{
	struct seal_place place = op_place(&t->op);
	struct md5 column = r->md5;

	/* The receiver of a result may change its bytes, see store.h. */
	return seal_open(s->seal, &place, &column, (char *)r->value.p, r->value.n, &r->value, &r->md5);
}

/* Whether a value that did not open may be a plain one: not where values are sealed, if it begins like a sealed one. */
static bool
may_be_plain(const struct store_sealed *s, const struct store_ticket *t, const struct store_result *r)
{
	if (r->looks_sealed)
		return false;
	return !is_covered(s, &t->op) || (s->options.mode == SEAL_ON && !seal_has_magic(r->value));
}

static void
open_value(struct store_sealed *s, const struct store_ticket *t, struct store_result *r)
{
	enum seal_verdict verdict;
	struct str stored = r->value;

	if (is_outside(s, t, r))
		return;
	verdict = open_stored(s, t, r);
	if (verdict == SEAL_NO_KEY) {
		/* Another worker may have sealed it with a new key, after this operation had begun. */
		renew_keys(s);
		if (is_outside(s, t, r))
			return;
		verdict = open_stored(s, t, r);
	}
	r->length = r->value.n;
	if (verdict == SEAL_OPENED)
		r->looks_sealed = false;
	if (verdict == SEAL_OPENED || (verdict == SEAL_PLAIN && may_be_plain(s, t, r)))
		return;
	seal_log_refusal(verdict, stored);
	r->outcome = STORE_FAULT;
	r->value = STR_ABSENT;
}

static void
on_read(struct store_ticket *t, struct store_result *r)
{
	if (r->outcome == STORE_DONE)
		open_value(sealed_of(t->sealed.by), t, r);
	if (t->sealed.op.kind == STORE_HEAD)
		r->value = STR_ABSENT;
	end_ticket(t, r);
}

static void
submit_read(struct store_sealed *s, struct store_ticket *t)
{
	static const struct store_client client = { .done = on_read };

	take_ticket(s, t, &client);
	t->op.kind = STORE_GET;
	forward(s, t);
}

/* Value and tags as the inner store takes them, in memory of our own. */
static bool
seal_write(struct store_sealed *s, struct store_op *op, bool seals, void **memory)
{
	return sealed_op_make(s->seal, op, seals, !(s->options.mode == SEAL_REQUIRED && is_covered(s, op)), memory);
}

/* The outcome of a write (as its owner submitted it) whose If-Match did not hold, from what the row has now. */
static enum store_outcome
judge_mismatch(
    struct store_sealed *s, const struct store_ticket *t, const struct store_op *write, struct store_result *r)
{
	struct str stored = r->value;

	if (r->outcome == STORE_NO_KEY)
		return STORE_MISMATCH;
	if (r->outcome != STORE_DONE)
		return r->outcome == STORE_FAULT ? STORE_FAULT : STORE_UNAVAILABLE;
	if (s->seal != NULL) {
		enum seal_verdict verdict = open_stored(s, t, r);

		if (verdict != SEAL_OPENED && !(verdict == SEAL_PLAIN && may_be_plain(s, t, r))) {
			seal_log_refusal(verdict, stored);
			return verdict == SEAL_NO_KEY ? STORE_UNAVAILABLE : STORE_FAULT;
		}
	} else if (r->looks_sealed) {
		seal_log_refusal(SEAL_NO_KEY, stored);
		return STORE_UNAVAILABLE;
	}
	/* If the row has the wanted value now, it was written after the condition was checked. */
	return sealed_op_has_tag(write, &r->md5) ? STORE_UNAVAILABLE : STORE_MISMATCH;
}

static void
on_mismatch_read(struct store_ticket *t, struct store_result *r)
{
	end_taken_with(t, judge_mismatch(sealed_of(t->sealed.by), t, &t->sealed.op, r));
}

/* Reads the row of an operation. */
static void
read_row_of(struct store_sealed *s, struct store_ticket *t, const struct store_op *op)
{
	t->op = (struct store_op){ .kind = s->seal != NULL ? STORE_GET : STORE_HEAD,
		.workspace = op->workspace,
		.ns = op->ns,
		.key = op->key };
	forward(s, t);
}

/*
 * If-Match did not hold.  Either the value is another one; or it is the wanted one, but sealed with a key that this
 * program does not have, so that the form in the column md5 was not among those compared.  The second must not be
 * answered with 412, so the row is read.
 */
static void
on_conditional_write_done(struct store_ticket *t, struct store_result *r)
{
	static const struct store_client client = { .done = on_mismatch_read };
	struct store_sealed *s = sealed_of(t->sealed.by);

	if (r->outcome != STORE_MISMATCH) {
		end_ticket(t, r);
		return;
	}
	t->client = &client;
	read_row_of(s, t, &t->op);
}

/* The parts that were taken are as their owner submitted them. */
static void
give_back_parts(const struct store_op *op)
{
	for (size_t i = 0; i < op->part_count; i++)
		if (op->parts[i]->sealed.by != NULL)
			give_back(op->parts[i]);
}

static void
on_batch_mismatch_read(struct store_ticket *t, struct store_result *r)
{
	const struct store_op *part = &t->sealed.op.parts[t->sealed.part]->op;
	struct store_result result = { .part = t->sealed.part };

	result.outcome = judge_mismatch(sealed_of(t->sealed.by), t, part, r);
	end_ticket(t, &result);
}

/* The end of a BATCH.  If it is DONE, its parts have ended; an If-Match that did not hold is looked at as above. */
static void
on_batch(struct store_ticket *t, struct store_result *r)
{
	static const struct store_client client = { .done = on_batch_mismatch_read };
	const struct store_op *op = &t->sealed.op;

	give_back_parts(op);
	if (r->outcome != STORE_MISMATCH || op->parts[r->part]->op.condition != STORE_IF_MATCH) {
		end_ticket(t, r);
		return;
	}
	t->sealed.part = r->part;
	t->client = &client;
	read_row_of(sealed_of(t->sealed.by), t, &op->parts[r->part]->op);
}

/* False: it cannot be sealed. */
static bool
take_batch_part(struct store_sealed *s, struct store_ticket *part)
{
	static const struct store_client reading = { .done = on_read }, writing = { .done = end_ticket };
	bool reads = part->op.kind == STORE_GET, seals = part->op.kind == STORE_PUT && is_covered(s, &part->op);

	if (s->seal == NULL || (!reads && !seals && part->op.condition != STORE_IF_MATCH))
		return true;
	take_ticket(s, part, reads ? &reading : &writing);
	return reads || seal_write(s, &part->op, seals, &part->sealed.memory);
}

static void
submit_batch(struct store_sealed *s, struct store_ticket *t)
{
	static const struct store_client client = { .done = on_batch };
	bool ok = true;

	take_ticket(s, t, &client);
	for (size_t i = 0; ok && i < t->op.part_count; i++)
		ok = take_batch_part(s, t->op.parts[i]);
	if (ok) {
		forward(s, t);
		return;
	}
	give_back_parts(&t->op);
	log_event(LOG_ERROR, "a value cannot be sealed");
	end_taken_with(t, STORE_FAULT);
}

static void
submit_write(struct store_sealed *s, struct store_ticket *t)
{
	static const struct store_client sealing = { .done = end_ticket },
					 matching = { .done = on_conditional_write_done };
	bool seals = t->op.kind == STORE_PUT && is_covered(s, &t->op), matches = t->op.condition == STORE_IF_MATCH;

	if (!seals && !matches) {
		forward(s, t);
		return;
	}
	take_ticket(s, t, matches ? &matching : &sealing);
	if (s->seal == NULL || seal_write(s, &t->op, seals, &t->sealed.memory)) {
		forward(s, t);
		return;
	}
	log_event(LOG_ERROR, "a value cannot be sealed");
	end_taken_with(t, STORE_FAULT);
}

static void
on_check(struct store_ticket *t, struct store_result *r)
{
	struct store_sealed *s = sealed_of(t->sealed.by);

	r->keys = s->seal != NULL ? STORE_KEYS_GOOD : STORE_KEYS_NONE;
	if (r->outcome == STORE_DONE && s->proof.state == KEY_PROOF_WRONG) {
		r->keys = STORE_KEYS_WRONG;
		r->reason = STR("the current key is not the one that has sealed under its id until now");
	} else if (r->outcome == STORE_DONE && s->proof.state == KEY_PROOF_MISSING) {
		r->keys = STORE_KEYS_MISSING;
		r->reason = STR("the database holds sealed values, and HULY_ENCRYPTION_KEYS_FILE names no keys");
	}
	if (r->reason.p != NULL && r->outcome == STORE_DONE) {
		r->outcome = STORE_UNAVAILABLE;
		r->reached = true;
	}
	end_ticket(t, r);
}

static void
submit_check(struct store_sealed *s, struct store_ticket *t)
{
	static const struct store_client client = { .done = on_check };

	take_ticket(s, t, &client);
	forward(s, t);
}

static void submit_proved(struct store_sealed *s, struct store_ticket *t);

/* No proof is needed, or there is one. */
static void
submit_unproved(struct store_sealed *s, struct store_ticket *t)
{
	if (t->op.kind == STORE_BATCH)
		submit_batch(s, t);
	else
		submit_write(s, t);
}

/* Continues a ticket that waited for key_proof; outcome: STORE_DONE, or why there was no answer. */
static void
continue_ticket(struct store_sealed *s, struct store_ticket *t, enum store_outcome outcome)
{
	struct store_result refused = { .outcome = s->proof.state == KEY_PROOF_UNKNOWN ? outcome : STORE_FAULT };

	if (s->proof.state == KEY_PROOF_UNKNOWN && outcome == STORE_DONE)
		submit_proved(s, t); /* the keys have changed since */
	else if (t->op.kind == STORE_CHECK)
		submit_check(s, t);
	else if (s->proof.state == KEY_PROOF_GOOD)
		submit_unproved(s, t);
	else
		t->client->done(t, &refused);
}

/* The question had the deadline of one ticket, which has passed: takes the late ones, and asks again for the others. */
static struct ticket_queue
take_late(struct store_sealed *s)
{
	int64_t now = clock_mono();
	struct ticket_queue late;

	ticket_queue_init(&late);
	while (s->waiting.head != NULL && now >= s->waiting.head->deadline)
		ticket_queue_put(&late, ticket_queue_take(&s->waiting));
	if (s->waiting.head != NULL)
		key_proof_ask(&s->proof, s->waiting.head->deadline);
	return ticket_queue_take_all(&late);
}

static void
on_proof_answered(struct key_proof *p, enum store_outcome outcome)
{
	struct store_sealed *s = container_of(p, struct store_sealed, proof);
	bool late = outcome == STORE_UNAVAILABLE && clock_mono() >= p->ticket.deadline;
	struct ticket_queue ended = late ? take_late(s) : ticket_queue_take_all(&s->waiting);
	struct store_ticket *t;

	while ((t = ticket_queue_take(&ended)) != NULL)
		continue_ticket(s, t, outcome);
}

/* Submits an operation that needs the right keys, or a CHECK, whose result has their state. */
static void
submit_proved(struct store_sealed *s, struct store_ticket *t)
{
	/* Without keys, another program may have begun to seal since the last question. */
	if (s->proof.state == KEY_PROOF_GOOD && !(t->op.kind == STORE_CHECK && s->seal == NULL)) {
		continue_ticket(s, t, STORE_DONE);
		return;
	}
	ticket_queue_put_due(&s->waiting, t);
	key_proof_ask(&s->proof, s->waiting.head->deadline);
}

/*
 * A write needs no proof if it is not sealed: its namespace is not in the setting, or the mode is off.  All parts of a
 * BATCH are in one namespace.
 */
static bool
needs_proof(const struct store_sealed *s, const struct store_op *op)
{
	bool puts = op->kind == STORE_PUT;

	for (size_t i = 0; op->kind == STORE_BATCH && i < op->part_count; i++)
		puts |= op->parts[i]->op.kind == STORE_PUT;
	return puts && (s->seal != NULL ? is_covered(s, op) : seal_covers(s->options.namespaces, op->ns));
}

/* Opens the row of a list as GET opens a value. */
static void
on_sealed_row(struct store_ticket *t, struct store_row *row)
{
	struct store_result r = { .outcome = STORE_DONE,
		.md5 = row->md5,
		.length = row->length,
		.value = row->value,
		.looks_sealed = row->looks_sealed };

	t->op.key = row->name; /* a LIST has no key; the row's is needed to open its value */
	open_value(sealed_of(t->sealed.by), t, &r);
	t->op.key = STR_ABSENT;
	row->md5 = r.md5;
	row->length = r.length;
	row->value = r.value;
	row->looks_sealed = r.looks_sealed || r.outcome != STORE_DONE;
	t->sealed.client->row(t, row);
}

/* Where values are sealed, size and MD5 of each are known only when it was opened. */
static void
submit_list(struct store_sealed *s, struct store_ticket *t)
{
	static const struct store_client client = { .done = end_ticket, .row = on_sealed_row };
	bool has_entries = t->op.list == STORE_LIST_METADATA || t->op.list == STORE_LIST_VALUES;

	if (s->seal != NULL && has_entries) {
		take_ticket(s, t, &client);
		if (is_covered(s, &t->op))
			t->op.list = STORE_LIST_VALUES;
	}
	forward(s, t);
}

static void
sealed_submit(struct store *store, struct store_ticket *t)
{
	struct store_sealed *s = sealed_of(store);

	renew_keys(s);
	switch (t->op.kind) {
	case STORE_GET:
	case STORE_HEAD:
		if (s->seal != NULL)
			submit_read(s, t);
		else
			forward(s, t);
		return;
	case STORE_PUT:
	case STORE_DELETE:
	case STORE_BATCH:
		if (needs_proof(s, &t->op))
			submit_proved(s, t);
		else
			submit_unproved(s, t);
		return;
	case STORE_CHECK:
		submit_proved(s, t);
		return;
	case STORE_ANY:
		forward(s, t);
		return;
	case STORE_LIST:
		break;
	}
	submit_list(s, t);
}

static void
sealed_cancel(struct store *s, struct store_ticket *t)
{
	sealed_of(s)->inner->calls->cancel(sealed_of(s)->inner, t);
	if (t->sealed.by != NULL)
		give_back(t);
}

static void
sealed_release(struct store *s, void *memory)
{
	sealed_of(s)->inner->calls->release(sealed_of(s)->inner, memory);
}

/* With keys, HEAD reads as GET does. */
static struct store_description
sealed_describe(const struct store *store, const struct store_ticket *t)
{
	const struct store_sealed *s = container_of(store, const struct store_sealed, store);
	struct store_ticket copy = *t;

	if (copy.op.kind == STORE_HEAD && s->seal != NULL)
		copy.op.kind = STORE_GET;
	return s->inner->calls->describe(s->inner, &copy);
}

struct store *
store_sealed_new(struct store *inner, const struct store_sealed_options *options)
{
	static const struct store_calls calls = { sealed_submit, sealed_cancel, sealed_release, sealed_describe };
	struct store_sealed *s = calloc(1, sizeof(*s));

	if (s == NULL)
		return NULL;
	*s = (struct store_sealed){ .store = { &calls }, .inner = inner, .options = *options };
	ticket_queue_init(&s->waiting);
	key_proof_init(&s->proof, inner, options->mode != SEAL_OFF, on_proof_answered);
	if (options->keys == NULL)
		return &s->store;
	s->seal = seal_new(options->keys);
	key_proof_set_keys(&s->proof, s->seal);
	if (s->seal != NULL)
		return &s->store;
	free(s);
	return NULL;
}

/* If there is no memory for the keys, the store continues without keys. */
void
store_sealed_change(struct store *store, const struct keyring *keys)
{
	struct store_sealed *s = sealed_of(store);

	/* What is known of the proofs still holds.  A HUP must not let the next writes wait for the database's answer. */
	if (s->seal == NULL && keys == NULL)
		return;
	if (s->seal != NULL && keys != NULL) {
		seal_change(s->seal, keys);
	} else {
		seal_free(s->seal);
		s->seal = keys != NULL ? seal_new(keys) : NULL;
	}
	key_proof_set_keys(&s->proof, s->seal);
	if (s->seal == NULL && keys != NULL)
		log_event(LOG_ERROR, "no memory for the encryption keys: sealed values cannot be read or written");
}

void
store_sealed_warn_if_keys_missing(struct store *store, int64_t deadline)
{
	struct store_sealed *s = sealed_of(store);

	if (s->seal == NULL)
		key_proof_ask(&s->proof, deadline);
}

bool
store_sealed_is_idle(const struct store *store)
{
	return !key_proof_is_asking(&container_of(store, const struct store_sealed, store)->proof);
}

struct store *
store_sealed_free(struct store *s)
{
	struct store *inner;

	if (s == NULL)
		return NULL;
	inner = sealed_of(s)->inner;
	assert(store_sealed_is_idle(s));
	seal_free(sealed_of(s)->seal);
	free(sealed_of(s));
	return inner;
}

struct store *
store_sealed_inner(const struct store *s)
{
	return container_of(s, const struct store_sealed, store)->inner;
}
