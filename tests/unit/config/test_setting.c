/* SPDX-License-Identifier: EPL-2.0 */
#include "config/setting.h"

#include <stdio.h>
#include <stdlib.h>

#include "base/clock.h"
#include "lib/config_world.h"

/* NAME=value in an environment without anything else. */
static void
check_value(const char *name, const char *value, const char *want)
{
	struct config_world_result r;

	clearenv();
	setenv("HULY_TOKEN_SECRET", "hush", 1);
	setenv(name, value, 1);
	config_world_load(&r);
	if (want == NULL) {
		tap_ok(r.ok && r.error.n == 0, "%s takes %s", name, tap_show(str_of(value)));
	} else {
		tap_ok(!r.ok, "%s refuses %s", name, tap_show(str_of(value)));
		tap_text(buf_str(&r.error), str_of(want), "and says so");
	}
	config_world_done(&r);
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

	config_world_set(NULL);
	for (size_t i = 0; i < COUNT(rows); i++)
		check_value(rows[i].name, rows[i].value, NULL);
}

#define NOT_NAME      "not a name of 1 to 63 bytes without control characters"
#define NOT_ADDRESS   "not an IPv4 or IPv6 address (a host name will not do)"
#define NOT_PORT      "not a port number (1 to 65535)"
#define NOT_SIZE      "not a size up to 1 GiB (such as 2Mb, 512 KiB or 1000)"
#define NOT_COUNT     "not a number from 1 to 64"
#define NOT_LIFETIME  "neither auto nor off, nor a number of seconds from 1 to 86400"
#define NOT_SECONDS   "not a number of seconds from 0.1 to 3600"
#define NOT_PEERS     "neither any nor up to 16 names or numbers of users with commas between them"
#define NOT_SANDBOX   "neither off, on, require nor trap"
#define NOT_PATHS     "neither none nor absolute paths with colons between them"
#define NOT_ALL       "all stands alone, in lower case"
#define NOT_PATTERN   "a name with a *: there are no patterns"
#define NOT_NAMESPACE "a name that is not UTF-8 without control characters"
#define NOT_SPARE     "where there is no such key it is left empty"
#define NOT_LEVEL     "not a log level (error, warn, info or debug)"

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
		{ "HULY_ENCRYPTION_NAMESPACES", "", "an empty name" },
		{ "HULY_ENCRYPTION_NAMESPACES", " ", "an empty name" },
		{ "HULY_ENCRYPTION_NAMESPACES", "mail,", "an empty name" },
		{ "HULY_ENCRYPTION_NAMESPACES", "mail, ,a", "an empty name" },
		{ "HULY_ENCRYPTION_NAMESPACES", "All", NOT_ALL },
		{ "HULY_ENCRYPTION_NAMESPACES", "all,mail", NOT_ALL },
		{ "HULY_ENCRYPTION_NAMESPACES", "mail, ALL ", NOT_ALL },
		{ "HULY_ENCRYPTION_NAMESPACES", "*", NOT_PATTERN },
		{ "HULY_ENCRYPTION_NAMESPACES", "a,mail-*", NOT_PATTERN },
		{ "HULY_ENCRYPTION_NAMESPACES", "all\n", NOT_NAMESPACE },
		{ "HULY_ENCRYPTION_NAMESPACES", "a\xff", NOT_NAMESPACE },
		{ "HULY_TOKEN_SECRET_PREVIOUS", "none", NOT_SPARE },
		{ "HULY_TOKEN_SECRET_PREVIOUS", " Off ", NOT_SPARE },
		{ "HULY_TOKEN_SECRET_PREVIOUS", "None", NOT_SPARE },
		{ "HULY_TOKEN_SECRET_PREVIOUS", " ", NOT_SPARE },
		{ "HULY_ACCESS_DEFAULT", "", "neither allow nor deny" },
		{ "HULY_ACCESS_DEFAULT", "Deny", "neither allow nor deny" },
	};
	char want[256];

	config_world_set(NULL);
	for (size_t i = 0; i < COUNT(rows); i++) {
		(void)snprintf(want, sizeof(want), "%s: %s", rows[i].name, rows[i].wrong);
		check_value(rows[i].name, rows[i].value, want);
	}
}

/* The service and hulykvs-migrate compare names with what is kept. */
static void
namespaces(void)
{
	static const struct {
		const char *value, *kept;
	} rows[] = {
		{ "all", "all" },
		{ " all\t", "all" },
		{ "mail", "mail" },
		{ " mail ,a b,\tallsorts", "mail,a b,allsorts" },
	};

	clearenv();
	setenv("HULY_TOKEN_SECRET", "hush", 1);
	for (size_t i = 0; i < COUNT(rows); i++) {
		struct config_world_result r;

		setenv("HULY_ENCRYPTION_NAMESPACES", rows[i].value, 1);
		config_world_load(&r);
		tap_text(str_of(r.ok ? r.c.encryption_namespaces : ""), str_of(rows[i].kept), "namespaces %s",
		    tap_show(str_of(rows[i].value)));
		config_world_done(&r);
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
		struct config_world_result r;
		config_world_set(rows[i].text);
		config_world_load(&r);
		tap_ok(!r.ok, "refuses %s", tap_show(str_of(rows[i].text)));
		tap_text(buf_str(&r.error), str_of(rows[i].want), "and says where");
		tap_ok(
		    !config_world_says(&r.error, "hush") && !config_world_says(&r.log, "hush"), "without the secret");
		config_world_done(&r);
	}
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

int
main(void)
{
	config_world_open();
	good_values();
	bad_values();
	namespaces();
	bad_files();
	sizes();
	seconds();
	config_world_close();
	return tap_end();
}
