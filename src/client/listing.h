/* SPDX-License-Identifier: EPL-2.0 */
/*
 * listing: the commands list and namespaces: prints names while they are read.
 * For command.
 *
 * A table is for people: control characters in names are escaped.  Raw is for
 * programs that read lines: names as they are, after size, time and entity tag
 * with --long, or after the number of keys, each with a tab.  JSON is one array:
 * of strings, or of what the service says of each with --long.
 */
#ifndef HULYKVS_LISTING_H
#define HULYKVS_LISTING_H

#include "client/outfile.h"
#include "client/session.h"

/* All of them, or --prefix and --limit of them. */
enum exitstatus listing_print(struct session *s, const struct arguments *a, struct outfile *out, struct buf *error)
    __attribute__((warn_unused_result));

#endif
