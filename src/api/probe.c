/* SPDX-License-Identifier: EPL-2.0 */
#include "api/probe.h"

#include "base/base.h"
#include "base/clock.h"

#define TEXT_MAX    4096
#define METRICS_MAX ((size_t)256 * 1024) /* bytes; less than the limit of an arena */

enum verdict { GOOD, BAD, UNKNOWN };

struct check {
	const char *name;
	enum verdict verdict;
	struct str reason; /* absent: not known */
};

/* Whether the query has a parameter of that name. */
static bool
has_parameter(struct str query, struct str wanted)
{
	struct str parameter, name, value;

	while (query.p != NULL) {
		(void)str_cut(query, '&', &parameter, &query);
		(void)str_cut(parameter, '=', &name, &value);
		if (str_eq(name, wanted))
			return true;
	}
	return false;
}

static void
put_check(struct buf *out, const struct check *c, bool with_reason)
{
	struct str reason = with_reason ? c->reason : STR_ABSENT;

	switch (c->verdict) {
	case GOOD:
		buf_printf(out, "[+]%s ok\n", c->name);
		break;
	case BAD:
		buf_printf(out, "[-]%s failed%s%.*s\n", c->name, reason.n > 0 ? ": " : "", STR_FMT(reason));
		break;
	case UNKNOWN:
		buf_printf(out, "[?]%s unknown\n", c->name);
		break;
	}
}

/* The lines of the checks, failed ones first, and `end`.  Absent: no memory. */
static struct str
list_checks(const struct check *check, size_t n, bool with_reasons, struct str end, struct arena *a)
{
	struct buf out;
	struct str text;

	buf_init(&out, TEXT_MAX);
	for (size_t i = 0; i < n; i++)
		if (check[i].verdict == BAD)
			put_check(&out, &check[i], with_reasons);
	for (size_t i = 0; i < n; i++)
		if (check[i].verdict != BAD)
			put_check(&out, &check[i], with_reasons);
	buf_puts(&out, end);
	text = buf_ok(&out) ? arena_copy(a, buf_str(&out)) : STR_ABSENT;
	buf_free(&out);
	return text;
}

/* Makes the answer.  If there is no memory for the lines, it is "ok" or the text of the refusal. */
static void
put_probe_answer(const struct check *check, size_t n, enum refusal refusal, const struct request *request,
    struct arena *a, struct response *r, struct str *reason)
{
	bool good = true, with_reasons = request->is_operator;

	for (size_t i = n; i-- > 0;) {
		good = good && check[i].verdict == GOOD;
		if (check[i].verdict == BAD)
			*reason = arena_copy(a, check[i].reason);
	}
	if (!good) {
		response_refuse(r, refusal, list_checks(check, n, with_reasons, refusal_text(refusal), a), request, a);
		return;
	}
	struct str text = STR("ok");
	if (has_parameter(request->query, STR("verbose")))
		text = list_checks(check, n, with_reasons, STR("ok"), a);
	response_text(r, text.p != NULL ? text : STR("ok"));
}

void
probe_live(const struct heartbeat *health, int64_t now, const struct request *request, struct arena *a,
    struct response *r, struct str *reason)
{
	struct check workers = { "workers", GOOD, STR_ABSENT };
	unsigned worker;
	int64_t silence;

	if (health != NULL && heartbeat_find_stuck(health, now, &worker, &silence)) {
		workers.verdict = BAD;
		workers.reason = arena_printf(
		    a, "the event loop of worker %u has been stuck for %lld s", worker, (long long)(silence / CLOCK_S));
	}
	put_probe_answer(&workers, 1, REFUSAL_NOT_ALIVE, request, a, r, reason);
}

void
probe_ready(const struct heartbeat *health, const struct store_result *check, const struct request *request,
    struct arena *a, struct response *r, struct str *reason)
{
	bool done = check->outcome == STORE_DONE;
	bool draining = health != NULL && heartbeat_is_draining(health);
	bool wrong_keys = check->keys == STORE_KEYS_WRONG || check->keys == STORE_KEYS_MISSING;
	const struct check checks[] = {
		{ "database", done || check->reached ? GOOD : BAD, check->reason },
		{ "schema",
		    done || wrong_keys   ? GOOD
			: check->reached ? BAD
					 : UNKNOWN,
		    check->reason },
		{ "writable",
		    check->no_writes.p != NULL ? BAD
			: done                 ? GOOD
					       : UNKNOWN,
		    check->no_writes },
		{ "lists",
		    check->no_lists.p != NULL ? BAD
			: done                ? GOOD
					      : UNKNOWN,
		    check->no_lists },
		{ "serving", draining ? BAD : GOOD, STR("shutting down") },
		{ "keys",
		    wrong_keys ? BAD
			: done ? GOOD
			       : UNKNOWN,
		    check->reason },
	};
	size_t n = ARRAY_SIZE(checks) - (check->keys == STORE_KEYS_NONE);

	put_probe_answer(checks, n, REFUSAL_NOT_READY, request, a, r, reason);
}

void
probe_metrics(const struct metrics *metrics, const struct request *request, struct arena *a, struct response *r)
{
	enum prometheus_format format = prometheus_choose(request->accept);
	struct str text = STR_ABSENT;
	struct buf out;

	buf_init(&out, METRICS_MAX);
	prometheus_put(&out, metrics, format);
	if (buf_ok(&out))
		text = arena_copy(a, buf_str(&out));
	buf_free(&out);
	if (text.p == NULL) {
		response_refuse(r, REFUSAL_INTERNAL, STR_ABSENT, request, a);
		return;
	}
	response_text(r, text);
	r->type = prometheus_type(format);
}
