/* SPDX-License-Identifier: EPL-2.0 */
#include "codec/kvlist.h"

#include <stdio.h>

#include "lib/tap.h"

static const struct {
	struct str text;
	bool ok;
	size_t n;
	struct str last_name, last_value;
} rows[] = {
	{ TEXT(""), true, 0, { NULL, 0 }, { NULL, 0 } },
	{ TEXT("a=b"), true, 1, TEXT("a"), TEXT("b") },
	{ TEXT(" a = b , c = d=e "), true, 2, TEXT("c"), TEXT("d=e") },
	{ TEXT("a=b,,c=d,"), true, 2, TEXT("c"), TEXT("d") },
	{ TEXT("a="), true, 1, TEXT("a"), TEXT("") },
	{ TEXT("a%20b=c%2Cd%3D"), true, 1, TEXT("a b"), TEXT("c,d=") },
	{ TEXT("a=1+1"), true, 1, TEXT("a"), TEXT("1+1") },
	{ TEXT("a=Bearer x"), true, 1, TEXT("a"), TEXT("Bearer x") },
	{ TEXT("a=\xc3\xa4"), true, 1, TEXT("a"), TEXT("\xc3\xa4") },
	{ TEXT("a=1,b=2,a=3"), true, 2, TEXT("b"), TEXT("2") },
	{ TEXT("a"), false, 0, { NULL, 0 }, { NULL, 0 } },
	{ TEXT("a=b,c"), false, 0, { NULL, 0 }, { NULL, 0 } },
	{ TEXT("=b"), false, 0, { NULL, 0 }, { NULL, 0 } },
	{ TEXT("a=%"), false, 0, { NULL, 0 }, { NULL, 0 } },
	{ TEXT("a=%4"), false, 0, { NULL, 0 }, { NULL, 0 } },
	{ TEXT("a=%zz"), false, 0, { NULL, 0 }, { NULL, 0 } },
	{ TEXT("a=%00"), false, 0, { NULL, 0 }, { NULL, 0 } },
	{ TEXT("a=b%0d%0ac"), false, 0, { NULL, 0 }, { NULL, 0 } },
	{ TEXT("a=%7f"), false, 0, { NULL, 0 }, { NULL, 0 } },
	{ TEXT("a=%ff"), false, 0, { NULL, 0 }, { NULL, 0 } },
};

static void
lists(void)
{
	for (size_t i = 0; i < COUNT(rows); i++) {
		struct arena a;
		struct kvlist p;

		arena_init(&a, 4096);
		tap_int(kvlist_read(tap_edge(rows[i].text), &a, &p), rows[i].ok, "%s: read", tap_show(rows[i].text));
		if (rows[i].ok) {
			tap_int(p.n, rows[i].n, "%s: pairs", tap_show(rows[i].text));
			tap_text(kvlist_find(&p, rows[i].last_name), rows[i].last_value, "%s: value",
			    tap_show(rows[i].text));
		}
		arena_free(&a);
	}
}

static void
repeated(void)
{
	struct arena a;
	struct kvlist p;

	arena_init(&a, 4096);
	tap_ok(kvlist_read(STR("a=1,b=2,a=3"), &a, &p), "a name that comes twice");
	tap_text(kvlist_find(&p, STR("a")), STR("3"), "has its last value");
	arena_free(&a);
}

static void
limit(void)
{
	char text[8 * (KVLIST_MAX + 1)];
	struct arena a;
	struct kvlist p;
	size_t n = 0;

	for (int i = 0; i < KVLIST_MAX; i++)
		n += (size_t)snprintf(text + n, sizeof(text) - n, "n%d=,", i);
	arena_init(&a, 4096);
	tap_ok(kvlist_read(str_from(text, n), &a, &p), "as many as there may be");
	n += (size_t)snprintf(text + n, sizeof(text) - n, "x=");
	tap_ok(!kvlist_read(str_from(text, n), &a, &p), "one too many");
	arena_free(&a);
}

static void
forgotten(void)
{
	static const struct str text = TEXT("a=plain,b=%73ecret");
	struct str plain, secret;
	struct arena a;
	struct kvlist p;

	arena_init(&a, 4096);
	tap_ok(kvlist_read(text, &a, &p), "a secret");
	plain = kvlist_find(&p, STR("a"));
	secret = kvlist_find(&p, STR("b"));
	tap_text(secret, STR("secret"), "is decoded");
	kvlist_forget(&p, text);
	tap_ok(!str_eq(secret, STR("secret")), "and overwritten");
	tap_text(plain, STR("plain"), "what belongs to others is left alone");
	arena_free(&a);
}

int
main(void)
{
	lists();
	repeated();
	limit();
	forgotten();
	return tap_end();
}
