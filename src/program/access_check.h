/* SPDX-License-Identifier: EPL-2.0 */
/*
 * accesscheck: what hulykvs --access-check answers: whether a request would be
 * let through, and which rule decides.  Asks the code that serves requests,
 * and no database.
 */
#ifndef HULYKVS_ACCESS_CHECK_H
#define HULYKVS_ACCESS_CHECK_H

#include "base/exitcode.h"
#include "config/snapshot.h"

/*
 * asked: "METHOD PATH".  Standard input holds a token, or its claims as JSON
 * where somebody asks on behalf of a token that he does not have.  Prints the
 * verdict and where it comes from.  EXIT_OK: let through; EXIT_REFUSED: not.
 */
enum exitcode access_check_run(const struct config *c, const struct snapshot *settings, const char *asked)
    __attribute__((warn_unused_result));

#endif
