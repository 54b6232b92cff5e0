/* SPDX-License-Identifier: EPL-2.0 */
/*
 * peers: the users that may connect to the program's unix socket.
 *
 * The socket's mode says who can open it; this says once more who may, by the
 * user that the kernel vouches for (SO_PEERCRED of unix(7): the effective user
 * of the process that connected, at that moment).  It holds where the mode was
 * widened by mistake, and for whoever shares the socket's group.
 *
 * A list is "any", or names and numbers of users with commas between them.
 * Nobody is on it unless named: neither root nor the program's own user.
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
 * False: *why says who is unknown, or that they could not be told from others:
 * only a unix socket tells who connects, and in a user namespace the kernel
 * shows every user that it does not map as one and the same.
 */
bool peer_users_read(struct peer_users *p, struct str list, int listener, struct buf *why)
    __attribute__((warn_unused_result));

/* Whether whoever made the connection fd may; *uid is that user, (uid_t)-1 where nobody was asked for or told. */
bool peer_users_may(const struct peer_users *p, int fd, uid_t *uid) __attribute__((warn_unused_result));

#endif
