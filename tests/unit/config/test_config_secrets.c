/* SPDX-License-Identifier: EPL-2.0 */
/* Secrets: from files, strong enough, and overwritten when they are done with. */
#include <openssl/crypto.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "lib/config_world.h"

static unsigned cleansed; /* secrets seen by OPENSSL_cleanse(), which stands before the library's own */

void
OPENSSL_cleanse(void *p, size_t n)
{
	volatile char *bytes = p;

	cleansed += n >= 4 && memmem(p, n, "hush", 4) != NULL;
	for (size_t i = 0; i < n; i++)
		bytes[i] = 0;
}

static void
default_secret(void)
{
	struct config_world_result r;

	config_world_set("token_secret = \"secret\"\n");
	clearenv();
	config_world_load(&r);
	tap_ok(r.ok && config_world_says(&r.log, "HULY_TOKEN_SECRET"), "warns of the default secret in the file");
	config_world_done(&r);
}

/* One setting, from the file. */
static void
check_secret(struct str text, mode_t mode, const char *want, const char *wrong, const char *name)
{
	struct config_world_result r;

	config_world_write_secret(text, mode);
	config_world_load(&r);
	if (want != NULL)
		tap_text(r.ok ? str_of(r.c.token_secret) : buf_str(&r.error), str_of(want), "%s", name);
	else
		tap_text(buf_str(&r.error), str_of(wrong), "%s", name);
	tap_ok(r.ok == (want != NULL) && !config_world_says(&r.error, "hush") && !config_world_says(&r.log, "hush"),
	    "%s: not told", name);
	config_world_done(&r);
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
	struct config_world_result r;

	config_world_set(NULL);
	clearenv();
	setenv("HULY_TOKEN_SECRET_FILE", SECRET_FILE, 1);
	for (size_t i = 0; i < COUNT(rows); i++)
		check_secret(rows[i].text, rows[i].mode, rows[i].want, rows[i].wrong, rows[i].name);

	cleansed = 0;
	config_world_write_secret(STR("hush\n"), 0600);
	config_world_load(&r);
	tap_int(cleansed, 1, "what was read is overwritten");
	config_world_done(&r);
	tap_int(cleansed, 2, "and so is the setting");

	setenv("CREDENTIALS_DIRECTORY", "/nowhere", 1);
	check_secret(STR("hush"), 0604, NULL, OPEN, "below another directory than that of credentials");
	setenv("CREDENTIALS_DIRECTORY", ".", 1);
	setenv("HULY_TOKEN_SECRET_FILE", "./" SECRET_FILE, 1);
	check_secret(STR("hush"), 0444, "hush", NULL, "a credential that systemd hands on");
	setenv("HULY_TOKEN_SECRET_FILE", "./../.", 1);
	config_world_load(&r);
	tap_ok(!r.ok, "a directory is no credential");
	config_world_done(&r);
	config_world_must(mkdir("credentials", 0700) == 0, "mkdir");
	setenv("CREDENTIALS_DIRECTORY", "credentials", 1);
	setenv("HULY_TOKEN_SECRET_FILE", "credentials/../" SECRET_FILE, 1);
	config_world_write_secret(STR("hush"), 0644);
	config_world_load(&r);
	tap_ok(!r.ok && config_world_says(&r.error, "open to others"), "nor is what is reached by climbing out");
	config_world_done(&r);
	config_world_must(rmdir("credentials") == 0, "rmdir");

	clearenv();
	config_world_must(unlink(SECRET_FILE) == 0 && mkfifo(SECRET_FILE, 0600) == 0, "mkfifo");
	setenv("HULY_DB_CONNECTION_FILE", SECRET_FILE, 1);
	config_world_load(&r);
	tap_text(buf_str(&r.error), STR("HULY_DB_CONNECTION_FILE: " SECRET_FILE ": not a regular file"),
	    "a FIFO is not waited for");
	config_world_done(&r);
	config_world_must(unlink(SECRET_FILE) == 0, "unlink");
	config_world_load(&r);
	tap_text(
	    buf_str(&r.error), STR("HULY_DB_CONNECTION_FILE: " SECRET_FILE ": No such file or directory"), "no file");
	config_world_done(&r);
	setenv("HULY_DB_CONNECTION_FILE", "", 1);
	config_world_load(&r);
	tap_ok(r.ok, "an empty path is none");
	config_world_done(&r);
}

static void
secret_file_and_secret(void)
{
	struct config_world_result r;

	clearenv();
	config_world_write_secret(STR("hush-db"), 0600);
	config_world_set("db_connection_file = '" SECRET_FILE "'\ntoken_secret = 'x'\n");
	config_world_load(&r);
	tap_ok(r.ok && strcmp(r.c.db_connection, "hush-db") == 0, "a path in etc/config.toml");
	tap_int(r.c.origin[CONFIG_db_connection].line, 1, "and where it stands");
	config_world_done(&r);
	setenv("HULY_DB_CONNECTION", "hush", 1);
	config_world_load(&r);
	tap_text(
	    buf_str(&r.error), STR("HULY_DB_CONNECTION: HULY_DB_CONNECTION_FILE is set too"), "one of both, please");
	config_world_done(&r);
	clearenv();
	setenv("HULY_TOKEN_SECRET_FILE", SECRET_FILE, 1);
	config_world_load(&r);
	tap_text(buf_str(&r.error), STR("etc/config.toml:2: token_secret: HULY_TOKEN_SECRET_FILE is set too"),
	    "wherever they stand");
	config_world_done(&r);
	config_world_set("token_secret_file = 'a'\ntoken_secret_file = 'b'\n");
	config_world_load(&r);
	tap_text(buf_str(&r.error), STR("etc/config.toml:2: token_secret_file: set twice"), "a path twice");
	config_world_done(&r);
	config_world_set("bind_port_file = 'a'\n");
	config_world_load(&r);
	tap_ok(r.ok && config_world_says(&r.log, "bind_port_file"), "there is no such thing for what is no secret");
	config_world_done(&r);

	struct config c;
	struct buf error;
	config_world_set("token_secret_file = 'nowhere'\nrequire_strong_secret = true\n");
	buf_init(&error, 256);
	clearenv();
	tap_ok(config_load(&c, CONFIG_MIGRATION, NULL, &error), "a migration has no use for token secrets");
	config_free(&c);
	buf_free(&error);
	config_world_must(unlink(SECRET_FILE) == 0, "unlink");
	config_world_set(NULL);
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
		struct config_world_result r;

		clearenv();
		if (rows[i].current != NULL)
			setenv("HULY_TOKEN_SECRET", rows[i].current, 1);
		setenv("HULY_TOKEN_SECRET_PREVIOUS", rows[i].previous, 1);
		setenv("HULY_REQUIRE_STRONG_SECRET", "on", 1);
		config_world_load(&r);
		tap_text(
		    buf_str(&r.error), str_of(rows[i].wrong != NULL ? rows[i].wrong : ""), "strong secrets %zu", i);
		tap_ok(r.ok == (rows[i].wrong == NULL), "strong secrets %zu: taken or not", i);
		config_world_done(&r);
		setenv("HULY_REQUIRE_STRONG_SECRET", "off", 1);
		config_world_load(&r);
		tap_ok(r.ok, "strong secrets %zu: only where they are required", i);
		config_world_done(&r);
	}
}

static void
cleanses(void)
{
	struct config_world_result r;

	config_world_set("token_secret = \"hush\"\n");
	clearenv();
	cleansed = 0;
	config_world_load(&r);
	tap_ok(cleansed > 0, "the file is overwritten");
	cleansed = 0;
	config_free(&r.c);
	tap_int(cleansed, 1, "the secret is overwritten");
	tap_ok(r.c.token_secret == NULL, "and gone");
	config_world_done(&r); /* frees again */

	config_world_set("token_secret = \"hu\\u0073h\"\n");
	setenv("HULY_TOKEN_SECRET", "other", 1);
	cleansed = 0;
	config_world_load(&r);
	tap_int(cleansed, 1, "a decoded one is overwritten even where it does not count");
	config_world_done(&r);

	clearenv();
	cleansed = 0;
	config_world_load(&r);
	tap_int(cleansed, 1, "and where it does");
	config_world_done(&r);
	config_world_set(NULL);
}

static void
swaps(void)
{
	struct config_world_result a, b;

	config_world_set(NULL);
	clearenv();
	config_world_write_secret(STR("hush-file"), 0600);
	setenv("HULY_TOKEN_SECRET_FILE", SECRET_FILE, 1);
	config_world_load(&a);
	clearenv();
	setenv("HULY_TOKEN_SECRET", "hush-plain", 1);
	setenv("HULY_ACCESS_DEFAULT", "deny", 1);
	config_world_load(&b);
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
	config_world_done(&a);
	config_world_done(&b);
	config_world_must(unlink(SECRET_FILE) == 0, "unlink");
}

int
main(void)
{
	config_world_open();
	default_secret();
	secret_files();
	secret_file_and_secret();
	strong_secrets();
	cleanses();
	swaps();
	config_world_close();
	return tap_end();
}
