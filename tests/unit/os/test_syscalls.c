/* SPDX-License-Identifier: EPL-2.0 */
#include "os/syscalls.h"

#include <errno.h>
#include <fcntl.h>
#include <netdb.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/mman.h>
#include <sys/mount.h>
#include <sys/prctl.h>
#include <sys/ptrace.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/timerfd.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "base/exitcode.h"
#include "config_build.h"
#include "lib/tap.h"

#ifdef HAVE_SECCOMP

static bool
no_such_call(long result)
{
	return result < 0 && errno == ENOSYS;
}

static void
test_refused(void)
{
	void *page = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	tap_ok(no_such_call(execl("/bin/true", "true", NULL)), "no program is run");
	tap_ok(no_such_call(fork()), "no process is made");
	tap_ok(no_such_call(kill(getppid(), 0)), "no other process is sent a signal");
	tap_ok(no_such_call(ptrace(PTRACE_ATTACH, getppid(), NULL, NULL)), "nor traced");
	tap_ok(no_such_call(mount("none", "/tmp", "tmpfs", 0, NULL)), "nothing is mounted");
	tap_ok(no_such_call(setuid(getuid())), "the user stays the same");
	tap_ok(no_such_call(open("/dev/null", O_WRONLY)), "no file is opened for writing");
	tap_ok(no_such_call(open("/tmp/hkv-syscalls", O_RDONLY | O_CREAT, 0600)), "nor made");
	tap_ok(no_such_call(unlink("/tmp/hkv-syscalls")), "nor removed");
	tap_ok(no_such_call(socket(AF_PACKET, SOCK_RAW, 0)), "no packets");
	tap_ok(no_such_call(socket(AF_NETLINK, SOCK_RAW, 9)), "no audit socket");
	tap_ok(mmap(NULL, 4096, PROT_WRITE | PROT_EXEC, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0) == MAP_FAILED,
	    "no memory that is written and run");
	tap_ok(no_such_call(mprotect(page, 4096, PROT_READ | PROT_EXEC)), "nor run after it was written");
}

static void *
set_name(void *arg)
{
	return pthread_setname_np(pthread_self(), "thread") == 0 ? arg : NULL;
}

static bool
makes_a_thread(void)
{
	pthread_t thread;
	void *result;
	int self;

	return pthread_create(&thread, NULL, set_name, &self) == 0 && pthread_join(thread, &result) == 0 &&
	    result == &self;
}

/* By whatever modules nsswitch.conf names; AI_ADDRCONFIG looks at the addresses of this machine. */
static bool
looks_a_name_up(void)
{
	const struct addrinfo hints = { .ai_flags = AI_ADDRCONFIG, .ai_socktype = SOCK_STREAM };
	struct addrinfo *found = NULL;
	int error = getaddrinfo("localhost", "80", &hints, &found);

	if (found != NULL)
		freeaddrinfo(found);
	return error == 0 || error == EAI_NONAME || error == EAI_ADDRFAMILY;
}

static bool
grows_memory(void)
{
	char *p = malloc(1 << 20), *larger = p != NULL ? realloc(p, 1 << 26) : NULL;

	free(larger);
	return larger != NULL;
}

static void
test_allowed(void)
{
	int pair[2], file = open("/proc/self/statm", O_RDONLY);
	char byte = 'x';
	struct iovec bytes = { &byte, 1 };
	struct msghdr message = { .msg_iov = &bytes, .msg_iovlen = 1 };
	struct itimerspec soon = { .it_value = { 0, 1 } };
	int timer = timerfd_create(CLOCK_MONOTONIC, TFD_CLOEXEC);

	tap_ok(makes_a_thread(), "threads");
	tap_ok(looks_a_name_up(), "names");
	tap_ok(grows_memory(), "memory");
	tap_ok(file >= 0 && close(file) == 0, "files for reading");
	tap_ok(socketpair(AF_UNIX, SOCK_STREAM, 0, pair) == 0 && sendmsg(pair[0], &message, 0) == 1, "messages");
	tap_ok(timer >= 0 && timerfd_settime(timer, 0, &soon, NULL) == 0, "timers");
	tap_ok(epoll_create1(EPOLL_CLOEXEC) >= 0 && eventfd(0, EFD_CLOEXEC) >= 0, "events");
	tap_ok(raise(0) == 0, "signals to itself");
	tap_ok(prctl(PR_SET_DUMPABLE, 0L, 0L, 0L, 0L) == 0, "memory may be hidden");
	tap_ok(prctl(PR_SET_DUMPABLE, 1L, 0L, 0L, 0L) != 0 && prctl(PR_GET_DUMPABLE, 0L, 0L, 0L, 0L) == 0,
	    "and stays hidden");
}

static int
in_child(int (*work)(void))
{
	int status;
	pid_t child;

	(void)fflush(stdout);
	child = fork();
	if (child == 0)
		_exit(prctl(PR_SET_NO_NEW_PRIVS, 1L, 0L, 0L, 0L) == 0 ? work() : 99);
	return waitpid(child, &status, 0) == child && WIFEXITED(status) ? WEXITSTATUS(status) : -1;
}

static bool
restrict_to(enum syscalls_mode mode)
{
	struct buf why;
	bool ok;

	buf_init(&why, 256);
	ok = syscalls_restrict(mode, &why);
	buf_free(&why);
	return ok;
}

static int trap_pipe[2];

static int
be_trapped(void)
{
	(void)dup2(trap_pipe[1], STDERR_FILENO);
	if (!restrict_to(SYSCALLS_TRAP) || !makes_a_thread())
		return 98;
	(void)ptrace(PTRACE_TRACEME, 0, NULL, NULL);
	return 97;
}

static void
test_trap(void)
{
	char line[128], wanted[128];
	ssize_t n;

	if (pipe(trap_pipe) != 0)
		tap_bail("pipe");
	tap_int(in_child(be_trapped), EXIT_INTERNAL, "a trapped call is the end");
	(void)close(trap_pipe[1]);
	n = read(trap_pipe[0], line, sizeof(line));
	(void)snprintf(wanted, sizeof(wanted), "hulykvs: system call %04d is not on the list\n", SYS_ptrace);
	tap_text(str_from(line, n > 0 ? (size_t)n : 0), str_of(wanted), "and names its number");
}

static int
be_refused(void)
{
	int status;

	test_trap();
	tap_ok(restrict_to(SYSCALLS_REFUSE), "the list is in force");
	test_refused();
	test_allowed();
	status = tap_end();
	(void)fflush(stdout);
	return status;
}

/* In a child, since a leak checker makes a process at the end. */
int
main(void)
{
	return in_child(be_refused);
}

#else

int
main(void)
{
	struct buf why;

	buf_init(&why, 256);
	tap_ok(!syscalls_restrict(SYSCALLS_REFUSE, &why), "there is no list");
	tap_text(buf_str(&why), STR("built without libseccomp"), "and the reason is given");
	buf_free(&why);
	return tap_end();
}

#endif
