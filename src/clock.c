#include "clock.h"

#include <assert.h>
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

void
clock_text(char out[CLOCK_TEXT_SIZE])
{
	struct timespec t = now(CLOCK_REALTIME);
	struct tm tm = { 0 };
	char *p = out;

	gmtime_r(&t.tv_sec, &tm);
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
	p = put_digits(p, tm.tm_sec, 2);
	*p++ = '.';
	p = put_digits(p, (int)(t.tv_nsec / CLOCK_MS), 3);
	*p++ = 'Z';
	*p = '\0';
}
