/* SPDX-License-Identifier: EPL-2.0 */
/*
 * log_repeat: when to log a state that lasts, such as an outage: at once, and
 * then again after each interval, until it is over; and how often at most to log
 * something that happens again and again.  Any module may use it; one thread at a
 * time.
 */
#ifndef HULYKVS_LOG_REPEAT_H
#define HULYKVS_LOG_REPEAT_H

#include <stdbool.h>
#include <stdint.h>

/* All zeros: the state does not hold, or nothing has been logged. */
struct log_repeat {
	bool holds;
	int64_t since;  /* monotonic */
	int64_t logged; /* when it was last logged */
};

/* The state holds at `now` (monotonic).  True: it is to be logged now; *lasts is how long it has held (nanoseconds). */
bool log_repeat_is_due(struct log_repeat *r, int64_t now, int64_t interval, int64_t *lasts);

/* For events instead of a state: true: none was logged in the interval before `now`; this one is to be logged. */
bool log_repeat_allows(struct log_repeat *r, int64_t now, int64_t interval);

/* The state is over.  True: it held before; *lasted is for how long. */
bool log_repeat_end(struct log_repeat *r, int64_t now, int64_t *lasted);

#endif
