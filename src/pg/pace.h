/* SPDX-License-Identifier: EPL-2.0 */
/*
 * pace: measures how long the database takes for any batch, even the smallest:
 * the round trip and the commit.  Where this time is long, several connections
 * are faster, because the batches wait at the same time; where it is short, one
 * connection with large batches is the fastest.
 *
 * It is the minimum of the last PACE_WINDOW to 2 * PACE_WINDOW batches, so that
 * it does not grow when a processor is busy for a while.  An estimate of the
 * work for each operation is subtracted, so that it does not grow with the size
 * of the batches.  Used by pipeline and pipeline_pool; reads no clock.
 */
#ifndef HULYKVS_PACE_H
#define HULYKVS_PACE_H

#include <stddef.h>
#include <stdint.h>

#include "base/clock.h"

#define PACE_WINDOW 64            /* batches */
#define PACE_TIME   (CLOCK_S / 2) /* a window ends after this time even if it has fewer batches … */
#define PACE_FEWEST 4             /* … but not fewer than these */

#define PACE_SLOW (1 * CLOCK_MS) /* from this time on, more than one connection is of use */

/* One connection for each such part of the time: a batch costs a server about 0.1 ms of work. */
#define PACE_SHARE (CLOCK_MS * 2 / 5)

struct pace {
	int64_t before; /* the minimum of the previous window; 0: there was none */
	int64_t least;  /* the minimum of this window */
	int64_t began;  /* monotonic: when this window began */
	unsigned n;     /* batches in this window */
};

/* A batch with this number of tickets was sent and answered at these (monotonic) times. */
void pace_note(struct pace *p, size_t tickets, int64_t sent, int64_t answered);

/* The time; 0: it is shorter than PACE_SLOW, or not known yet. */
int64_t pace_time(const struct pace *p);

/* How many connections are of use: 1 where the time is shorter than PACE_SLOW, and until the first window is full. */
size_t pace_connections(const struct pace *p);

#endif
