/* SPDX-License-Identifier: EPL-2.0 */
#include "lib/pool_world.h"

#include <stdlib.h>

struct pg_world world;
struct pipeline_pool *pool;

void
pool_world_open(enum statement_role role, unsigned count)
{
	pool = calloc(1, sizeof(*pool));
	if (pool == NULL)
		tap_bail("no memory");
	pipeline_pool_init(pool, role, count, 0, &world.set, &world.loop, NULL);
}

void
pool_world_close(const char *name)
{
	pipeline_pool_close(pool);
	fake_connect_thread_reset();
	world.loop.timers = NULL;
	free(pool);
	tap_int(fake_libpq_connections() + fake_libpq_results(), 0, "%s: nothing is left", name);
}

void
pool_world_submit(struct pg_world_ticket *t, enum store_kind kind, const char *key)
{
	pg_world_ticket(t, kind, key);
	pipeline_pool_submit(pool, &t->t);
}

void
pool_world_submit_value(struct pg_world_ticket *t, const char *key, struct str value)
{
	pg_world_ticket(t, STORE_PUT, key);
	t->t.op.condition = STORE_ALWAYS;
	t->t.op.value = value;
	pipeline_pool_submit(pool, &t->t);
}

void
pool_world_flush(void)
{
	pipeline_pool_flush(pool, 3);
}

void
pool_world_ready(unsigned i)
{
	pg_world_ready(&pool->pipeline[i].watch);
}

const struct str pool_world_found[2] = { { "0123456789abcdef", 16 }, { "value", 5 } };

void
pool_world_answer_get(PGconn *conn)
{
	fake_libpq_answer_row(conn, 2, pool_world_found);
	fake_libpq_answer_sync(conn);
}

void
pool_world_answer_batch(unsigned i)
{
	struct pipeline *p = &pool->pipeline[i];

	for (const struct store_ticket *t = p->batch.tickets.head; t != NULL; t = t->next) {
		if (t->pg.joined == 0)
			continue;
		if (store_writes(&t->op))
			fake_libpq_answer_changed(p->conn, "1");
		else
			fake_libpq_answer_row(p->conn, 2, pool_world_found);
		while (t->next != NULL && t->next->pg.joined == 0)
			t = t->next;
		if (t->pg.last)
			fake_libpq_answer_sync(p->conn);
	}
	pool_world_ready(i);
}
