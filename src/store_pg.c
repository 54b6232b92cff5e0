#include "store_pg.h"

#include <stddef.h>
#include <stdlib.h>

#include "lane.h"
#include "lister.h"
#include "metrics.h"

struct store_pg {
	struct store store; /* first */
	struct loop *loop;
	struct hook hook;
	struct connector_box *box;
	struct lane reads, writes;
	struct lister lists;
};

static struct store_pg *
of(struct store *s)
{
	return (struct store_pg *)s;
}

static void
submit(struct store *s, struct store_ticket *t)
{
	switch (statement_role(statement_of(&t->op))) {
	case STATEMENT_ROLE_READ:
		lane_submit(&of(s)->reads, t);
		break;
	case STATEMENT_ROLE_WRITE:
		lane_submit(&of(s)->writes, t);
		break;
	case STATEMENT_ROLE_LIST:
		lister_submit(&of(s)->lists, t);
		break;
	}
}

static void
resume(struct store *s, struct store_ticket *t)
{
	lister_resume(&of(s)->lists, t);
}

static void
cancel(struct store *s, struct store_ticket *t)
{
	lister_cancel(&of(s)->lists, t);
}

static void
release(struct store *s, void *memory)
{
	(void)s;
	PQclear(memory);
}

static struct store_description
describe(const struct store *s, const struct store_ticket *t)
{
	const struct store_pg *p = (const struct store_pg *)s;
	enum statement statement = statement_of(&t->op);
	enum dbconn_server server = p->lists.server;

	if (statement_role(statement) != STATEMENT_ROLE_LIST) {
		server = statement_role(statement) == STATEMENT_ROLE_READ ? p->reads.server : p->writes.server;
		if (t->group > 0 && t->batch != 1)
			statement = statement_joined(&t->op);
	}
	return statement_describe(p->reads.set, statement, server);
}

static enum metrics_state
state_of(bool connected, bool busy)
{
	if (!connected)
		return METRICS_CONNECTING;
	return busy ? METRICS_BUSY : METRICS_IDLE;
}

static void
count_connections(const struct store_pg *p)
{
	uint64_t n[METRICS_STATES] = { 0 };

	n[state_of(p->reads.conn != NULL, !lane_is_idle(&p->reads))]++;
	n[state_of(p->writes.conn != NULL, !lane_is_idle(&p->writes))]++;
	for (unsigned i = 0; i < p->lists.max; i++) {
		const struct lister_line *line = &p->lists.line[i];

		if (line->conn != NULL || line->ordered)
			n[state_of(line->conn != NULL, line->ticket != NULL)]++;
	}
	for (size_t i = 0; i < METRICS_STATES; i++)
		metrics_set(METRICS_DB_CONNECTIONS + i, n[i]);
}

static void
end_of_turn(struct hook *h)
{
	struct store_pg *p = (struct store_pg *)((char *)h - offsetof(struct store_pg, hook));

	lane_flush(&p->reads);
	lane_flush(&p->writes);
	loop_stay_awake(p->loop, lane_has_one(&p->reads));
	p->lists.gives_way = !lane_is_idle(&p->reads) || !lane_is_idle(&p->writes);
	count_connections(p);
}

struct store *
store_pg_new(const struct config *c, const struct statement_set *set, struct connector *connector, struct loop *loop)
{
	static const struct store_calls calls = { submit, resume, cancel, release, describe };
	struct store_pg *p = calloc(1, sizeof(*p));

	if (p == NULL)
		return NULL;
	p->store.calls = &calls;
	p->box = connector_box_new(connector, loop);
	if (p->box == NULL) {
		free(p);
		return NULL;
	}
	lane_init(&p->reads, STATEMENT_ROLE_READ, set, loop, p->box);
	lane_init(&p->writes, STATEMENT_ROLE_WRITE, set, loop, p->box);
	lister_init(&p->lists, c->db_list_connections, c->request_timeout, set, loop, p->box);
	p->loop = loop;
	p->hook.run = end_of_turn;
	loop_add_hook(loop, &p->hook);
	return &p->store;
}

void
store_pg_free(struct store *s)
{
	if (s == NULL)
		return;
	connector_box_free(of(s)->box);
	lane_close(&of(s)->reads);
	lane_close(&of(s)->writes);
	lister_close(&of(s)->lists);
	free(s);
}

bool
store_pg_is_settled(const struct store *s)
{
	const struct store_pg *p = (const struct store_pg *)s;

	return lane_is_settled(&p->reads) && lane_is_settled(&p->writes);
}
