/* SPDX-License-Identifier: EPL-2.0 */
/*
 * access: which workspace a request is about, and whether the claims of its
 * token allow it to use that workspace.  For api and rulefile.
 */
#ifndef HULYKVS_ACCESS_H
#define HULYKVS_ACCESS_H

#include "auth/token.h"
#include "http/refusal.h"

/* Two fixed accounts of the Huly platform: that of its services, and that of users with a public link. */
extern const struct uuid access_system, access_guest;

/* Whether this is the account that may use every workspace. */
bool access_is_system(const struct claims *claims);

/*
 * v2: reads *workspace from the segment of the path, which has been
 * percent-decoded.  The system account may use every workspace, every other
 * account only the one in its token.
 */
enum refusal access_check(const struct claims *claims, struct str segment, struct uuid *workspace)
    __attribute__((warn_unused_result));

#endif
