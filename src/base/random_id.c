/* SPDX-License-Identifier: EPL-2.0 */
#include "base/random_id.h"

#include <sys/random.h>

#include "base/clock.h"

#define LENGTH_MAX 128

void
random_id_init(struct random_id *ids)
{
	if (getrandom(&ids->state, sizeof(ids->state), 0) != sizeof(ids->state))
		ids->state = (uint64_t)clock_mono() ^ (uint64_t)(uintptr_t)ids;
}

/* SplitMix64: one addition and one mixing for each 64 bits. */
static uint64_t
next(struct random_id *ids)
{
	uint64_t z = ids->state += UINT64_C(0x9e3779b97f4a7c15);

	z = (z ^ (z >> 30)) * UINT64_C(0xbf58476d1ce4e5b9);
	z = (z ^ (z >> 27)) * UINT64_C(0x94d049bb133111eb);
	return z ^ (z >> 31);
}

void
random_id_make(struct random_id *ids, char out[RANDOM_ID_SIZE])
{
	static const char digits[] = "0123456789abcdef";

	for (size_t half = 0; half < 2; half++) {
		uint64_t bits = next(ids);

		for (size_t i = 0; i < RANDOM_ID_SIZE / 2; i++, bits >>= 4)
			out[half * RANDOM_ID_SIZE / 2 + i] = digits[bits & 15];
	}
}

static bool
is_ok(char c)
{
	return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '.' || c == '_' ||
	    c == '-';
}

bool
random_id_ok(struct str s)
{
	for (size_t i = 0; i < s.n; i++)
		if (!is_ok(s.p[i]))
			return false;
	return s.n > 0 && s.n <= LENGTH_MAX;
}
