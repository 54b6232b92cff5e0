/* SPDX-License-Identifier: EPL-2.0 */
/*
 * load: the command import: writes the lines of an export (row.h) to a
 * namespace.  For command.
 *
 * The lines of a regular file are all checked before the first one is written,
 * and of any file that the last line of an export is there (row.h), unless --incomplete.
 * Rows are written in batches where the service has them, else one by one.  Each
 * request is sent once.  If one fails, the message says which lines are in; the
 * import can be repeated with --existing skip or replace.
 */
#ifndef HULYKVS_LOAD_H
#define HULYKVS_LOAD_H

#include "client/outfile.h"
#include "client/session.h"

enum exitstatus load_import(struct session *s, const struct arguments *a, struct outfile *out, struct buf *error)
    __attribute__((warn_unused_result));

#endif
