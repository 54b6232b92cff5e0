#include "store/ticket_queue.h"

void
queue_init(struct queue *q)
{
	q->head = NULL;
	q->tail = &q->head;
}

void
queue_put(struct queue *q, struct store_ticket *t)
{
	t->next = NULL;
	*q->tail = t;
	q->tail = &t->next;
}

int
queue_compare(const struct store_ticket *a, const struct store_ticket *b)
{
	int c = memcmp(a->op.workspace.b, b->op.workspace.b, sizeof(a->op.workspace.b));

	if (c == 0)
		c = str_cmp(a->op.ns, b->op.ns);
	return c != 0 ? c : str_cmp(a->op.key, b->op.key);
}

static void
put_at(struct queue *q, struct store_ticket **at, struct store_ticket *t)
{
	t->next = *at;
	*at = t;
	if (t->next == NULL)
		q->tail = &t->next;
}

void
queue_put_due(struct queue *q, struct store_ticket *t)
{
	struct store_ticket **at = &q->head;

	while (*at != NULL && (*at)->deadline <= t->deadline)
		at = &(*at)->next;
	put_at(q, at, t);
}

void
queue_put_sorted(struct queue *q, struct store_ticket *t)
{
	struct store_ticket **at = &q->head;

	while (*at != NULL && queue_compare(*at, t) <= 0)
		at = &(*at)->next;
	put_at(q, at, t);
}

struct store_ticket *
queue_take(struct queue *q)
{
	struct store_ticket *t = q->head;

	if (t == NULL)
		return NULL;
	q->head = t->next;
	if (q->head == NULL)
		q->tail = &q->head;
	return t;
}

struct queue
queue_take_all(struct queue *q)
{
	struct queue all = *q;

	queue_init(q);
	return all;
}
