/* SPDX-License-Identifier: EPL-2.0 */
/*
 * reconnect_delay: how long no new connection is made after one that could be
 * made but was of no use: a load balancer that closes it as soon as it is idle,
 * for example.  At first RECONNECT_DELAY_MIN, twice as long after each further
 * one, up to RECONNECT_DELAY_MAX.  After a connection that was of use it is
 * RECONNECT_DELAY_MIN again.
 * For connect_thread, whose connect_thread_nudge() shortens it while operations
 * wait.  Times are monotonic.
 */
#ifndef HULYKVS_RECONNECT_DELAY_H
#define HULYKVS_RECONNECT_DELAY_H

#include <stdbool.h>
#include <stdint.h>

#include "base/clock.h"

#define RECONNECT_DELAY_MIN (250 * CLOCK_MS)
#define RECONNECT_DELAY_MAX (5 * CLOCK_S)

/* All zero at first. */
struct reconnect_delay {
	int64_t until; /* until when no connection is made */
	int64_t next;  /* how long the next delay will be; 0: RECONNECT_DELAY_MIN */
};

/*
 * A connection has ended.  useful: it was of use; delays: others wait now.  If they wait already, that does not become
 * longer, since one fault often ends many connections.
 */
void reconnect_delay_note(struct reconnect_delay *d, int64_t now, bool useful, bool delays);

#endif
