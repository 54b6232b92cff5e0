/* SPDX-License-Identifier: EPL-2.0 */
/*
 * listener: the listening socket that the program was started with.
 *
 * Descriptor 0, where spawn-fcgi, hulykvs-spawn and systemd's
 * StandardInput=socket leave it (FCGI_LISTENSOCK_FILENO of FastCGI 1.0); or
 * descriptor 3, where sd_listen_fds(3) has it, if LISTEN_PID and LISTEN_FDS say
 * so.
 */
#ifndef HULYKVS_LISTEN_FD_H
#define HULYKVS_LISTEN_FD_H

/* -1: there is none. */
int listen_fd_find(void);

#endif
