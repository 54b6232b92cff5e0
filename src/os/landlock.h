/* SPDX-License-Identifier: EPL-2.0 */
/*
 * landlock: limits which files a thread, and the threads it makes, may read
 * (landlock(7)).  No other file can be opened, and none can be written, made,
 * removed or executed, whatever the user's rights; no TCP port can be bound and
 * only those that are allowed can be connected to; no process outside can be
 * traced or sent a signal, and no abstract unix socket of one can be connected
 * to.  Descriptors that are open keep their rights, and connecting to a unix
 * socket with a path stays allowed.  Landlock knows ports, not addresses, and
 * does not limit UDP.  For program/sandbox.
 *
 * By system call numbers, since the C library has no functions for it.  How much
 * of this holds depends on the version of the kernel's interface:
 * 1 (Linux 5.13) files, 3 (6.2) their length, 4 (6.7) TCP, 5 (6.10) commands to
 * devices, 6 (6.12) signals and abstract sockets.
 */
#ifndef HULYKVS_LANDLOCK_H
#define HULYKVS_LANDLOCK_H

#include <stdbool.h>
#include <stdint.h>

struct landlock {
	int fd;      /* -1: none */
	int version; /* of the kernel's interface; 0: it has none */
	bool limits_ports;
};

/* What stays as it is. */
enum landlock_exception {
	LANDLOCK_EVERY_PORT = 1,       /* all TCP ports may be connected to */
	LANDLOCK_ABSTRACT_SOCKETS = 2, /* abstract sockets of other processes, too */
};

/* exceptions: bits.  False, with errno: the kernel has no Landlock, or it is turned off (ENOSYS, EOPNOTSUPP). */
bool landlock_open(struct landlock *l, unsigned exceptions) __attribute__((warn_unused_result));

/* The file, or all below the directory, may be read.  False, with errno: for example ENOENT. */
bool landlock_allow(const struct landlock *l, const char *path) __attribute__((warn_unused_result));

/* The TCP port may be connected to; nothing to do where ports are not limited.  False, with errno. */
bool landlock_allow_port(const struct landlock *l, uint16_t port) __attribute__((warn_unused_result));

/* From here on nothing else may, by this thread and those that it makes.  False, with errno. */
bool landlock_enter(const struct landlock *l) __attribute__((warn_unused_result));

void landlock_close(struct landlock *l);

#endif
