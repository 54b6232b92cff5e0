/* SPDX-License-Identifier: EPL-2.0 */
#include "base/date.h"

#define US_PER_S   1000000
#define S_PER_DAY  86400
#define ERA_YEARS  400    /* after which the calendar repeats itself */
#define ERA_DAYS   146097 /* in that time */
#define EPOCH_DAYS 719468 /* from 0000-03-01 to 1970-01-01 */

struct date {
	unsigned year, month, day;
	unsigned weekday; /* 0: Sunday */
	unsigned hour, minute, second, micros;
};

/*
 * A year of this calculation begins in March, so that the day that a leap year has more is its last one.  Then the
 * months before month m (0: March) have (153 m + 2) / 5 days.
 */
static void
set_day(struct date *d, unsigned days)
{
	unsigned era = days / ERA_DAYS, of_era = days % ERA_DAYS;
	unsigned year = (of_era - of_era / 1460 + of_era / 36524 - of_era / (ERA_DAYS - 1)) / 365;
	unsigned of_year = of_era - (365 * year + year / 4 - year / 100);
	unsigned month = (5 * of_year + 2) / 153;

	d->day = of_year - (153 * month + 2) / 5 + 1;
	d->month = month < 10 ? month + 3 : month - 9;
	d->year = era * ERA_YEARS + year + (month >= 10);
	d->weekday = (days + 3) % 7; /* 0000-03-01 was a Wednesday */
}

static struct date
date_of(int64_t time)
{
	int64_t since_era = time + (int64_t)EPOCH_DAYS * S_PER_DAY * US_PER_S;
	unsigned of_day = (unsigned)(since_era / US_PER_S % S_PER_DAY);
	struct date d = {
		.hour = of_day / 3600,
		.minute = of_day / 60 % 60,
		.second = of_day % 60,
		.micros = (unsigned)(since_era % US_PER_S),
	};

	set_day(&d, (unsigned)(since_era / US_PER_S / S_PER_DAY));
	return d;
}

static void
put_padded(struct buf *out, unsigned n, unsigned count)
{
	char text[8];

	for (unsigned i = count; i-- > 0; n /= 10)
		text[i] = (char)('0' + n % 10);
	buf_put(out, text, count);
}

static void
put_time_of_day(struct buf *out, const struct date *d)
{
	put_padded(out, d->hour, 2);
	buf_putc(out, ':');
	put_padded(out, d->minute, 2);
	buf_putc(out, ':');
	put_padded(out, d->second, 2);
}

void
date_put_http(struct buf *out, int64_t time)
{
	static const char days[] = "SunMonTueWedThuFriSat", months[] = "JanFebMarAprMayJunJulAugSepOctNovDec";
	struct date d = date_of(time);

	buf_put(out, days + 3 * d.weekday, 3);
	buf_puts(out, STR(", "));
	put_padded(out, d.day, 2);
	buf_putc(out, ' ');
	buf_put(out, months + 3 * (d.month - 1), 3);
	buf_putc(out, ' ');
	put_padded(out, d.year, 4);
	buf_putc(out, ' ');
	put_time_of_day(out, &d);
	buf_puts(out, STR(" GMT"));
}

void
date_put_rfc3339(struct buf *out, int64_t time)
{
	struct date d = date_of(time);

	put_padded(out, d.year, 4);
	buf_putc(out, '-');
	put_padded(out, d.month, 2);
	buf_putc(out, '-');
	put_padded(out, d.day, 2);
	buf_putc(out, 'T');
	put_time_of_day(out, &d);
	buf_putc(out, '.');
	put_padded(out, d.micros, 6);
	buf_putc(out, 'Z');
}
