/* SPDX-License-Identifier: EPL-2.0 */
#include "pg/db_clock.h"

#include <assert.h>

#define NS_PER_US 1000

struct db_clock
db_clock_of(int64_t sent, int64_t received, int64_t time, int64_t margin)
{
	int64_t half = (received - sent) / 2;

	assert(received >= sent && margin >= 0);
	return (struct db_clock){
		.offset = time - (sent + half) / NS_PER_US,
		.margin = margin,
		.earlier = half + margin,
		.asked_at = received,
	};
}

bool
db_clock_is_old(const struct db_clock *c, int64_t now)
{
	return c->jumped || c->asked_at == 0 || now >= c->asked_at + DB_CLOCK_VALID;
}

int64_t
db_clock_deadline(const struct db_clock *c, int64_t latest)
{
	return (latest - c->earlier) / NS_PER_US + c->offset;
}

bool
db_clock_is_late(const struct db_clock *c, int64_t latest, int64_t now)
{
	return now >= latest - c->earlier;
}
