/* SPDX-License-Identifier: EPL-2.0 */
#include "program/sandbox.h"

#include <errno.h>
#include <limits.h>
#include <stdlib.h>
#include <sys/prctl.h>
#include <unistd.h>

#include "base/base.h"
#include "os/landlock.h"
#include "os/syscalls.h"
#include "pg/dbconn.h"

/* Paths that do not exist are skipped. */
static const char *const system_files[] = {
	"/etc", "/usr", "/lib", "/lib64",
	"/proc", /* for the program's own metrics; Landlock forbids to read the memory and files of other processes there */
	"/sys/devices/system/cpu", "/dev/null", "/dev/random", "/dev/urandom", "/dev/zero",
	"/var/lib/sss/mc", /* sssd(8)'s users and groups */
};

/* Files in /etc that may be symbolic links to other directories. */
static const char *const linked_files[] = { "/etc/resolv.conf", "/etc/hosts", "/etc/localtime" };

/* What libpq looks for in the home directory. */
static const char *const home_files[] = { ".pgpass", ".pg_service.conf", ".postgresql" };

/* Environment variables with the path of a file or directory that a library reads, or that systemd puts secrets in. */
static const char *const named_files[] = {
	"PGSERVICEFILE",
	"PGSYSCONFDIR",
	"OPENSSL_CONF",
	"SSL_CERT_FILE",
	"SSL_CERT_DIR",
	"KRB5_CONFIG",
	"CREDENTIALS_DIRECTORY",
};

static void
allow(const struct landlock *l, const char *path)
{
	if (!landlock_allow(l, path) && errno != ENOENT && errno != ENOTDIR)
		log_event(LOG_WARN, "the confined program cannot read this path", log_text("path", str_of(path)),
		    log_text("why", str_of(strerror(errno))));
}

/* Allows the directory of a file, so that the file may be replaced; for a file in the root directory only the file. */
static void
allow_directory(const struct landlock *l, const char *path)
{
	char directory[PATH_MAX];
	const char *slash = strrchr(path, '/');
	size_t n = slash != NULL ? (size_t)(slash - path) : 0;

	if (slash == path || n >= sizeof(directory)) {
		allow(l, path);
		return;
	}
	memcpy(directory, path, n);
	directory[n] = '\0';
	allow(l, slash != NULL ? directory : ".");
}

/* Allows a file and, if it is a symbolic link, its target. */
static void
allow_file(void *landlock, const char *path)
{
	char target[PATH_MAX];

	allow_directory(landlock, path);
	if (realpath(path, target) != NULL)
		allow_directory(landlock, target);
}

static void
allow_home(struct landlock *l)
{
	const char *home = getenv("HOME");
	char path[PATH_MAX];

	for (size_t i = 0; home != NULL && home[0] == '/' && i < ARRAY_SIZE(home_files); i++)
		if ((size_t)snprintf(path, sizeof(path), "%s/%s", home, home_files[i]) < sizeof(path))
			allow(l, path);
}

static void
allow_list(struct landlock *l, struct str list)
{
	char path[PATH_MAX];
	struct str one;

	if (str_eq(list, STR("none")))
		return;
	while (list.p != NULL) {
		(void)str_cut(list, ':', &one, &list);
		if ((size_t)snprintf(path, sizeof(path), "%.*s", STR_FMT(one)) >= sizeof(path))
			errno = ENAMETOOLONG;
		else if (landlock_allow(l, path))
			continue;
		log_event(LOG_WARN, "the confined program cannot read this path", log_text("path", one),
		    log_text("why", str_of(strerror(errno))));
	}
}

/* The settings file may be created later.  If there is no etc yet, the whole working directory is allowed. */
static void
allow_settings(struct landlock *l)
{
	if (access("etc", F_OK) == 0)
		allow_file(l, SETTINGS_FILE);
	else
		allow(l, ".");
}

static void
allow_all(struct landlock *l, const struct config *c)
{
	for (size_t i = 0; i < ARRAY_SIZE(system_files); i++)
		allow(l, system_files[i]);
	for (size_t i = 0; i < ARRAY_SIZE(linked_files); i++)
		allow_file(l, linked_files[i]);
	for (size_t i = 0; i < ARRAY_SIZE(named_files); i++)
		if (getenv(named_files[i]) != NULL)
			allow(l, getenv(named_files[i]));
	allow_home(l);
	allow_settings(l);
	config_each_file(c, allow_file, l);
	dbconn_each_file(c->db_connection, allow_file, l);
	allow_list(l, str_of(c->sandbox_read));
}

static bool
enter_privileges(const struct config *c, struct buf *holds, struct buf *why)
{
	(void)c;
	if (prctl(PR_SET_NO_NEW_PRIVS, 1L, 0L, 0L, 0L) != 0) {
		buf_puts(why, str_of(strerror(errno)));
		return false;
	}
	buf_puts(holds, STR("no new privileges"));
	return true;
}

static bool
enter_landlock(const struct config *c, struct buf *holds, struct buf *why)
{
	struct landlock l;
	bool ok = landlock_open(&l);

	if (ok) {
		allow_all(&l, c);
		ok = landlock_enter(&l);
	}
	if (!ok)
		buf_puts(why, str_of(strerror(errno)));
	else
		buf_printf(holds, "Landlock %d", l.version);
	landlock_close(&l);
	return ok;
}

static bool
enter_syscalls(const struct config *c, struct buf *holds, struct buf *why)
{
	if (!syscalls_restrict(c->sandbox == SETTING_SANDBOX_TRAP ? SYSCALLS_TRAP : SYSCALLS_REFUSE, why))
		return false;
	buf_puts(holds, STR("system calls"));
	return true;
}

/* The order matters: Landlock and seccomp need no new privileges, and the list of system calls forbids to enter Landlock. */
static const struct part {
	const char *name;
	bool (*enter)(const struct config *c, struct buf *holds, struct buf *why);
} parts[] = {
	{ "no new privileges", enter_privileges },
	{ "Landlock", enter_landlock },
	{ "system calls", enter_syscalls },
};

/* A part that the kernel does not offer is logged (on), or the program does not start (require, trap). */
static bool
do_without(const struct config *c, const struct part *part, struct str reason, struct buf *why)
{
	if (c->sandbox != SETTING_SANDBOX_ON) {
		buf_printf(why, "%s: %.*s", part->name, STR_FMT(reason));
		return false;
	}
	log_event(LOG_WARN, "a part of the confinement is missing", log_text("by", str_of(part->name)),
	    log_text("why", reason));
	return true;
}

bool
sandbox_enter(const struct config *c, enum log_level level, struct buf *why)
{
	struct buf holds, reason;
	bool ok = true;

	if (c->sandbox == SETTING_SANDBOX_OFF)
		return true;
	buf_init(&holds, 256);
	buf_init(&reason, 256);
	for (size_t i = 0; ok && i < ARRAY_SIZE(parts); i++) {
		size_t n = holds.n;

		if (n > 0)
			buf_puts(&holds, STR(", "));
		if (!parts[i].enter(c, &holds, &reason)) {
			holds.n = n;
			ok = do_without(c, &parts[i], buf_str(&reason), why);
			reason.n = 0;
		}
	}
	if (ok && holds.n > 0)
		log_event(level, "confined", log_text("by", buf_str(&holds)));
	buf_free(&holds);
	buf_free(&reason);
	return ok;
}
