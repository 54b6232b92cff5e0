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

		tap_int(query_read(tap_edge(good[i].raw), a, &q), REFUSAL_NONE, "%s", shown);
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

		tap_text(refusal_name(query_read(tap_edge(bad[i].raw), a, &q)), refusal_name(bad[i].refusal), "%s",
		    tap_show(bad[i].raw));
		arena_reset(a);
	}
}

static void
without_memory(void)
{
	struct arena a;
	struct query q;

	arena_init(&a, 0);
	tap_int(query_read(STR("prefix=a"), &a, &q), REFUSAL_NONE, "no memory: none needed");
	tap_int(query_read(STR("prefix=%41"), &a, &q), REFUSAL_HEADERS_TOO_LARGE, "no memory to decode");
	arena_free(&a);
}

int
main(void)
{
	struct arena a;

	arena_init(&a, CAP);
	accepts(&a);
	refuses(&a);
	arena_free(&a);
	without_memory();
	return tap_end();
}
