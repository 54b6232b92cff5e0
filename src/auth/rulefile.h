/* SPDX-License-Identifier: EPL-2.0 */
/*
 * rulefile: reads the file of access rules (hulykvs.conf(5), ACCESS RULES).
 * For program/reload.
 *
 *   # the Telegram sessions are their own service's
 *   allow account=system service=hulygram namespace=hulygram
 *   deny namespace=hulygram
 *
 * Each line is a rule: allow or deny, then conditions of the form name=value or
 * name=value,value…, or the word any for a rule without conditions.  A word
 * that begins with # starts a comment.  In names, blanks, commas and the other
 * characters with a meaning are percent-encoded, as in a path.
 */
#ifndef HULYKVS_RULEFILE_H
#define HULYKVS_RULEFILE_H

#include "auth/rules.h"
#include "base/buf.h"

/* What rules depend on that is not in the file but in the settings. */
struct rulefile_terms {
	bool allow_by_default;
	struct uuid default_workspace; /* target=default */
};

/* Returns new.  NULL: *why says what is wrong in *line; in line 0: with the whole file (no rule, no memory). */
struct rules *rulefile_read(struct str text, const struct rulefile_terms *terms, unsigned *line, struct buf *why)
    __attribute__((warn_unused_result));

#endif
