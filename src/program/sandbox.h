/* SPDX-License-Identifier: EPL-2.0 */
/*
 * sandbox: what the program gives up for good when its settings have been
 * read and before any other thread is there (HULY_SANDBOX):
 *
 *   no new privileges  no set-user-ID program can give it any (PR_SET_NO_NEW_PRIVS)
 *   Landlock           see landlock: no file but those below can be read, none written
 *   system calls       see syscalls: none but those that serving takes
 *
 * Files that may be read are those of the system (/etc, /usr, /lib, /proc …),
 * for name service and for libraries that are loaded late; the directories of
 * files that settings, libpq and OpenSSL name, so that a file may be replaced
 * by another one; and what HULY_SANDBOX_READ adds.
 *
 * It is off unless asked for.  Name service modules, Kerberos and the like read
 * files and make calls that nobody here can know of, and a program that has
 * worked for an operator must not stop doing so because it was upgraded.
 *
 * Taken on, it is as much as the kernel has, and the log says what that is.
 */
#ifndef HULYKVS_SANDBOX_H
#define HULYKVS_SANDBOX_H

#include "config/config.h"

/* level: of the line that says what holds.  False: what has to hold does not, and *why says what. */
bool sandbox_enter(const struct config *c, enum log_level level, struct buf *why) __attribute__((warn_unused_result));

#endif
