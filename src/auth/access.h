/* SPDX-License-Identifier: EPL-2.0 */
/*
 * access: which workspace a request works in, and whether its claims reach
 * there.  Decides on claims and route alone; reads nothing else.
 */
#ifndef HULYKVS_ACCESS_H
#define HULYKVS_ACCESS_H

#include "auth/token.h"
#include "http/refusal.h"

/* The accounts that everybody knows: of the services, and of who came by a public link. */
extern const struct uuid access_system, access_guest;

/*
 * v2: *workspace from the path's segment, already percent-decoded.  The system
 * account reaches every workspace, everyone else the one in the token.
 */
enum refusal access_check(const struct claims *claims, struct str segment, struct uuid *workspace)
    __attribute__((warn_unused_result));

#endif
