/* SPDX-License-Identifier: EPL-2.0 */
/*
 * sandbox: gives up rights that the program does not need, for as long as it
 * runs (HULY_SANDBOX), after the settings are read and before any other thread
 * exists:
 *
 *   no new privileges  no set-user-ID program can give it any (PR_SET_NO_NEW_PRIVS)
 *   Landlock           see os/landlock: reads only the files below, writes none,
 *                      connects to the TCP ports below only
 *   system calls       see os/syscalls: only those that serving needs
 *
 * The files that may be read are those of the system (/etc, /usr, /lib,
 * /proc …), for the name service and for libraries that are loaded later; the
 * directories of the files that settings, libpq and OpenSSL use, so that a file
 * may be replaced; and the paths in HULY_SANDBOX_READ.
 *
 * The TCP ports that may be connected to are those of the database and of the
 * collector, 53 (DNS), and those in HULY_SANDBOX_CONNECT; where a service file
 * has the database's port, all of them.
 *
 * It is off by default: modules of the name service, Kerberos and others read
 * files and make system calls that this program cannot know of, and an upgrade
 * must not stop a program that has worked.
 *
 * With `on` it is as much as the kernel offers, and the log says what that is.
 */
#ifndef HULYKVS_SANDBOX_H
#define HULYKVS_SANDBOX_H

#include "config/config.h"

/* level: of the log line that names the parts.  False: a part is missing that is required; *why says which. */
bool sandbox_enter(const struct config *c, enum log_level level, struct buf *why) __attribute__((warn_unused_result));

#endif
