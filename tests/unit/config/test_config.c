/* SPDX-License-Identifier: EPL-2.0 */
#include "config/config.h"

#include <errno.h>
#include <fcntl.h>
#include <openssl/crypto.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/textfile.h"
#include "lib/tap.h"

static unsigned cleansed; /* secrets seen by OPENSSL_cleanse(), which stands before the library's own */

void
OPENSSL_cleanse(void *p, size_t n)
{
	volatile char *bytes = p;

	cleansed += n >= 4 && memmem(p, n, "hush", 4) != NULL;
	for (size_t i = 0; i < n; i++)
		bytes[i] = 0;
}

/* Each case runs in a directory of its own, with its stderr in a file there. */
#define LOG_FILE "stderr"

struct result {
	bool ok;
	struct config c;
	struct buf error, log;
};

static void
must(bool done, const char *what)
{
	if (!done)
		tap_bail(what);
}

static void
write_file(const char *path, struct str text)
{
	FILE *f = fopen(path, "w");

	must(f != NULL && fwrite(text.p, 1, text.n, f) == text.n && fclose(f) == 0, path);
}

static void
read_log(struct buf *log)
{
	FILE *f = fopen(LOG_FILE, "r");

	must(f != NULL, LOG_FILE);
	for (int c; (c = getc(f)) != EOF;)
		buf_putc(log, (char)c);
	must(fclose(f) == 0 && buf_ok(log), LOG_FILE);
}

/* NULL: no file. */
static void
set_file(const char *text)
{
	if (text == NULL)
		must(unlink("etc/config.toml") == 0 || errno == ENOENT, "unlink");
	else
		write_file("etc/config.toml", str_of(text));
}

static void
load_over(struct result *r, const struct config_override *overrides)
{
	int saved = dup(STDERR_FILENO);
	int fd = open(LOG_FILE, O_WRONLY | O_CREAT | O_TRUNC | O_APPEND, 0600);

	must(saved >= 0 && fd >= 0 && dup2(fd, STDERR_FILENO) >= 0, "dup2");
	buf_init(&r->error, 1024);
	buf_init(&r->log, 65536);
	memset(&r->c, 0x5a, sizeof(r->c));
	r->ok = config_load(&r->c, CONFIG_SERVICE, overrides, &r->error);
	if (r->ok)
		config_warn(&r->c);
	must(dup2(saved, STDERR_FILENO) >= 0 && close(saved) == 0 && close(fd) == 0, "dup2");
	read_log(&r->log);
}

static void
load(struct result *r)
{
	load_over(r, NULL);
}

static void
done(struct result *r)
{
	config_free(&r->c);
	buf_free(&r->error);
	buf_free(&r->log);
}

static bool
contains(const struct buf *b, const char *what)
{
	return b->n > 0 && memmem(b->p, b->n, what, strlen(what)) != NULL;
}

static void
defaults(void)
{
	struct result r;

	set_file(NULL);
	clearenv();
	load(&r);
	tap_ok(r.ok && r.error.n == 0, "no file and no environment");
	tap_text(str_of(r.c.db_connection), STR("postgresql://root@huly.local:26257/defaultdb?sslmode=disable"),
	    "db_connection");
	tap_text(str_of(r.c.db_scheme), STR("hulykvs"), "db_scheme");
	tap_text(str_of(r.c.token_secret), STR("secret"), "token_secret");
	tap_text(str_of(r.c.bind_host), STR("0.0.0.0"), "bind_host");
	tap_int(r.c.bind_port, 8094, "bind_port");
	tap_int(r.c.payload_size_limit, 2000000, "payload_size_limit");
	char uuid[UUID_TEXT_SIZE];
	uuid_text(&r.c.default_workspace_uuid, uuid);
	tap_text(str_of(uuid), STR("11111111-2222-3333-4444-555555555555"), "default_workspace_uuid");
	tap_int(r.c.log_level, LOG_INFO, "log_level");
	tap_int(r.c.workers, 1, "workers");
	tap_ok(r.c.db_prepared, "db_prepared");
	tap_int(r.c.request_timeout, 10 * CLOCK_S, "request_timeout");
	tap_int(r.c.body_budget, 128 << 20, "body_budget");
	tap_ok(contains(&r.log, "level=warn") && contains(&r.log, "HULY_TOKEN_SECRET"), "warns of the default secret");
	done(&r);
}

static void
sources(void)
{
	struct result r;

	set_file("# as the original has it\n"
		 "bind_port = 8095\n"
		 "bind_host = \"::1\"\n"
		 "token_secret = 'from # the \"file\"'\n"
		 "payload_size_limit = 1_000\n"
		 "db_scheme = \"fr\\u00fche\"\n"
		 "request_timeout = 0.5\n"
		 "db_prepared = false\n");
	clearenv();
	setenv("HULY_BIND_PORT", "8096", 1);
	setenv("HULY_PAYLOAD_SIZE_LIMIT", "512 KiB", 1);
	load(&r);
	tap_ok(r.ok && r.error.n == 0, "a file and an environment");
	tap_int(r.c.bind_port, 8096, "the environment stands above the file");
	tap_int(r.c.payload_size_limit, 512 * 1024, "also for a number");
	tap_text(str_of(r.c.bind_host), STR("::1"), "the file stands above the default");
	tap_text(str_of(r.c.token_secret), STR("from # the \"file\""), "a secret from the file");
	tap_text(str_of(r.c.db_scheme), STR("fr\xc3\xbche"), "a decoded text");
	tap_int(r.c.request_timeout, CLOCK_S / 2, "a number with decimals");
	tap_ok(!r.c.db_prepared, "a boolean");
	tap_int(r.c.log_level, LOG_INFO, "the default stands where there is nothing");
	tap_int((int64_t)r.log.n, 0, "nothing to warn of");
	done(&r);

	setenv("HULY_BIND_HOST", "127.0.0.1", 1);
	set_file("bind_host = \"nonsense\"\n");
	load(&r);
	tap_ok(r.ok, "a bad value in the file does not matter where the environment has a good one");
	done(&r);
}

static void
unknown_names(void)
{
	struct result r;

	set_file("other_service = 'hush1'\n");
	clearenv();
	setenv("HULY_TOKEN_SECRET", "hush2", 1);
	setenv("HULY_ACCOUNTS_URL", "hush3", 1);
	setenv("huly_bind_port", "1", 1);
	setenv("HULY_bind_port", "4", 1);
	setenv("HULYBIND_PORT", "2", 1);
	setenv("BIND_PORT", "3", 1);
	load(&r);
	tap_ok(r.ok, "names that no setting has are no error");
	tap_ok(contains(&r.log, "level=warn") && contains(&r.log, "\"HULY_ACCOUNTS_URL\""),
	    "one with our prefix is named");
	tap_ok(
	    contains(&r.log, "\"other_service\"") && contains(&r.log, "line=1"), "one in the file is, with its line");
	tap_ok(!contains(&r.log, "hush"), "no value is logged");
	tap_ok(contains(&r.log, "\"HULY_bind_port\""), "one in lower case is not the setting");
	tap_ok(!contains(&r.log, "BIND_PORT") && !contains(&r.log, "\"huly"), "others are not ours");
	tap_int(r.c.bind_port, 8094, "and have no effect");
	done(&r);
}

static void
default_secret(void)
{
	struct result r;

	set_file("token_secret = \"secret\"\n");
	clearenv();
	load(&r);
	tap_ok(r.ok && contains(&r.log, "HULY_TOKEN_SECRET"), "warns of the default secret in the file");
	done(&r);
}

/* NAME=value in an environment without anything else. */
static void
check_value(const char *name, const char *value, const char *want)
{
	struct result r;

	clearenv();
	setenv("HULY_TOKEN_SECRET", "hush", 1);
	setenv(name, value, 1);
	load(&r);
	if (want == NULL) {
		tap_ok(r.ok && r.error.n == 0, "%s takes %s", name, tap_show(str_of(value)));
	} else {
		tap_ok(!r.ok, "%s refuses %s", name, tap_show(str_of(value)));
		tap_text(buf_str(&r.error), str_of(want), "and says so");
	}
	done(&r);
}

static void
good_values(void)
{
	static const struct {
		const char *name, *value;
	} rows[] = {
		{ "HULY_DB_CONNECTION", "host=/run/postgresql user=x password='\xff'" },
		{ "HULY_DB_SCHEME", "a" },
		{ "HULY_DB_SCHEME", "a \"b\"; drop" },
		{ "HULY_DB_SCHEME", "123456789012345678901234567890123456789012345678901234567890123" },
		{ "HULY_TOKEN_SECRET", "x" },
		{ "HULY_BIND_HOST", "127.0.0.1" },
		{ "HULY_BIND_HOST", "::" },
		{ "HULY_BIND_HOST", "2001:db8:1111:2222:3333:4444:255.255.255.255" },
		{ "HULY_BIND_PORT", "1" },
		{ "HULY_BIND_PORT", "65535" },
		{ "HULY_BIND_PORT", "080" },
		{ "HULY_PAYLOAD_SIZE_LIMIT", "0" },
		{ "HULY_PAYLOAD_SIZE_LIMIT", "1 GiB" },
		{ "HULY_DEFAULT_WORKSPACE_UUID", "{1749089E-22e6-48de-af4e-165e18fbd2f9}" },
		{ "HULY_LOG_LEVEL", "debug" },
		{ "HULY_LOG_LEVEL", "error" },
		{ "HULY_WORKERS", "1" },
		{ "HULY_WORKERS", "64" },
		{ "HULY_DB_PREPARED", "off" },
		{ "HULY_DB_PREPARED", "On" },
		{ "HULY_DB_PREPARED", "true" },
		{ "HULY_DB_PREPARED", "FALSE" },
		{ "HULY_DB_PREPARED", "1" },
		{ "HULY_DB_PREPARED", "0" },
		{ "HULY_REQUEST_TIMEOUT", "0.1" },
		{ "HULY_REQUEST_TIMEOUT", "3600" },
		{ "HULY_TOKEN_SECRET_PREVIOUS", "" },
		{ "HULY_ACCESS_RULES", "off" },
		{ "HULY_ACCESS_DEFAULT", "allow" },
	};

	set_file(NULL);
	for (size_t i = 0; i < COUNT(rows); i++)
		check_value(rows[i].name, rows[i].value, NULL);
}

#define NOT_NAME     "not a name of 1 to 63 bytes without control characters"
#define NOT_ADDRESS  "not an IPv4 or IPv6 address (a host name will not do)"
#define NOT_PORT     "not a port number (1 to 65535)"
#define NOT_SIZE     "not a size up to 1 GiB (such as 2Mb, 512 KiB or 1000)"
#define NOT_COUNT    "not a number from 1 to 64"
#define NOT_LIFETIME "neither auto nor off, nor a number of seconds from 1 to 86400"
#define NOT_SECONDS  "not a number of seconds from 0.1 to 3600"
#define NOT_PEERS    "neither any nor up to 16 names or numbers of users with commas between them"
#define NOT_SANDBOX  "neither off, on, require nor trap"
#define NOT_PATHS    "neither none nor absolute paths with colons between them"
#define NOT_LEVEL    "not a log level (error, warn, info or debug)"

static void
bad_values(void)
{
	static const struct {
		const char *name, *value, *wrong;
	} rows[] = {
		{ "HULY_DB_CONNECTION", "", "empty" },
		{ "HULY_TOKEN_SECRET", "", "empty" },
		{ "HULY_DB_SCHEME", "", NOT_NAME },
		{ "HULY_DB_SCHEME", "a\nb", NOT_NAME },
		{ "HULY_DB_SCHEME", "a\x7f", NOT_NAME },
		{ "HULY_DB_SCHEME", "a\xff", NOT_NAME },
		{ "HULY_DB_SCHEME", "1234567890123456789012345678901234567890123456789012345678901234", NOT_NAME },
		{ "HULY_BIND_HOST", "", NOT_ADDRESS },
		{ "HULY_BIND_HOST", "localhost", NOT_ADDRESS },
		{ "HULY_BIND_HOST", "127.0.0.256", NOT_ADDRESS },
		{ "HULY_BIND_HOST", "127.0.0.1:80", NOT_ADDRESS },
		{ "HULY_BIND_HOST", "[::]", NOT_ADDRESS },
		{ "HULY_BIND_HOST", "fe80::1%lo", NOT_ADDRESS },
		{ "HULY_BIND_HOST", " 127.0.0.1", NOT_ADDRESS },
		{ "HULY_BIND_HOST", "2001:0db8:1111:2222:3333:4444:255.255.255.255.", NOT_ADDRESS },
		{ "HULY_BIND_PORT", "", NOT_PORT },
		{ "HULY_BIND_PORT", "0", NOT_PORT },
		{ "HULY_BIND_PORT", "65536", NOT_PORT },
		{ "HULY_BIND_PORT", "-1", NOT_PORT },
		{ "HULY_BIND_PORT", "80 ", NOT_PORT },
		{ "HULY_BIND_PORT", "8o", NOT_PORT },
		{ "HULY_BIND_PORT", "18446744073709551617", NOT_PORT },
		{ "HULY_PAYLOAD_SIZE_LIMIT", "", NOT_SIZE },
		{ "HULY_PAYLOAD_SIZE_LIMIT", "-5", NOT_SIZE },
		{ "HULY_PAYLOAD_SIZE_LIMIT", "1073741825", NOT_SIZE },
		{ "HULY_PAYLOAD_SIZE_LIMIT", "2 tb", NOT_SIZE },
		{ "HULY_DEFAULT_WORKSPACE_UUID", "", "not a UUID" },
		{ "HULY_DEFAULT_WORKSPACE_UUID", "nope", "not a UUID" },
		{ "HULY_LOG_LEVEL", "", NOT_LEVEL },
		{ "HULY_LOG_LEVEL", "loud", NOT_LEVEL },
		{ "HULY_ALLOWED_PEERS", "", NOT_PEERS },
		{ "HULY_ALLOWED_PEERS", "www-data,", NOT_PEERS },
		{ "HULY_ALLOWED_PEERS", "www data", NOT_PEERS },
		{ "HULY_SANDBOX", "", NOT_SANDBOX },
		{ "HULY_SANDBOX", "ON", NOT_SANDBOX },
		{ "HULY_SANDBOX_READ", "", NOT_PATHS },
		{ "HULY_SANDBOX_READ", "tmp", NOT_PATHS },
		{ "HULY_SANDBOX_READ", "/tmp:", NOT_PATHS },
		{ "HULY_SANDBOX_READ", "/tmp:none", NOT_PATHS },
		{ "HULY_WORKERS", "0", NOT_COUNT },
		{ "HULY_WORKERS", "65", NOT_COUNT },
		{ "HULY_WORKERS", "2.0", NOT_COUNT },
		{ "HULY_DB_PREPARED", "", "neither on nor off" },
		{ "HULY_DB_PREPARED", "maybe", "neither on nor off" },
		{ "HULY_DB_CONNECTION_LIFETIME", "", NOT_LIFETIME },
		{ "HULY_DB_CONNECTION_LIFETIME", "0.9", NOT_LIFETIME },
		{ "HULY_DB_CONNECTION_LIFETIME", "86401", NOT_LIFETIME },
		{ "HULY_DB_CONNECTION_LIFETIME", "never", NOT_LIFETIME },
		{ "HULY_REQUEST_TIMEOUT", "", NOT_SECONDS },
		{ "HULY_REQUEST_TIMEOUT", "0", NOT_SECONDS },
		{ "HULY_REQUEST_TIMEOUT", "0.099", NOT_SECONDS },
		{ "HULY_REQUEST_TIMEOUT", "3600.1", NOT_SECONDS },
		{ "HULY_REQUEST_TIMEOUT", "5s", NOT_SECONDS },
		{ "HULY_ACCESS_DEFAULT", "", "neither allow nor deny" },
		{ "HULY_ACCESS_DEFAULT", "Deny", "neither allow nor deny" },
	};
	char want[256];

	set_file(NULL);
	for (size_t i = 0; i < COUNT(rows); i++) {
		(void)snprintf(want, sizeof(want), "%s: %s", rows[i].name, rows[i].wrong);
		check_value(rows[i].name, rows[i].value, want);
	}
}

static void
bad_files(void)
{
	static const struct {
		const char *text, *want;
	} rows[] = {
		{ "\n# c\nbind_port = 0", "etc/config.toml:3: bind_port: " NOT_PORT },
		{ "bind_port = \"x\"", "etc/config.toml:1: bind_port: " NOT_PORT },
		{ "bind_port = 1.5", "etc/config.toml:1: bind_port: " NOT_PORT },
		{ "bind_host = true", "etc/config.toml:1: bind_host: " NOT_ADDRESS },
		{ "bind_port = 1\nbind_port = 2", "etc/config.toml:2: bind_port: set twice" },
		{ "bind_port = 1\n[server]\n", "etc/config.toml:2: not a line of the form: name = value" },
		{ "token_secret = \"hush", "etc/config.toml:1: not a line of the form: name = value" },
		{ "token_secret = \"hush\\u0000hush\"", "etc/config.toml:1: token_secret: holds a NUL" },
		{ "token_secret = \"\"", "etc/config.toml:1: token_secret: empty" },
		{ "bind_host = \"127.0.0.1\\u0000\"", "etc/config.toml:1: bind_host: holds a NUL" },
	};

	clearenv();
	for (size_t i = 0; i < COUNT(rows); i++) {
		struct result r;
		set_file(rows[i].text);
		load(&r);
		tap_ok(!r.ok, "refuses %s", tap_show(str_of(rows[i].text)));
		tap_text(buf_str(&r.error), str_of(rows[i].want), "and says where");
		tap_ok(!contains(&r.error, "hush") && !contains(&r.log, "hush"), "without the secret");
		done(&r);
	}
}

static void
unreadable_files(void)
{
	static char text[TEXTFILE_MAX + 1];
	struct result r;

	memset(text, '\n', TEXTFILE_MAX - 1);
	set_file(text);
	load(&r);
	tap_ok(r.ok, "a file of a byte less than 256 KiB");
	done(&r);

	text[TEXTFILE_MAX - 1] = '\n';
	set_file(text);
	load(&r);
	tap_text(buf_str(&r.error), STR("etc/config.toml: 256 KiB or longer"), "a file of 256 KiB");
	tap_ok(!r.ok, "is an error");
	done(&r);

	set_file(NULL);
	must(mkdir("etc/config.toml", 0700) == 0, "mkdir");
	load(&r);
	tap_text(buf_str(&r.error), STR("etc/config.toml: Is a directory"), "a directory in its place");
	tap_ok(!r.ok, "is an error");
	done(&r);
	must(rmdir("etc/config.toml") == 0 && rmdir("etc") == 0, "rmdir");

	write_file("etc", STR("x"));
	load(&r);
	tap_ok(r.ok && r.error.n == 0, "a file in place of etc: no configuration file");
	done(&r);
	must(unlink("etc") == 0, "unlink");
	load(&r);
	tap_ok(r.ok && r.error.n == 0, "no etc: no configuration file");
	done(&r);
}

static void
sizes(void)
{
	static const struct {
		const char *text;
		int64_t bytes; /* -1: refused */
	} rows[] = {
		{ "0", 0 },
		{ "1000", 1000 },
		{ "0007", 7 },
		{ "1 b", 1 },
		{ "1B", 1 },
		{ "1 byte", 1 },
		{ "2 Bytes", 2 },
		{ "2Mb", 2000000 },
		{ "2mb", 2000000 },
		{ "2 MB", 2000000 },
		{ "2\tmB", 2000000 },
		{ " 2   mb ", 2000000 },
		{ "2 mbs", 2000000 },
		{ "2 MBS", 2000000 },
		{ "2MiB", 2097152 },
		{ "2 mib", 2097152 },
		{ "512 KiB", 524288 },
		{ "4kib", 4096 },
		{ "4kb", 4000 },
		{ "1kilobyte", 1000 },
		{ "3 KiloBytes", 3000 },
		{ "3 kibibytes", 3072 },
		{ "2 megabytes", 2000000 },
		{ "2 MebiBytes", 2097152 },
		{ "1gb", 1000000000 },
		{ "1 gigabyte", 1000000000 },
		{ "1 GiB", 1073741824 },
		{ "1 gibibyte", 1073741824 },
		{ "1.5mb", 1500000 },
		{ "12.34 MB", 12340000 },
		{ "8.2kb", 8200 },
		{ "4.35 kb", 4350 },
		{ "1.1mb", 1100000 },
		{ ".5mb", 500000 },
		{ "5.", 5 },
		{ "5.kb", 5000 },
		{ "1.5", 1 },
		{ "0.1b", 0 },
		{ "1.9999 kb", 1999 },
		{ "1.00000000099 gb", 1000000000 },
		{ "0.3333333333333333333333 kb", 333 },
		{ "0.999999999 gib", 1073741822 },
		{ "9999999999", 9999999999 },
		{ "9999999999.999999999 gib", INT64_C(-7709325833709551618) },
		{ "", -1 },
		{ " ", -1 },
		{ ".", -1 },
		{ ".b", -1 },
		{ "b", -1 },
		{ "mb", -1 },
		{ "1.2.3", -1 },
		{ "1..2", -1 },
		{ "2m", -1 },
		{ "2k", -1 },
		{ "2 K", -1 },
		{ "2 x", -1 },
		{ "2 m b", -1 },
		{ "2mb/s", -1 },
		{ "2 mbss", -1 },
		{ "2 s", -1 },
		{ "1e3", -1 },
		{ "1e3 b", -1 },
		{ "+5", -1 },
		{ "-5", -1 },
		{ "-0", -1 },
		{ "0x10", -1 },
		{ "1_000", -1 },
		{ "1,000", -1 },
		{ "1 000", -1 },
		{ "inf", -1 },
		{ "nan b", -1 },
		{ "2\nmb", -1 },
		{ "2mb\n", -1 },
		{ "10000000000", -1 },
		{ "18446744073709551617", -1 },
		{ "\xc2\xbdmb", -1 },
	};

	for (size_t i = 0; i < COUNT(rows); i++) {
		size_t bytes = 12345;
		bool ok = setting_parse_size(tap_edge(str_of(rows[i].text)), &bytes);
		tap_int(ok ? (int64_t)bytes : -1, rows[i].bytes, "size %s", tap_show(str_of(rows[i].text)));
	}
}

static void
seconds(void)
{
	static const struct {
		const char *text;
		int64_t ns; /* -1: refused */
	} rows[] = {
		{ "0", 0 },
		{ "5", 5 * CLOCK_S },
		{ "0.25", CLOCK_S / 4 },
		{ ".5", CLOCK_S / 2 },
		{ "1.", CLOCK_S },
		{ "0.000000001", 1 },
		{ "0.0000000019", 1 },
		{ "3600", 3600 * CLOCK_S },
		{ "9223372036", 9223372036 * CLOCK_S },
		{ "9223372036.854775807", INT64_MAX },
		{ "9223372036.854775808", -1 },
		{ "9999999999", -1 },
		{ "", -1 },
		{ ".", -1 },
		{ "-1", -1 },
		{ "+1", -1 },
		{ "1e1", -1 },
		{ "1s", -1 },
		{ " 1", -1 },
		{ "1 ", -1 },
		{ "1,5", -1 },
		{ "1.5.", -1 },
		{ "inf", -1 },
	};

	for (size_t i = 0; i < COUNT(rows); i++) {
		int64_t ns = 12345;
		bool ok = setting_parse_seconds(tap_edge(str_of(rows[i].text)), &ns);
		tap_int(ok ? ns : -1, rows[i].ns, "seconds %s", tap_show(str_of(rows[i].text)));
	}
}

static void
help(void)
{
	struct buf want;
	char *text = NULL;
	size_t n = 0;
	FILE *f = open_memstream(&text, &n);

	must(f != NULL, "open_memstream");
	config_print_help(f);
	must(fclose(f) == 0, "fclose");
	buf_init(&want, 65536);
#define X(member, type, when, name, def, help) \
	buf_printf(&want, "%s (%s): %s\n", name, sizeof(def) > 1 ? def : "empty", help);
	SETTINGS(X)
#undef X
	tap_text(str_from(text, n), buf_str(&want), "help has a line for each setting");
	buf_free(&want);
	free(text);
}

static void
cleanses(void)
{
	struct result r;

	set_file("token_secret = \"hush\"\n");
	clearenv();
	cleansed = 0;
	load(&r);
	tap_ok(cleansed > 0, "the file is overwritten");
	cleansed = 0;
	config_free(&r.c);
	tap_int(cleansed, 1, "the secret is overwritten");
	tap_ok(r.c.token_secret == NULL, "and gone");
	done(&r); /* frees again */

	set_file("token_secret = \"hu\\u0073h\"\n");
	setenv("HULY_TOKEN_SECRET", "other", 1);
	cleansed = 0;
	load(&r);
	tap_int(cleansed, 1, "a decoded one is overwritten even where it does not count");
	done(&r);

	clearenv();
	cleansed = 0;
	load(&r);
	tap_int(cleansed, 1, "and where it does");
	done(&r);
	set_file(NULL);
}

static void
overrides(void)
{
	static const struct config_override over[] = { { "HULY_WORKERS", "7" }, { NULL, NULL } };
	static const struct config_override wrong[] = { { "HULY_WORKERS", "x" }, { NULL, NULL } };
	struct result r;

	clearenv();
	set_file("workers = 5\n");
	setenv("HULY_WORKERS", "6", 1);
	load_over(&r, over);
	tap_ok(r.ok && r.c.workers == 7, "the command line is above environment and file");
	done(&r);
	load_over(&r, wrong);
	tap_ok(!r.ok && contains(&r.error, "HULY_WORKERS"), "and checked like these");
	done(&r);
}

#define SECRET_FILE "a-secret"

static void
write_secret(struct str text, mode_t mode)
{
	write_file(SECRET_FILE, text);
	must(chmod(SECRET_FILE, mode) == 0, "chmod");
}

/* One setting, from the file. */
static void
check_secret(struct str text, mode_t mode, const char *want, const char *wrong, const char *name)
{
	struct result r;

	write_secret(text, mode);
	load(&r);
	if (want != NULL)
		tap_text(r.ok ? str_of(r.c.token_secret) : buf_str(&r.error), str_of(want), "%s", name);
	else
		tap_text(buf_str(&r.error), str_of(wrong), "%s", name);
	tap_ok(
	    r.ok == (want != NULL) && !contains(&r.error, "hush") && !contains(&r.log, "hush"), "%s: not told", name);
	done(&r);
}

#define FILE_IS "HULY_TOKEN_SECRET_FILE: " SECRET_FILE ": "
#define OPEN    FILE_IS "open to others than its owner: chmod 600"
#define EMPTY   FILE_IS "empty"

static void
secret_files(void)
{
	static const struct {
		struct str text;
		mode_t mode;
		const char *want, *wrong, *name;
	} rows[] = {
		{ TEXT("hush\n"), 0600, "hush", NULL, "without the end of its line" },
		{ TEXT("hush"), 0600, "hush", NULL, "a file that has none" },
		{ TEXT("hush\n"), 0400, "hush", NULL, "that nobody may write" },
		{ TEXT("hush\r\n"), 0600, NULL,
		    FILE_IS "ends with a carriage return: save it with LF as the end of the line",
		    "a line end of another system" },
		{ TEXT("hush\n\n"), 0600, NULL, FILE_IS "has more than one line", "one line end, not two" },
		{ TEXT("hush\nhush\n"), 0600, NULL, FILE_IS "has more than one line", "two lines" },
		{ TEXT("\xef\xbb\xbfhush\n"), 0600, NULL, FILE_IS "begins with a byte order mark: save it without one",
		    "a byte order mark" },
		{ TEXT(" hush \n"), 0600, " hush ", NULL, "blanks are part of it" },
		{ TEXT("hush\n"), 0700, "hush", NULL, "its owner may do everything" },
		{ TEXT("hush\n"), 0604, NULL, OPEN, "readable by all" },
		{ TEXT("hush\n"), 0620, NULL, OPEN, "writable by the group" },
		{ TEXT("hush\n"), 0601, NULL, OPEN, "whatever all may do" },
		{ TEXT(""), 0600, NULL, EMPTY, "nothing in it" },
		{ TEXT("\n"), 0600, NULL, EMPTY, "nothing but an end" },
		{ TEXT("hu\0sh"), 0600, NULL, "HULY_TOKEN_SECRET: holds a NUL", "a NUL" },
	};
	struct result r;

	set_file(NULL);
	clearenv();
	setenv("HULY_TOKEN_SECRET_FILE", SECRET_FILE, 1);
	for (size_t i = 0; i < COUNT(rows); i++)
		check_secret(rows[i].text, rows[i].mode, rows[i].want, rows[i].wrong, rows[i].name);

	cleansed = 0;
	write_secret(STR("hush\n"), 0600);
	load(&r);
	tap_int(cleansed, 1, "what was read is overwritten");
	done(&r);
	tap_int(cleansed, 2, "and so is the setting");

	setenv("CREDENTIALS_DIRECTORY", "/nowhere", 1);
	check_secret(STR("hush"), 0604, NULL, OPEN, "below another directory than that of credentials");
	setenv("CREDENTIALS_DIRECTORY", ".", 1);
	setenv("HULY_TOKEN_SECRET_FILE", "./" SECRET_FILE, 1);
	check_secret(STR("hush"), 0444, "hush", NULL, "a credential that systemd hands on");
	setenv("HULY_TOKEN_SECRET_FILE", "./../.", 1);
	load(&r);
	tap_ok(!r.ok, "a directory is no credential");
	done(&r);
	must(mkdir("credentials", 0700) == 0, "mkdir");
	setenv("CREDENTIALS_DIRECTORY", "credentials", 1);
	setenv("HULY_TOKEN_SECRET_FILE", "credentials/../" SECRET_FILE, 1);
	write_secret(STR("hush"), 0644);
	load(&r);
	tap_ok(!r.ok && contains(&r.error, "open to others"), "nor is what is reached by climbing out");
	done(&r);
	must(rmdir("credentials") == 0, "rmdir");

	clearenv();
	must(unlink(SECRET_FILE) == 0 && mkfifo(SECRET_FILE, 0600) == 0, "mkfifo");
	setenv("HULY_DB_CONNECTION_FILE", SECRET_FILE, 1);
	load(&r);
	tap_text(buf_str(&r.error), STR("HULY_DB_CONNECTION_FILE: " SECRET_FILE ": not a regular file"),
	    "a FIFO is not waited for");
	done(&r);
	must(unlink(SECRET_FILE) == 0, "unlink");
	load(&r);
	tap_text(
	    buf_str(&r.error), STR("HULY_DB_CONNECTION_FILE: " SECRET_FILE ": No such file or directory"), "no file");
	done(&r);
	setenv("HULY_DB_CONNECTION_FILE", "", 1);
	load(&r);
	tap_ok(r.ok, "an empty path is none");
	done(&r);
}

static void
secret_file_and_secret(void)
{
	struct result r;

	clearenv();
	write_secret(STR("hush-db"), 0600);
	set_file("db_connection_file = '" SECRET_FILE "'\ntoken_secret = 'x'\n");
	load(&r);
	tap_ok(r.ok && strcmp(r.c.db_connection, "hush-db") == 0, "a path in etc/config.toml");
	tap_int(r.c.origin[CONFIG_db_connection].line, 1, "and where it stands");
	done(&r);
	setenv("HULY_DB_CONNECTION", "hush", 1);
	load(&r);
	tap_text(
	    buf_str(&r.error), STR("HULY_DB_CONNECTION: HULY_DB_CONNECTION_FILE is set too"), "one of both, please");
	done(&r);
	clearenv();
	setenv("HULY_TOKEN_SECRET_FILE", SECRET_FILE, 1);
	load(&r);
	tap_text(buf_str(&r.error), STR("etc/config.toml:2: token_secret: HULY_TOKEN_SECRET_FILE is set too"),
	    "wherever they stand");
	done(&r);
	set_file("token_secret_file = 'a'\ntoken_secret_file = 'b'\n");
	load(&r);
	tap_text(buf_str(&r.error), STR("etc/config.toml:2: token_secret_file: set twice"), "a path twice");
	done(&r);
	set_file("bind_port_file = 'a'\n");
	load(&r);
	tap_ok(r.ok && contains(&r.log, "bind_port_file"), "there is no such thing for what is no secret");
	done(&r);

	struct config c;
	struct buf error;
	set_file("token_secret_file = 'nowhere'\nrequire_strong_secret = true\n");
	buf_init(&error, 256);
	clearenv();
	tap_ok(config_load(&c, CONFIG_MIGRATION, NULL, &error), "a migration has no use for token secrets");
	config_free(&c);
	buf_free(&error);
	must(unlink(SECRET_FILE) == 0, "unlink");
	set_file(NULL);
}

static void
strong_secrets(void)
{
	static const struct {
		const char *current, *previous, *wrong;
	} rows[] = {
		{ "0123456789abcdef0123456789abcdef", "", NULL },
		{ "0123456789abcdef0123456789abcdef", "fedcba9876543210fedcba9876543210", NULL },
		{ NULL, "",
		    "HULY_TOKEN_SECRET: the default that everybody knows, and HULY_REQUIRE_STRONG_SECRET is on" },
		{ "0123456789abcdef0123456789abcde", "",
		    "HULY_TOKEN_SECRET: shorter than 32 bytes, and HULY_REQUIRE_STRONG_SECRET is on" },
		{ "0123456789abcdef0123456789abcdef", "x",
		    "HULY_TOKEN_SECRET_PREVIOUS: shorter than 32 bytes, and HULY_REQUIRE_STRONG_SECRET is on" },
	};

	for (size_t i = 0; i < COUNT(rows); i++) {
		struct result r;

		clearenv();
		if (rows[i].current != NULL)
			setenv("HULY_TOKEN_SECRET", rows[i].current, 1);
		setenv("HULY_TOKEN_SECRET_PREVIOUS", rows[i].previous, 1);
		setenv("HULY_REQUIRE_STRONG_SECRET", "on", 1);
		load(&r);
		tap_text(
		    buf_str(&r.error), str_of(rows[i].wrong != NULL ? rows[i].wrong : ""), "strong secrets %zu", i);
		tap_ok(r.ok == (rows[i].wrong == NULL), "strong secrets %zu: taken or not", i);
		done(&r);
		setenv("HULY_REQUIRE_STRONG_SECRET", "off", 1);
		load(&r);
		tap_ok(r.ok, "strong secrets %zu: only where they are required", i);
		done(&r);
	}
}

static void
swaps(void)
{
	struct result a, b;

	set_file(NULL);
	clearenv();
	write_secret(STR("hush-file"), 0600);
	setenv("HULY_TOKEN_SECRET_FILE", SECRET_FILE, 1);
	load(&a);
	clearenv();
	setenv("HULY_TOKEN_SECRET", "hush-plain", 1);
	setenv("HULY_ACCESS_DEFAULT", "deny", 1);
	load(&b);
	config_swap(&a.c, &b.c, CONFIG_token_secret);
	config_swap(&a.c, &b.c, CONFIG_access_default);
	config_swap(&a.c, &b.c, CONFIG_default_workspace_uuid);
	tap_text(str_of(a.c.token_secret), STR("hush-plain"), "a setting changes places");
	tap_ok(a.c.secret_file[CONFIG_token_secret] == NULL && b.c.secret_file[CONFIG_token_secret] != NULL,
	    "with where it comes from");
	tap_ok(!a.c.access_default && b.c.access_default, "a small one too");
	cleansed = 0;
	config_free(&b.c);
	tap_int(cleansed, 1, "and the old one is overwritten");
	done(&a);
	done(&b);
	must(unlink(SECRET_FILE) == 0, "unlink");
}

/* Where each kind of setting is from, and how it is printed. */
static void
prints(void)
{
	static const struct config_override over[] = { { "HULY_LOG_LEVEL", "debug" }, { NULL, NULL } };
	static const char *const lines[] = { "HULY_LOG_LEVEL=debug  # command line; HUP reads it again\n",
		"HULY_BIND_PORT=8095  # etc/config.toml:2\n", "HULY_BIND_HOST=::1  # environment\n",
		"HULY_WORKERS=1  # default\n", "HULY_TOKEN_SECRET=********  # etc/config.toml:1; HUP reads it again\n",
		"HULY_DB_CONNECTION_FILE=" SECRET_FILE "  # environment\n",
		"HULY_TOKEN_SECRET_PREVIOUS=  # default; HUP reads it again\n",
		"HULY_ACCESS_DEFAULT=deny  # environment; HUP reads it again\n",
		"HULY_ACCESS_RULES=off  # default; HUP reads it again\n", "HULY_REQUEST_TIMEOUT=0.25  # environment\n",
		"HULY_STATEMENT_TIMEOUT=5  # default\n", "HULY_PAYLOAD_SIZE_LIMIT=2000000  # default\n",
		"HULY_DB_PREPARED=on  # default\n",
		"HULY_DEFAULT_WORKSPACE_UUID=11111111-2222-3333-4444-555555555555  # default\n" };
	struct result r;
	struct buf out;

	clearenv();
	set_file("token_secret = 'hush'\nbind_port = 8095\n");
	write_secret(STR("hush"), 0600);
	setenv("HULY_BIND_HOST", "::1", 1);
	setenv("HULY_DB_CONNECTION_FILE", SECRET_FILE, 1);
	setenv("HULY_ACCESS_DEFAULT", "deny", 1);
	setenv("HULY_REQUEST_TIMEOUT", "0.25", 1);
	load_over(&r, over);
	buf_init(&out, 65536);
	config_put(&r.c, &out);
	for (size_t i = 0; i < COUNT(lines); i++)
		tap_ok(contains(&out, lines[i]), "printed: %.*s", (int)strlen(lines[i]) - 1, lines[i]);
	tap_ok(!contains(&out, "hush"), "no secret is printed");
	must(unlink(SECRET_FILE) == 0, "unlink");
	buf_free(&out);
	done(&r);
}

static void
differences(void)
{
	struct result a, b;
	unsigned n = 0;

	clearenv();
	set_file("token_secret = 'one'\nworkers = 3\n");
	load(&a);
	setenv("HULY_TOKEN_SECRET", "two", 1);
	setenv("HULY_DEFAULT_WORKSPACE_UUID", "{11111111-2222-3333-4444-555555555555}", 1);
	load(&b);
	for (enum config_setting s = 0; s < CONFIG_COUNT; s++)
		n += config_same(&a.c, &b.c, s);
	tap_int(n, CONFIG_COUNT - 1, "one setting differs, whatever the others' spelling and source");
	tap_ok(!config_same(&a.c, &b.c, CONFIG_token_secret), "and it is that one");
	b.c.workers++;
	tap_ok(!config_same(&a.c, &b.c, CONFIG_workers), "another one");
	tap_text(str_of(config_name(CONFIG_workers)), STR("HULY_WORKERS"), "its name");
	done(&a);
	done(&b);
}

/* As the OpenTelemetry specification wants it: an empty value is none, a wrong one is ignored. */
static void
opentelemetry(void)
{
	struct result r;

	set_file("otel_traces_sampler_arg = \"0.5\"\n");
	clearenv();
	setenv("OTEL_TRACES_SAMPLER", "nonsense", 1);
	setenv("OTEL_TRACES_SAMPLER_ARG", "", 1);
	setenv("OTEL_EXPORTER_OTLP_ENDPOINT", "http://hush:hush@host:port", 1);
	setenv("OTEL_EXPORTER_OTLP_HEADERS", "key=hush%", 1);
	setenv("OTEL_EXPORTER_OTLP_COMPRESSION", "gzip", 1);
	load(&r);
	tap_ok(r.ok, "no wrong value is fatal");
	tap_int(r.c.otel_traces_sampler, TRACE_PARENT_ALWAYS_ON, "an unknown sampler is the default");
	tap_ok(r.c.otel_traces_sampler_arg == 1, "an empty variable is above the file, and none");
	tap_text(str_of(r.c.otel_exporter_otlp_headers), STR(""), "a broken list is none");
	tap_ok(contains(&r.log, "setting=\"OTEL_TRACES_SAMPLER\" why=\"not always_on"), "and warned of");
	tap_ok(contains(&r.log, "setting=\"OTEL_EXPORTER_OTLP_HEADERS\"") && !contains(&r.log, "hush"),
	    "without telling it");
	tap_ok(!contains(&r.log, "_ARG") && !contains(&r.log, "COMPRESSION"), "nothing else is, while it is off");
	done(&r);
	setenv("HULY_OTEL_MODE", "stdout", 1);
	load(&r);
	tap_ok(r.ok && contains(&r.log, "OTEL_EXPORTER_OTLP_COMPRESSION"), "what is not supported, while it is on");
	done(&r);
	setenv("HULY_OTEL_MODE", "yes", 1);
	load(&r);
	tap_ok(!r.ok && contains(&r.error, "HULY_OTEL_MODE: not on, stdout or off"), "our own setting is strict");
	done(&r);
}

int
main(void)
{
	char dir[] = "/tmp/hulykvs-test-XXXXXX";

	must(mkdtemp(dir) != NULL && chdir(dir) == 0 && mkdir("etc", 0700) == 0, "mkdtemp");
	defaults();
	sources();
	unknown_names();
	default_secret();
	overrides();
	prints();
	differences();
	swaps();
	secret_files();
	secret_file_and_secret();
	strong_secrets();
	cleanses();
	opentelemetry();
	good_values();
	bad_values();
	bad_files();
	unreadable_files();
	sizes();
	seconds();
	help();
	must(unlink(LOG_FILE) == 0 && chdir("/") == 0 && rmdir(dir) == 0, "rmdir");
	return tap_end();
}
