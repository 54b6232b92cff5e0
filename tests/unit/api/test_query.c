/* SPDX-License-Identifier: EPL-2.0 */
#include "api/query.h"

#include "lib/tap.h"

#define CAP 65536

static const struct {
	struct str raw, prefix, after;
	unsigned limit;
} good[] = {
	{ { NULL, 0 }, { NULL, 0 }, { NULL, 0 }, 0 },
	{ TEXT(""), { NULL, 0 }, { NULL, 0 }, 0 },
	{ TEXT("&"), { NULL, 0 }, { NULL, 0 }, 0 },
	{ TEXT("prefix"), TEXT(""), { NULL, 0 }, 0 },
	{ TEXT("prefix="), TEXT(""), { NULL, 0 }, 0 },
	{ TEXT("prefix=a"), TEXT("a"), { NULL, 0 }, 0 },
	{ TEXT("prefix=a%25_%2F"), TEXT("a%_/"), { NULL, 0 }, 0 },
	{ TEXT("prefix=a+b%20c%2B"), TEXT("a b c+"), { NULL, 0 }, 0 },
	{ TEXT("prefix=a%26b%3Dc"), TEXT("a&b=c"), { NULL, 0 }, 0 },
	{ TEXT("prefix=a=b=c"), TEXT("a=b=c"), { NULL, 0 }, 0 },
	{ TEXT("prefix=%c3%a4"), TEXT("\xc3\xa4"), { NULL, 0 }, 0 },
	{ TEXT("pre%66ix=a"), TEXT("a"), { NULL, 0 }, 0 },
	{ TEXT("&&prefix=a&"), TEXT("a"), { NULL, 0 }, 0 },
	{ TEXT("x=1&prefix=a&x=2&y&=z"), TEXT("a"), { NULL, 0 }, 0 },
	{ TEXT("Prefix=a&prefixx=b&prefi=c"), { NULL, 0 }, { NULL, 0 }, 0 },
	/* Unknown parameters are ignored whatever they hold. */
	{ TEXT("x=%zz&y=%00&%zz=1&%ff=1&prefix=a"), TEXT("a"), { NULL, 0 }, 0 },
	{ TEXT("limit=1"), { NULL, 0 }, { NULL, 0 }, 1 },
	{ TEXT("limit=10000"), { NULL, 0 }, { NULL, 0 }, 10000 },
	{ TEXT("limit=007"), { NULL, 0 }, { NULL, 0 }, 7 },
	{ TEXT("limit=%31"), { NULL, 0 }, { NULL, 0 }, 1 },
	{ TEXT("cursor=kaw"), { NULL, 0 }, TEXT("k"), 0 },
	{ TEXT("cursor=k%61%32s"), { NULL, 0 }, TEXT("kk"), 0 },
	{ TEXT("cursor=kw6Q"), { NULL, 0 }, TEXT("\xc3\xa4"), 0 },
	{ TEXT("cursor=kaw&limit=2&prefix=p"), TEXT("p"), TEXT("k"), 2 },
};

static const struct {
	struct str raw;
	enum refusal refusal;
} bad[] = {
	{ TEXT("prefix=a&prefix=b"), REFUSAL_REPEATED_PARAMETER },
	{ TEXT("prefix=a&prefix=a"), REFUSAL_REPEATED_PARAMETER },
	{ TEXT("prefix&prefix"), REFUSAL_REPEATED_PARAMETER },
	{ TEXT("prefix=&prefix=a"), REFUSAL_REPEATED_PARAMETER },
	{ TEXT("prefix=a&pre%66ix=b"), REFUSAL_REPEATED_PARAMETER },
	{ TEXT("limit=1&limit=1"), REFUSAL_REPEATED_PARAMETER },
	{ TEXT("cursor=kaw&cursor=kaw"), REFUSAL_REPEATED_PARAMETER },
	{ TEXT("prefix=%"), REFUSAL_BAD_ESCAPE },
	{ TEXT("prefix=%6"), REFUSAL_BAD_ESCAPE },
	{ TEXT("prefix=%zz"), REFUSAL_BAD_ESCAPE },
	{ TEXT("limit=%zz"), REFUSAL_BAD_ESCAPE },
	{ TEXT("cursor=%6x"), REFUSAL_BAD_ESCAPE },
	{ TEXT("prefix=%00"), REFUSAL_NOT_TEXT },
	{ TEXT("prefix=%ff"), REFUSAL_NOT_TEXT },
	{ TEXT("prefix=%c3"), REFUSAL_NOT_TEXT },
	{ TEXT("prefix=%ed%a0%80"), REFUSAL_NOT_TEXT },
	{ TEXT("limit"), REFUSAL_BAD_LIMIT },
	{ TEXT("limit="), REFUSAL_BAD_LIMIT },
	{ TEXT("limit=0"), REFUSAL_BAD_LIMIT },
	{ TEXT("limit=000"), REFUSAL_BAD_LIMIT },
	{ TEXT("limit=10001"), REFUSAL_BAD_LIMIT },
	{ TEXT("limit=100000"), REFUSAL_BAD_LIMIT },
	{ TEXT("limit=4294967297"), REFUSAL_BAD_LIMIT },
	{ TEXT("limit=18446744073709551617"), REFUSAL_BAD_LIMIT },
	{ TEXT("limit=-1"), REFUSAL_BAD_LIMIT },
	{ TEXT("limit=+1"), REFUSAL_BAD_LIMIT },
	{ TEXT("limit=1+"), REFUSAL_BAD_LIMIT },
	{ TEXT("limit=1:"), REFUSAL_BAD_LIMIT },
	{ TEXT("limit=1/"), REFUSAL_BAD_LIMIT },
	{ TEXT("limit=all"), REFUSAL_BAD_LIMIT },
	{ TEXT("cursor"), REFUSAL_BAD_CURSOR },
	{ TEXT("cursor="), REFUSAL_BAD_CURSOR },
	{ TEXT("cursor=k"), REFUSAL_BAD_CURSOR },
	{ TEXT("cursor=6"), REFUSAL_BAD_CURSOR },
	{ TEXT("cursor=6b6"), REFUSAL_BAD_CURSOR },
	{ TEXT("cursor=6g"), REFUSAL_BAD_CURSOR },
	{ TEXT("cursor=00"), REFUSAL_BAD_CURSOR },
	{ TEXT("cursor=ff"), REFUSAL_BAD_CURSOR },
	{ TEXT("cursor=6b00"), REFUSAL_BAD_CURSOR },
};

static void
accepts(struct arena *a)
{
	for (size_t i = 0; i < COUNT(good); i++) {
		const char *shown = tap_show(good[i].raw);
		struct query q;

		tap_int(query_read(tap_edge(good[i].raw), QUERY_KEYS_V1, a, &q), REFUSAL_NONE, "%s", shown);
		tap_text(q.prefix, good[i].prefix, "%s: prefix", shown);
		tap_text(q.after, good[i].after, "%s: after", shown);
		tap_int(q.limit, good[i].limit, "%s: limit", shown);
		arena_reset(a);
	}
}

static void
refuses(struct arena *a)
{
	for (size_t i = 0; i < COUNT(bad); i++) {
		struct query q;

		tap_text(refusal_name(query_read(tap_edge(bad[i].raw), QUERY_KEYS_V1, a, &q)),
		    refusal_name(bad[i].refusal), "%s", tap_show(bad[i].raw));
		arena_reset(a);
	}
}

/* Which parameters each list takes. */
static void
depends_on_the_list(struct arena *a)
{
	static const struct {
		enum query_list list;
		struct str raw;
		enum refusal refusal;
		enum store_list what;
		struct str end;
	} rows[] = {
		{ QUERY_KEYS, TEXT(""), REFUSAL_NONE, STORE_LIST_KEYS, { NULL, 0 } },
		{ QUERY_KEYS, TEXT("include=metadata"), REFUSAL_NONE, STORE_LIST_METADATA, { NULL, 0 } },
		{ QUERY_KEYS, TEXT("inc%6Cude=metadat%61"), REFUSAL_NONE, STORE_LIST_METADATA, { NULL, 0 } },
		{ QUERY_KEYS, TEXT("end=m&include=values"), REFUSAL_NONE, STORE_LIST_VALUES, TEXT("m") },
		{ QUERY_KEYS, TEXT("include"), REFUSAL_BAD_INCLUDE, 0, { NULL, 0 } },
		{ QUERY_KEYS, TEXT("include="), REFUSAL_BAD_INCLUDE, 0, { NULL, 0 } },
		{ QUERY_KEYS, TEXT("include=counts"), REFUSAL_BAD_INCLUDE, 0, { NULL, 0 } },
		{ QUERY_KEYS, TEXT("include=Metadata"), REFUSAL_BAD_INCLUDE, 0, { NULL, 0 } },
		{ QUERY_KEYS, TEXT("include=metadata,values"), REFUSAL_BAD_INCLUDE, 0, { NULL, 0 } },
		{ QUERY_KEYS, TEXT("include=metadata+"), REFUSAL_BAD_INCLUDE, 0, { NULL, 0 } },
		{ QUERY_KEYS, TEXT("include=%00"), REFUSAL_NOT_TEXT, 0, { NULL, 0 } },
		{ QUERY_KEYS, TEXT("include=%zz"), REFUSAL_BAD_ESCAPE, 0, { NULL, 0 } },
		{ QUERY_KEYS, TEXT("include=values&include=values"), REFUSAL_REPEATED_PARAMETER, 0, { NULL, 0 } },
		{ QUERY_KEYS, TEXT("end=a&end=b"), REFUSAL_REPEATED_PARAMETER, 0, { NULL, 0 } },
		{ QUERY_KEYS, TEXT("end=%ff"), REFUSAL_NOT_TEXT, 0, { NULL, 0 } },
		/* v1 is as in the original, to which these are unknown. */
		{ QUERY_KEYS_V1, TEXT("include=values&include=%zz&end=a&end=b"), REFUSAL_NONE, STORE_LIST_KEYS,
		    { NULL, 0 } },
		{ QUERY_NAMESPACES, TEXT("x=1"), REFUSAL_NONE, STORE_LIST_NAMESPACES, { NULL, 0 } },
		{ QUERY_NAMESPACES, TEXT("limit=2&cursor=kaw&include=counts"), REFUSAL_NONE, STORE_LIST_COUNTS,
		    { NULL, 0 } },
		{ QUERY_NAMESPACES, TEXT("include=values"), REFUSAL_BAD_INCLUDE, 0, { NULL, 0 } },
		{ QUERY_NAMESPACES, TEXT("prefix=a"), REFUSAL_OTHER_PARAMETER, 0, { NULL, 0 } },
		{ QUERY_NAMESPACES, TEXT("end=a"), REFUSAL_OTHER_PARAMETER, 0, { NULL, 0 } },
		{ QUERY_WORKSPACES, TEXT("limit=2&cursor=kaw"), REFUSAL_NONE, STORE_LIST_WORKSPACES, { NULL, 0 } },
		{ QUERY_WORKSPACES, TEXT("include=counts"), REFUSAL_OTHER_PARAMETER, 0, { NULL, 0 } },
		{ QUERY_WORKSPACES, TEXT("prefix=a"), REFUSAL_OTHER_PARAMETER, 0, { NULL, 0 } },
	};

	for (size_t i = 0; i < COUNT(rows); i++) {
		const char *shown = tap_show(rows[i].raw);
		struct query q;
		enum refusal refusal = query_read(tap_edge(rows[i].raw), rows[i].list, a, &q);

		tap_text(refusal_name(refusal), refusal_name(rows[i].refusal), "%s of list %u", shown, rows[i].list);
		if (refusal == REFUSAL_NONE) {
			tap_int(q.list, rows[i].what, "%s of list %u: what", shown, rows[i].list);
			tap_text(q.end, rows[i].end, "%s of list %u: end", shown, rows[i].list);
		}
		arena_reset(a);
	}
}

static void
without_memory(void)
{
	struct arena a;
	struct query q;

	arena_init(&a, 0);
	tap_int(query_read(STR("prefix=a"), QUERY_KEYS, &a, &q), REFUSAL_NONE, "no memory: none needed");
	tap_int(query_read(STR("prefix=%41"), QUERY_KEYS, &a, &q), REFUSAL_HEADERS_TOO_LARGE, "no memory to decode");
	arena_free(&a);
}

int
main(void)
{
	struct arena a;

	arena_init(&a, CAP);
	accepts(&a);
	refuses(&a);
	depends_on_the_list(&a);
	arena_free(&a);
	without_memory();
	return tap_end();
}
