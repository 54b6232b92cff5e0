/* SPDX-License-Identifier: EPL-2.0 */
#include "os/landlock.h"

#include <errno.h>
#include <fcntl.h>
#include <stdint.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "base/base.h"

/* For kernel headers that are older than the kernel; the numbers are the same on every architecture. */
#ifndef SYS_landlock_create_ruleset
#define SYS_landlock_create_ruleset 444
#define SYS_landlock_add_rule       445
#define SYS_landlock_restrict_self  446
#endif

#define VERSION_FLAG UINT32_C(1) /* LANDLOCK_CREATE_RULESET_VERSION */
#define PATH_BENEATH 1           /* LANDLOCK_RULE_PATH_BENEATH */
#define NET_PORT     2           /* LANDLOCK_RULE_NET_PORT */

#define READ_FILE (UINT64_C(1) << 2)
#define READ_DIR  (UINT64_C(1) << 3)

/* Access rights and scopes of each version: LANDLOCK_ACCESS_FS_*, LANDLOCK_ACCESS_NET_*, LANDLOCK_SCOPE_*. */
#define FILES(bits)    ((UINT64_C(1) << (bits)) - 1)
#define BIND_TCP       (UINT64_C(1) << 0)
#define CONNECT_TCP    (UINT64_C(1) << 1)
#define SCOPE_ABSTRACT (UINT64_C(1) << 0)
#define SCOPE_SIGNAL   (UINT64_C(1) << 1)

/* struct landlock_ruleset_attr; older kernels know its first members only */
struct ruleset {
	uint64_t files, ports, scopes;
};

/* struct landlock_path_beneath_attr */
struct beneath {
	uint64_t allowed;
	int32_t fd;
} __attribute__((packed));

/* struct landlock_net_port_attr */
struct net_port {
	uint64_t allowed, port;
};

static const struct {
	struct ruleset handled;
	size_t size;
} versions[] = {
	{ { FILES(13), 0, 0 }, sizeof(uint64_t) },
	{ { FILES(14), 0, 0 }, sizeof(uint64_t) },
	{ { FILES(15), 0, 0 }, sizeof(uint64_t) },
	{ { FILES(15), BIND_TCP | CONNECT_TCP, 0 }, 2 * sizeof(uint64_t) },
	{ { FILES(16), BIND_TCP | CONNECT_TCP, 0 }, 2 * sizeof(uint64_t) },
	{ { FILES(16), BIND_TCP | CONNECT_TCP, SCOPE_ABSTRACT | SCOPE_SIGNAL }, 3 * sizeof(uint64_t) },
};

#define VERSIONS_KNOWN (int)(ARRAY_SIZE(versions))

bool
landlock_open(struct landlock *l, unsigned exceptions)
{
	struct ruleset handled;
	int known;

	*l = (struct landlock){ .fd = -1 };
	l->version = (int)syscall(SYS_landlock_create_ruleset, NULL, (size_t)0, VERSION_FLAG);
	if (l->version <= 0) {
		l->version = 0;
		return false;
	}
	known = (l->version < VERSIONS_KNOWN ? l->version : VERSIONS_KNOWN) - 1;
	handled = versions[known].handled;
	if ((exceptions & LANDLOCK_EVERY_PORT) != 0)
		handled.ports &= ~CONNECT_TCP;
	if ((exceptions & LANDLOCK_ABSTRACT_SOCKETS) != 0)
		handled.scopes &= ~SCOPE_ABSTRACT;
	l->limits_ports = (handled.ports & CONNECT_TCP) != 0;
	l->fd = (int)syscall(SYS_landlock_create_ruleset, &handled, versions[known].size, UINT32_C(0));
	return l->fd >= 0;
}

bool
landlock_allow(const struct landlock *l, const char *path)
{
	struct beneath rule = { .fd = open(path, O_PATH | O_CLOEXEC) };
	struct stat st;
	bool ok = rule.fd >= 0 && fstat(rule.fd, &st) == 0;
	int error;

	if (ok) {
		rule.allowed = S_ISDIR(st.st_mode) ? READ_FILE | READ_DIR : READ_FILE;
		ok = syscall(SYS_landlock_add_rule, l->fd, PATH_BENEATH, &rule, UINT32_C(0)) == 0;
	}
	error = errno;
	if (rule.fd >= 0)
		(void)close(rule.fd);
	errno = error;
	return ok;
}

bool
landlock_allow_port(const struct landlock *l, uint16_t port)
{
	const struct net_port rule = { CONNECT_TCP, port };

	return !l->limits_ports || syscall(SYS_landlock_add_rule, l->fd, NET_PORT, &rule, UINT32_C(0)) == 0;
}

bool
landlock_enter(const struct landlock *l)
{
	return syscall(SYS_landlock_restrict_self, l->fd, UINT32_C(0)) == 0;
}

void
landlock_close(struct landlock *l)
{
	if (l->fd >= 0)
		(void)close(l->fd);
	l->fd = -1;
}
