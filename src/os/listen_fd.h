/* SPDX-License-Identifier: EPL-2.0 */
/*
 * listen_fd: the listening socket that the program was started with.  For
 * program/main.
 *
 * It is descriptor 0 (FCGI_LISTENSOCK_FILENO of FastCGI 1.0) under spawn-fcgi,
 * hulykvs-spawn and systemd's StandardInput=socket.  It is descriptor 3 under
 * systemd's socket activation (sd_listen_fds(3)), which sets LISTEN_PID and
 * LISTEN_FDS.
 */
#ifndef HULYKVS_LISTEN_FD_H
#define HULYKVS_LISTEN_FD_H

/* -1: there is none. */
int listen_fd_find(void);

#endif
