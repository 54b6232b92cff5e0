/* SPDX-License-Identifier: EPL-2.0 */
/*
 * tap: the Test Anything Protocol for the unit tests.
 *
 * Each tap_ call prints one "ok N - name" or "not ok N - name" and answers
 * whether it passed; main() returns tap_end(), which prints the plan.  The
 * name is a format with its arguments.  A program that ends early has no plan
 * and so fails.  Inputs in names go through tap_show().
 */
#ifndef HULYKVS_TAP_H
#define HULYKVS_TAP_H

#include <stdint.h>

#include "base/str.h"

/* A slice in a static table, where STR() is no constant. */
#define TEXT(literal) \
	{ \
		"" literal, sizeof(literal) - 1 \
	}

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))

#define tap_ok(pass, ...)        tap_ok_((pass), __FILE__, __LINE__, __VA_ARGS__)
#define tap_int(got, want, ...)  tap_int_((int64_t)(got), (int64_t)(want), __FILE__, __LINE__, __VA_ARGS__)
#define tap_text(got, want, ...) tap_text_((got), (want), __FILE__, __LINE__, __VA_ARGS__)

bool tap_ok_(bool pass, const char *file, int line, const char *name, ...) __attribute__((format(printf, 4, 5)));
bool tap_int_(int64_t got, int64_t want, const char *file, int line, const char *name, ...)
    __attribute__((format(printf, 5, 6)));
bool tap_text_(struct str got, struct str want, const char *file, int line, const char *name, ...)
    __attribute__((format(printf, 5, 6)));

/* s in quotes, printable, without '#' (a directive in TAP), cut if long.  The next three calls keep it. */
const char *tap_show(struct str s);

/* A copy of s at the end of readable memory: to read behind it is a crash.  Borrowed until the next call. */
struct str tap_edge(struct str s);

/* Ends the program with a message that is no test result, for what must not fail. */
_Noreturn void tap_bail(const char *why);

/* The exit status. */
int tap_end(void);

#endif
