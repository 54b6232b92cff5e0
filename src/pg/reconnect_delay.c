/* SPDX-License-Identifier: EPL-2.0 */
#include "pg/reconnect_delay.h"

void
reconnect_delay_note(struct reconnect_delay *d, int64_t now, bool useful, bool delays)
{
	if (useful || d->next == 0)
		d->next = RECONNECT_DELAY_MIN;
	if (!delays || now < d->until)
		return;
	d->until = now + d->next;
	d->next = 2 * d->next < RECONNECT_DELAY_MAX ? 2 * d->next : RECONNECT_DELAY_MAX;
}
