/* SPDX-License-Identifier: EPL-2.0 */
#include "config/config.h"

#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/textfile.h"
#include "lib/config_world.h"

static void
defaults(void)
{
	struct config_world_result r;

	config_world_set(NULL);
	clearenv();
	config_world_load(&r);
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
	tap_ok(config_world_says(&r.log, "level=warn") && config_world_says(&r.log, "HULY_TOKEN_SECRET"),
	    "warns of the default secret");
	config_world_done(&r);
}

static void
sources(void)
{
	struct config_world_result r;

	config_world_set("# as the original has it\n"
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
	config_world_load(&r);
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
	config_world_done(&r);

	setenv("HULY_BIND_HOST", "127.0.0.1", 1);
	config_world_set("bind_host = \"nonsense\"\n");
	config_world_load(&r);
	tap_ok(r.ok, "a bad value in the file does not matter where the environment has a good one");
	config_world_done(&r);
}

static void
unknown_names(void)
{
	struct config_world_result r;

	config_world_set("other_service = 'hush1'\n");
	clearenv();
	setenv("HULY_TOKEN_SECRET", "hush2", 1);
	setenv("HULY_ACCOUNTS_URL", "hush3", 1);
	setenv("huly_bind_port", "1", 1);
	setenv("HULY_bind_port", "4", 1);
	setenv("HULYBIND_PORT", "2", 1);
	setenv("BIND_PORT", "3", 1);
	config_world_load(&r);
	tap_ok(r.ok, "names that no setting has are no error");
	tap_ok(config_world_says(&r.log, "level=warn") && config_world_says(&r.log, "\"HULY_ACCOUNTS_URL\""),
	    "one with our prefix is named");
	tap_ok(config_world_says(&r.log, "\"other_service\"") && config_world_says(&r.log, "line=1"),
	    "one in the file is, with its line");
	tap_ok(!config_world_says(&r.log, "hush"), "no value is logged");
	tap_ok(config_world_says(&r.log, "\"HULY_bind_port\""), "one in lower case is not the setting");
	tap_ok(!config_world_says(&r.log, "BIND_PORT") && !config_world_says(&r.log, "\"huly"), "others are not ours");
	tap_int(r.c.bind_port, 8094, "and have no effect");
	config_world_done(&r);
}

static void
overrides(void)
{
	static const struct config_override over[] = { { "HULY_WORKERS", "7" }, { NULL, NULL } };
	static const struct config_override wrong[] = { { "HULY_WORKERS", "x" }, { NULL, NULL } };
	struct config_world_result r;

	clearenv();
	config_world_set("workers = 5\n");
	setenv("HULY_WORKERS", "6", 1);
	config_world_load_over(&r, over);
	tap_ok(r.ok && r.c.workers == 7, "the command line is above environment and file");
	config_world_done(&r);
	config_world_load_over(&r, wrong);
	tap_ok(!r.ok && config_world_says(&r.error, "HULY_WORKERS"), "and checked like these");
	config_world_done(&r);
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
	struct config_world_result r;
	struct buf out;

	clearenv();
	config_world_set("token_secret = 'hush'\nbind_port = 8095\n");
	config_world_write_secret(STR("hush"), 0600);
	setenv("HULY_BIND_HOST", "::1", 1);
	setenv("HULY_DB_CONNECTION_FILE", SECRET_FILE, 1);
	setenv("HULY_ACCESS_DEFAULT", "deny", 1);
	setenv("HULY_REQUEST_TIMEOUT", "0.25", 1);
	config_world_load_over(&r, over);
	buf_init(&out, 65536);
	config_put(&r.c, &out);
	for (size_t i = 0; i < COUNT(lines); i++)
		tap_ok(config_world_says(&out, lines[i]), "printed: %.*s", (int)strlen(lines[i]) - 1, lines[i]);
	tap_ok(!config_world_says(&out, "hush"), "no secret is printed");
	config_world_must(unlink(SECRET_FILE) == 0, "unlink");
	buf_free(&out);
	config_world_done(&r);
}

static void
differences(void)
{
	struct config_world_result a, b;
	unsigned n = 0;

	clearenv();
	config_world_set("token_secret = 'one'\nworkers = 3\n");
	config_world_load(&a);
	setenv("HULY_TOKEN_SECRET", "two", 1);
	setenv("HULY_DEFAULT_WORKSPACE_UUID", "{11111111-2222-3333-4444-555555555555}", 1);
	config_world_load(&b);
	for (enum config_setting s = 0; s < CONFIG_COUNT; s++)
		n += config_same(&a.c, &b.c, s);
	tap_int(n, CONFIG_COUNT - 1, "one setting differs, whatever the others' spelling and source");
	tap_ok(!config_same(&a.c, &b.c, CONFIG_token_secret), "and it is that one");
	b.c.workers++;
	tap_ok(!config_same(&a.c, &b.c, CONFIG_workers), "another one");
	tap_text(str_of(config_name(CONFIG_workers)), STR("HULY_WORKERS"), "its name");
	config_world_done(&a);
	config_world_done(&b);
}

/* As the OpenTelemetry specification wants it: an empty value is none, a wrong one is ignored. */
static void
opentelemetry(void)
{
	struct config_world_result r;

	config_world_set("otel_traces_sampler_arg = \"0.5\"\n");
	clearenv();
	setenv("OTEL_TRACES_SAMPLER", "nonsense", 1);
	setenv("OTEL_TRACES_SAMPLER_ARG", "", 1);
	setenv("OTEL_EXPORTER_OTLP_ENDPOINT", "http://hush:hush@host:port", 1);
	setenv("OTEL_EXPORTER_OTLP_HEADERS", "key=hush%", 1);
	setenv("OTEL_EXPORTER_OTLP_COMPRESSION", "gzip", 1);
	config_world_load(&r);
	tap_ok(r.ok, "no wrong value is fatal");
	tap_int(r.c.otel_traces_sampler, TRACE_PARENT_ALWAYS_ON, "an unknown sampler is the default");
	tap_ok(r.c.otel_traces_sampler_arg == 1, "an empty variable is above the file, and none");
	tap_text(str_of(r.c.otel_exporter_otlp_headers), STR(""), "a broken list is none");
	tap_ok(config_world_says(&r.log, "setting=\"OTEL_TRACES_SAMPLER\" why=\"not always_on"), "and warned of");
	tap_ok(
	    config_world_says(&r.log, "setting=\"OTEL_EXPORTER_OTLP_HEADERS\"") && !config_world_says(&r.log, "hush"),
	    "without telling it");
	tap_ok(!config_world_says(&r.log, "_ARG") && !config_world_says(&r.log, "COMPRESSION"),
	    "nothing else is, while it is off");
	config_world_done(&r);
	setenv("HULY_OTEL_MODE", "stdout", 1);
	config_world_load(&r);
	tap_ok(r.ok && config_world_says(&r.log, "OTEL_EXPORTER_OTLP_COMPRESSION"),
	    "what is not supported, while it is on");
	config_world_done(&r);
	setenv("HULY_OTEL_MODE", "yes", 1);
	config_world_load(&r);
	tap_ok(
	    !r.ok && config_world_says(&r.error, "HULY_OTEL_MODE: not on, stdout or off"), "our own setting is strict");
	config_world_done(&r);
}

static void
unreadable_files(void)
{
	static char text[TEXTFILE_MAX + 1];
	struct config_world_result r;

	clearenv();
	memset(text, '\n', TEXTFILE_MAX - 1);
	config_world_set(text);
	config_world_load(&r);
	tap_ok(r.ok, "a file of a byte less than 256 KiB");
	config_world_done(&r);

	text[TEXTFILE_MAX - 1] = '\n';
	config_world_set(text);
	config_world_load(&r);
	tap_text(buf_str(&r.error), STR("etc/config.toml: 256 KiB or longer"), "a file of 256 KiB");
	tap_ok(!r.ok, "is an error");
	config_world_done(&r);

	config_world_set(NULL);
	config_world_must(mkdir("etc/config.toml", 0700) == 0, "mkdir");
	config_world_load(&r);
	tap_text(buf_str(&r.error), STR("etc/config.toml: Is a directory"), "a directory in its place");
	tap_ok(!r.ok, "is an error");
	config_world_done(&r);
	config_world_must(rmdir("etc/config.toml") == 0 && rmdir("etc") == 0, "rmdir");

	config_world_write("etc", STR("x"));
	config_world_load(&r);
	tap_ok(r.ok && r.error.n == 0, "a file in place of etc: no configuration file");
	config_world_done(&r);
	config_world_must(unlink("etc") == 0, "unlink");
	config_world_load(&r);
	tap_ok(r.ok && r.error.n == 0, "no etc: no configuration file");
	config_world_done(&r);
}

static void
help(void)
{
	struct buf want;
	char *text = NULL;
	size_t n = 0;
	FILE *f = open_memstream(&text, &n);

	config_world_must(f != NULL, "open_memstream");
	config_print_help(f);
	config_world_must(fclose(f) == 0, "fclose");
	buf_init(&want, 65536);
#define X(member, type, when, name, def, help) \
	buf_printf(&want, "%s (%s): %s\n", name, sizeof(def) > 1 ? def : "empty", help);
	SETTINGS(X)
#undef X
	tap_text(str_from(text, n), buf_str(&want), "help has a line for each setting");
	buf_free(&want);
	free(text);
}

int
main(void)
{
	config_world_open();
	defaults();
	sources();
	unknown_names();
	overrides();
	prints();
	differences();
	opentelemetry();
	unreadable_files();
	help();
	config_world_close();
	return tap_end();
}
