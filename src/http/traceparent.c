/* SPDX-License-Identifier: EPL-2.0 */
#include "http/traceparent.h"

#define LENGTH 55 /* "00-", 32 digits, "-", 16 digits, "-", 2 digits */

static bool
is_hex(struct str s)
{
	for (size_t i = 0; i < s.n; i++)
		if (!((s.p[i] >= '0' && s.p[i] <= '9') || (s.p[i] >= 'a' && s.p[i] <= 'f')))
			return false;
	return true;
}

static bool
is_odd_digit(char digit)
{
	return ((digit <= '9' ? digit - '0' : digit - 'a' + 10) & 1) != 0;
}

static bool
is_zero(struct str s)
{
	for (size_t i = 0; i < s.n; i++)
		if (s.p[i] != '0')
			return false;
	return true;
}

/* Section 4.3: a later version may have more after a dash. */
static bool
length_is_good(struct str field, struct str version)
{
	if (field.n == LENGTH)
		return true;
	return field.n > LENGTH && field.p[LENGTH] == '-' && !str_eq(version, STR("00"));
}

struct traceparent
traceparent_parse(struct str field)
{
	struct traceparent none = { .trace_id = STR_ABSENT }, t = none;
	struct str version = str_first(field, 2), flags;

	if (!length_is_good(field, version) || field.p[2] != '-' || field.p[35] != '-' || field.p[52] != '-')
		return none;
	t.trace_id = str_from(field.p + 3, 32);
	t.parent_id = str_from(field.p + 36, 16);
	flags = str_from(field.p + 53, 2);
	if (!is_hex(version) || str_eq(version, STR("ff")) || !is_hex(t.trace_id) || is_zero(t.trace_id) ||
	    !is_hex(t.parent_id) || is_zero(t.parent_id) || !is_hex(flags))
		return none;
	t.sampled = is_odd_digit(flags.p[1]);
	return t;
}
