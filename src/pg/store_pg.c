/* SPDX-License-Identifier: EPL-2.0 */
#include "pg/store_pg.h"

#include <stddef.h>
#include <stdlib.h>

#include "base/base.h"
#include "base/clock.h"
#include "pg/list_pool.h"
#include "pg/pipeline.h"
#include "telemetry/metrics.h"

#define FENCED_LOOK (5 * CLOCK_MS)

/* The lanes of one role: the first one for everything, the extra ones while values are large. */
struct lanes {
	struct pipeline lane[SETTING_COUNT_MAX];
	unsigned count;
	unsigned turn; /* of the next one, where all are busy */
};

struct store_pg {
	struct store store; /* first */
	struct loop *loop;
	struct hook hook;
	struct timer fenced; /* looks whether another worker's doubt is over */
	struct connector_box *box;
	struct lanes reads, writes;
	struct list_pool lists;
};

static struct store_pg *
pg_of(struct store *s)
{
	return (struct store_pg *)s;
}

/* One from `first` on that is idle, or whose turn it is; each that is missing is asked for when it is. */
static struct pipeline *
spread(struct lanes *ls, unsigned first)
{
	struct pipeline *busy = &ls->lane[0];

	for (unsigned i = first; i < ls->count; i++) {
		struct pipeline *l = &ls->lane[first + (ls->turn + i - first) % (ls->count - first)];

		if (l->conn == NULL)
			pipeline_open(l);
		else if (pipeline_is_idle(l))
			return l;
		else
			busy = l;
	}
	ls->turn++;
	return busy;
}

/* Nobody knows how large a value is before it is read, but that others were. */
static struct pipeline *
lane_of_read(struct lanes *ls)
{
	int64_t now = clock_mono();

	for (unsigned i = 0; i < ls->count; i++)
		if (now < ls->lane[i].spread_until)
			return spread(ls, 0);
	return &ls->lane[0];
}

static struct pipeline *
lane_of_write(struct lanes *ls, const struct store_op *op)
{
	return op->value.n >= PIPELINE_LARGE_VALUE ? spread(ls, 1) : &ls->lane[0];
}

static void
pg_submit(struct store *s, struct store_ticket *t)
{
	switch (statement_role(statement_of(&t->op))) {
	case STATEMENT_ROLE_READ:
		pipeline_submit(lane_of_read(&pg_of(s)->reads), t);
		break;
	case STATEMENT_ROLE_WRITE:
		pipeline_submit(lane_of_write(&pg_of(s)->writes, &t->op), t);
		break;
	case STATEMENT_ROLE_LIST:
		list_pool_submit(&pg_of(s)->lists, t);
		break;
	}
}

static void
pg_resume(struct store *s, struct store_ticket *t)
{
	list_pool_resume(&pg_of(s)->lists, t);
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
		server = (statement_role(statement) == STATEMENT_ROLE_READ ? &p->reads : &p->writes)->lane[0].server;
		if (t->group > 0)
			statement = t->statement;
	}
	return statement_describe(p->reads.lane[0].set, statement, server);
}

static enum metrics_state
state_of(bool connected, bool busy)
{
	if (!connected)
		return METRICS_CONNECTING;
	return busy ? METRICS_BUSY : METRICS_IDLE;
}

static void
count_lanes(const struct lanes *ls, uint64_t *n)
{
	for (unsigned i = 0; i < ls->count; i++) {
		const struct pipeline *l = &ls->lane[i];

		if (l->conn != NULL || l->ordered)
			n[state_of(l->conn != NULL, !pipeline_is_idle(l))]++;
	}
}

static void
count_connections(const struct store_pg *p)
{
	uint64_t n[METRICS_STATES] = { 0 };

	count_lanes(&p->reads, n);
	count_lanes(&p->writes, n);
	for (unsigned i = 0; i < p->lists.max; i++) {
		const struct list_pool_line *line = &p->lists.line[i];

		if (line->conn != NULL || line->ordered)
			n[state_of(line->conn != NULL, line->ticket != NULL)]++;
	}
	for (size_t i = 0; i < METRICS_STATES; i++)
		metrics_set(METRICS_DB_CONNECTIONS + i, n[i]);
}

static bool
are_idle(const struct lanes *ls)
{
	for (unsigned i = 0; i < ls->count; i++)
		if (!pipeline_is_idle(&ls->lane[i]))
			return false;
	return true;
}

static void
flush_pipelines(struct lanes *ls)
{
	for (unsigned i = 0; i < ls->count; i++)
		pipeline_flush(&ls->lane[i]);
}

static void
pg_end_of_iteration(struct hook *h)
{
	struct store_pg *p = container_of(h, struct store_pg, hook);

	flush_pipelines(&p->reads);
	/* A write that was given up must not come to life behind a later one on another connection. */
	if (!connect_thread_is_fenced(p->box))
		flush_pipelines(&p->writes);
	else if (!are_idle(&p->writes))
		p->fenced.due = clock_mono() + FENCED_LOOK;
	loop_stay_awake(p->loop, pipeline_has_one(&p->reads.lane[0]));
	p->lists.gives_way = !are_idle(&p->reads) || !are_idle(&p->writes);
	count_connections(p);
}

/* That there is a turn is enough. */
static void
look_again(struct timer *t)
{
	(void)t;
}

static void
open_lanes(
    struct store_pg *p, struct lanes *ls, enum statement_role role, const struct statement_set *set, unsigned count)
{
	ls->count = count;
	for (unsigned i = 0; i < count; i++)
		pipeline_init(&ls->lane[i], i > 0, role, set, p->loop, p->box);
}

static void
close_lanes(struct lanes *ls)
{
	for (unsigned i = 0; i < ls->count; i++)
		pipeline_close(&ls->lane[i]);
}

struct store *
store_pg_new(
    const struct config *c, const struct statement_set *set, struct connect_thread *connector, struct loop *loop)
{
	static const struct store_calls calls = { pg_submit, pg_resume, pg_cancel, pg_release, pg_describe };
	struct store_pg *p = calloc(1, sizeof(*p));

	if (p == NULL)
		return NULL;
	p->store.calls = &calls;
	p->box = connect_thread_box_new(connector, loop);
	if (p->box == NULL) {
		free(p);
		return NULL;
	}
	p->loop = loop;
	open_lanes(p, &p->reads, STATEMENT_ROLE_READ, set, c->db_large_connections);
	open_lanes(p, &p->writes, STATEMENT_ROLE_WRITE, set, c->db_large_connections);
	list_pool_init(&p->lists, c->db_list_connections, c->request_timeout, set, loop, p->box);
	p->fenced = (struct timer){ .due = TIMER_OFF, .fire = look_again };
	loop_add_timer(loop, &p->fenced);
	p->hook.run = pg_end_of_iteration;
	loop_add_hook(loop, &p->hook);
	return &p->store;
}

void
store_pg_free(struct store *s)
{
	if (s == NULL)
		return;
	close_lanes(&pg_of(s)->reads);
	close_lanes(&pg_of(s)->writes);
	list_pool_close(&pg_of(s)->lists);
	connect_thread_box_free(pg_of(s)->box);
	free(s);
}

bool
store_pg_is_settled(const struct store *s)
{
	const struct store_pg *p = (const struct store_pg *)s;

	return pipeline_is_settled(&p->reads.lane[0]) && pipeline_is_settled(&p->writes.lane[0]);
}
