/* SPDX-License-Identifier: EPL-2.0 */
#include "client/progress.h"

#include "base/clock.h"
#include "lib/tap.h"

static const struct {
	uint64_t rows, part, whole;
	int64_t elapsed;
	struct str line;
} rows[] = {
	{ 0, 0, 0, 0, TEXT("0 keys") }, { 1234, 0, 0, 2 * CLOCK_S, TEXT("1234 keys  617/s") },
	{ 5, 1, 3, 0, TEXT("[##########....................]  33 %  5 keys") },
	{ 5, 0, 3, 0, TEXT("[..............................]   0 %  5 keys") },
	{ 5, 3, 3, CLOCK_S, TEXT("[##############################] 100 %  5 keys  5/s") },
	{ 5, 4, 3, 0, TEXT("[##############################] 100 %  5 keys") }, /* the file has grown */
};

int
main(void)
{
	struct buf out;

	buf_init(&out, 1024);
	for (size_t i = 0; i < COUNT(rows); i++) {
		buf_clear(&out);
		progress_put(&out, rows[i].rows, rows[i].part, rows[i].whole, rows[i].elapsed);
		tap_text(buf_str(&out), rows[i].line, "line %zu", i);
	}
	buf_free(&out);
	return tap_end();
}
