/* SPDX-License-Identifier: EPL-2.0 */
#include "base/buf.h"

#include "lib/tap.h"

/* For the sanitizers' allocators, which else end the program where malloc answers NULL. */
const char *__asan_default_options(void);
const char *__tsan_default_options(void);

const char *
__asan_default_options(void)
{
	return "allocator_may_return_null=1";
}

const char *
__tsan_default_options(void)
{
	return "allocator_may_return_null=1";
}

static void
puts_text(void)
{
	struct buf b;

	buf_init(&b, 1000);
	tap_int(b.cap, 0, "takes no memory yet");
	tap_text(buf_str(&b), STR(""), "is empty, not absent");
	buf_put(&b, NULL, 0);
	buf_puts(&b, STR_ABSENT);
	tap_text(buf_str(&b), STR(""), "nothing put");
	buf_put(&b, "a\0b", 3);
	buf_putc(&b, 'c');
	buf_puts(&b, STR("de"));
	buf_printf(&b, "%03d%s", 7, "");
	tap_text(buf_str(&b), STR("a\0bcde007"), "put, putc, puts, printf");
	buf_drop(&b, 0);
	buf_drop(&b, 2);
	tap_text(buf_str(&b), STR("bcde007"), "drop");
	buf_drop(&b, 7);
	tap_text(buf_str(&b), STR(""), "drop all");
	buf_puts(&b, STR("x"));
	tap_text(buf_str(&b), STR("x"), "put after drop");
	buf_free(&b);
	tap_int(b.cap, 0, "free");
	buf_puts(&b, STR("again"));
	tap_text(buf_str(&b), STR("again"), "used again after free");
	tap_ok(buf_ok(&b), "ok");
	buf_free(&b);
}

static void
fill(struct buf *b, size_t max, size_t n)
{
	buf_init(b, max);
	for (size_t i = 0; i < n; i++)
		buf_putc(b, 'x');
}

static void
ceiling(void)
{
	static const size_t maxima[] = { 0, 1, 2, 255, 256, 257, 300, 511, 512, 1000 };
	struct buf b;

	for (size_t i = 0; i < COUNT(maxima); i++) {
		size_t max = maxima[i];

		fill(&b, max, max);
		tap_ok(buf_ok(&b) && b.n == max, "max %zu: byte by byte to the ceiling", max);
		tap_ok(b.cap <= max, "max %zu: and no more memory", max);
		buf_printf(&b, "%s", "");
		tap_ok(buf_ok(&b), "max %zu: the NUL of printf does not count", max);
		buf_putc(&b, 'y');
		tap_ok(!buf_ok(&b) && b.n == max, "max %zu: one more fails", max);
		buf_put(&b, NULL, 0);
		tap_ok(!buf_ok(&b), "max %zu: and stays failed", max);
		buf_free(&b);

		buf_init(&b, max);
		buf_printf(&b, "%*s", (int)max, "");
		tap_ok(buf_ok(&b) && b.n == max, "max %zu: printf up to the ceiling", max);
		buf_clear(&b);
		buf_printf(&b, "%*s", (int)max + 1, "");
		tap_ok(!buf_ok(&b) && b.n == 0, "max %zu: printf above it fails whole", max);
		buf_free(&b);
	}
}

static void
sticks(void)
{
	struct buf b;

	buf_init(&b, 4);
	buf_puts(&b, STR("abc"));
	buf_puts(&b, STR("de"));
	buf_puts(&b, STR("f"));
	buf_putc(&b, 'g');
	buf_printf(&b, "%d", 1);
	tap_ok(buf_reserve(&b, 1) == NULL, "reserve fails after a failure");
	tap_text(buf_str(&b), STR("abc"), "puts after a failure leave no hole");
	buf_clear(&b);
	tap_ok(buf_ok(&b), "clear ends the failure");
	tap_text(buf_str(&b), STR(""), "clear empties");
	buf_puts(&b, STR("wxyz"));
	tap_text(buf_str(&b), STR("wxyz"), "used again after clear");
	buf_putc(&b, '!');
	buf_free(&b);
	tap_ok(buf_ok(&b), "free ends the failure");
	tap_int(b.max, 4, "free keeps the ceiling");
}

static void
reserves(void)
{
	struct buf b;

	buf_init(&b, 1000);
	tap_ok(buf_reserve(&b, 0) != NULL, "reserve 0 of an empty buffer is no failure");
	buf_puts(&b, STR("ab"));
	char *p = buf_reserve(&b, 998);
	tap_ok(p == b.p + 2, "room stands behind the bytes");
	if (p != NULL)
		memset(p, 'z', 998);
	tap_int(b.n, 2, "reserved is not in use");
	buf_grew(&b, 3);
	tap_text(buf_str(&b), STR("abzzz"), "grew");
	tap_ok(buf_reserve(&b, 995) != NULL, "reserve to the ceiling");
	tap_ok(buf_reserve(&b, 996) == NULL && !buf_ok(&b), "reserve above it fails");
	buf_free(&b);
}

/* A body that arrives in pieces is not moved more often than doubling does it. */
static void
grows(void)
{
	const size_t body = 2000000;
	char piece[8192] = { 0 };
	size_t cap = 0, steps = 0;
	struct buf b;

	buf_init(&b, body + 1);
	while (b.n < body) {
		buf_put(&b, piece, body - b.n < sizeof(piece) ? body - b.n : sizeof(piece));
		steps += b.cap != cap;
		cap = b.cap;
	}
	tap_ok(buf_ok(&b) && b.n == body, "holds a body of 2 MB");
	tap_ok(steps <= 14, "grown in %zu steps", steps);
	tap_ok(b.cap <= body + 1, "no more memory than the ceiling");
	buf_free(&b);
}

static void
no_memory(void)
{
	volatile size_t huge = SIZE_MAX / 4; /* not for the compiler to see */
	struct buf b;

	buf_init(&b, SIZE_MAX);
	buf_puts(&b, STR("a"));
	tap_ok(buf_reserve(&b, huge) == NULL, "malloc's failure is a failure");
	tap_ok(!buf_ok(&b), "and sticks");
	tap_text(buf_str(&b), STR("a"), "and what was there stays");
	buf_clear(&b);
	buf_printf(&b, "%*d", 1000, 1);
	tap_ok(buf_ok(&b) && b.n == 1000, "printf under the largest ceiling");
	tap_ok(buf_reserve(&b, SIZE_MAX) == NULL, "no overflow under the largest ceiling");
	buf_free(&b);
}

int
main(void)
{
	puts_text();
	ceiling();
	sticks();
	reserves();
	grows();
	no_memory();
	return tap_end();
}
