/* SPDX-License-Identifier: EPL-2.0 */
/*
 * syscalls: limits which system calls the program may make (seccomp(2), by
 * libseccomp; only this module includes its header).  For program/sandbox.
 *
 * Allowed is what serving needs, and what libpq, OpenSSL, the C library's
 * resolver and its NSS modules may need: threads, memory, reading files,
 * sockets, clocks.  Not allowed: starting programs and processes, tracing,
 * changing files or users, mounting, and calls that administer the kernel.  Some
 * calls are allowed with certain arguments only: unix and internet sockets,
 * threads but no processes, memory that is writable or executable but not both,
 * files for reading, signals to this process.
 *
 * Another call fails with ENOSYS, as on a kernel without that call, and the
 * kernel logs it (audit, type 1326).  Not with EPERM, because libraries fall
 * back from a new call to an old one on ENOSYS only, and a later C library may
 * need that.  It does not end the process, because then a peer could end the
 * service by causing a call that this list lacks.  Tests use SYSCALLS_TRAP, which
 * does end it, so that a missing call is found.
 *
 * clone3 is missing on purpose: a filter cannot see its flags, and the C library
 * makes threads by clone instead where it fails.
 */
#ifndef HULYKVS_SYSCALLS_H
#define HULYKVS_SYSCALLS_H

#include "base/buf.h"

enum syscalls_mode {
	SYSCALLS_REFUSE, /* ENOSYS */
	SYSCALLS_TRAP,   /* writes the call's number to stderr and exits with status 70 */
};

/* For this thread and those that it makes later; needs PR_SET_NO_NEW_PRIVS.  False: *why says why not. */
bool syscalls_restrict(enum syscalls_mode mode, struct buf *why) __attribute__((warn_unused_result));

#endif
