/* SPDX-License-Identifier: EPL-2.0 */
/*
 * textfile: a file as one piece: settings, secrets, access rules.
 *
 * The text stands in one allocation, made before it is read, so that no part of
 * a secret stays behind in memory that was given back: textfile_forget()
 * overwrites all of it.
 */
#ifndef HULYKVS_TEXTFILE_H
#define HULYKVS_TEXTFILE_H

#include "base/buf.h"

#define TEXTFILE_MAX ((size_t)256 * 1024) /* bytes */

enum textfile_kind {
	TEXTFILE_OPEN,   /* anybody may read it */
	TEXTFILE_SECRET, /* refused where group or others may do anything with it; also loses the end of its last line */
};

/*
 * Reads a regular file of less than TEXTFILE_MAX; *text is made anew.  NULL:
 * done.  Else what is wrong, in words that quote nothing of the file, and
 * errno where the system said so (else 0).  A file below the
 * $CREDENTIALS_DIRECTORY that systemd makes for a service may have any mode.
 */
const char *textfile_read(const char *path, enum textfile_kind kind, struct buf *text)
    __attribute__((warn_unused_result));

/* Overwrites and frees. */
void textfile_forget(struct buf *text);

#endif
