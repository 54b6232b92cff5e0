#include "pg/store_pg.h"

#include <stddef.h>
#include <stdlib.h>

#include "base/clock.h"
#include "pg/list_pool.h"
#include "pg/pipeline.h"
#include "telemetry/metrics.h"

#define FENCED_LOOK (5 * CLOCK_MS)

/* The lanes of one role: the first one for everything, the extra ones while values are large. */
struct lanes {
	struct lane lane[SETTING_COUNT_MAX];
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
	struct lister lists;
};

static struct store_pg *
of(struct store *s)
{
	return (struct store_pg *)s;
}

/* One from `first` on that is idle, or whose turn it is; each that is missing is asked for when it is. */
static struct lane *
spread(struct lanes *ls, unsigned first)
{
	struct lane *busy = &ls->lane[0];

	for (unsigned i = first; i < ls->count; i++) {
		struct lane *l = &ls->lane[first + (ls->turn + i - first) % (ls->count - first)];

		if (l->conn == NULL)
			lane_open(l);
		else if (lane_is_idle(l))
			return l;
		else
			busy = l;
	}
	ls->turn++;
	return busy;
}

/* Nobody knows how large a value is before it is read, but that others were. */
static struct lane *
lane_of_read(struct lanes *ls)
{
	int64_t now = clock_mono();

	for (unsigned i = 0; i < ls->count; i++)
		if (now < ls->lane[i].spread_until)
			return spread(ls, 0);
	return &ls->lane[0];
}

static struct lane *
lane_of_write(struct lanes *ls, const struct store_op *op)
{
	return op->value.n >= LANE_LARGE_VALUE ? spread(ls, 1) : &ls->lane[0];
}

static void
submit(struct store *s, struct store_ticket *t)
{
	switch (statement_role(statement_of(&t->op))) {
	case STATEMENT_ROLE_READ:
		lane_submit(lane_of_read(&of(s)->reads), t);
		break;
	case STATEMENT_ROLE_WRITE:
		lane_submit(lane_of_write(&of(s)->writes, &t->op), t);
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
		const struct lane *l = &ls->lane[i];

		if (l->conn != NULL || l->ordered)
			n[state_of(l->conn != NULL, !lane_is_idle(l))]++;
	}
}

static void
count_connections(const struct store_pg *p)
{
	uint64_t n[METRICS_STATES] = { 0 };

	count_lanes(&p->reads, n);
	count_lanes(&p->writes, n);
	for (unsigned i = 0; i < p->lists.max; i++) {
		const struct lister_line *line = &p->lists.line[i];

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
		if (!lane_is_idle(&ls->lane[i]))
			return false;
	return true;
}

static void
flush(struct lanes *ls)
{
	for (unsigned i = 0; i < ls->count; i++)
		lane_flush(&ls->lane[i]);
}

static void
end_of_turn(struct hook *h)
{
	struct store_pg *p = (struct store_pg *)((char *)h - offsetof(struct store_pg, hook));

	flush(&p->reads);
	/* A write that was given up must not come to life behind a later one on another connection. */
	if (!connector_is_fenced(p->box))
		flush(&p->writes);
	else if (!are_idle(&p->writes))
		p->fenced.due = clock_mono() + FENCED_LOOK;
	loop_stay_awake(p->loop, lane_has_one(&p->reads.lane[0]));
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
open_lanes(struct store_pg *p, struct lanes *ls, enum statement_role role, const struct statement_set *set,
    unsigned count)
{
	ls->count = count;
	for (unsigned i = 0; i < count; i++)
		lane_init(&ls->lane[i], i > 0, role, set, p->loop, p->box);
}

static void
close_lanes(struct lanes *ls)
{
	for (unsigned i = 0; i < ls->count; i++)
		lane_close(&ls->lane[i]);
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
	p->loop = loop;
	open_lanes(p, &p->reads, STATEMENT_ROLE_READ, set, c->db_large_connections);
	open_lanes(p, &p->writes, STATEMENT_ROLE_WRITE, set, c->db_large_connections);
	lister_init(&p->lists, c->db_list_connections, c->request_timeout, set, loop, p->box);
	p->fenced = (struct timer){ .due = TIMER_OFF, .fire = look_again };
	loop_add_timer(loop, &p->fenced);
	p->hook.run = end_of_turn;
	loop_add_hook(loop, &p->hook);
	return &p->store;
}

void
store_pg_free(struct store *s)
{
	if (s == NULL)
		return;
	close_lanes(&of(s)->reads);
	close_lanes(&of(s)->writes);
	lister_close(&of(s)->lists);
	connector_box_free(of(s)->box);
	free(s);
}

bool
store_pg_is_settled(const struct store *s)
{
	const struct store_pg *p = (const struct store_pg *)s;

	return lane_is_settled(&p->reads.lane[0]) && lane_is_settled(&p->writes.lane[0]);
}
