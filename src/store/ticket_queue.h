/*
 * queue: tickets in a row, first in first out, linked through the tickets.
 */
#ifndef HULYKVS_QUEUE_H
#define HULYKVS_QUEUE_H

#include "store/store.h"

struct queue {
	struct store_ticket *head, **tail;
};

void queue_init(struct queue *q);

/* Behind all others. */
void queue_put(struct queue *q, struct store_ticket *t);

/* In front of all whose deadline is later. */
void queue_put_due(struct queue *q, struct store_ticket *t);

/* In the order of (workspace, namespace, key); behind its equals. */
void queue_put_sorted(struct queue *q, struct store_ticket *t);

/* The first one, or NULL. */
struct store_ticket *queue_take(struct queue *q);

/* All tickets of q, which is empty then; the result is only taken from. */
struct queue queue_take_all(struct queue *q);

/* < 0, 0, > 0: the order of (workspace, namespace, key). */
int queue_compare(const struct store_ticket *a, const struct store_ticket *b);

#endif
