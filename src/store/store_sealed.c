/* SPDX-License-Identifier: EPL-2.0 */
#include "store/store_sealed.h"

#include <stdlib.h>

#include "base/clock.h"
#include "base/log.h"
#include "store/ticket_queue.h"

/* Whether the current key is the one that its id has stood for. */
enum proof { PROOF_OPEN, PROOF_RUNNING, PROOF_GOOD, PROOF_WRONG };

struct store_sealed {
	struct store store; /* first */
	struct store *inner;
	struct store_sealed_options options;
	struct seal *seal;   /* NULL: there are no keys */
	unsigned generation; /* of the keys */
	enum proof proof;
	unsigned proof_generation;     /* of the keys that the proof is about */
	char proof_id[KEYRING_ID_MAX]; /* their current key's id; the keys may be exchanged meanwhile */
	struct store_ticket prover;    /* our own operation, while it is RUNNING */
	struct ticket_queue waiting;   /* for its end */
};

static struct store_sealed *
sealed_of(struct store *s)
{
	return (struct store_sealed *)s;
}

static void
forward(struct store_sealed *s, struct store_ticket *t)
{
	s->inner->calls->submit(s->inner, t);
}

/* The inner store tells us instead of the owner. */
static void
take_ticket(struct store_sealed *s, struct store_ticket *t, const struct store_client *client)
{
	t->sealed = (struct store_ticket_sealed){ .by = &s->store, .client = t->client, .kind = t->op.kind };
	t->client = client;
}

/* The ticket is its owner's again. */
static void
end_ticket(struct store_ticket *t, struct store_result *r)
{
	free(t->sealed.memory);
	t->sealed.memory = NULL;
	t->client = t->sealed.client;
	t->op.kind = t->sealed.kind;
	t->client->done(t, r);
}

static void
refuse_sealed(struct store_ticket *t, enum store_outcome outcome)
{
	struct store_result r = { .outcome = outcome };

	t->client->done(t, &r);
}

static bool
is_covered(const struct store_sealed *s, struct str ns)
{
	return s->options.mode != SEAL_OFF &&
	    (seal_covers(s->options.namespaces, ns) || str_eq(ns, STR(SEAL_PROOF_NS)));
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

/* Why a value is refused.  The line names the key, and neither the value's place nor anything of it. */
static void
log_refusal(enum seal_verdict verdict, struct str stored)
{
	struct str id;
	struct log_field key = seal_key_id(stored, &id) ? log_text("key_id", id) : log_nothing();

	switch (verdict) {
	case SEAL_OPENED:
		break;
	case SEAL_PLAIN:
		log_event(LOG_ERROR, "a value is not sealed, which HULY_ENCRYPTION_MODE requires");
		break;
	case SEAL_NO_KEY:
		log_event(LOG_ERROR, "a value is sealed with a key that the key ring does not hold", key);
		break;
	case SEAL_BROKEN:
		log_event(LOG_ERROR,
		    "a value does not open: it was changed or moved in the database, or sealed with "
		    "another key of that id",
		    key);
		break;
	}
}

/* Whether what was read may go out as it is, with no look at it. */
static bool
needs_no_look(const struct store_sealed *s, const struct store_ticket *t, const struct store_result *r)
{
	return s->seal == NULL || (!is_covered(s, t->op.ns) && !seal_has_magic(r->value));
}

static void
open_value(struct store_sealed *s, const struct store_ticket *t, struct store_result *r)
{
	struct seal_place place = op_place(&t->op);
	struct str stored = r->value;
	struct md5 column = r->md5;
	enum seal_verdict verdict;

	if (needs_no_look(s, t, r))
		return;
	/* The receiver may change the bytes, see store.h. */
	verdict = seal_open(s->seal, &place, &column, (char *)stored.p, stored.n, &r->value, &r->md5);
	if (verdict == SEAL_NO_KEY) {
		/* Another worker may have sealed it with a key that came while this was read. */
		renew_keys(s);
		if (needs_no_look(s, t, r))
			return;
		verdict = seal_open(s->seal, &place, &column, (char *)stored.p, stored.n, &r->value, &r->md5);
	}
	r->length = r->value.n;
	if (verdict == SEAL_OPENED ||
	    (verdict == SEAL_PLAIN && !(s->options.mode == SEAL_REQUIRED && is_covered(s, t->op.ns))))
		return;
	log_refusal(verdict, stored);
	r->outcome = STORE_FAULT;
	r->value = STR_ABSENT;
}

static void
on_read(struct store_ticket *t, struct store_result *r)
{
	if (r->outcome == STORE_DONE)
		open_value(sealed_of(t->sealed.by), t, r);
	if (t->sealed.kind == STORE_HEAD)
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

/* Every form of the tags that the column may hold. */
static bool
put_columns(struct store_sealed *s, const struct store_op *op, bool plain, struct md5 *out)
{
	struct seal_place place = op_place(op);

	for (size_t i = 0; i < op->tag_count; i++) {
		for (size_t key = 0; key < seal_ring(s->seal)->n; key++)
			if (!seal_column(s->seal, key, &place, &op->tags[i], out++))
				return false;
		if (plain)
			*out++ = op->tags[i];
	}
	return true;
}

/* Value and tags as the inner store takes them, in memory of our own. */
static bool
seal_op(struct store_sealed *s, struct store_op *op, bool seals, void **memory)
{
	bool plain = !(s->options.mode == SEAL_REQUIRED && is_covered(s, op->ns));
	struct seal_place place = op_place(op);
	struct md5 md5 = op->md5;
	size_t size = seals ? seal_size(s->seal, op->value.n) : 0;
	size_t tags = op->tag_count * (seal_ring(s->seal)->n + plain);
	char *p = malloc(size + tags * sizeof(struct md5) + 1);

	*memory = p;
	if (p == NULL)
		return false;
	if (seals && !seal_value(s->seal, &place, op->value, &md5, p, &op->md5))
		return false;
	if (seals)
		op->value = str_from(p, size);
	if (!put_columns(s, op, plain, (struct md5 *)(p + size)))
		return false;
	op->tags = (const struct md5 *)(p + size);
	op->tag_count = tags;
	return true;
}

static void
submit_write(struct store_sealed *s, struct store_ticket *t)
{
	static const struct store_client client = { .done = end_ticket };
	bool seals = t->op.kind == STORE_PUT && is_covered(s, t->op.ns);

	if (!seals && t->op.tag_count == 0) {
		forward(s, t);
		return;
	}
	take_ticket(s, t, &client);
	if (seal_op(s, &t->op, seals, &t->sealed.memory)) {
		forward(s, t);
		return;
	}
	log_event(LOG_ERROR, "a value cannot be sealed");
	end_ticket(t, &(struct store_result){ .outcome = STORE_FAULT });
}

static void
on_check(struct store_ticket *t, struct store_result *r)
{
	enum proof proof = sealed_of(t->sealed.by)->proof;

	r->keys = STORE_KEYS_GOOD;
	if (r->outcome == STORE_DONE && proof == PROOF_WRONG) {
		r->outcome = STORE_UNAVAILABLE;
		r->keys = STORE_KEYS_WRONG;
		r->reached = true;
		r->reason = STR("the current key is not the one that its id has stood for");
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

static void prove_current_key(struct store_sealed *s);
static void submit_proved(struct store_sealed *s, struct store_ticket *t);

/* After the proof, however it ended; whoever went on before may have met another key ring already. */
static void
go_on_sealed(struct store_sealed *s, struct store_ticket *t, enum store_outcome outcome)
{
	if (s->seal == NULL)
		forward(s, t);
	else if (t->op.kind == STORE_CHECK)
		submit_check(s, t);
	else if (s->proof == PROOF_GOOD)
		submit_write(s, t);
	else if (outcome == STORE_DONE)
		submit_proved(s, t);
	else
		refuse_sealed(t, outcome);
}

static void
end_proof(struct store_sealed *s, enum proof proof, enum store_outcome outcome)
{
	struct ticket_queue waiting = ticket_queue_take_all(&s->waiting);
	struct store_ticket *t;

	s->proof = proof;
	if (proof == PROOF_WRONG)
		log_event(LOG_ERROR, "the current key is not the one that its id has stood for: nothing will be sealed",
		    log_text("key_id", s->prover.op.key));
	while ((t = ticket_queue_take(&waiting)) != NULL)
		go_on_sealed(s, t, outcome);
}

static void
end_proof_read(struct store_sealed *s, struct store_result *r)
{
	struct seal_place place = op_place(&s->prover.op);
	struct str value;
	struct md5 md5;

	if (seal_open(s->seal, &place, &r->md5, (char *)r->value.p, r->value.n, &value, &md5) == SEAL_OPENED)
		end_proof(s, PROOF_GOOD, STORE_DONE);
	else
		end_proof(s, PROOF_WRONG, STORE_FAULT);
}

/* The first program with this key leaves the proof. */
static void
write_first_proof(struct store_sealed *s)
{
	struct store_op *op = &s->prover.op;

	op->kind = STORE_PUT;
	op->condition = STORE_IF_ABSENT;
	if (digest_md5(STR_ABSENT, &op->md5) && seal_op(s, op, true, &s->prover.sealed.memory)) {
		forward(s, &s->prover);
		return;
	}
	free(s->prover.sealed.memory);
	s->prover.sealed.memory = NULL;
	end_proof(s, PROOF_OPEN, STORE_FAULT);
}

static void
on_proof(struct store_ticket *t, struct store_result *r)
{
	struct store_sealed *s = sealed_of(t->sealed.by);
	bool wrote = t->op.kind == STORE_PUT;

	free(t->sealed.memory);
	t->sealed.memory = NULL;
	if (s->proof_generation != s->generation || (wrote && r->outcome == STORE_MISMATCH))
		prove_current_key(s); /* other keys by now; or another program was first */
	else if (wrote && r->outcome == STORE_DONE)
		end_proof(s, PROOF_GOOD, STORE_DONE);
	else if (!wrote && r->outcome == STORE_DONE)
		end_proof_read(s, r);
	else if (!wrote && r->outcome == STORE_NO_KEY && s->options.mode == SEAL_OFF)
		end_proof(s, PROOF_GOOD, STORE_DONE);
	else if (!wrote && r->outcome == STORE_NO_KEY)
		write_first_proof(s);
	else
		end_proof(s, PROOF_OPEN, r->outcome == STORE_FAULT ? STORE_FAULT : STORE_UNAVAILABLE);
}

static void
prove_current_key(struct store_sealed *s)
{
	static const struct store_client client = { .done = on_proof };
	struct seal_place place;
	struct str id;

	if (s->seal == NULL) {
		end_proof(s, PROOF_OPEN, STORE_DONE);
		return;
	}
	id = keyring_id(seal_ring(s->seal), 0);
	place = seal_proof_place(str_from(s->proof_id, id.n));
	s->proof = PROOF_RUNNING;
	s->proof_generation = s->generation;
	memcpy(s->proof_id, id.p, id.n);
	s->prover.op =
	    (struct store_op){ .kind = STORE_GET, .workspace = place.workspace, .ns = place.ns, .key = place.key };
	s->prover.client = &client;
	s->prover.sealed.by = &s->store;
	forward(s, &s->prover);
}

/* For what must not happen before the current key has proved itself. */
static void
submit_proved(struct store_sealed *s, struct store_ticket *t)
{
	bool again = s->proof == PROOF_OPEN || (s->proof == PROOF_WRONG && t->op.kind == STORE_CHECK);

	if (!again && s->proof != PROOF_RUNNING) {
		go_on_sealed(s, t, STORE_FAULT);
		return;
	}
	ticket_queue_put(&s->waiting, t);
	if (again) {
		s->prover.deadline = t->deadline;
		prove_current_key(s);
	}
}

static void
sealed_submit(struct store *store, struct store_ticket *t)
{
	struct store_sealed *s = sealed_of(store);

	renew_keys(s);
	if (s->seal == NULL) {
		forward(s, t);
		return;
	}
	switch (t->op.kind) {
	case STORE_GET:
	case STORE_HEAD:
		submit_read(s, t);
		return;
	case STORE_PUT:
		if (is_covered(s, t->op.ns)) {
			submit_proved(s, t);
			return;
		}
		submit_write(s, t);
		return;
	case STORE_DELETE:
		submit_write(s, t);
		return;
	case STORE_CHECK:
		submit_proved(s, t);
		return;
	case STORE_LIST:
		break;
	}
	forward(s, t);
}

static void
sealed_resume(struct store *s, struct store_ticket *t)
{
	sealed_of(s)->inner->calls->resume(sealed_of(s)->inner, t);
}

static void
sealed_cancel(struct store *s, struct store_ticket *t)
{
	sealed_of(s)->inner->calls->cancel(sealed_of(s)->inner, t);
}

static void
sealed_release(struct store *s, void *memory)
{
	sealed_of(s)->inner->calls->release(sealed_of(s)->inner, memory);
}

/* A read is a GET inside, whatever it was outside. */
static struct store_description
sealed_describe(const struct store *store, const struct store_ticket *t)
{
	const struct store *inner = store_sealed_inner(store);
	struct store_ticket run = *t;

	if (run.op.kind == STORE_HEAD)
		run.op.kind = STORE_GET;
	return inner->calls->describe(inner, &run);
}

struct store *
store_sealed_new(struct store *inner, const struct store_sealed_options *options)
{
	static const struct store_calls calls = { sealed_submit, sealed_resume, sealed_cancel, sealed_release,
		sealed_describe };
	struct store_sealed *s = calloc(1, sizeof(*s));

	if (s == NULL)
		return NULL;
	*s = (struct store_sealed){ .store = { &calls }, .inner = inner, .options = *options };
	ticket_queue_init(&s->waiting);
	if (options->keys == NULL)
		return &s->store;
	s->seal = seal_new(options->keys);
	if (s->seal != NULL)
		return &s->store;
	free(s);
	return NULL;
}

/* Where there is no memory for them, it goes on without keys. */
void
store_sealed_change(struct store *store, const struct keyring *keys)
{
	struct store_sealed *s = sealed_of(store);

	s->generation++;
	if (s->proof != PROOF_RUNNING)
		s->proof = PROOF_OPEN;
	if (s->seal != NULL && keys != NULL) {
		seal_change(s->seal, keys);
		return;
	}
	seal_free(s->seal);
	s->seal = keys != NULL ? seal_new(keys) : NULL;
	if (s->seal == NULL && keys != NULL)
		log_event(LOG_ERROR, "no memory for the encryption keys, sealed values are served as they are stored");
}

struct store *
store_sealed_free(struct store *s)
{
	struct store *inner;

	if (s == NULL)
		return NULL;
	inner = sealed_of(s)->inner;
	seal_free(sealed_of(s)->seal);
	free(s);
	return inner;
}

struct store *
store_sealed_inner(const struct store *s)
{
	return ((const struct store_sealed *)s)->inner;
}
