/* SPDX-License-Identifier: EPL-2.0 */
#include "lib/pg_world.h"

#include <stdio.h>
#include <sys/epoll.h>

#include "base/clock.h"
#include "lib/tap.h"

void
pg_world_open(struct pg_world *w)
{
	if (!loop_init(&w->loop) || !statement_set_init(&w->set, STR("s"), true, CLOCK_S))
		tap_bail("no loop, or no statements");
}

void
pg_world_close(struct pg_world *w)
{
	statement_set_free(&w->set);
	loop_close(&w->loop);
}

static void
on_done(struct store_ticket *ticket, struct store_result *r)
{
	struct pg_world_ticket *t = (struct pg_world_ticket *)ticket;

	t->done++;
	t->result = *r;
	(void)snprintf(t->value, sizeof(t->value), "%.*s", (int)r->value.n, r->value.n > 0 ? r->value.p : "");
}

static void
on_row(struct store_ticket *ticket, struct store_row *row)
{
	struct pg_world_ticket *t = (struct pg_world_ticket *)ticket;
	size_t n = strlen(t->key);

	t->keys++;
	(void)snprintf(t->key + n, sizeof(t->key) - n, "%.*s", (int)row->name.n, row->name.p);
}

void
pg_world_ticket(struct pg_world_ticket *t, enum store_kind kind, const char *key)
{
	static const struct store_client client = { on_done, on_row };

	*t = (struct pg_world_ticket){ .t = { .client = &client, .deadline = clock_mono() + 60 * CLOCK_S } };
	t->t.op = (struct store_op){ .kind = kind,
		.ns = STR("n"),
		.key = str_of(key),
		.value = STR("v"),
		.condition = kind == STORE_PUT || kind == STORE_DELETE ? STORE_IF_PRESENT : STORE_ALWAYS,
		.range = { .from = str_of(key) } };
}

void
pg_world_ready(struct watch *w)
{
	w->ready(w, EPOLLIN);
}

void
pg_world_fire(struct timer *t)
{
	t->due = TIMER_OFF;
	t->fire(t);
}
