/* SPDX-License-Identifier: EPL-2.0 */
#include "store/ticket_queue.h"

void
ticket_queue_init(struct ticket_queue *q)
{
	q->head = NULL;
	q->tail = &q->head;
}

void
ticket_queue_put(struct ticket_queue *q, struct store_ticket *t)
{
	t->next = NULL;
	*q->tail = t;
	q->tail = &t->next;
}

int
ticket_queue_compare(const struct store_ticket *a, const struct store_ticket *b)
{
	int c = memcmp(a->op.workspace.b, b->op.workspace.b, sizeof(a->op.workspace.b));

	if (c == 0)
		c = str_cmp(a->op.ns, b->op.ns);
	return c != 0 ? c : str_cmp(a->op.key, b->op.key);
}

static void
put_at(struct ticket_queue *q, struct store_ticket **at, struct store_ticket *t)
{
	t->next = *at;
	*at = t;
	if (t->next == NULL)
		q->tail = &t->next;
}

void
ticket_queue_put_due(struct ticket_queue *q, struct store_ticket *t)
{
	struct store_ticket **at = &q->head;

	while (*at != NULL && (*at)->deadline <= t->deadline)
		at = &(*at)->next;
	put_at(q, at, t);
}

void
ticket_queue_put_sorted(struct ticket_queue *q, struct store_ticket *t)
{
	struct store_ticket **at = &q->head;

	while (*at != NULL && ticket_queue_compare(*at, t) <= 0)
		at = &(*at)->next;
	put_at(q, at, t);
}

struct store_ticket *
ticket_queue_take(struct ticket_queue *q)
{
	struct store_ticket *t = q->head;

	if (t == NULL)
		return NULL;
	q->head = t->next;
	if (q->head == NULL)
		q->tail = &q->head;
	return t;
}

struct ticket_queue
ticket_queue_take_all(struct ticket_queue *q)
{
	struct ticket_queue all = *q;

	ticket_queue_init(q);
	return all;
}
