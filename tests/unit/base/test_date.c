/* SPDX-License-Identifier: EPL-2.0 */
#include "base/date.h"

#include <time.h>

#include "lib/tap.h"

#define US INT64_C(1000000)

static void
known_dates(void)
{
	static const struct {
		int64_t time;
		struct str http, rfc3339;
	} rows[] = {
		{ 784111777 * US, TEXT("Sun, 06 Nov 1994 08:49:37 GMT"), TEXT("1994-11-06T08:49:37.000000Z") },
		{ 0, TEXT("Thu, 01 Jan 1970 00:00:00 GMT"), TEXT("1970-01-01T00:00:00.000000Z") },
		{ -1, TEXT("Wed, 31 Dec 1969 23:59:59 GMT"), TEXT("1969-12-31T23:59:59.999999Z") },
		{ 951825600 * US + 7, TEXT("Tue, 29 Feb 2000 12:00:00 GMT"), TEXT("2000-02-29T12:00:00.000007Z") },
		{ -62135596800 * US, TEXT("Mon, 01 Jan 0001 00:00:00 GMT"), TEXT("0001-01-01T00:00:00.000000Z") },
		{ 253402300799 * US + 999999, TEXT("Fri, 31 Dec 9999 23:59:59 GMT"),
		    TEXT("9999-12-31T23:59:59.999999Z") },
	};

	for (size_t i = 0; i < COUNT(rows); i++) {
		struct buf out;

		buf_init(&out, 100);
		date_put_http(&out, rows[i].time);
		tap_text(buf_str(&out), rows[i].http, "%lld for HTTP", (long long)rows[i].time);
		buf_clear(&out);
		date_put_rfc3339(&out, rows[i].time);
		tap_text(buf_str(&out), rows[i].rfc3339, "%lld as in RFC 3339", (long long)rows[i].time);
		buf_free(&out);
	}
}

/* The C library knows the calendar, too: every 37 hours of 800 years are the same. */
static void
agrees_with_gmtime(void)
{
	int differ = 0;
	struct buf out;

	buf_init(&out, 100);
	for (int64_t second = -12622780800; second < 12622780800; second += INT64_C(37) * 3600 + 61) {
		time_t t = (time_t)second;
		char want[64];
		struct tm tm;

		(void)gmtime_r(&t, &tm);
		(void)strftime(want, sizeof(want), "%a, %d %b %Y %H:%M:%S GMT", &tm);
		buf_clear(&out);
		date_put_http(&out, second * US);
		differ += !str_eq(buf_str(&out), str_of(want));
	}
	buf_free(&out);
	tap_int(differ, 0, "dates that differ from those of gmtime_r()");
}

int
main(void)
{
	known_dates();
	agrees_with_gmtime();
	return tap_end();
}
