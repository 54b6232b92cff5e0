/* SPDX-License-Identifier: EPL-2.0 */
#include "pg/gather.h"

void
gather_note_sent(struct gather *g, size_t tickets, bool joined)
{
	if (tickets > 1)
		g->apart = !joined;
}

void
gather_note_answered(struct gather *g, size_t tickets, int64_t now, int64_t pace)
{
	if (now >= g->until)
		g->expected = 0;
	g->expected = pace > 0 ? g->expected + tickets : 0;
	g->until = now + pace / GATHER_SHARE;
}

void
gather_note_arrived(struct gather *g)
{
	if (g->expected > 0)
		g->expected--;
}

int64_t
gather_until(const struct gather *g, int64_t now)
{
	return g->expected > 0 && !g->apart && now < g->until ? g->until : 0;
}
