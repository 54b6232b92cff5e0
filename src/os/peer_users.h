/* SPDX-License-Identifier: EPL-2.0 */
/*
 * peer_users: the users that may connect to the program's unix socket.
 *
 * A check in addition to the socket's mode, by the effective user of the process
 * that connected, as the kernel tells it (SO_PEERCRED of unix(7)).  It still
 * holds where the mode was widened by mistake, and it tells members of the
 * socket's group from each other.
 *
 * A list is "any", or names and numbers of users with commas between them.  Only
 * the users named may connect: root and the program's own user must be named
 * too.
 */
#ifndef HULYKVS_PEER_USERS_H
#define HULYKVS_PEER_USERS_H

#include <sys/types.h>

#include "base/buf.h"

#define PEER_USERS_MAX 16

struct peer_users {
	uid_t uid[PEER_USERS_MAX];
	unsigned n; /* 0: anybody may connect */
};

/* Whether the list has the form of one; no user is looked up. */
bool peer_users_form_ok(struct str list) __attribute__((warn_unused_result));

/*
 * Looks the users up (getpwnam(3), which may ask a directory server).
 * listener: the socket that they connect to, -1 where there is none yet.
 * False: *why says which user is unknown, or why a user cannot be recognized:
 * only a unix socket tells who connects, and in a user namespace all users
 * without a mapping look the same.
 */
bool peer_users_read(struct peer_users *p, struct str list, int listener, struct buf *why)
    __attribute__((warn_unused_result));

/* Whether the user that made the connection fd may; *uid is that user, (uid_t)-1 where any may or it is not known. */
bool peer_users_may(const struct peer_users *p, int fd, uid_t *uid) __attribute__((warn_unused_result));

#endif
