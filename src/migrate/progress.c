/* SPDX-License-Identifier: EPL-2.0 */
#include "migrate/progress.h"

#include <time.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/log.h"

#define SHOW_NS (5 * CLOCK_S)

void
migrate_progress_begin(struct migrate_progress *p, const char *what)
{
	*p = (struct migrate_progress){ .what = what, .began = clock_mono(), .shown = clock_mono() };
}

bool
migrate_progress_is_due(struct migrate_progress *p)
{
	int64_t now = clock_mono();

	if (now - p->shown < SHOW_NS || !isatty(STDERR_FILENO))
		return false;
	p->shown = now;
	return true;
}

int64_t
migrate_progress_rate(const struct migrate_progress *p, int64_t rows)
{
	return (int64_t)((double)rows * CLOCK_S / (double)(clock_mono() - p->began + 1));
}

void
migrate_progress_show(struct migrate_progress *p, int64_t rows, int64_t of)
{
	if (migrate_progress_is_due(p))
		log_event(LOG_INFO, p->what, log_number("rows", rows), of >= 0 ? log_number("of", of) : log_nothing(),
		    log_number("rows_per_s", migrate_progress_rate(p, rows)));
}

int64_t
migrate_progress_ms(const struct migrate_progress *p)
{
	return (clock_mono() - p->began) / CLOCK_MS;
}

void
migrate_progress_pause(int64_t rows, unsigned rate)
{
	int64_t pause = rate > 0 ? rows * CLOCK_S / rate : 0;
	struct timespec t = { .tv_sec = pause / CLOCK_S, .tv_nsec = pause % CLOCK_S };

	if (pause > 0)
		(void)nanosleep(&t, NULL);
}
