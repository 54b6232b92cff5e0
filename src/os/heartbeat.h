/* SPDX-License-Identifier: EPL-2.0 */
/*
 * health: signs of life of the workers, and whether the program is about to
 * end.  Any thread may read.
 *
 * A worker beats once a second, from a timer of its loop; a loop that does not
 * turn does not beat.
 */
#ifndef HULYKVS_HEARTBEAT_H
#define HULYKVS_HEARTBEAT_H

#include <stdbool.h>
#include <stdint.h>

struct heartbeat;

#define HEARTBEAT_SILENCE INT64_C(5000000000) /* nanoseconds without a beat, after which a worker is taken for stuck */

/* NULL: no memory. */
struct heartbeat *heartbeat_new(unsigned workers, int64_t now) __attribute__((warn_unused_result));
void heartbeat_free(struct heartbeat *h);

/* The calling worker's loop turns. */
void heartbeat_beat(struct heartbeat *h, unsigned worker, int64_t now);

/* Its loop has ended properly: no more beats are to be expected. */
void heartbeat_end(struct heartbeat *h, unsigned worker);

/* The worker that has been silent for too long, and for how long; false: there is none. */
bool heartbeat_find_stuck(const struct heartbeat *h, int64_t now, unsigned *worker, int64_t *silence);

/* The program finishes what it has, and ends. */
void heartbeat_drain(struct heartbeat *h);
bool heartbeat_is_draining(const struct heartbeat *h);

#endif
