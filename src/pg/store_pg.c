/* SPDX-License-Identifier: EPL-2.0 */
#include "pg/store_pg.h"

#include <stddef.h>
#include <stdlib.h>

#include "base/base.h"
#include "base/clock.h"
#include "pg/list_pool.h"
#include "pg/pipeline_pool.h"
#include "telemetry/metrics.h"

struct store_pg {
	struct store store; /* first */
	struct loop *loop;
	struct hook hook;
	struct connect_thread_channel *channel;
	unsigned most; /* connections of both pools together */
	struct pipeline_pool reads, writes;
	struct list_pool lists;
};

static struct store_pg *
pg_of(struct store *s)
{
	return (struct store_pg *)s;
}

/* The check ran on a connection for reads; adds whether those for writes and lists can be made. */
static void
on_pg_check_done(struct store_ticket *t, struct store_result *r)
{
	const struct store_pg *p = pg_of(t->check.store);

	if (p->writes.down)
		r->no_writes = str_of(p->writes.reason);
	if (p->lists.down)
		r->no_lists = str_of(p->lists.reason);
	t->client = t->check.client;
	t->client->done(t, r);
}

static void
pg_submit(struct store *s, struct store_ticket *t)
{
	static const struct store_client check_client = { .done = on_pg_check_done };

	if (t->op.kind == STORE_CHECK) {
		t->check.store = s;
		t->check.client = t->client;
		t->client = &check_client;
	}
	switch (statement_role(statement_of(&t->op))) {
	case STATEMENT_ROLE_READ:
		pipeline_pool_submit(&pg_of(s)->reads, t);
		break;
	case STATEMENT_ROLE_WRITE:
		pipeline_pool_submit(&pg_of(s)->writes, t);
		break;
	case STATEMENT_ROLE_LIST:
		list_pool_submit(&pg_of(s)->lists, t);
		break;
	}
}

static void
pg_cancel(struct store *s, struct store_ticket *t)
{
	list_pool_cancel(&pg_of(s)->lists, t);
}

static void
pg_release(struct store *s, void *memory)
{
	(void)s;
	PQclear(memory);
}

static struct store_description
pg_describe(const struct store *s, const struct store_ticket *t)
{
	const struct store_pg *p = (const struct store_pg *)s;
	enum statement statement = statement_of(&t->op);
	enum dbconn_server server = p->lists.server;

	if (statement_role(statement) != STATEMENT_ROLE_LIST) {
		server = (statement_role(statement) == STATEMENT_ROLE_READ ? &p->reads : &p->writes)->shared.server;
		if (t->batch_size > 0)
			statement = t->pg.statement;
	}
	return statement_describe(p->reads.shared.set, statement, server);
}

static void
count_connections(const struct store_pg *p)
{
	uint64_t n[METRICS_STATES] = { 0 };

	pipeline_pool_count(&p->reads, n);
	pipeline_pool_count(&p->writes, n);
	list_pool_count(&p->lists, n);
	for (size_t i = 0; i < METRICS_STATES; i++)
		metrics_set(METRICS_DB_CONNECTIONS + i, n[i]);
	metrics_set(METRICS_DB_READ_ONLY, p->writes.read_only);
}

/* If one pool could use another connection and the limit is reached, the other pool closes one that it does not use. */
static void
share_connections(const struct store_pg *p, const struct pipeline_pool *taker, struct pipeline_pool *giver)
{
	if (pipeline_pool_connections(taker) + pipeline_pool_connections(giver) >= p->most &&
	    pipeline_pool_wants_another(taker))
		pipeline_pool_give_up_one(giver);
}

static void
pg_end_of_iteration(struct hook *h)
{
	struct store_pg *p = container_of(h, struct store_pg, hook);

	share_connections(p, &p->reads, &p->writes);
	share_connections(p, &p->writes, &p->reads);
	pipeline_pool_flush(&p->reads, p->most - pipeline_pool_connections(&p->writes));
	pipeline_pool_flush(&p->writes, p->most - pipeline_pool_connections(&p->reads));
	loop_stay_awake(p->loop, pipeline_pool_in_flight(&p->reads) == 1);
	list_pool_give_way(&p->lists, !pipeline_pool_is_idle(&p->reads) || !pipeline_pool_is_idle(&p->writes));
	count_connections(p);
}

struct store *
store_pg_new(const struct config *c, const struct statement_set *set, struct connect_thread *thread, struct loop *loop)
{
	static const struct store_calls calls = { pg_submit, pg_cancel, pg_release, pg_describe };
	struct store_pg *p = calloc(1, sizeof(*p));

	if (p == NULL)
		return NULL;
	p->store.calls = &calls;
	p->channel = connect_thread_channel_new(thread, loop);
	if (p->channel == NULL) {
		free(p);
		return NULL;
	}
	p->loop = loop;
	/* Each role always has one, so the other may have all but one. */
	p->most = c->db_connections > 2 ? c->db_connections : 2;
	pipeline_pool_init(
	    &p->reads, STATEMENT_ROLE_READ, p->most - 1, c->db_connection_lifetime, set, loop, p->channel);
	pipeline_pool_init(
	    &p->writes, STATEMENT_ROLE_WRITE, p->most - 1, c->db_connection_lifetime, set, loop, p->channel);
	list_pool_init(
	    &p->lists, c->db_list_connections, c->request_timeout, c->db_connection_lifetime, set, loop, p->channel);
	p->hook.run = pg_end_of_iteration;
	loop_add_hook(loop, &p->hook);
	return &p->store;
}

void
store_pg_free(struct store *s)
{
	if (s == NULL)
		return;
	pipeline_pool_close(&pg_of(s)->reads);
	pipeline_pool_close(&pg_of(s)->writes);
	list_pool_close(&pg_of(s)->lists);
	connect_thread_channel_free(pg_of(s)->channel);
	free(s);
}

bool
store_pg_is_settled(const struct store *s)
{
	const struct store_pg *p = (const struct store_pg *)s;

	return pipeline_pool_is_settled(&p->reads) && pipeline_pool_is_settled(&p->writes);
}
