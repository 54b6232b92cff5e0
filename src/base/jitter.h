/* SPDX-License-Identifier: EPL-2.0 */
/*
 * jitter: random parts of times and orders, so that many programs or connections
 * do not do the same at the same moment.  Not for anything that must be secret.
 */
#ifndef HULYKVS_JITTER_H
#define HULYKVS_JITTER_H

#include <stdint.h>

/* A random number; one that depends on the clock where the kernel has no randomness yet. */
uint32_t jitter_number(void);

/* A random part of `most`, which is not negative: from 0 to a little less than `most`. */
int64_t jitter_up_to(int64_t most);

#endif
