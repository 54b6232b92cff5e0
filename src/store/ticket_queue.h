/* SPDX-License-Identifier: EPL-2.0 */
/*
 * ticket_queue: a linked list of tickets, linked through the tickets themselves,
 * so that nothing is allocated.  A ticket is in one queue at a time.  Any store
 * may use it for the tickets that it has.
 */
#ifndef HULYKVS_TICKET_QUEUE_H
#define HULYKVS_TICKET_QUEUE_H

#include "store/store.h"

struct ticket_queue {
	struct store_ticket *head;  /* NULL: empty */
	struct store_ticket **tail; /* where the next one is linked */
	size_t n;
};

void ticket_queue_init(struct ticket_queue *q);

/* Puts the ticket at the end. */
void ticket_queue_put(struct ticket_queue *q, struct store_ticket *t);

/* Puts the ticket in front of all with a later deadline. */
void ticket_queue_put_due(struct ticket_queue *q, struct store_ticket *t);

/* Puts the ticket in the order of (workspace, namespace, key), after those with the same key. */
void ticket_queue_put_sorted(struct ticket_queue *q, struct store_ticket *t);

/* The first one, or NULL. */
struct store_ticket *ticket_queue_take(struct ticket_queue *q);

/* The one at the end, which stays there; NULL: the queue is empty. */
const struct store_ticket *ticket_queue_last(const struct ticket_queue *q);

/* Takes this ticket out of the queue; false: it is not in it. */
bool ticket_queue_remove(struct ticket_queue *q, struct store_ticket *t);

/* Moves all tickets out of q.  From the result tickets may only be taken, none may be put into it. */
struct ticket_queue ticket_queue_take_all(struct ticket_queue *q);

/* < 0, 0, > 0: the order of (workspace, namespace, key). */
int ticket_queue_compare(const struct store_ticket *a, const struct store_ticket *b);

#endif
