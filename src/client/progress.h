/* SPDX-License-Identifier: EPL-2.0 */
/*
 * progress: a line on the terminal that says how far long work is.  For dump
 * and load.
 */
#ifndef HULYKVS_PROGRESS_H
#define HULYKVS_PROGRESS_H

#include <stdint.h>

#include "base/buf.h"

struct progress {
	bool shown;    /* standard error is a terminal, and nobody asked for quiet */
	int64_t start; /* monotonic */
	int64_t next;  /* when the line is written again */
};

/* Shows nothing yet. */
void progress_start(struct progress *p, bool quiet);

/* rows: done so far.  part of whole: in bytes; whole 0: unknown.  May be called often. */
void progress_show(struct progress *p, uint64_t rows, uint64_t part, uint64_t whole);

/* Takes the line away. */
void progress_end(struct progress *p);

/* Appends the text of the line, without its place on the terminal.  elapsed: nanoseconds. */
void progress_put(struct buf *out, uint64_t rows, uint64_t part, uint64_t whole, int64_t elapsed);

#endif
