/* SPDX-License-Identifier: EPL-2.0 */
#include "codec/kvlist.h"

#include <stdint.h>

#include "base/digest.h"
#include "codec/percent.h"

static bool
decode_value(struct str in, struct arena *a, struct str *out)
{
	if (percent_decode(str_trim(in), PERCENT_SEGMENT, a, out) != PERCENT_OK)
		return false;
	for (size_t i = 0; i < out->n; i++)
		if ((unsigned char)out->p[i] < 0x20 || out->p[i] == 0x7f)
			return false;
	return true;
}

static struct kvlist_pair *
find_pair(struct kvlist *p, struct str name)
{
	for (size_t i = 0; i < p->n; i++)
		if (str_eq(p->pair[i].name, name))
			return &p->pair[i];
	return NULL;
}

static bool
take_pair(struct kvlist *p, const struct kvlist_pair *pair)
{
	struct kvlist_pair *place = find_pair(p, pair->name);

	if (place == NULL) {
		if (p->n == KVLIST_MAX)
			return false;
		place = &p->pair[p->n++];
	}
	*place = *pair;
	return true;
}

bool
kvlist_read(struct str s, struct arena *a, struct kvlist *p)
{
	p->n = 0;
	while (s.p != NULL) {
		struct str member, name, value;
		struct kvlist_pair pair;

		(void)str_cut(s, ',', &member, &s);
		if (str_trim(member).n == 0)
			continue;
		if (!str_cut(member, '=', &name, &value) || !decode_value(name, a, &pair.name) ||
		    !decode_value(value, a, &pair.value) || pair.name.n == 0 || !take_pair(p, &pair))
			return false;
	}
	return true;
}

/* Text without escapes was not copied: it lies in s, whose owner overwrites it. */
static void
forget_pair(struct str decoded, struct str s)
{
	uintptr_t at = (uintptr_t)decoded.p, start = (uintptr_t)s.p;

	if (at < start || at > start + s.n)
		digest_cleanse((char *)decoded.p, decoded.n);
}

void
kvlist_forget(struct kvlist *p, struct str s)
{
	for (size_t i = 0; i < p->n; i++) {
		forget_pair(p->pair[i].name, s);
		forget_pair(p->pair[i].value, s);
	}
	p->n = 0;
}

struct str
kvlist_find(const struct kvlist *p, struct str name)
{
	for (size_t i = 0; i < p->n; i++)
		if (str_eq(p->pair[i].name, name))
			return p->pair[i].value;
	return STR_ABSENT;
}
