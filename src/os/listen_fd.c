/* SPDX-License-Identifier: EPL-2.0 */
#include "os/listen_fd.h"

#include <fcntl.h>
#include <stdbool.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

#define FASTCGI 0
#define SYSTEMD 3 /* SD_LISTEN_FDS_START */

static bool
is_listening(int fd)
{
	int value = 0;
	socklen_t n = sizeof(value);

	return getsockopt(fd, SOL_SOCKET, SO_ACCEPTCONN, &value, &n) == 0 && value != 0;
}

/* Whether the descriptors that are announced are meant for this process. */
static bool
is_announced(void)
{
	const char *pid = getenv("LISTEN_PID"), *fds = getenv("LISTEN_FDS");

	return pid != NULL && fds != NULL && strtoll(pid, NULL, 10) == getpid() && strtoll(fds, NULL, 10) >= 1;
}

int
listen_fd_find(void)
{
	if (is_listening(FASTCGI))
		return FASTCGI;
	if (is_announced() && is_listening(SYSTEMD) && fcntl(SYSTEMD, F_SETFD, FD_CLOEXEC) == 0)
		return SYSTEMD;
	return -1;
}
