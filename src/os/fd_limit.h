/* SPDX-License-Identifier: EPL-2.0 */
/*
 * fd_limit: how many file descriptors the process may open (RLIMIT_NOFILE).
 * For program/main, at the start.
 */
#ifndef HULYKVS_FD_LIMIT_H
#define HULYKVS_FD_LIMIT_H

#define FD_LIMIT_MOST 65536 /* what it is raised to at most: more than a web server opens connections */

/*
 * Raises the soft limit to the hard one, or to FD_LIMIT_MOST, and returns the
 * limit in force.  Login shells and containers often set a soft limit of 1,024
 * for programs that use select(2); this one and its libraries use poll(2).
 */
unsigned fd_limit_raise(void);

#endif
