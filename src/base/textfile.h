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

/*
 * Who may have access, whatever the kind: the file belongs to root or to the
 * program's user, and no others may write it.
 */
enum textfile_kind {
	TEXTFILE_OPEN,    /* everybody may read it */
	TEXTFILE_PRIVATE, /* others may do nothing with it, and its group may only read it, if it belongs to root */
	TEXTFILE_SECRET,  /* the same; one line, whose LF is removed */
};

/*
 * Reads a regular file of less than TEXTFILE_MAX bytes into *text, which it
 * initializes.  NULL: done.  Else what is wrong, without a byte of the file,
 * and errno where a system call failed (else 0).
 *
 * Two places are exempt.  A file below the $CREDENTIALS_DIRECTORY that systemd
 * makes for a service may have any mode and owner.  One below /run/secrets,
 * where container engines mount secrets, may have any owner and may be read by
 * everybody: nobody else is in the container, and the engine chooses the mode.
 */
const char *textfile_read(const char *path, enum textfile_kind kind, struct buf *text)
    __attribute__((warn_unused_result));

/* Cuts the next line off *text: without its LF or CRLF; a byte order mark in front of the first one is left out. */
struct str textfile_next_line(struct str *text, unsigned number);

/* Overwrites and frees. */
void textfile_forget(struct buf *text);

#endif
