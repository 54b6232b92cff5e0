/* SPDX-License-Identifier: EPL-2.0 */
#include "pg/pipeline_send.h"

#include "base/clock.h"
#include "telemetry/metrics.h"

#define MAX_OPS   64 /* nobody knows how large the values are that are read */
#define MAX_BYTES PIPELINE_LARGE_MESSAGE
#define MAX_READ  ((size_t)4 * 1024 * 1024) /* bytes; a group's results are in memory together */

struct store_ticket *
pipeline_send_batch_end(struct store_ticket *first)
{
	struct store_ticket *t = first->next;

	while (t != NULL && t->batch == 0)
		t = t->next;
	return t;
}

/* While values are large, so many as fit if each is as large as the largest. */
static size_t
max_ops(const struct pipeline *l)
{
	size_t n = l->largest != 0 ? MAX_READ / l->largest : MAX_OPS;

	return n < 1 ? 1 : n < MAX_OPS ? n : MAX_OPS;
}

static void
choose(struct pipeline *l)
{
	size_t ops = 0, bytes = 0, most = max_ops(l);

	l->group_due = TIMER_OFF;
	while (l->queue.head != NULL && ops < most && (ops == 0 || bytes + l->queue.head->op.value.n <= MAX_BYTES)) {
		struct store_ticket *t = ticket_queue_take(&l->queue);

		ops++;
		bytes += t->op.value.n;
		t->verdict = -1;
		t->tries++;
		t->batch = 1;
		t->sqlstate[0] = '\0';
		t->synced = store_writes(&t->op) && (t->alone || l->server == DBCONN_COCKROACHDB);
		if (t->deadline < l->group_due)
			l->group_due = t->deadline;
		if (store_writes(&t->op))
			ticket_queue_put_sorted(&l->group, t);
		else
			ticket_queue_put(&l->group, t);
	}
	for (struct store_ticket *t = l->group.head; t != NULL; t = t->next) {
		t->synced |= t->next == NULL;
		t->group = (unsigned)ops;
	}
	if (bytes > PIPELINE_LARGE_MESSAGE)
		l->large_at = clock_mono();
	metrics_observe_size(METRICS_DB_GROUP_SIZE, ops);
}

/* Whether b can be in the batch that begins with a and ends before b so far. */
static bool
joins(const struct pipeline *l, const struct store_ticket *a, const struct store_ticket *last,
    const struct store_ticket *b)
{
	if (a->alone || b->alone || a->op.kind != b->op.kind || !statement_joins(&a->op) || !statement_joins(&b->op))
		return false;
	/* A write's statement takes no key twice; sorted, equals are neighbours.  Large values are read one by one. */
	return store_writes(&a->op) ? ticket_queue_compare(last, b) != 0 : l->large_at == 0;
}

/* Finds the batches of the group. */
static void
make_batches(struct pipeline *l)
{
	struct store_ticket *first = l->group.head;

	if (!l->set->prepared || l->server != DBCONN_POSTGRESQL)
		return;
	for (struct store_ticket *last = first; last->next != NULL; last = last->next) {
		if (joins(l, first, last, last->next)) {
			first->batch++;
			last->next->batch = 0;
		} else {
			first = last->next;
		}
	}
}

/* Until when the writes of a batch may begin, on the database's clock. */
static int64_t
deadline_of_batch(const struct pipeline *l, const struct store_ticket *first)
{
	int64_t latest = clock_mono() + l->set->write_time;

	for (const struct store_ticket *t = first, *end = pipeline_send_batch_end((struct store_ticket *)first);
	     t != end; t = t->next)
		if (t->deadline < latest)
			latest = t->deadline;
	return db_clock_deadline(&l->clock, latest);
}

/* Hands it to libpq; false: the connection is lost. */
static bool
send_joined(struct pipeline *l, struct store_ticket *first)
{
	enum statement s = statement_of_many(first, first->batch);
	int64_t deadline;

	for (struct store_ticket *t = first, *end = pipeline_send_batch_end(first); t != end; t = t->next)
		t->statement = s;
	deadline = store_writes(&first->op) ? deadline_of_batch(l, first) : 0;
	return first->batch > 1 ? statement_send_many(l->conn, s, first, first->batch, deadline)
				: statement_send(l->set, l->conn, l->server, &first->op, deadline);
}

bool
pipeline_send_send(struct pipeline *l)
{
	for (struct store_ticket *t = l->group.head, *end; t != NULL; t = end) {
		end = pipeline_send_batch_end(t);
		if (!send_joined(l, t))
			return false;
		if ((end == NULL || t->synced) && PQpipelineSync(l->conn) == 0)
			return false;
	}
	return true;
}

void
pipeline_send_make(struct pipeline *l)
{
	choose(l);
	make_batches(l);
}
