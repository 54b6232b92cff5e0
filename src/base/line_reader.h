/* SPDX-License-Identifier: EPL-2.0 */
/*
 * line_reader: reads a descriptor line by line: a file, a pipe or a terminal of
 * any size, with a limit for the length of a line.  It waits until a line is
 * complete.  For hulykvsctl and hulykvs-migrate; small files that the program
 * trusts are read by textfile.
 */
#ifndef HULYKVS_LINE_READER_H
#define HULYKVS_LINE_READER_H

#include "base/buf.h"

enum line_reader_result {
	LINE_READER_LINE,    /* a line with its LF, which is the byte after it */
	LINE_READER_UNENDED, /* the last line, which has no LF; after it comes the end */
	LINE_READER_END,
	LINE_READER_LONG,   /* a line has more than max bytes; r->why says so, do not call again */
	LINE_READER_FAILED, /* it cannot be read, or there is no memory; r->why says why, do not call again */
};

struct line_reader {
	int fd;         /* borrowed */
	size_t max;     /* bytes of a line */
	uint64_t bytes; /* of the lines that were returned, and of their LFs */
	char why[64];
	/* Private. */
	struct buf in; /* read, and from `at` on not yet returned */
	size_t at;
	bool at_end; /* nothing more comes */
};

/* Borrows the descriptor and reads from where it stands.  max: bytes of a line, without its LF. */
void line_reader_init(struct line_reader *r, int fd, size_t max);
void line_reader_free(struct line_reader *r);

/* Sets *line to the next line without its LF, valid until the next call; where there is none, it is absent. */
enum line_reader_result line_reader_next(struct line_reader *r, struct str *line) __attribute__((warn_unused_result));

#endif
