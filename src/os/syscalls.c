/* SPDX-License-Identifier: EPL-2.0 */
#include "os/syscalls.h"

#include "base/base.h"
#include "config_build.h"
#ifdef HAVE_SECCOMP

#include <errno.h>
#include <fcntl.h>
#include <linux/netlink.h>
#include <linux/sockios.h>
#include <net/if.h>
#include <sched.h>
#include <seccomp.h>
#include <signal.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/exitcode.h"

#ifndef PR_SET_VMA
#define PR_SET_VMA 0x53564d41 /* newer C libraries name their memory */
#endif

/* A name that the architecture or libseccomp does not know is skipped. */
static const char *const allowed[] = {
	/* memory */
	"brk",
	"madvise",
	"mlock",
	"mlock2",
	"mremap",
	"munlock",
	"munmap",
	/* threads */
	"exit",
	"exit_group",
	"futex",
	"futex_time64",
	"get_robust_list",
	"getcpu",
	"membarrier",
	"restart_syscall",
	"rseq",
	"sched_getaffinity",
	"sched_getparam",
	"sched_getscheduler",
	"sched_yield",
	"set_robust_list",
	/* signals */
	"alarm",
	"rt_sigaction",
	"rt_sigprocmask",
	"rt_sigreturn",
	"rt_sigtimedwait",
	"setitimer",
	"sigaltstack",
	"signalfd4",
	/* time */
	"clock_getres",
	"clock_gettime",
	"clock_gettime64",
	"clock_nanosleep",
	"clock_nanosleep_time64",
	"gettimeofday",
	"nanosleep",
	"time",
	"timerfd_create",
	"timerfd_gettime",
	"timerfd_settime",
	/* waiting */
	"epoll_create1",
	"epoll_ctl",
	"epoll_pwait",
	"epoll_pwait2",
	"epoll_wait",
	"eventfd2",
	"poll",
	"ppoll",
	"ppoll_time64",
	"pselect6",
	"select",
	/* descriptors */
	"close",
	"close_range",
	"dup",
	"dup2",
	"dup3",
	"fcntl",
	"fcntl64",
	"lseek",
	"_llseek",
	"pipe2",
	"pread64",
	"pwrite64",
	"read",
	"readv",
	"write",
	"writev",
	/* looking at files */
	"access",
	"faccessat",
	"faccessat2",
	"fadvise64",
	"fstat",
	"fstat64",
	"fstatfs",
	"fstatfs64",
	"getcwd",
	"getdents64",
	"lstat",
	"newfstatat",
	"readlink",
	"readlinkat",
	"stat",
	"statfs",
	"statfs64",
	"statx",
	/* sockets */
	"accept4",
	"bind",
	"connect",
	"getpeername",
	"getsockname",
	"getsockopt",
	"recvfrom",
	"recvmmsg",
	"recvmsg",
	"sendmmsg",
	"sendmsg",
	"sendto",
	"setsockopt",
	"shutdown",
	"socketpair",
	/* the process and the machine */
	"getegid",
	"geteuid",
	"getgid",
	"getgroups",
	"getpgrp",
	"getpid",
	"getppid",
	"getrandom",
	"getresgid",
	"getresuid",
	"getrlimit",
	"getrusage",
	"gettid",
	"getuid",
	"sysinfo",
	"uname",
};

/* Of an argument of type int: the upper half of its register is undefined. */
#define INT_BITS UINT64_C(0xffffffff)

/* Allowed where (argument & mask) == value; a mask of 0 compares nothing. */
static const struct rule {
	const char *name;
	struct {
		unsigned number;
		uint64_t mask, value;
	} argument[2];
} rules[] = {
	/* domain; netlink only for getaddrinfo(3), which reads the addresses of the machine */
	{ "socket", { { 0, INT_BITS, AF_UNIX } } },
	{ "socket", { { 0, INT_BITS, AF_INET } } },
	{ "socket", { { 0, INT_BITS, AF_INET6 } } },
	{ "socket", { { 0, INT_BITS, AF_NETLINK }, { 2, INT_BITS, NETLINK_ROUTE } } },
	/* flags */
	{ "clone", { { 0, CLONE_THREAD, CLONE_THREAD } } },
	{ "open", { { 1, O_ACCMODE | O_CREAT | O_TRUNC, O_RDONLY } } },
	{ "openat", { { 2, O_ACCMODE | O_CREAT | O_TRUNC, O_RDONLY } } },
	/* protection */
	{ "mmap", { { 2, PROT_WRITE, 0 } } },
	{ "mmap", { { 2, PROT_EXEC, 0 } } },
	{ "mmap2", { { 2, PROT_WRITE, 0 } } },
	{ "mmap2", { { 2, PROT_EXEC, 0 } } },
	{ "mprotect", { { 2, PROT_EXEC, 0 } } },
	/* request: is it a terminal, how many bytes are to be read or to be sent, the number of an interface */
	{ "ioctl", { { 1, INT_BITS, FIONBIO } } },
	{ "ioctl", { { 1, INT_BITS, FIONREAD } } },
	{ "ioctl", { { 1, INT_BITS, SIOCGIFINDEX } } },
	{ "ioctl", { { 1, INT_BITS, SIOCOUTQ } } },
	{ "ioctl", { { 1, INT_BITS, TCGETS } } },
	{ "ioctl", { { 1, INT_BITS, TIOCGWINSZ } } },
	{ "prctl", { { 0, INT_BITS, PR_GET_DUMPABLE } } },
	{ "prctl", { { 0, INT_BITS, PR_GET_NAME } } },
	{ "prctl", { { 0, INT_BITS, PR_SET_DUMPABLE }, { 1, INT_BITS, 0 } } }, /* may be switched off only */
	{ "prctl", { { 0, INT_BITS, PR_SET_NAME } } },
	{ "prctl", { { 0, INT_BITS, PR_SET_VMA } } },
	/* process: 0 is this one */
	{ "prlimit64", { { 0, INT_BITS, 0 } } },
};

static int
add_rule(scmp_filter_ctx filter, const struct rule *rule)
{
	struct scmp_arg_cmp compare[2];
	unsigned n = 0;
	int number = seccomp_syscall_resolve_name(rule->name);

	if (number < 0)
		return 0;
	for (; n < 2 && rule->argument[n].mask != 0; n++)
		compare[n] = (struct scmp_arg_cmp){ rule->argument[n].number, SCMP_CMP_MASKED_EQ,
			rule->argument[n].mask, rule->argument[n].value };
	return seccomp_rule_add_array(filter, SCMP_ACT_ALLOW, number, n, compare);
}

static int
add_rules(scmp_filter_ctx filter)
{
	/* abort(3) and pthread_kill(3) */
	const struct rule own_signals = { "tgkill", { { 0, INT_BITS, (uint64_t)getpid() } } };
	int error = add_rule(filter, &own_signals);

	for (size_t i = 0; error == 0 && i < ARRAY_SIZE(allowed); i++)
		error = add_rule(filter, &(struct rule){ .name = allowed[i] });
	for (size_t i = 0; error == 0 && i < ARRAY_SIZE(rules); i++)
		error = add_rule(filter, &rules[i]);
	return error;
}

/* For the C library, which tries clone3 first for each thread: see the header. */
static int
let_threads_fall_back(scmp_filter_ctx filter)
{
	int number = seccomp_syscall_resolve_name("clone3");

	return number < 0 ? 0 : seccomp_rule_add_array(filter, SCMP_ACT_ERRNO(ENOSYS), number, 0, NULL);
}

/* Handler of SIGSYS: calls only async-signal-safe functions. */
static void
on_trap(int signal, siginfo_t *info, void *context)
{
	char line[] = "hulykvs: system call 0000 is not on the list\n";
	size_t last = sizeof("hulykvs: system call 0000") - 2;

	(void)signal;
	(void)context;
	for (int n = info->si_syscall; line[last] == '0'; n /= 10)
		line[last--] = (char)('0' + n % 10);
	if (write(STDERR_FILENO, line, sizeof(line) - 1) < 0)
		_exit(EXIT_INTERNAL);
	_exit(EXIT_INTERNAL);
}

bool
syscalls_restrict(enum syscalls_mode mode, struct buf *why)
{
	const struct sigaction trap = { .sa_sigaction = on_trap, .sa_flags = SA_SIGINFO };
	scmp_filter_ctx filter = seccomp_init(mode == SYSCALLS_TRAP ? SCMP_ACT_TRAP : SCMP_ACT_ERRNO(ENOSYS));
	int error = filter != NULL ? 0 : -ENOMEM;

	if (error == 0)
		error = add_rules(filter);
	if (error == 0 && mode == SYSCALLS_TRAP)
		error = sigaction(SIGSYS, &trap, NULL) != 0 ? -errno : let_threads_fall_back(filter);
	/* This program makes no calls of another architecture, such as the 32-bit ones. */
	if (error == 0)
		error = seccomp_attr_set(filter, SCMP_FLTATR_ACT_BADARCH, SCMP_ACT_KILL_PROCESS);
	if (error == 0) {
		/* Optional: kernels before 4.14 cannot log, and older versions of libseccomp make no binary tree. */
		(void)seccomp_attr_set(filter, SCMP_FLTATR_CTL_LOG, 1);
		(void)seccomp_attr_set(filter, SCMP_FLTATR_CTL_OPTIMIZE, 2);
		error = seccomp_load(filter);
	}
	seccomp_release(filter);
	if (error != 0)
		buf_puts(why, str_of(strerror(-error)));
	return error == 0;
}

#else

bool
syscalls_restrict(enum syscalls_mode mode, struct buf *why)
{
	(void)mode;
	buf_puts(why, STR("built without libseccomp"));
	return false;
}

#endif
