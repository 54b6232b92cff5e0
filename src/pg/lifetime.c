/* SPDX-License-Identifier: EPL-2.0 */
#include "pg/lifetime.h"

#include <sys/random.h>

#include "base/clock.h"
#include "base/loop.h"

#define COCKROACHDB_LIFETIME (600 * CLOCK_S) /* the setting is "auto" */

int64_t
lifetime_end(int64_t life, enum dbconn_server server, int64_t now)
{
	uint32_t random;

	if (life == SETTING_LIFETIME_AUTO)
		life = server == DBCONN_COCKROACHDB ? COCKROACHDB_LIFETIME : 0;
	if (life == 0)
		return TIMER_OFF;
	if (getrandom(&random, sizeof(random), GRND_NONBLOCK) < 0)
		random = (uint32_t)now;
	return now + life - life / 4 * (int64_t)(random % 1024) / 1024;
}
