/* SPDX-License-Identifier: EPL-2.0 */
/*
 * migrate_progress: says on a terminal how far a long command is, and keeps
 * one that works under traffic from working too fast.  For the long commands of
 * this folder.
 */
#ifndef HULYKVS_MIGRATE_PROGRESS_H
#define HULYKVS_MIGRATE_PROGRESS_H

#include <stdbool.h>
#include <stdint.h>

struct migrate_progress {
	const char *what;     /* of the log line; a literal */
	int64_t began, shown; /* monotonic */
};

void migrate_progress_begin(struct migrate_progress *p, const char *what);

/* Whether it is time for a line: every few seconds if standard error is a terminal.  The caller logs it. */
bool migrate_progress_is_due(struct migrate_progress *p);

/* The same, and logs it.  of: how many there are; -1: not known. */
void migrate_progress_show(struct migrate_progress *p, int64_t rows, int64_t of);

/* Rows a second since the beginning. */
int64_t migrate_progress_rate(const struct migrate_progress *p, int64_t rows);

/* Milliseconds since the beginning. */
int64_t migrate_progress_ms(const struct migrate_progress *p);

/* Sleeps for as long as these rows take at so many a second; rate 0: not at all. */
void migrate_progress_pause(int64_t rows, unsigned rate);

#endif
