/* SPDX-License-Identifier: EPL-2.0 */
#include "auth/rules.h"

#include <stdlib.h>

/* A namespace, or the prefix of namespaces, in a condition of a rule. */
struct pattern {
	struct str text;
	bool prefix;
	size_t rule; /* its index */
};

/* Patterns are sorted, for a binary search: one for the whole name, and one for each length that a prefix has. */
struct rules {
	struct arena arena;
	struct rule *const *rule;
	size_t n;
	bool allow_by_default;
	struct pattern *pattern;
	size_t patterns;
	size_t *length; /* the different lengths of prefixes, ascending */
	size_t lengths;
};

static int
compare_patterns(const void *a, const void *b)
{
	const struct pattern *p = a, *q = b;
	int order = (int)p->prefix - (int)q->prefix;

	if (order == 0)
		order = str_cmp(p->text, q->text);
	if (order == 0)
		order = (p->rule > q->rule) - (p->rule < q->rule);
	return order;
}

static int
compare_lengths(const void *a, const void *b)
{
	const size_t *p = a, *q = b;

	return (*p > *q) - (*p < *q);
}

/* A rule without this condition gets the empty prefix, which every name begins with. */
static const struct rules_value *
namespaces_of(const struct rule *rule)
{
	static const struct rules_value all = { .text = STR_INIT(""), .prefix = true };

	return rule->value[RULES_NAMESPACE] != NULL ? rule->value[RULES_NAMESPACE] : &all;
}

static void
add_patterns(struct rules *r, size_t number)
{
	for (const struct rules_value *v = namespaces_of(r->rule[number]); v != NULL; v = v->next) {
		r->pattern[r->patterns++] = (struct pattern){ v->text, v->prefix, number };
		if (v->prefix)
			r->length[r->lengths++] = v->text.n;
	}
}

static void
sort_patterns(struct rules *r)
{
	size_t kept = 0;

	if (r->patterns > 0)
		qsort(r->pattern, r->patterns, sizeof(r->pattern[0]), compare_patterns);
	if (r->lengths > 0)
		qsort(r->length, r->lengths, sizeof(r->length[0]), compare_lengths);
	for (size_t i = 0; i < r->lengths; i++)
		if (kept == 0 || r->length[kept - 1] != r->length[i])
			r->length[kept++] = r->length[i];
	r->lengths = kept;
}

struct rules *
rules_new(struct arena *arena, struct rule *const *rule, size_t n, bool allow_by_default)
{
	struct rules *r = calloc(1, sizeof(*r));
	size_t patterns = 0;

	for (size_t i = 0; i < n; i++)
		for (const struct rules_value *v = namespaces_of(rule[i]); v != NULL; v = v->next)
			patterns++;
	if (r == NULL) {
		arena_free(arena);
		return NULL;
	}
	*r = (struct rules){ .arena = *arena, .rule = rule, .n = n, .allow_by_default = allow_by_default };
	r->pattern = calloc(patterns + 1, sizeof(r->pattern[0]));
	r->length = calloc(patterns + 1, sizeof(r->length[0]));
	if (r->pattern == NULL || r->length == NULL) {
		rules_free(r);
		return NULL;
	}
	for (size_t i = 0; i < n; i++)
		add_patterns(r, i);
	sort_patterns(r);
	return r;
}

void
rules_free(struct rules *r)
{
	if (r == NULL)
		return;
	free(r->pattern);
	free(r->length);
	arena_free(&r->arena);
	free(r);
}

static bool
has_uuid(const struct rules_value *v, const struct uuid *uuid)
{
	for (; v != NULL; v = v->next)
		if (!v->none && uuid_eq(&v->uuid, uuid))
			return true;
	return false;
}

static bool
has_workspace(const struct rules_value *v, const struct claims *claims)
{
	if (claims->has_workspace)
		return has_uuid(v, &claims->workspace);
	for (; v != NULL; v = v->next)
		if (v->none)
			return true;
	return false;
}

static bool
has_service(const struct rules_value *v, const struct claims *claims)
{
	struct str service = str_of(claims->service);

	for (; v != NULL; v = v->next)
		if (v->none ? service.n == 0 : !claims->service_cut && str_eq(v->text, service))
			return true;
	return false;
}

/* Whether all conditions are met, except the one on the namespace. */
static bool
applies(const struct rule *rule, const struct rules_question *q)
{
	struct rules_value *const *value = rule->value;

	return (rule->operations & 1U << q->operation) != 0 && (rule->versions & 1U << q->version) != 0 &&
	    (value[RULES_ACCOUNT] == NULL || has_uuid(value[RULES_ACCOUNT], &q->claims->account)) &&
	    (value[RULES_SERVICE] == NULL || has_service(value[RULES_SERVICE], q->claims)) &&
	    (value[RULES_WORKSPACE] == NULL || has_workspace(value[RULES_WORKSPACE], q->claims)) &&
	    (value[RULES_TARGET] == NULL || has_uuid(value[RULES_TARGET], q->target));
}

/* The index of the first pattern with that text, or the index at which it would be inserted. */
static size_t
find_condition(const struct rules *r, struct str text, bool prefix)
{
	const struct pattern wanted = { text, prefix, 0 };
	size_t low = 0, high = r->patterns;

	while (low < high) {
		size_t middle = low + (high - low) / 2;

		if (compare_patterns(&r->pattern[middle], &wanted) < 0)
			low = middle + 1;
		else
			high = middle;
	}
	return low;
}

/* The number of the first rule with that pattern whose conditions are met, if it is below best; otherwise best. */
static size_t
first_rule(const struct rules *r, const struct rules_question *q, struct str text, bool prefix, size_t best)
{
	for (size_t i = find_condition(r, text, prefix); i < r->patterns; i++) {
		const struct pattern *p = &r->pattern[i];

		if (p->rule >= best || p->prefix != prefix || !str_eq(p->text, text))
			break;
		if (applies(r->rule[p->rule], q))
			return p->rule;
	}
	return best;
}

struct rules_verdict
rules_ask(const struct rules *r, const struct rules_question *q)
{
	size_t best = first_rule(r, q, q->ns, false, r->n);

	for (size_t i = 0; i < r->lengths && r->length[i] <= q->ns.n; i++)
		best = first_rule(r, q, str_first(q->ns, r->length[i]), true, best);
	if (best == r->n)
		return (struct rules_verdict){ r->allow_by_default, 0 };
	return (struct rules_verdict){ r->rule[best]->allow, r->rule[best]->line };
}

static bool
value_covers(enum rules_condition c, const struct rules_value *a, const struct rules_value *b)
{
	if (c == RULES_NAMESPACE)
		return a->prefix ? str_starts(b->text, a->text) : !b->prefix && str_eq(a->text, b->text);
	if (a->none || b->none)
		return a->none && b->none;
	return c == RULES_SERVICE ? str_eq(a->text, b->text) : uuid_eq(&a->uuid, &b->uuid);
}

/* Whether the condition of rule a is met in every case in which that of rule b is. */
static bool
condition_covers(enum rules_condition c, const struct rules_value *a, const struct rules_value *b)
{
	if (a == NULL || b == NULL)
		return a == NULL;
	for (; b != NULL; b = b->next) {
		const struct rules_value *v = a;

		while (v != NULL && !value_covers(c, v, b))
			v = v->next;
		if (v == NULL)
			return false;
	}
	return true;
}

static bool
pattern_covers(const struct rule *a, const struct rule *b)
{
	for (enum rules_condition c = 0; c < RULES_NAMESPACE; c++)
		if (!condition_covers(c, a->value[c], b->value[c]))
			return false;
	return condition_covers(RULES_NAMESPACE, namespaces_of(a), namespaces_of(b)) &&
	    (b->operations & ~a->operations) == 0 && (b->versions & ~a->versions) == 0;
}

bool
rules_is_idle(const struct rules *r, size_t i, unsigned *line, unsigned *by)
{
	for (size_t before = 0; before < i; before++) {
		if (!pattern_covers(r->rule[before], r->rule[i]))
			continue;
		*line = r->rule[i]->line;
		*by = r->rule[before]->line;
		return true;
	}
	return false;
}

size_t
rules_count(const struct rules *r)
{
	return r->n;
}

struct str
rules_text(const struct rules *r, unsigned line)
{
	for (size_t i = 0; i < r->n; i++)
		if (r->rule[i]->line == line)
			return r->rule[i]->text;
	return STR_ABSENT;
}
