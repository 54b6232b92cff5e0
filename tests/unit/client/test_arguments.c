/* SPDX-License-Identifier: EPL-2.0 */
#include "client/arguments.h"

#include <stdio.h>
#include <stdlib.h>

#include "lib/tap.h"

#define WORDS_MAX 16
#define WORKSPACE "11111111-2222-3333-4444-555555555555"

static struct buf error;

/* Reads "word word …", cut at the spaces of a copy that the arguments borrow from. */
static enum exitstatus
read_line(struct arguments *a, const char *line)
{
	static char copy[1024];
	static char program[] = "hulykvsctl";
	char *argv[WORDS_MAX + 2] = { program };
	int argc = 1;

	buf_clear(&error);
	(void)snprintf(copy, sizeof(copy), "%s", line);
	for (char *word = strtok(copy, " "); word != NULL; word = strtok(NULL, " "))
		argv[argc++] = word;
	return arguments_read(a, argc, argv, &error);
}

static void
is_read(struct arguments *a, const char *line)
{
	enum exitstatus status = read_line(a, line);

	tap_int(status, EXITSTATUS_DONE, "accepts: %s", line);
	tap_text(buf_str(&error), STR(""), "without a word");
}

static void
is_refused(const char *line, const char *why)
{
	struct arguments a;

	tap_int(read_line(&a, line), EXITSTATUS_USAGE, "refuses: %s", line);
	tap_text(buf_str(&error), str_of(why), "and says why");
}

static void
commands(void)
{
	struct arguments a;

	is_read(&a, "get ns key");
	tap_int(a.command, ARGUMENTS_GET, "get");
	tap_text(a.namespace, STR("ns"), "its namespace");
	tap_text(a.key, STR("key"), "its key");
	is_read(&a, "put ns key");
	tap_ok(a.file == NULL, "put reads standard input");
	is_read(&a, "put ns key -");
	tap_ok(a.file == NULL, "put - reads standard input");
	is_read(&a, "put ns key file");
	tap_text(str_of(a.file), STR("file"), "put FILE");
	is_read(&a, "import ns");
	tap_ok(a.file == NULL, "import reads standard input");
	tap_int(a.existing, ARGUMENTS_EXISTING_FAIL, "and changes no key that is there");
	is_read(&a, "import ns file --existing replace");
	tap_text(str_of(a.file), STR("file"), "import FILE");
	tap_ok(a.key.p == NULL, "which is no key");
	tap_int(a.existing, ARGUMENTS_EXISTING_REPLACE, "replace");
	is_read(&a, "--prefix x list --limit=5 ns");
	tap_int(a.command, ARGUMENTS_LIST, "options stand anywhere");
	tap_int(a.limit, 5, "--limit=5");
	is_read(&a, "get ns -- --key");
	tap_text(a.key, STR("--key"), "a key behind --");
	is_read(&a, "get --help");
	tap_int(a.command, ARGUMENTS_HELP, "--help wins");
	is_read(&a, "-V");
	tap_int(a.command, ARGUMENTS_VERSION, "-V");
}

static void
values(void)
{
	char text[UUID_TEXT_SIZE];
	struct arguments a;

	is_read(&a, "list ns");
	uuid_text(&a.workspace, text);
	tap_text(str_of(text), STR(WORKSPACE), "the workspace of the environment");
	uuid_text(&a.account, text);
	tap_text(str_of(text), STR("1749089e-22e6-48de-af4e-165e18fbd2f9"), "the system account");
	tap_text(a.url, STR("http://localhost:8094"), "the usual address");
	tap_text(a.service, STR("hulykvsctl"), "the usual service");
	tap_int(a.ttl, 3600, "an hour");
	tap_int(a.timeout, 60000, "60 seconds");
	tap_int(a.retries, 3, "3 retries");
	tap_int(a.limit, 0, "no limit");
	is_read(
	    &a, "list ns --url https://h:1/p/// --ttl 7d --timeout 5 --retries 0 --output json --limit 1 --limit 2");
	tap_text(a.url, STR("https://h:1/p"), "without slashes at the end");
	tap_int(a.ttl, 7 * 86400, "7d");
	tap_int(a.timeout, 5000, "5 seconds");
	tap_int(a.retries, 0, "no retries");
	tap_int(a.output, ARGUMENTS_OUTPUT_JSON, "json");
	tap_int(a.limit, 2, "the last one counts");
	is_read(&a, "token --ttl 90");
	tap_int(a.ttl, 90, "seconds without a unit");
	is_read(&a, "token --ttl 3650d");
	(void)setenv("HULYKVS_URL", "http://other", 1);
	is_read(&a, "list ns");
	tap_text(a.url, STR("http://other"), "the address of the environment");
	is_read(&a, "list ns --url http://third");
	tap_text(a.url, STR("http://third"), "the option wins");
	(void)setenv("HULYKVS_URL", "", 1);
	is_read(&a, "list ns");
	tap_text(a.url, STR("http://localhost:8094"), "an empty variable is none");
	(void)unsetenv("HULYKVS_WORKSPACE");
	is_read(&a, "token");
	tap_ok(!a.has_workspace, "a token needs no workspace");
	is_refused("list ns", "--workspace: is missing (or set HULYKVS_WORKSPACE)");
	(void)setenv("HULYKVS_WORKSPACE", WORKSPACE, 1);
}

static void
refusals(void)
{
	is_refused("", "command: is missing");
	is_refused("gets a b", "command: there is no such one");
	is_refused("get a", "get takes: NAMESPACE KEY");
	is_refused("token a", "token takes: no argument");
	is_refused("get a b --x", "--x: there is no such option, or it takes no value");
	is_refused("get a b --binary=1", "--binary=1: there is no such option, or it takes no value");
	is_refused("get a b -x", "-x: there is no such option, or it takes no value");
	is_refused("get a b --url", "--url: its value is missing");
	is_refused("get a b --token c", "--token and --secret: everybody can read arguments; give a file");
	is_refused("get a b --limit 1", "--limit: does not go with this command");
	is_refused("token --url http://x", "--url: does not go with this command");
	is_refused("list a --limit 99999999999999999999", "--limit: is no number from 1 to 1000000000");
	is_refused("list a --timeout 0", "--timeout: is no number from 1 to 86400");
	is_refused("token --ttl 0", "--ttl: is no time such as 90s, 15m, 1h or 7d (3650d at most)");
	is_refused("token --ttl 1.5h", "--ttl: is no time such as 90s, 15m, 1h or 7d (3650d at most)");
	is_refused("token --ttl h", "--ttl: is no time such as 90s, 15m, 1h or 7d (3650d at most)");
	is_refused("token --ttl 87601h", "--ttl: is no time such as 90s, 15m, 1h or 7d (3650d at most)");
	is_refused("list a --url http://", "--url: begins neither with http:// nor with https://");
	is_refused("list a --url http://u@h", "--url: may have no user and no password");
	is_refused("list a --url http://h#x", "--url: has a character that cannot stand in it");
	is_refused("import a --existing x", "--existing: is none of fail, skip and replace");
	is_refused("namespaces a", "namespaces takes: no argument");
	is_refused("namespaces --prefix a", "--prefix: does not go with this command");
	is_refused("batch a b --output raw", "--output: a batch has no raw form: table or json");
	is_refused("export a --existing skip", "--existing: does not go with this command");
	is_refused("list a --output=", "--output: is none of table, json and raw");
	is_refused("list a --output x", "--output: is none of table, json and raw");
}

int
main(void)
{
	buf_init(&error, 4096);
	(void)unsetenv("HULYKVS_URL");
	(void)setenv("HULYKVS_WORKSPACE", WORKSPACE, 1);
	commands();
	values();
	refusals();
	buf_free(&error);
	return tap_end();
}
