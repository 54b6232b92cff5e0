/* SPDX-License-Identifier: EPL-2.0 */
/*
 * infile: reads a file or standard input as a whole, to be sent.
 */
#ifndef HULYKVS_INFILE_H
#define HULYKVS_INFILE_H

#include "base/buf.h"
#include "client/exitstatus.h"

#define INFILE_MAX ((size_t)1024 * 1024 * 1024) /* bytes; the service has its own limit */

/* path: NULL for standard input.  Appends to *content. */
enum exitstatus infile_read(const char *path, struct buf *content, struct buf *error)
    __attribute__((warn_unused_result));

/* For messages. */
const char *infile_name(const char *path);

#endif
