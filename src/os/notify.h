/* SPDX-License-Identifier: EPL-2.0 */
/*
 * notify: tells a supervisor how things are: sd_notify(3)'s protocol, a
 * datagram of NAME=value lines to the unix socket in NOTIFY_SOCKET.  Without
 * that variable nobody wants to know, and nothing is done.
 */
#ifndef HULYKVS_NOTIFY_H
#define HULYKVS_NOTIFY_H

#include <stdint.h>

/* "READY=1", "STOPPING=1", …; never waits, and a supervisor that does not listen is no fault of ours. */
void notify_send(const char *state);

/* Nanoseconds within which the supervisor wants to hear "WATCHDOG=1" each time; 0: it does not. */
int64_t notify_watchdog(void);

#endif
