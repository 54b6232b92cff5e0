/* SPDX-License-Identifier: EPL-2.0 */
/*
 * health_probe: asks a running service for /livez or /readyz, for the health
 * checks of containers and service managers (hulykvs --probe).  It needs no
 * other program and no token.  For main.
 *
 * Over HTTP/1.0 it asks the public address, so that the web server is looked
 * at too.  With a socket it asks the program alone, as a web server does
 * (FastCGI 1.0).
 */
#ifndef HULYKVS_HEALTH_PROBE_H
#define HULYKVS_HEALTH_PROBE_H

#include "base/exitcode.h"
#include "config/config.h"

/*
 * path: "/livez" or "/readyz".  socket: the program's unix socket, or NULL for
 * the public address of the settings.  Prints the answer.  EXIT_OK: status
 * 200; EXIT_UNHEALTHY: another status; EXIT_DATABASE: no answer within 5
 * seconds.
 */
enum exitcode health_probe_run(const struct config *c, const char *path, const char *socket)
    __attribute__((warn_unused_result));

#endif
