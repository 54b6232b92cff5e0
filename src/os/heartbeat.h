/* SPDX-License-Identifier: EPL-2.0 */
/*
 * heartbeat: whether each worker's event loop still iterates, and whether the
 * program is shutting down.  Any thread may read.
 *
 * A worker reports once a second, from a timer of its loop.  A loop that hangs in
 * one iteration does not report.
 */
#ifndef HULYKVS_HEARTBEAT_H
#define HULYKVS_HEARTBEAT_H

#include <stdbool.h>
#include <stdint.h>

struct heartbeat;

#define HEARTBEAT_SILENCE INT64_C(5000000000) /* nanoseconds without a report, after which a worker counts as stuck */

/* NULL: no memory. */
struct heartbeat *heartbeat_new(unsigned workers, int64_t now) __attribute__((warn_unused_result));
void heartbeat_free(struct heartbeat *h);

/* For the worker's own thread: its loop iterates. */
void heartbeat_beat(struct heartbeat *h, unsigned worker, int64_t now);

/* The worker has ended as it should, and reports no more. */
void heartbeat_end(struct heartbeat *h, unsigned worker);

/* The first worker that is stuck, and the time since its last report; false: there is none. */
bool heartbeat_find_stuck(const struct heartbeat *h, int64_t now, unsigned *worker, int64_t *silence);

/* The program finishes the requests that it has, and ends. */
void heartbeat_drain(struct heartbeat *h);
bool heartbeat_is_draining(const struct heartbeat *h);

#endif
