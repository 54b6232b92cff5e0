/* SPDX-License-Identifier: EPL-2.0 */
/*
 * outfile: where a command writes its result: standard output, or a file that
 * appears complete or not at all.  Until then the bytes are in a file beside
 * it, which a signal that ends the process removes (INT, TERM, HUP, QUIT; one that is
 * ignored stays so).  A file that is there keeps its mode; a symbolic link stays, and the file
 * that it leads to is replaced.  For dump, listing, load and operations.
 */
#ifndef HULYKVS_OUTFILE_H
#define HULYKVS_OUTFILE_H

#include <stdio.h>

#include "base/buf.h"

struct outfile {
	FILE *f;
	const char *path; /* borrowed; NULL: standard output */
	char *target; /* the file that path leads to, without links; owned.  NULL: path is written directly, because it
			     is no regular file */
	char *temporary; /* the file beside the target; owned */
};

/* path: NULL for standard output.  false: *error says why, and there is nothing to close. */
bool outfile_open(struct outfile *o, const char *path, struct buf *error) __attribute__((warn_unused_result));

void outfile_put(struct outfile *o, struct str s);

/* Writes what is left and gives the file its name.  false: *error says why, and the file is as it was. */
bool outfile_close(struct outfile *o, struct buf *error) __attribute__((warn_unused_result));

/* Leaves the file as it was.  What was written to standard output stays. */
void outfile_abandon(struct outfile *o);

#endif
