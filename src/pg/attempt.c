/* SPDX-License-Identifier: EPL-2.0 */
#include "pg/attempt.h"

static struct attempt_decision
end_with(enum store_outcome outcome)
{
	return (struct attempt_decision){ .next = ATTEMPT_END, .outcome = outcome };
}

/* It certainly had no effect. */
static struct attempt_decision
send_again(const struct attempt *a, enum metrics_retry why)
{
	if (!a->in_time || a->delivered || (!a->writes && a->attempts >= ATTEMPT_READS_MOST))
		return end_with(STORE_UNAVAILABLE);
	return (struct attempt_decision){ .next = ATTEMPT_AGAIN, .why = why };
}

/* It is not known what it did. */
static struct attempt_decision
end_unknown(const struct attempt *a)
{
	return a->writes && !a->uncommitted ? end_with(STORE_UNKNOWN) : send_again(a, METRICS_RETRY_LOST);
}

static struct attempt_decision
judge_error(const struct attempt *a)
{
	switch (a->verdict) {
	case SQLSTATE_RETRY:
		return send_again(a, METRICS_RETRY_CONFLICT);
	case SQLSTATE_MOVE:
	case SQLSTATE_NOT_RUN:
		return send_again(a, METRICS_RETRY_MOVED);
	case SQLSTATE_TOO_LONG: /* is about a key; a list has none */
		return end_with(a->kind == STORE_LIST ? STORE_UNAVAILABLE : STORE_TOO_LONG);
	case SQLSTATE_UNAVAILABLE:
	case SQLSTATE_SCHEMA:
		return end_with(STORE_UNAVAILABLE);
	case SQLSTATE_UNKNOWN:
		return end_unknown(a);
	case SQLSTATE_FAULT:
	case SQLSTATE_NONE:
		break;
	}
	return end_with(STORE_FAULT);
}

struct attempt_decision
attempt_decide(const struct attempt *a)
{
	switch (a->point) {
	case ATTEMPT_ERROR:
		return judge_error(a);
	case ATTEMPT_ANSWERED:
		if (!a->writes)
			return (struct attempt_decision){ .next = ATTEMPT_STANDS };
		if (a->verdict == SQLSTATE_UNKNOWN)
			return end_unknown(a);
		return send_again(a, METRICS_RETRY_GROUP);
	case ATTEMPT_SKIPPED:
		return send_again(a, METRICS_RETRY_GROUP);
	case ATTEMPT_UNSENT:
		return send_again(a, METRICS_RETRY_LOST);
	case ATTEMPT_LOST:
		break;
	}
	return end_unknown(a);
}

bool
attempt_closes(enum sqlstate_verdict verdict)
{
	return verdict == SQLSTATE_MOVE || verdict == SQLSTATE_NOT_RUN || verdict == SQLSTATE_SCHEMA;
}
