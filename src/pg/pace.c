/* SPDX-License-Identifier: EPL-2.0 */
#include "pg/pace.h"

/* The server's work for an operation that shares a statement: an estimate, rather high. */
#define WORK (CLOCK_MS / 25)

void
pace_note(struct pace *p, size_t tickets, int64_t sent, int64_t answered)
{
	int64_t took = answered - sent, work = (int64_t)tickets * WORK;

	took = took > work ? took - work : 0;
	if (p->n == 0)
		p->began = sent;
	if (p->n == 0 || took < p->least)
		p->least = took;
	p->n++;
	if (p->n < PACE_FEWEST || (p->n < PACE_WINDOW && answered < p->began + PACE_TIME))
		return;
	p->before = p->least;
	p->n = 0;
}

int64_t
pace_time(const struct pace *p)
{
	int64_t least = p->n > 0 && p->least < p->before ? p->least : p->before;

	return least >= PACE_SLOW ? least : 0;
}

size_t
pace_connections(const struct pace *p)
{
	int64_t time = pace_time(p);

	return time > 0 ? (size_t)(time / PACE_SHARE) : 1;
}
