/* SPDX-License-Identifier: EPL-2.0 */
/*
 * landlock: files that a thread, and what it starts, may still read
 * (landlock(7)).  All other files are out of its reach, and none can be written,
 * made, removed or run, whoever its user is; TCP ports can no longer be
 * bound, and processes outside can neither be traced nor sent a signal.  What
 * is open already stays as it is, and so does connecting to a unix socket.
 *
 * By raw system calls, since the C library has no others; with each later
 * version of the kernel's interface more of this holds:
 * 1 (Linux 5.13) files, 3 (6.2) their length, 4 (6.7) TCP, 5 (6.10) commands to
 * devices, 6 (6.12) signals.
 */
#ifndef HULYKVS_LANDLOCK_H
#define HULYKVS_LANDLOCK_H

#include <stdbool.h>

struct landlock {
	int fd;      /* -1: none */
	int version; /* of the kernel's interface; 0: it has none */
};

/* False, with errno: the kernel has no Landlock, or it is turned off (ENOSYS, EOPNOTSUPP). */
bool landlock_open(struct landlock *l) __attribute__((warn_unused_result));

/* The file, or all below the directory, may be read.  False, with errno: for example ENOENT. */
bool landlock_allow(const struct landlock *l, const char *path) __attribute__((warn_unused_result));

/* From here on nothing else may, by this thread and those that it makes.  False, with errno. */
bool landlock_enter(const struct landlock *l) __attribute__((warn_unused_result));

void landlock_close(struct landlock *l);

#endif
