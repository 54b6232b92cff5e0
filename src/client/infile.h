/* SPDX-License-Identifier: EPL-2.0 */
/*
 * infile: a file that a command reads, or standard input: opens it, or reads it
 * as a whole, to be sent.  For command, load and operations.
 */
#ifndef HULYKVS_INFILE_H
#define HULYKVS_INFILE_H

#include "base/buf.h"
#include "client/exitstatus.h"

#define INFILE_MAX ((size_t)1024 * 1024 * 1024) /* bytes; the service has its own limit */

/* A descriptor for infile_close(); path: NULL for standard input.  -1: *error says why. */
int infile_open(const char *path, struct buf *error) __attribute__((warn_unused_result));
void infile_close(int fd);

/* path: as above.  Appends to *content. */
enum exitstatus infile_read(const char *path, struct buf *content, struct buf *error)
    __attribute__((warn_unused_result));

/* For messages. */
const char *infile_name(const char *path);

#endif
