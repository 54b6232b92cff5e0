/* SPDX-License-Identifier: EPL-2.0 */
#include "lib/tap.h"

#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <unistd.h>

#define SHOWN     160 /* bytes of a slice in a message */
#define EDGE_SIZE 65536

static int tests, failures;

static bool result(bool pass, const char *file, int line, const char *name, va_list args)
    __attribute__((format(printf, 4, 0)));

static bool
result(bool pass, const char *file, int line, const char *name, va_list args)
{
	printf("%s %d - ", pass ? "ok" : "not ok", ++tests);
	vprintf(name, args);
	putchar('\n');
	if (!pass) {
		failures++;
		printf("# %s:%d\n", file, line);
	}
	return pass;
}

bool
tap_ok_(bool pass, const char *file, int line, const char *name, ...)
{
	va_list args;

	va_start(args, name);
	result(pass, file, line, name, args);
	va_end(args);
	return pass;
}

bool
tap_int_(int64_t got, int64_t want, const char *file, int line, const char *name, ...)
{
	va_list args;

	va_start(args, name);
	if (!result(got == want, file, line, name, args))
		printf("# got  %" PRId64 "\n# want %" PRId64 "\n", got, want);
	va_end(args);
	return got == want;
}

bool
tap_text_(struct str got, struct str want, const char *file, int line, const char *name, ...)
{
	/* Absent and empty are not the same. */
	bool pass = str_eq(got, want) && (got.p == NULL) == (want.p == NULL);
	va_list args;

	va_start(args, name);
	if (!result(pass, file, line, name, args))
		printf("# got  %s\n# want %s\n", tap_show(got), tap_show(want));
	va_end(args);
	return pass;
}

const char *
tap_show(struct str s)
{
	static char shown[4][4 * SHOWN + 8];
	static unsigned turn;
	char *start = shown[turn++ % COUNT(shown)];
	char *p = start;

	if (s.p == NULL)
		return "(absent)";
	*p++ = '"';
	for (size_t i = 0; i < s.n && i < SHOWN; i++) {
		unsigned char c = (unsigned char)s.p[i];
		if (c >= 0x20 && c < 0x7f && c != '#' && c != '\\')
			*p++ = (char)c;
		else
			p += sprintf(p, "\\x%02x", c);
	}
	(void)sprintf(p, s.n > SHOWN ? "\"..." : "\"");
	return start;
}

struct str
tap_edge(struct str s)
{
	static char *edge;

	if (edge == NULL) {
		size_t page = (size_t)sysconf(_SC_PAGESIZE);
		char *p = mmap(NULL, EDGE_SIZE + page, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
		if (p == MAP_FAILED || mprotect(p + EDGE_SIZE, page, PROT_NONE) != 0)
			tap_bail("mmap");
		edge = p + EDGE_SIZE;
	}
	if (s.p == NULL)
		return s;
	if (s.n > EDGE_SIZE)
		tap_bail("tap_edge: too long");
	return str_from(memcpy(edge - s.n, s.p, s.n), s.n);
}

void
tap_bail(const char *why)
{
	printf("Bail out! %s\n", why);
	exit(EXIT_FAILURE);
}

int
tap_end(void)
{
	printf("1..%d\n", tests);
	if (failures > 0)
		printf("# %d of %d failed\n", failures, tests);
	return failures == 0 && tests > 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
