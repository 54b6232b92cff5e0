/* SPDX-License-Identifier: EPL-2.0 */
/*
 * textfile: reads a whole file: settings, secrets, access rules.
 *
 * The buffer is allocated before anything is read, and never moved, so that
 * textfile_forget() overwrites every byte of a secret.
 */
#ifndef HULYKVS_TEXTFILE_H
#define HULYKVS_TEXTFILE_H

#include "base/buf.h"

#define TEXTFILE_MAX ((size_t)256 * 1024) /* bytes */

enum textfile_kind {
	TEXTFILE_OPEN,   /* any mode */
	TEXTFILE_SECRET, /* refused where group or others have any right; the newline at its end is removed */
};

/*
 * Reads a regular file of less than TEXTFILE_MAX bytes into *text, which it
 * initializes.  NULL: done.  Else what is wrong, without a byte of the file,
 * and errno where a system call failed (else 0).  A file below the
 * $CREDENTIALS_DIRECTORY that systemd makes for a service may have any mode.
 */
const char *textfile_read(const char *path, enum textfile_kind kind, struct buf *text)
    __attribute__((warn_unused_result));

/* Overwrites and frees. */
void textfile_forget(struct buf *text);

#endif
