/*
 * listener: the listening socket that the program was started with.
 *
 * Descriptor 0, where spawn-fcgi, hulykvs-spawn and systemd's
 * StandardInput=socket leave it (FCGI_LISTENSOCK_FILENO of FastCGI 1.0); or
 * descriptor 3, where sd_listen_fds(3) has it, if LISTEN_PID and LISTEN_FDS say
 * so.
 */
#ifndef HULYKVS_LISTENER_H
#define HULYKVS_LISTENER_H

/* -1: there is none. */
int listener_find(void);

#endif
