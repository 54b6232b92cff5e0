/* SPDX-License-Identifier: EPL-2.0 */
/*
 * syscalls: the list of system calls that the program may make from a point
 * on (seccomp(2), by libseccomp, which this room alone includes).
 *
 * The list is what serving takes, with what libpq, OpenSSL, the C library's
 * resolver and its NSS modules may need on the way: threads, memory, reading
 * files, sockets, clocks.  Not on it: starting programs and processes, tracing,
 * changing files or users, mounting, the kernel's own matters.  Some calls are
 * listed with certain arguments only: sockets of the unix and internet kind,
 * threads but no processes, memory that is writable or executable but not both,
 * files for reading, signals to this process.
 *
 * A call that is not on the list fails with ENOSYS, as on a kernel that has no
 * such call, and the kernel logs it (audit, type 1326).  Not EPERM: libraries
 * fall back from a new call to an old one on ENOSYS only, which a later C
 * library may well do.  Nor the end of the process: a call that was forgotten
 * here must not let a peer end the service.  The tests end it, SYSCALLS_TRAP,
 * so that nothing is forgotten in silence.
 *
 * clone3 is left out on purpose: a filter cannot see its flags, and the C
 * library makes its threads by clone instead.
 */
#ifndef HULYKVS_SYSCALLS_H
#define HULYKVS_SYSCALLS_H

#include "base/buf.h"

enum syscalls_mode {
	SYSCALLS_REFUSE, /* ENOSYS */
	SYSCALLS_TRAP,   /* a line on stderr with the call's number, and the end with status 70 */
};

/* For this thread and those that it makes; needs no_new_privs.  False: *why says why not. */
bool syscalls_restrict(enum syscalls_mode mode, struct buf *why) __attribute__((warn_unused_result));

#endif
