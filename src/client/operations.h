/* SPDX-License-Identifier: EPL-2.0 */
/*
 * operations: the command batch: several operations on keys of a namespace, all
 * of them or none.  The file is the body of the request, see docs/api.md.  For
 * command.
 */
#ifndef HULYKVS_OPERATIONS_H
#define HULYKVS_OPERATIONS_H

#include "client/outfile.h"
#include "client/session.h"

/* Prints the result of each.  It is tried again only if all of them are reads. */
enum exitstatus operations_send(struct session *s, const struct arguments *a, struct outfile *out, struct buf *error)
    __attribute__((warn_unused_result));

#endif
