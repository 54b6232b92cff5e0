/* SPDX-License-Identifier: EPL-2.0 */
#include "os/landlock.h"

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

#include "lib/tap.h"

static char directory[] = "/tmp/hkv-landlock.XXXXXX";

/* A path in the directory of this test; borrowed until the next call. */
static const char *
at(const char *name)
{
	static char path[sizeof(((struct sockaddr_un *)NULL)->sun_path)];

	(void)snprintf(path, sizeof(path), "%s/%s", directory, name);
	return path;
}

static void
make_file(const char *name)
{
	int fd = open(at(name), O_WRONLY | O_CREAT | O_EXCL, 0600);

	if (fd < 0 || close(fd) != 0)
		tap_bail("cannot make a file");
}

static bool
opens(const char *name, int flags)
{
	int fd = open(at(name), flags, 0600);

	return fd >= 0 && close(fd) == 0;
}

static bool
refuses(const char *name, int flags)
{
	return !opens(name, flags) && errno == EACCES;
}

/* 0: connected. */
static int
connect_to(const char *name)
{
	struct sockaddr_un address = { .sun_family = AF_UNIX };
	int fd = socket(AF_UNIX, SOCK_STREAM, 0);

	(void)snprintf(address.sun_path, sizeof(address.sun_path), "%s", at(name));
	return connect(fd, (const struct sockaddr *)&address, sizeof(address));
}

static void
listen_at(const char *name)
{
	struct sockaddr_un address = { .sun_family = AF_UNIX };
	int fd = socket(AF_UNIX, SOCK_STREAM, 0);

	(void)snprintf(address.sun_path, sizeof(address.sun_path), "%s", at(name));
	if (bind(fd, (const struct sockaddr *)&address, sizeof(address)) != 0 || listen(fd, 1) != 0)
		tap_bail("cannot listen");
}

static int open_port, closed_port; /* listeners */

static int
listen_tcp(void)
{
	struct sockaddr_in address = { .sin_family = AF_INET, .sin_addr = { htonl(INADDR_LOOPBACK) } };
	int fd = socket(AF_INET, SOCK_STREAM, 0);

	if (bind(fd, (const struct sockaddr *)&address, sizeof(address)) != 0 || listen(fd, 4) != 0)
		tap_bail("cannot listen");
	return fd;
}

static uint16_t
port_of(int listener)
{
	struct sockaddr_in address;
	socklen_t n = sizeof(address);

	if (getsockname(listener, (struct sockaddr *)&address, &n) != 0)
		tap_bail("getsockname");
	return ntohs(address.sin_port);
}

static bool
connect_tcp(uint16_t port)
{
	struct sockaddr_in address = {
		.sin_family = AF_INET, .sin_port = htons(port), .sin_addr = { htonl(INADDR_LOOPBACK) }
	};
	int fd = socket(AF_INET, SOCK_STREAM, 0);

	return connect(fd, (const struct sockaddr *)&address, sizeof(address)) == 0;
}

/* The name is that of the directory of this test. */
static struct sockaddr_un
abstract_address(void)
{
	struct sockaddr_un address = { .sun_family = AF_UNIX };

	(void)strcpy(address.sun_path + 1, directory);
	return address;
}

static void
listen_abstract(void)
{
	struct sockaddr_un address = abstract_address();
	int fd = socket(AF_UNIX, SOCK_STREAM, 0);

	if (bind(fd, (const struct sockaddr *)&address, sizeof(address)) != 0 || listen(fd, 1) != 0)
		tap_bail("cannot listen");
}

static bool
connect_abstract(void)
{
	struct sockaddr_un address = abstract_address();
	int fd = socket(AF_UNIX, SOCK_STREAM, 0);

	return connect(fd, (const struct sockaddr *)&address, sizeof(address)) == 0;
}

/* In a process of its own: whether what is not to be limited is not. */
static bool
exceptions_hold(void)
{
	struct landlock l;
	int status;
	pid_t child = fork();

	if (child == 0)
		_exit(landlock_open(&l, LANDLOCK_EVERY_PORT | LANDLOCK_ABSTRACT_SOCKETS) && landlock_enter(&l) &&
			    connect_tcp(port_of(closed_port)) && connect_abstract()
			? 0
			: 1);
	return child > 0 && waitpid(child, &status, 0) == child && WIFEXITED(status) && WEXITSTATUS(status) == 0;
}

static bool
cannot_bind_tcp(void)
{
	struct sockaddr_in address = { .sin_family = AF_INET, .sin_addr = { htonl(INADDR_LOOPBACK) } };
	int fd = socket(AF_INET, SOCK_STREAM, 0);

	return bind(fd, (const struct sockaddr *)&address, sizeof(address)) != 0 && errno == EACCES;
}

/* In a process of its own: what was asked for holds for good. */
static void
test_confined(void)
{
	struct landlock l;
	int status;

	if (prctl(PR_SET_NO_NEW_PRIVS, 1L, 0L, 0L, 0L) != 0 || !landlock_open(&l, 0))
		tap_bail("no Landlock in a child");
	tap_ok(exceptions_hold(), "all ports and abstract sockets, if they are exceptions");
	tap_ok(landlock_allow(&l, at("open")), "a directory is allowed");
	tap_ok(landlock_allow(&l, at("file")), "a file is allowed");
	tap_ok(!landlock_allow(&l, at("none")) && errno == ENOENT, "what is not there cannot be");
	tap_ok(landlock_allow_port(&l, port_of(open_port)), "a port is allowed");
	tap_ok(landlock_enter(&l), "entered");
	landlock_close(&l);
	tap_ok(opens("open/inside", O_RDONLY) && opens("open", O_RDONLY | O_DIRECTORY), "below the directory is read");
	tap_ok(opens("file", O_RDONLY), "the file is read");
	tap_ok(refuses("closed/inside", O_RDONLY) && refuses("closed", O_RDONLY | O_DIRECTORY), "nothing else is");
	tap_ok(refuses("file", O_WRONLY) && refuses("open/inside", O_RDWR), "nothing is written");
	tap_ok(refuses("open/new", O_WRONLY | O_CREAT), "nothing is made");
	tap_ok(unlink(at("open/inside")) != 0 && errno == EACCES, "nothing is removed");
	tap_ok(execl("/bin/true", "true", NULL) != 0 && errno == EACCES, "nothing is run");
	tap_ok(connect_to("closed/socket") == 0, "a unix socket is still connected to");
	if (l.version >= 4) {
		tap_ok(cannot_bind_tcp(), "no TCP port is bound");
		tap_ok(connect_tcp(port_of(open_port)), "the port is connected to");
		tap_ok(!connect_tcp(port_of(closed_port)) && errno == EACCES, "no other one is");
	}
	if (l.version >= 6)
		tap_ok(!connect_abstract() && errno == EPERM, "no abstract socket of another process is connected to");
	if (l.version >= 6)
		tap_ok(kill(getppid(), 0) != 0 && errno == EPERM, "no process outside is sent a signal");
	status = tap_end();
	(void)fflush(stdout);
	_exit(status); /* a leak checker would read /proc */
}

int
main(void)
{
	struct landlock l;
	int status;
	pid_t child;

	if (!landlock_open(&l, 0)) {
		(void)printf("1..0 # SKIP no Landlock in this kernel: %s\n", strerror(errno));
		return 0;
	}
	landlock_close(&l);
	if (mkdtemp(directory) == NULL || mkdir(at("open"), 0700) != 0 || mkdir(at("closed"), 0700) != 0)
		tap_bail("cannot make directories");
	make_file("file");
	make_file("open/inside");
	make_file("closed/inside");
	listen_at("closed/socket");
	listen_abstract();
	open_port = listen_tcp();
	closed_port = listen_tcp();
	child = fork();
	if (child == 0)
		test_confined();
	if (child < 0 || waitpid(child, &status, 0) != child)
		tap_bail("fork");
	(void)unlink(at("closed/socket"));
	(void)unlink(at("closed/inside"));
	(void)unlink(at("open/inside"));
	(void)unlink(at("file"));
	(void)rmdir(at("closed"));
	(void)rmdir(at("open"));
	(void)rmdir(directory);
	return WIFEXITED(status) ? WEXITSTATUS(status) : 1;
}
