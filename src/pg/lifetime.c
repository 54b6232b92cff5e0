/* SPDX-License-Identifier: EPL-2.0 */
#include "pg/lifetime.h"

#include "base/clock.h"
#include "base/jitter.h"
#include "base/loop.h"

#define COCKROACHDB_LIFETIME (600 * CLOCK_S) /* the setting is "auto" */

int64_t
lifetime_end(int64_t life, enum dbconn_server server, int64_t now)
{
	if (life == SETTING_LIFETIME_AUTO)
		life = server == DBCONN_COCKROACHDB ? COCKROACHDB_LIFETIME : 0;
	if (life == 0)
		return TIMER_OFF;
	return now + life - jitter_up_to(life / 4);
}
