/* SPDX-License-Identifier: EPL-2.0 */
#include "client/progress.h"

#include <stdio.h>
#include <unistd.h>

#include "base/clock.h"

#define BAR_WIDTH  30
#define STEP       (200 * CLOCK_MS) /* between two lines */
#define TEXT_SIZE  256
#define CLEAR_LINE "\r\x1b[K" /* ECMA-48: to the first column, and erase to the end of the line */

void
progress_start(struct progress *p, bool quiet)
{
	p->shown = !quiet && isatty(STDERR_FILENO) == 1;
	p->start = clock_mono();
	p->next = p->start + STEP; /* short work shows no line at all */
}

static void
put_bar(struct buf *out, uint64_t part, uint64_t whole)
{
	unsigned done = (unsigned)(part * BAR_WIDTH / whole);

	buf_putc(out, '[');
	for (unsigned i = 0; i < BAR_WIDTH; i++)
		buf_putc(out, i < done ? '#' : '.');
	buf_printf(out, "] %3u %%  ", (unsigned)(part * 100 / whole));
}

void
progress_put(struct buf *out, uint64_t rows, uint64_t part, uint64_t whole, int64_t elapsed)
{
	if (whole > 0)
		put_bar(out, part < whole ? part : whole, whole);
	buf_printf(out, "%llu keys", (unsigned long long)rows);
	if (elapsed >= CLOCK_S)
		buf_printf(out, "  %llu/s", (unsigned long long)(rows / (uint64_t)(elapsed / CLOCK_S)));
}

void
progress_show(struct progress *p, uint64_t rows, uint64_t part, uint64_t whole)
{
	int64_t now;
	struct buf line;

	if (!p->shown || (now = clock_mono()) < p->next)
		return;
	p->next = now + STEP;
	buf_init(&line, TEXT_SIZE);
	buf_puts(&line, STR(CLEAR_LINE));
	progress_put(&line, rows, part, whole, now - p->start);
	(void)fwrite(line.p, 1, line.n, stderr);
	(void)fflush(stderr);
	buf_free(&line);
}

void
progress_end(struct progress *p)
{
	if (p->shown && clock_mono() >= p->start + STEP)
		(void)fputs(CLEAR_LINE, stderr);
	p->shown = false;
}
