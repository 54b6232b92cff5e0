/* SPDX-License-Identifier: EPL-2.0 */
#include "store/ticket_queue.h"

#include "base/base.h"

void
ticket_queue_init(struct ticket_queue *q)
{
	q->head = NULL;
	q->tail = &q->head;
	q->n = 0;
}

void
ticket_queue_put(struct ticket_queue *q, struct store_ticket *t)
{
	t->next = NULL;
	*q->tail = t;
	q->tail = &t->next;
	q->n++;
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
insert_ticket(struct ticket_queue *q, struct store_ticket **link, struct store_ticket *t)
{
	t->next = *link;
	*link = t;
	if (t->next == NULL)
		q->tail = &t->next;
	q->n++;
}

void
ticket_queue_put_due(struct ticket_queue *q, struct store_ticket *t)
{
	struct store_ticket **link = &q->head;

	while (*link != NULL && (*link)->deadline <= t->deadline)
		link = &(*link)->next;
	insert_ticket(q, link, t);
}

void
ticket_queue_put_sorted(struct ticket_queue *q, struct store_ticket *t)
{
	struct store_ticket **link = &q->head;

	while (*link != NULL && ticket_queue_compare(*link, t) <= 0)
		link = &(*link)->next;
	insert_ticket(q, link, t);
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
	q->n--;
	return t;
}

const struct store_ticket *
ticket_queue_last(const struct ticket_queue *q)
{
	return q->head != NULL ? container_of(q->tail, struct store_ticket, next) : NULL;
}

bool
ticket_queue_remove(struct ticket_queue *q, struct store_ticket *t)
{
	struct store_ticket **link = &q->head;

	while (*link != NULL && *link != t)
		link = &(*link)->next;
	if (*link == NULL)
		return false;
	*link = t->next;
	if (*link == NULL)
		q->tail = link;
	q->n--;
	return true;
}

struct ticket_queue
ticket_queue_take_all(struct ticket_queue *q)
{
	struct ticket_queue all = *q;

	ticket_queue_init(q);
	return all;
}
