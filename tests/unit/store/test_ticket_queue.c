/* SPDX-License-Identifier: EPL-2.0 */
#include "store/ticket_queue.h"

#include "lib/tap.h"

enum { TICKETS = 4 };

static struct store_ticket t[TICKETS];

/* The keys in the queue, which is emptied: each is one letter. */
static struct str
keys(struct ticket_queue *q)
{
	static char text[TICKETS + 1];
	size_t n = 0;

	for (struct store_ticket *k = ticket_queue_take(q); k != NULL; k = ticket_queue_take(q))
		text[n++] = k->op.key.p[0];
	return str_from(text, n);
}

static void
set_up(struct ticket_queue *q, const char *letters)
{
	ticket_queue_init(q);
	for (size_t i = 0; i < TICKETS; i++)
		t[i] = (struct store_ticket){ .op.ns = STR("n"), .op.key = str_from(letters + i, 1) };
}

int
main(void)
{
	struct ticket_queue q, all;

	set_up(&q, "dbca");
	tap_ok(ticket_queue_take(&q) == NULL && q.n == 0, "empty");
	for (size_t i = 0; i < TICKETS; i++)
		ticket_queue_put(&q, &t[i]);
	tap_int((int64_t)q.n, TICKETS, "how many");
	tap_text(keys(&q), STR("dbca"), "first in, first out");
	for (size_t i = 0; i < TICKETS; i++)
		ticket_queue_put_sorted(&q, &t[i]);
	tap_text(keys(&q), STR("abcd"), "sorted");
	for (size_t i = 0; i < TICKETS; i++) {
		t[i].deadline = i == 3 ? 0 : (int64_t)i;
		ticket_queue_put_due(&q, &t[i]);
	}
	tap_text(keys(&q), STR("dabc"), "by deadline, behind its equals");
	for (size_t i = 0; i < 3; i++)
		ticket_queue_put(&q, &t[i]);
	tap_ok(!ticket_queue_remove(&q, &t[3]) && q.n == 3, "what is not there is not removed");
	tap_ok(ticket_queue_remove(&q, &t[2]) && q.n == 2, "the last one is removed");
	ticket_queue_put(&q, &t[3]);
	tap_ok(ticket_queue_remove(&q, &t[0]) && q.n == 2, "the first one is removed");
	all = ticket_queue_take_all(&q);
	tap_ok(q.n == 0 && q.head == NULL && all.n == 2, "all are taken");
	ticket_queue_put(&q, &t[0]);
	tap_text(keys(&all), STR("ba"), "and stand apart");
	tap_text(keys(&q), STR("d"), "from what comes");
	set_up(&q, "aaaa");
	t[1].op.ns = STR("m");
	t[2].op.workspace.b[0] = 1;
	tap_ok(ticket_queue_compare(&t[0], &t[3]) == 0, "equal");
	tap_ok(ticket_queue_compare(&t[1], &t[0]) < 0, "the namespace counts before the key");
	tap_ok(ticket_queue_compare(&t[2], &t[1]) > 0, "and the workspace before the namespace");
	return tap_end();
}
