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

/* Whether there is a second database, for hulykvs-migrate. */
static bool
reaches_other(const struct config *c)
{
	return c->reader == CONFIG_MIGRATION && c->other_db_connection[0] != '\0';
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
	if (reaches_other(c))
		dbconn_each_file(c->other_db_connection, allow_file, l);
	allow_list(l, str_of(c->sandbox_read));
}

/* What it may reach: from the settings, and from the environment. */
struct reach {
	struct landlock *landlock;
	unsigned exceptions;
	const char *wrong; /* NULL: nothing */
};

static void
allow_port(struct reach *r, struct str port)
{
	uint64_t n;

	if (setting_type_parse_whole(str_trim(port), 1, UINT16_MAX, &n) &&
	    !landlock_allow_port(r->landlock, (uint16_t)n))
		r->wrong = strerror(errno);
}

static void
allow_ports(struct reach *r, struct str ports)
{
	struct str port;

	while (ports.p != NULL) {
		(void)str_cut(ports, ',', &port, &ports);
		allow_port(r, port);
	}
}

static void
allow_database(void *reach, const char *hosts, const char *ports)
{
	(void)hosts;
	allow_ports(reach, str_of(ports));
}

/* libpq 14: a host that begins with @ is an abstract socket. */
static void
look_for_abstract_socket(void *reach, const char *hosts, const char *ports)
{
	struct reach *r = reach;

	(void)ports;
	if (hosts[0] == '@' || strstr(hosts, ",@") != NULL)
		r->exceptions |= LANDLOCK_ABSTRACT_SOCKETS;
}

/* The port of a URL, or, if it has none, that one.  The scheme may be missing, as in the address of a proxy. */
static void
allow_url(struct reach *r, const char *url, const char *port_of_scheme)
{
	const char *after_scheme = strstr(url, "://"), *found;
	struct str s = str_of(after_scheme != NULL ? after_scheme + 3 : url), host, port;

	if (s.n == 0)
		return;
	s = str_first(s, strcspn(s.p, "/?#"));
	found = memrchr(s.p, '@', s.n);
	if (found != NULL)
		s = str_skip(s, (size_t)(found + 1 - s.p));
	found = memrchr(s.p, ']', s.n);
	if (found != NULL)
		s = str_skip(s, (size_t)(found + 1 - s.p));
	allow_port(r, str_cut(s, ':', &host, &port) ? port : str_of(port_of_scheme));
}

static void
allow_endpoint(struct reach *r, const char *url)
{
	allow_url(r, url, str_eq_nocase(str_first(str_of(url), 8), STR("https://")) ? "443" : "80");
}

/* libcurl takes proxies from these variables; 1080 is its default. */
static void
allow_proxies(struct reach *r)
{
	static const char *const names[] = { "http_proxy", "https_proxy", "HTTPS_PROXY", "all_proxy", "ALL_PROXY" };

	for (size_t i = 0; i < ARRAY_SIZE(names); i++)
		if (getenv(names[i]) != NULL)
			allow_url(r, getenv(names[i]), "1080");
}

static void
allow_collector(struct reach *r, const struct config *c)
{
	if (c->otel_mode != OTELENV_ON || c->otel_sdk_disabled)
		return;
	allow_endpoint(r, c->otel_exporter_otlp_endpoint);
	allow_endpoint(r, c->otel_exporter_otlp_traces_endpoint);
	allow_endpoint(r, c->otel_exporter_otlp_metrics_endpoint);
	allow_proxies(r);
}

/* Before the ruleset is made: what it does not limit at all. */
static unsigned
find_exceptions(const struct config *c)
{
	const char *notify = getenv("NOTIFY_SOCKET");
	struct reach r = { .exceptions = notify != NULL && notify[0] == '@' ? LANDLOCK_ABSTRACT_SOCKETS : 0 };

	if (!dbconn_hosts(c->db_connection, look_for_abstract_socket, &r) ||
	    (reaches_other(c) && !dbconn_hosts(c->other_db_connection, look_for_abstract_socket, &r))) {
		log_event(
		    LOG_WARN, "the database's port is in a service file: the confined program may connect to any port");
		r.exceptions |= LANDLOCK_EVERY_PORT | LANDLOCK_ABSTRACT_SOCKETS;
	}
	return r.exceptions;
}

/* The resolver uses TCP where an answer is too long for UDP. */
static bool
allow_reach(struct landlock *l, const struct config *c)
{
	struct reach r = { .landlock = l };

	allow_port(&r, STR("53"));
	(void)dbconn_hosts(c->db_connection, allow_database, &r);
	if (reaches_other(c))
		(void)dbconn_hosts(c->other_db_connection, allow_database, &r);
	allow_collector(&r, c);
	allow_ports(&r, str_of(c->sandbox_connect));
	return r.wrong == NULL;
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
	bool ok = landlock_open(&l, find_exceptions(c));

	if (ok) {
		allow_all(&l, c);
		ok = allow_reach(&l, c) && landlock_enter(&l);
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
