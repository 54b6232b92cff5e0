/* SPDX-License-Identifier: EPL-2.0 */
#include "base/arena.h"

#include <stdalign.h>

#include "lib/tap.h"

#define CAP        32768
#define KEPT_LIMIT 4096 /* what a parked connection may cost */

static void
lends(void)
{
	static const size_t sizes[] = { 0, 1, 2, 15, 16, 17, 31, 100, 4000, 4080, 4081, 5000, 1, 0, 3 };
	unsigned char *p[COUNT(sizes)];
	struct arena a;
	bool aligned = true, apart = true;

	arena_init(&a, CAP);
	tap_int(a.total, 0, "takes no memory yet");
	for (size_t i = 0; i < COUNT(sizes); i++) {
		p[i] = arena_alloc(&a, sizes[i]);
		if (!tap_ok(p[i] != NULL, "lends %zu bytes", sizes[i]))
			tap_bail("arena_alloc");
		aligned = aligned && (uintptr_t)p[i] % alignof(max_align_t) == 0;
		memset(p[i], (int)i + 1, sizes[i]);
	}
	for (size_t i = 0; i < COUNT(sizes); i++)
		for (size_t j = 0; j < sizes[i]; j++)
			apart = apart && p[i][j] == i + 1;
	tap_ok(aligned, "aligned for any type");
	tap_ok(apart, "no loan overlaps another");
	tap_ok(a.total <= CAP, "within the cap");
	arena_free(&a);
}

/* Takes pieces of n until the arena refuses; the bytes lent. */
static size_t
exhaust(struct arena *a, size_t n)
{
	size_t lent = 0;

	while (lent <= 2 * a->cap && arena_alloc(a, n) != NULL) {
		lent += n;
		if (a->total > a->cap)
			tap_ok(false, "total above the cap");
	}
	return lent;
}

static void
cap(void)
{
	static const size_t pieces[] = { 1, 16, 100, 1000, 4096, 9000, 30000 };
	struct arena a;

	for (size_t i = 0; i < COUNT(pieces); i++) {
		arena_init(&a, CAP);
		size_t lent = exhaust(&a, pieces[i]);
		tap_ok(lent > 0 && lent <= CAP, "pieces of %zu end at the cap", pieces[i]);
		arena_reset(&a);
		tap_ok(a.total <= KEPT_LIMIT, "reset keeps a small chunk at most");
		tap_ok(exhaust(&a, pieces[i]) > 0, "pieces of %zu are lent again after the reset", pieces[i]);
		arena_free(&a);
		tap_int(a.total, 0, "free gives all back");
		tap_int(exhaust(&a, pieces[i]), (int64_t)lent, "and the arena is as new");
		arena_free(&a);
	}
}

static void
refuses(void)
{
	static const size_t sizes[] = { CAP, CAP + 1, SIZE_MAX, SIZE_MAX - 15, SIZE_MAX / 2 };
	struct arena a;

	arena_init(&a, CAP);
	for (size_t i = 0; i < COUNT(sizes); i++)
		tap_ok(arena_alloc(&a, sizes[i]) == NULL, "refuses %zu", sizes[i]);
	tap_ok(arena_alloc(&a, 1) != NULL, "a refusal does not stick");
	tap_text(arena_copy(&a, str_from("x", SIZE_MAX)), STR_ABSENT, "copy: no room for the NUL");
	arena_free(&a);

	arena_init(&a, 0);
	tap_ok(arena_alloc(&a, 0) == NULL, "a cap of 0 lends nothing");
	tap_text(arena_copy(&a, STR("a")), STR_ABSENT, "copy: absent on failure");
	tap_text(arena_printf(&a, "%d", 1), STR_ABSENT, "printf: absent on failure");
	arena_free(&a);

	arena_init(&a, SIZE_MAX);
	tap_ok(arena_alloc(&a, SIZE_MAX) == NULL, "no overflow under the largest cap");
	arena_free(&a);
}

static void
copies(void)
{
	static const struct str rows[] = { TEXT(""), TEXT("a"), TEXT("a\0b"), TEXT("0123456789abcdef") };
	struct arena a;

	arena_init(&a, CAP);
	for (size_t i = 0; i < COUNT(rows); i++) {
		struct str copy = arena_copy(&a, tap_edge(rows[i]));
		tap_text(copy, rows[i], "copies %s", tap_show(rows[i]));
		tap_ok(copy.p[copy.n] == '\0', "with a NUL behind");
	}
	tap_text(arena_copy(&a, STR_ABSENT), STR_ABSENT, "a copy of absent is absent");

	struct str s = arena_printf(&a, "%s-%05d", "x", 42);
	tap_text(s, STR("x-00042"), "printf");
	tap_ok(s.p[s.n] == '\0', "printf: with a NUL behind");
	tap_text(arena_printf(&a, "%s", ""), STR(""), "printf: empty is not absent");
	tap_int(arena_printf(&a, "%*d", 6000, 1).n, 6000, "printf: longer than a chunk");
	tap_text(s, STR("x-00042"), "an earlier loan is untouched");
	arena_free(&a);
}

int
main(void)
{
	lends();
	cap();
	refuses();
	copies();
	return tap_end();
}
