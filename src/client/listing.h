/* SPDX-License-Identifier: EPL-2.0 */
/*
 * listing: the command list: prints keys while they are read.
 */
#ifndef HULYKVS_LISTING_H
#define HULYKVS_LISTING_H

#include "client/outfile.h"
#include "client/session.h"

/* The whole namespace, or --prefix and --limit of it. */
enum exitstatus listing_print_keys(struct session *s, const struct arguments *a, struct outfile *out, struct buf *error)
    __attribute__((warn_unused_result));

#endif
