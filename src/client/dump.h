/* SPDX-License-Identifier: EPL-2.0 */
/*
 * dump: the command export: the keys of a namespace with their values, as the
 * lines of row.h.  For command.
 */
#ifndef HULYKVS_DUMP_H
#define HULYKVS_DUMP_H

#include "client/outfile.h"
#include "client/session.h"

/*
 * The whole namespace, or --prefix of it.  A key that is written or deleted
 * meanwhile may be in it or not.  Where the service cannot list values, each one
 * is read by itself.  An export that ends early has no last line, see row.h.
 */
enum exitstatus dump_export(struct session *s, const struct arguments *a, struct outfile *out, struct buf *error)
    __attribute__((warn_unused_result));

#endif
