/* SPDX-License-Identifier: EPL-2.0 */
#include "base/clock.h"

#include <assert.h>
#include <string.h>
#include <time.h>

static struct timespec
now(clockid_t clock)
{
	struct timespec t;
	int rc = clock_gettime(clock, &t);

	assert(rc == 0);
	(void)rc;
	return t;
}

int64_t
clock_mono(void)
{
	struct timespec t = now(CLOCK_MONOTONIC);

	return t.tv_sec * CLOCK_S + t.tv_nsec;
}

int64_t
clock_wall(void)
{
	return now(CLOCK_REALTIME).tv_sec;
}

/* Decimal, zero-filled. */
static char *
put_digits(char *p, int value, int width)
{
	for (int i = width; i-- > 0; value /= 10)
		p[i] = (char)('0' + value % 10);
	return p + width;
}

/* "2026-01-02T03:04:05" */
static void
put_second(char *p, time_t second)
{
	struct tm tm = { 0 };

	gmtime_r(&second, &tm);
	p = put_digits(p, tm.tm_year + 1900, 4);
	*p++ = '-';
	p = put_digits(p, tm.tm_mon + 1, 2);
	*p++ = '-';
	p = put_digits(p, tm.tm_mday, 2);
	*p++ = 'T';
	p = put_digits(p, tm.tm_hour, 2);
	*p++ = ':';
	p = put_digits(p, tm.tm_min, 2);
	*p++ = ':';
	(void)put_digits(p, tm.tm_sec, 2);
}

/* Each thread calls gmtime_r(), which takes a lock of the C library, once a second at most. */
void
clock_text(char out[CLOCK_TEXT_SIZE])
{
	enum { SECOND_LENGTH = 19 };
	static _Thread_local char text[CLOCK_TEXT_SIZE];
	static _Thread_local time_t second = -1;
	struct timespec t = now(CLOCK_REALTIME);

	if (t.tv_sec != second) {
		put_second(text, t.tv_sec);
		text[SECOND_LENGTH] = '.';
		second = t.tv_sec;
	}
	(void)put_digits(text + SECOND_LENGTH + 1, (int)(t.tv_nsec / CLOCK_MS), 3);
	text[CLOCK_TEXT_SIZE - 2] = 'Z';
	memcpy(out, text, CLOCK_TEXT_SIZE);
}
