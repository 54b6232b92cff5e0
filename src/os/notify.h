/* SPDX-License-Identifier: EPL-2.0 */
/*
 * notify: tells a supervisor such as systemd the state of the program, by the
 * protocol of sd_notify(3): a datagram of NAME=value lines to the unix socket in
 * NOTIFY_SOCKET.  Without that variable these functions do nothing.  For
 * program/main.
 */
#ifndef HULYKVS_NOTIFY_H
#define HULYKVS_NOTIFY_H

#include <stdint.h>

/* "READY=1", "STOPPING=1", …  Never waits; errors are ignored. */
void notify_send(const char *state);

/* Nanoseconds within which the supervisor expects the next "WATCHDOG=1"; 0: it expects none. */
int64_t notify_watchdog(void);

#endif
