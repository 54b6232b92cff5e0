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

enum refusal
query_read(struct str raw, struct arena *a, struct query *q)
{
	struct str limit = STR_ABSENT, cursor = STR_ABSENT;
	const struct {
		struct str name;
		struct str *value;
	} known[] = { { STR("prefix"), &q->prefix }, { STR("limit"), &limit }, { STR("cursor"), &cursor } };

	*q = (struct query){ .limit = 0 };
	while (raw.p != NULL) {
		struct str pair, name, value;
		enum refusal refusal;

		(void)str_cut(raw, '&', &pair, &raw);
		(void)str_cut(pair, '=', &name, &value);
		refusal = decode_parameter(name, a, &name);
		if (refusal == REFUSAL_HEADERS_TOO_LARGE)
			return refusal;
		if (refusal != REFUSAL_NONE)
			continue;
		for (size_t i = 0; i < ARRAY_SIZE(known); i++) {
			if (!str_eq(name, known[i].name))
				continue;
			if (known[i].value->p != NULL)
				return REFUSAL_REPEATED_PARAMETER;
			refusal = decode_parameter(value.p != NULL ? value : STR(""), a, known[i].value);
			if (refusal != REFUSAL_NONE)
				return refusal;
		}
	}
	if (cursor.p != NULL && !key_list_read_cursor(cursor, a, &q->after))
		return REFUSAL_BAD_CURSOR;
	return limit.p != NULL ? read_limit(limit, &q->limit) : REFUSAL_NONE;
}
