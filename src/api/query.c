/* SPDX-License-Identifier: EPL-2.0 */
#include "api/query.h"

#include "api/key_list.h"
#include "base/base.h"
#include "codec/percent.h"

static enum refusal
decode_parameter(struct str raw, struct arena *a, struct str *out)
{
	switch (percent_decode(raw, PERCENT_QUERY, a, out)) {
	case PERCENT_OK:
		return REFUSAL_NONE;
	case PERCENT_MALFORMED:
		return REFUSAL_BAD_ESCAPE;
	case PERCENT_NOT_TEXT:
		return REFUSAL_NOT_TEXT;
	case PERCENT_NO_MEMORY:
		break;
	}
	return REFUSAL_HEADERS_TOO_LARGE;
}

static enum refusal
read_limit(struct str s, unsigned *limit)
{
	unsigned n = 0;

	for (size_t i = 0; i < s.n; i++) {
		if (!str_is_digit(s.p[i]) || n > KEY_LIST_MAX_LIMIT)
			return REFUSAL_BAD_LIMIT;
		n = n * 10 + (unsigned)(s.p[i] - '0');
	}
	if (n < 1 || n > KEY_LIST_MAX_LIMIT)
		return REFUSAL_BAD_LIMIT;
	*limit = n;
	return REFUSAL_NONE;
}

enum parameter {
#define X(name, text, lists) PARAMETER_##name,
	QUERY_PARAMETERS(X)
#undef X
	    PARAMETERS,
};

static const struct {
	struct str name;
	unsigned lists;
} parameters[] = {
#define X(name, text, lists) { STR_INIT(text), lists },
	QUERY_PARAMETERS(X)
#undef X
};

/* One "name=value", of which *value is where it belongs. */
static enum refusal
read_pair(struct str pair, enum query_list list, struct arena *a, struct str values[PARAMETERS])
{
	struct str name, value;
	enum refusal refusal;

	(void)str_cut(pair, '=', &name, &value);
	refusal = decode_parameter(name, a, &name);
	if (refusal != REFUSAL_NONE)
		return refusal == REFUSAL_HEADERS_TOO_LARGE ? refusal : REFUSAL_NONE;
	for (size_t i = 0; i < PARAMETERS; i++) {
		if (!str_eq(name, parameters[i].name))
			continue;
		if ((parameters[i].lists & list) == 0)
			return list == QUERY_KEYS_V1 ? REFUSAL_NONE : REFUSAL_OTHER_PARAMETER;
		if (values[i].p != NULL)
			return REFUSAL_REPEATED_PARAMETER;
		return decode_parameter(value.p != NULL ? value : STR(""), a, &values[i]);
	}
	return REFUSAL_NONE;
}

static enum refusal
read_include(struct str value, enum query_list list, enum store_list *what)
{
	static const struct {
		struct str value;
		enum query_list list;
		enum store_list what;
	} includes[] = {
#define X(value, list, what) { STR_INIT(value), list, what },
		QUERY_INCLUDES(X)
#undef X
	};

	for (size_t i = 0; i < ARRAY_SIZE(includes); i++)
		if (includes[i].list == list && str_eq(value, includes[i].value)) {
			*what = includes[i].what;
			return REFUSAL_NONE;
		}
	return REFUSAL_BAD_INCLUDE;
}

static enum store_list
plain_list(enum query_list list)
{
	if (list == QUERY_NAMESPACES)
		return STORE_LIST_NAMESPACES;
	return list == QUERY_WORKSPACES ? STORE_LIST_WORKSPACES : STORE_LIST_KEYS;
}

enum refusal
query_read(struct str raw, enum query_list list, struct arena *a, struct query *q)
{
	struct str values[PARAMETERS] = { { NULL, 0 } }, pair;
	enum refusal refusal = REFUSAL_NONE;

	*q = (struct query){ .list = plain_list(list) };
	while (raw.p != NULL && refusal == REFUSAL_NONE) {
		(void)str_cut(raw, '&', &pair, &raw);
		refusal = read_pair(pair, list, a, values);
	}
	q->prefix = values[PARAMETER_PREFIX];
	q->end = values[PARAMETER_END];
	if (refusal != REFUSAL_NONE)
		return refusal;
	if (values[PARAMETER_CURSOR].p != NULL && !key_list_read_cursor(values[PARAMETER_CURSOR], a, &q->after))
		return REFUSAL_BAD_CURSOR;
	if (values[PARAMETER_INCLUDE].p != NULL)
		refusal = read_include(values[PARAMETER_INCLUDE], list, &q->list);
	if (refusal == REFUSAL_NONE && values[PARAMETER_LIMIT].p != NULL)
		refusal = read_limit(values[PARAMETER_LIMIT], &q->limit);
	return refusal;
}
