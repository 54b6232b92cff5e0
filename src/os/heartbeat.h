/*
 * health: signs of life of the workers, and whether the program is about to
 * end.  Any thread may read.
 *
 * A worker beats once a second, from a timer of its loop; a loop that does not
 * turn does not beat.
 */
#ifndef HULYKVS_HEALTH_H
#define HULYKVS_HEALTH_H

#include <stdbool.h>
#include <stdint.h>

struct health;

#define HEALTH_SILENCE INT64_C(5000000000) /* nanoseconds without a beat, after which a worker is taken for stuck */

/* NULL: no memory. */
struct health *health_new(unsigned workers, int64_t now) __attribute__((warn_unused_result));
void health_free(struct health *h);

/* The calling worker's loop turns. */
void health_beat(struct health *h, unsigned worker, int64_t now);

/* Its loop has ended properly: no more beats are to be expected. */
void health_end(struct health *h, unsigned worker);

/* The worker that has been silent for too long, and for how long; false: there is none. */
bool health_find_stuck(const struct health *h, int64_t now, unsigned *worker, int64_t *silence);

/* The program finishes what it has, and ends. */
void health_drain(struct health *h);
bool health_is_draining(const struct health *h);

#endif
