/* SPDX-License-Identifier: EPL-2.0 */
/*
 * line_reader: reads a file or standard input line by line, with a limit for the
 * length of a line.
 */
#ifndef HULYKVS_LINE_READER_H
#define HULYKVS_LINE_READER_H

#include <stdint.h>
#include <stdio.h>

#include "base/buf.h"

#define LINE_READER_MAX ((size_t)512 * 1024 * 1024) /* bytes of a line */

struct line_reader {
	FILE *f;
	const char *name; /* for messages; borrowed */
	uint64_t number;  /* of the last line; the first one is 1 */
	uint64_t size;    /* bytes of a regular file; 0: unknown */
	uint64_t bytes;   /* read so far */
	struct buf line;
};

enum line_reader_result {
	LINE_READER_LINE, /* it is in r->line, without its LF */
	LINE_READER_END,
	LINE_READER_FAILED, /* *error says why */
};

/* path: NULL for standard input; borrowed.  false: *error says why, and there is nothing to close. */
bool line_reader_open(struct line_reader *r, const char *path, struct buf *error) __attribute__((warn_unused_result));

/* The last line may lack its LF. */
enum line_reader_result line_reader_next(struct line_reader *r, struct buf *error) __attribute__((warn_unused_result));

/* Back to the first line; false: the input cannot be read twice. */
bool line_reader_rewind(struct line_reader *r) __attribute__((warn_unused_result));

void line_reader_close(struct line_reader *r);

#endif
