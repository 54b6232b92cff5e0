/* SPDX-License-Identifier: EPL-2.0 */
/*
 * access_check: what hulykvs --access-check prints: whether a request would be
 * allowed, and which rule decides.  It uses the code that serves requests, and
 * no database.  For main.
 */
#ifndef HULYKVS_ACCESS_CHECK_H
#define HULYKVS_ACCESS_CHECK_H

#include "base/exitcode.h"
#include "config/snapshot.h"

/*
 * asked: "METHOD PATH".  Standard input holds a token, or claims as JSON for a
 * question about a token that is not at hand.  Prints the answer, why a token
 * is invalid, and which rule decides; nothing of the token.  EXIT_OK: the
 * request would be allowed; EXIT_REFUSED: it would be refused.
 */
enum exitcode access_check_run(const struct config *c, const struct snapshot *settings, const char *asked)
    __attribute__((warn_unused_result));

#endif
