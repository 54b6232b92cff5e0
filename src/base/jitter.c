/* SPDX-License-Identifier: EPL-2.0 */
#include "base/jitter.h"

#include <sys/random.h>

#include "base/clock.h"

#define PARTS 1024

uint32_t
jitter_number(void)
{
	uint32_t random;

	if (getrandom(&random, sizeof(random), GRND_NONBLOCK) < 0)
		random = (uint32_t)clock_mono();
	return random;
}

int64_t
jitter_up_to(int64_t most)
{
	return most * (int64_t)(jitter_number() % PARTS) / PARTS;
}
