/* SPDX-License-Identifier: EPL-2.0 */
#include "pg/attempt.h"

#include "lib/tap.h"

enum { AGAIN = -1, STANDS = -2 };

static const struct {
	enum attempt_point point;
	enum sqlstate_verdict verdict;
	int write, read, list; /* how it ends: an outcome, AGAIN or STANDS */
	enum metrics_retry why;
} rows[] = {
	{ ATTEMPT_ERROR, SQLSTATE_RETRY, AGAIN, AGAIN, AGAIN, METRICS_RETRY_CONFLICT },
	{ ATTEMPT_ERROR, SQLSTATE_MOVE, AGAIN, AGAIN, AGAIN, METRICS_RETRY_MOVED },
	{ ATTEMPT_ERROR, SQLSTATE_NOT_RUN, AGAIN, AGAIN, AGAIN, METRICS_RETRY_MOVED },
	{ ATTEMPT_ERROR, SQLSTATE_UNKNOWN, STORE_UNKNOWN, AGAIN, AGAIN, METRICS_RETRY_LOST },
	{ ATTEMPT_ERROR, SQLSTATE_TOO_LONG, STORE_TOO_LONG, STORE_TOO_LONG, STORE_UNAVAILABLE, 0 },
	{ ATTEMPT_ERROR, SQLSTATE_UNAVAILABLE, STORE_UNAVAILABLE, STORE_UNAVAILABLE, STORE_UNAVAILABLE, 0 },
	{ ATTEMPT_ERROR, SQLSTATE_SCHEMA, STORE_UNAVAILABLE, STORE_UNAVAILABLE, STORE_UNAVAILABLE, 0 },
	{ ATTEMPT_ERROR, SQLSTATE_FAULT, STORE_FAULT, STORE_FAULT, STORE_FAULT, 0 },
	{ ATTEMPT_ANSWERED, SQLSTATE_RETRY, AGAIN, STANDS, STANDS, METRICS_RETRY_GROUP },
	{ ATTEMPT_ANSWERED, SQLSTATE_FAULT, AGAIN, STANDS, STANDS, METRICS_RETRY_GROUP },
	{ ATTEMPT_ANSWERED, SQLSTATE_MOVE, AGAIN, STANDS, STANDS, METRICS_RETRY_GROUP },
	{ ATTEMPT_ANSWERED, SQLSTATE_UNAVAILABLE, AGAIN, STANDS, STANDS, METRICS_RETRY_GROUP },
	{ ATTEMPT_ANSWERED, SQLSTATE_UNKNOWN, STORE_UNKNOWN, STANDS, STANDS, 0 },
	{ ATTEMPT_SKIPPED, SQLSTATE_FAULT, AGAIN, AGAIN, AGAIN, METRICS_RETRY_GROUP },
	{ ATTEMPT_SKIPPED, SQLSTATE_UNKNOWN, AGAIN, AGAIN, AGAIN, METRICS_RETRY_GROUP },
	{ ATTEMPT_UNSENT, SQLSTATE_UNKNOWN, AGAIN, AGAIN, AGAIN, METRICS_RETRY_LOST },
	{ ATTEMPT_LOST, SQLSTATE_UNKNOWN, STORE_UNKNOWN, AGAIN, AGAIN, METRICS_RETRY_LOST },
	{ ATTEMPT_LOST, SQLSTATE_RETRY, STORE_UNKNOWN, AGAIN, AGAIN, METRICS_RETRY_LOST },
};

static void
test_decision(const struct attempt *a, int want, enum metrics_retry why, const char *what, size_t row)
{
	struct attempt_decision d = attempt_decide(a);

	if (want == AGAIN)
		tap_ok(d.next == ATTEMPT_AGAIN && d.why == why, "row %zu: %s is sent again", row, what);
	else if (want == STANDS)
		tap_ok(d.next == ATTEMPT_STANDS, "row %zu: %s stands", row, what);
	else
		tap_ok(d.next == ATTEMPT_END && d.outcome == (enum store_outcome)want, "row %zu: %s ends", row, what);
}

static void
test_kind(enum store_kind kind, int want, const char *what, size_t row)
{
	bool writes = kind == STORE_PUT || kind == STORE_DELETE;
	struct attempt a = {
		.kind = kind,
		.point = rows[row].point,
		.verdict = rows[row].verdict,
		.attempts = 1,
		.in_time = true,
		.writes = writes,
	};
	int later = want == AGAIN ? STORE_UNAVAILABLE : want;

	test_decision(&a, want, rows[row].why, what, row);
	a.attempts = ATTEMPT_READS_MOST - 1;
	test_decision(&a, want, rows[row].why, what, row);
	a.attempts = ATTEMPT_READS_MOST;
	test_decision(&a, writes ? want : later, rows[row].why, what, row);
	a.attempts = 1;
	a.in_time = false;
	test_decision(&a, later, rows[row].why, what, row);
	a.in_time = true;
	a.delivered = true;
	if (kind == STORE_LIST)
		test_decision(&a, later, rows[row].why, "a list that has begun", row);
}

/* Until its COMMIT is sent, a BATCH that writes is sent again where a write would be of unknown outcome. */
static void
test_batch(size_t row)
{
	struct attempt a = { .kind = STORE_BATCH,
		.point = rows[row].point,
		.verdict = rows[row].verdict,
		.attempts = ATTEMPT_READS_MOST,
		.in_time = true,
		.writes = true };
	bool unknown = rows[row].write == STORE_UNKNOWN;

	test_decision(&a, rows[row].write, rows[row].why, "COMMIT of a batch", row);
	a.uncommitted = true;
	test_decision(&a, unknown ? AGAIN : rows[row].write, unknown ? METRICS_RETRY_LOST : rows[row].why,
	    "a batch before COMMIT", row);
	a.in_time = false;
	test_decision(&a, unknown || rows[row].write == AGAIN ? STORE_UNAVAILABLE : rows[row].write, 0,
	    "a batch before COMMIT that is late", row);
}

int
main(void)
{
	for (size_t i = 0; i < COUNT(rows); i++) {
		test_kind(STORE_PUT, rows[i].write, "PUT", i);
		test_kind(STORE_DELETE, rows[i].write, "DELETE", i);
		test_kind(STORE_GET, rows[i].read, "GET", i);
		test_kind(STORE_HEAD, rows[i].read, "HEAD", i);
		test_kind(STORE_CHECK, rows[i].read, "CHECK", i);
		test_kind(STORE_LIST, rows[i].list, "LIST", i);
		test_kind(STORE_BATCH, rows[i].read, "BATCH of reads", i);
		test_batch(i);
	}
	for (enum sqlstate_verdict v = SQLSTATE_NONE; v <= SQLSTATE_FAULT; v++)
		tap_int(attempt_closes(v), v == SQLSTATE_MOVE || v == SQLSTATE_NOT_RUN || v == SQLSTATE_SCHEMA,
		    "verdict %d: the connection is closed or stays", (int)v);
	return tap_end();
}
