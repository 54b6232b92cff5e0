/* SPDX-License-Identifier: EPL-2.0 */
#include "migrate/backend.h"

#include <time.h>

void
migrate_applied_on(char out[MIGRATE_APPLIED_ON_SIZE])
{
	struct timespec now;
	struct tm tm;
	char day[24], fraction[16];
	size_t n = 10;

	(void)clock_gettime(CLOCK_REALTIME, &now);
	(void)gmtime_r(&now.tv_sec, &tm);
	(void)strftime(day, sizeof(day), "%Y-%m-%dT%H:%M:%S", &tm);
	(void)snprintf(fraction, sizeof(fraction), ".%09ld", now.tv_nsec);
	while (n > 0 && (fraction[n - 1] == '0' || fraction[n - 1] == '.'))
		n--;
	(void)snprintf(out, MIGRATE_APPLIED_ON_SIZE, "%s%.*sZ", day, (int)n, fraction);
}
