/* SPDX-License-Identifier: EPL-2.0 */
/*
 * pace: how long the database takes for a batch at least.  That is the time of
 * the way to it and of its commit, whatever is in the batch: where it is long,
 * several connections hide it; where it is short, one connection with large
 * batches is the fastest.
 *
 * It is the least time of the last PACE_WINDOW to 2 * PACE_WINDOW batches, so
 * that a processor which was busy for a while changes nothing; less the work
 * for each operation, so that large batches do not look like a long way.
 * Used by pipeline and pipeline_pool; keeps no time of its own.
 */
#ifndef HULYKVS_PACE_H
#define HULYKVS_PACE_H

#include <stddef.h>
#include <stdint.h>

#include "base/clock.h"

#define PACE_WINDOW 64            /* batches */
#define PACE_TIME   (CLOCK_S / 2) /* then fewer are a window, too … */
#define PACE_FEWEST 4             /* … but not fewer than so many */

#define PACE_SLOW (1 * CLOCK_MS) /* from here on more than one connection brings something */
#define PACE_SHARE \
	(CLOCK_MS * 2 / 5) /* so much of the least time for each: a batch costs a server about 0.1 ms of work */

struct pace {
	int64_t before; /* the least of the window before; 0: there was none */
	int64_t least;  /* of this window */
	int64_t began;  /* monotonic: when this window began */
	unsigned n;     /* batches in this window */
};

/* A batch of so many tickets was sent and answered at these (monotonic) times. */
void pace_note(struct pace *p, size_t tickets, int64_t sent, int64_t answered);

/* How many connections hide that time: 1 where it is shorter than PACE_SLOW, and until a window is full. */
size_t pace_connections(const struct pace *p);

#endif
