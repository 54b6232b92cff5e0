/* SPDX-License-Identifier: EPL-2.0 */
#include "pg/pipeline_pool.h"

#include <assert.h>
#include <malloc.h>

#include "base/base.h"
#include "base/clock.h"
#include "pg/pipeline_attempt.h"

/* While a batch takes longer, waiting for a lock for example, small operations may use one connection more. */
#define HELD_UP (10 * CLOCK_MS)

/* While an operation that is sent alone takes longer, others on the same value wait for it. */
#define KEY_HELD_UP (100 * CLOCK_MS)

static void
refuse_ticket(const struct pipeline_pool *pool, struct store_ticket *t)
{
	t->pg.result.reason = str_of(pool->reason);
	t->pg.result.reached = pool->reached;
	pipeline_attempt_finish(t, STORE_UNAVAILABLE);
}

static void
refuse_queue(const struct pipeline_pool *pool, struct ticket_queue *q)
{
	struct ticket_queue waiting = ticket_queue_take_all(q);
	struct store_ticket *t;

	while ((t = ticket_queue_take(&waiting)) != NULL)
		refuse_ticket(pool, t);
}

static bool
has_connection(const struct pipeline_pool *pool)
{
	for (unsigned i = 0; i < pool->count; i++)
		if (pipeline_state_is_open(&pool->pipeline[i]))
			return true;
	return false;
}

static void
on_order_answered(struct pipeline_shared *s, const struct connect_thread_order *order, bool connected)
{
	struct pipeline_pool *pool = (struct pipeline_pool *)s;

	pool->down = !connected && !has_connection(pool);
	pool->read_only = pool->down && order->read_only;
	if (!pool->down)
		return;
	pool->reached = order->reached;
	memcpy(pool->reason, order->reason, sizeof(pool->reason));
	refuse_queue(pool, &s->small);
	refuse_queue(pool, &s->large);
	refuse_queue(pool, &s->alone);
}

/* Ends the tickets whose deadline has passed; returns the earliest deadline of the others. */
static int64_t
expire_queue(struct ticket_queue *q, int64_t now)
{
	struct ticket_queue old = ticket_queue_take_all(q);
	struct store_ticket *t;
	int64_t first = TIMER_OFF;

	while ((t = ticket_queue_take(&old)) != NULL) {
		if (now >= t->deadline) {
			pipeline_attempt_finish(t, STORE_UNAVAILABLE);
			continue;
		}
		ticket_queue_put(q, t);
		if (t->deadline < first)
			first = t->deadline;
	}
	return first;
}

/* Ends the lost writes that can no longer begin; returns when the first of the others cannot. */
static int64_t
expire_lost(struct ticket_queue *q, int64_t now)
{
	struct ticket_queue old = ticket_queue_take_all(q);
	struct store_ticket *t;
	int64_t first = TIMER_OFF;

	while ((t = ticket_queue_take(&old)) != NULL) {
		if (now >= t->pg.latest) {
			pipeline_attempt_finish(t, STORE_UNKNOWN);
			continue;
		}
		ticket_queue_put(q, t);
		if (t->pg.latest < first)
			first = t->pg.latest;
	}
	return first;
}

/* So that on_pool_timer() is called no later than the ticket's deadline. */
static void
note_deadline(struct pipeline_pool *pool, const struct store_ticket *t)
{
	if (t != NULL && t->deadline < pool->timer.due)
		pool->timer.due = t->deadline;
}

static void
on_pool_timer(struct timer *timer)
{
	struct pipeline_pool *pool = container_of(timer, struct pipeline_pool, timer);
	int64_t now = clock_mono(), first = expire_queue(&pool->shared.small, now),
		large = expire_queue(&pool->shared.large, now), alone = expire_queue(&pool->shared.alone, now),
		lost = expire_lost(&pool->shared.lost, now);

	if (large < first)
		first = large;
	if (alone < first)
		first = alone;
	pool->timer.due = lost < first ? lost : first;
}

/* If no large value was read for a while, gives the memory of earlier ones back to the system. */
static void
on_forget_timer(struct timer *timer)
{
	struct pipeline_pool *pool = container_of(timer, struct pipeline_pool, forget);

	if (clock_mono() < pool->shared.largest_until) {
		pool->forget.due = pool->shared.largest_until;
		return;
	}
	pool->shared.largest = 0;
	/* malloc would keep the free pages that lie between blocks in use */
	(void)malloc_trim(0);
}

void
pipeline_pool_init(struct pipeline_pool *pool, enum statement_role role, unsigned count, int64_t lifetime,
    const struct statement_set *set, struct loop *loop, struct connect_thread_channel *channel)
{
	assert(count >= 1 && count <= ARRAY_SIZE(pool->pipeline));
	*pool = (struct pipeline_pool){ .shared = { .loop = loop,
					    .channel = channel,
					    .set = set,
					    .writes_from = set->writes_from,
					    .lifetime = lifetime,
					    .answered = on_order_answered },
		.timer = { .due = TIMER_OFF, .fire = on_pool_timer },
		.forget = { .due = TIMER_OFF, .fire = on_forget_timer },
		.count = count };
	ticket_queue_init(&pool->shared.small);
	ticket_queue_init(&pool->shared.large);
	ticket_queue_init(&pool->shared.alone);
	ticket_queue_init(&pool->shared.lost);
	loop_add_timer(loop, &pool->timer);
	loop_add_timer(loop, &pool->forget);
	for (unsigned i = 0; i < count; i++)
		pipeline_init(&pool->pipeline[i], &pool->shared, role, i > 0);
}

void
pipeline_pool_close(struct pipeline_pool *pool)
{
	assert(pipeline_pool_is_idle(pool));
	for (unsigned i = 0; i < pool->count; i++)
		pipeline_end(&pool->pipeline[i]);
}

/* An operation on the same value that is in flight alone; NULL: there is none. */
static const struct pipeline *
find_same_key(const struct pipeline_pool *pool, const struct store_ticket *t)
{
	for (unsigned i = 0; i < pool->count; i++) {
		const struct pipeline *p = &pool->pipeline[i];

		if (pipeline_state_is_busy(p) && p->batch.alone && ticket_queue_compare(p->batch.tickets.head, t) == 0)
			return p;
	}
	return NULL;
}

/* Whether the value is known to be locked: the operation would only hold up those that it shares a batch with. */
static bool
is_locked(const struct pipeline_pool *pool, const struct store_ticket *t)
{
	const struct pipeline *p = t->op.kind != STORE_BATCH ? find_same_key(pool, t) : NULL;

	return p != NULL && (p->batch.tickets.head->pg.attempts > 2 || p->used_at < clock_mono() - KEY_HELD_UP);
}

void
pipeline_pool_submit(struct pipeline_pool *pool, struct store_ticket *t)
{
	struct ticket_queue *q;

	t->pg = (struct store_ticket_pg){ .result = { .outcome = STORE_FAULT }, .alone = is_locked(pool, t) };
	if (!has_connection(pool))
		connect_thread_nudge(pool->shared.channel);
	if (pool->down) {
		refuse_ticket(pool, t);
		return;
	}
	q = pipeline_state_queue(&pool->shared, t);
	if (q == &pool->shared.small)
		gather_note_arrived(&pool->shared.gather);
	ticket_queue_put(q, t);
	note_deadline(pool, t);
}

static bool
has_other_than_first(const struct pipeline_pool *pool)
{
	for (unsigned i = 1; i < pool->count; i++)
		if (pipeline_state_is_open(&pool->pipeline[i]))
			return true;
	return false;
}

static size_t
idle_connections(const struct pipeline_pool *pool, unsigned from)
{
	size_t idle = 0;

	for (unsigned i = from; i < pool->count; i++)
		idle += pool->pipeline[i].state == PIPELINE_IDLE;
	return idle;
}

/* Sends the queue in equal parts over at most `most` idle connections, from this one on. */
static void
send_queue(struct pipeline_pool *pool, struct ticket_queue *q, unsigned from, size_t most)
{
	size_t idle = idle_connections(pool, from);

	if (idle > most)
		idle = most;
	for (unsigned i = from; idle > 0 && q->head != NULL; i++) {
		assert(i < pool->count);
		if (pool->pipeline[i].state != PIPELINE_IDLE)
			continue;
		/* If all that it took came too late, it has sent nothing and takes the next ones. */
		do
			pipeline_send(&pool->pipeline[i], q, (q->n + idle - 1) / idle);
		while (pool->pipeline[i].state == PIPELINE_IDLE && q->head != NULL);
		idle--;
	}
}

/* Brings one to the front of `alone` whose value no operation in flight alone is about; false: there is none. */
static bool
choose_alone(struct pipeline_pool *pool)
{
	struct ticket_queue *q = &pool->shared.alone;

	for (size_t n = q->n; n > 0; n--) {
		if (find_same_key(pool, q->head) == NULL)
			return true;
		ticket_queue_put(q, ticket_queue_take(q));
	}
	return false;
}

/*
 * Sends what is to be sent alone, over at most `most` idle connections; returns over how many.  One of the `allowed`
 * connections is left to the others; if there is only one, both take turns.
 */
static size_t
send_alone(struct pipeline_pool *pool, size_t most, unsigned allowed)
{
	struct pipeline_shared *s = &pool->shared;
	size_t sent = 0, busy = 0, fit = allowed < pool->count ? allowed : pool->count;

	fit = fit > 1 ? fit - 1 : 1;
	for (unsigned i = 0; i < pool->count; i++)
		busy += pipeline_state_is_busy(&pool->pipeline[i]) && pool->pipeline[i].batch.alone;
	for (unsigned i = 0; i < pool->count && sent < most && busy + sent < fit && choose_alone(pool); i++) {
		struct pipeline *p = &pool->pipeline[i];

		if (p->state != PIPELINE_IDLE || (p->batch.alone && s->small.head != NULL))
			continue;
		pipeline_send(p, &s->alone, 1);
		sent++;
	}
	return sent;
}

/* Sends the small operations over at most `most` idle connections; the last of these may wait, see gather.h. */
static void
send_small(struct pipeline_pool *pool, size_t most)
{
	struct pipeline_shared *s = &pool->shared;
	int64_t until = 0;

	if (s->small.head != NULL && pipeline_state_can_join(s, s->small.head))
		until = gather_until(&s->gather, clock_mono());
	if (until != 0) {
		size_t idle = idle_connections(pool, 0);

		if (most > idle)
			most = idle;
		if (most > 0)
			most--;
	}
	send_queue(pool, &s->small, 0, most);
	if (until != 0 && s->small.head != NULL && until < pool->timer.due)
		pool->timer.due = until;
}

struct pool_work {
	size_t small, large; /* tickets that wait or are in flight */
	size_t busy;         /* connections with a batch of small ones */
	size_t most;         /* how many connections small ones may use */
};

static struct pool_work
count_work(const struct pipeline_pool *pool)
{
	const struct pipeline_shared *s = &pool->shared;
	struct pool_work w = { .small = s->small.n + s->alone.n, .large = s->large.n };
	int64_t held_up = clock_mono() - HELD_UP;

	w.most = s->largest != 0 ? pool->count : pace_connections(&s->pace);
	for (unsigned i = 0; i < pool->count; i++) {
		const struct pipeline *p = &pool->pipeline[i];

		if (!pipeline_state_is_busy(p))
			continue;
		if (p->batch.large) {
			w.large += p->batch.whole != NULL ? 1 : p->batch.tickets.n;
			continue;
		}
		w.small += p->batch.tickets.n;
		w.busy++;
		w.most += p->used_at < held_up;
	}
	return w;
}

/* One connection for each large value that is written, and as many for small operations as are of use. */
static size_t
wanted_connections(const struct pool_work *w)
{
	size_t small = w->small < w->most ? w->small : w->most;

	return w->large + (small > 0 ? small : 1);
}

/* The first pipeline of this state that is on demand; NULL: there is none. */
static struct pipeline *
find_on_demand(struct pipeline_pool *pool, enum pipeline_state state)
{
	for (unsigned i = 1; i < pool->count; i++)
		if (pool->pipeline[i].state == state)
			return &pool->pipeline[i];
	return NULL;
}

/* Orders one connection more, if it would be used.  They are made one at a time. */
static void
open_another(struct pipeline_pool *pool, size_t wanted, unsigned most)
{
	unsigned opened = pipeline_pool_connections(pool);
	struct pipeline *closed;

	if (opened >= most || opened >= wanted || find_on_demand(pool, PIPELINE_CONNECTING) != NULL)
		return;
	closed = find_on_demand(pool, PIPELINE_CLOSED);
	if (closed != NULL)
		pipeline_open(closed);
}

static void
check_pool(const struct pipeline_pool *pool)
{
	assert(!pool->down || !has_connection(pool));
	assert(!pool->down || pool->shared.small.n + pool->shared.large.n + pool->shared.alone.n == 0);
	for (unsigned i = 0; i < pool->count; i++)
		pipeline_state_check(&pool->pipeline[i]);
}

/* Writes wait until the writes of a program that crashed can no longer begin, see writes_from. */
static bool
may_send(struct pipeline_pool *pool)
{
	int64_t from = pool->shared.writes_from;

	if (pool->pipeline[0].order.role != STATEMENT_ROLE_WRITE || from == 0 || clock_mono() >= from)
		return true;
	if (from < pool->timer.due)
		pool->timer.due = from;
	return false;
}

/* So that what waits behind a batch gets another connection once that batch is held up, see HELD_UP. */
static void
note_held_up(struct pipeline_pool *pool)
{
	int64_t now = clock_mono();

	if (pool->shared.small.n + pool->shared.alone.n == 0)
		return;
	for (unsigned i = 0; i < pool->count; i++) {
		const struct pipeline *p = &pool->pipeline[i];
		int64_t due = p->used_at + HELD_UP + CLOCK_MS;

		if (pipeline_state_is_busy(p) && !p->batch.large && due > now && due < pool->timer.due)
			pool->timer.due = due;
	}
}

void
pipeline_pool_flush(struct pipeline_pool *pool, unsigned most)
{
	struct pipeline_shared *s = &pool->shared;
	struct pool_work w = count_work(pool);

	if (!pool->down)
		open_another(pool, wanted_connections(&w), most);
	if (may_send(pool)) {
		size_t free = w.most > w.busy ? w.most - w.busy : 0;

		send_queue(pool, &s->large, has_other_than_first(pool) ? 1 : 0, pool->count);
		send_small(pool, free - send_alone(pool, free, most));
	}
	/* What is to be sent again stands in front of later deadlines. */
	note_deadline(pool, s->small.head);
	note_deadline(pool, s->large.head);
	for (const struct store_ticket *t = s->alone.head; t != NULL; t = t->next)
		note_deadline(pool, t);
	for (const struct store_ticket *t = s->lost.head; t != NULL; t = t->next)
		if (t->pg.latest < pool->timer.due)
			pool->timer.due = t->pg.latest;
	note_held_up(pool);
	if (s->largest != 0 && pool->forget.due == TIMER_OFF)
		pool->forget.due = s->largest_until;
	check_pool(pool);
}

size_t
pipeline_pool_in_flight(const struct pipeline_pool *pool)
{
	size_t n = 0;

	for (unsigned i = 0; i < pool->count; i++)
		n += pool->pipeline[i].batch.tickets.n;
	return n;
}

bool
pipeline_pool_wants_another(const struct pipeline_pool *pool)
{
	struct pool_work w = count_work(pool);

	return !pool->down && wanted_connections(&w) > pipeline_pool_connections(pool);
}

void
pipeline_pool_give_up_one(struct pipeline_pool *pool)
{
	for (unsigned i = pool->count; i-- > 1;)
		if (pipeline_give_up(&pool->pipeline[i]))
			return;
}

unsigned
pipeline_pool_connections(const struct pipeline_pool *pool)
{
	unsigned n = 0;

	for (unsigned i = 0; i < pool->count; i++)
		n += pool->pipeline[i].state != PIPELINE_CLOSED;
	return n;
}

bool
pipeline_pool_is_idle(const struct pipeline_pool *pool)
{
	const struct pipeline_shared *s = &pool->shared;

	return s->small.n + s->large.n + s->alone.n + s->lost.n == 0 && pipeline_pool_in_flight(pool) == 0;
}

bool
pipeline_pool_is_settled(const struct pipeline_pool *pool)
{
	return has_connection(pool) || pool->down;
}

void
pipeline_pool_count(const struct pipeline_pool *pool, uint64_t counts[METRICS_STATES])
{
	for (unsigned i = 0; i < pool->count; i++) {
		const struct pipeline *p = &pool->pipeline[i];

		if (p->state == PIPELINE_CONNECTING)
			counts[METRICS_CONNECTING]++;
		else if (pipeline_state_is_open(p))
			counts[pipeline_state_is_busy(p) ? METRICS_BUSY : METRICS_IDLE]++;
	}
}
