/* SPDX-License-Identifier: EPL-2.0 */
#include "client/arguments.h"

#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/base.h"
#include "base/utf8.h"
#include "config/setting_type.h"

#define SYSTEM_ACCOUNT "1749089e-22e6-48de-af4e-165e18fbd2f9"

#define TTL_MAX     (UINT64_C(3650) * 24 * 3600)
#define TIMEOUT_MAX 86400
#define RETRIES_MAX 100
#define LIMIT_MAX   UINT64_C(1000000000)

struct command_row {
	const char *word;
	int least, most;
	const char *words, *help;
};

static const struct command_row command_rows[] = {
#define X(name, word, least, most, words, help) { word, least, most, words, help },
	ARGUMENTS_COMMANDS(X)
#undef X
};

static const char *const existing_words[] = {
#define X(name, word) word,
	ARGUMENTS_EXISTINGS(X)
#undef X
};

struct option_row {
	const char *word, *takes;
	unsigned commands;
	const char *help;
};

static const struct option_row option_rows[] = {
#define X(name, word, takes, commands, help) { word, takes, commands, help },
	ARGUMENTS_OPTIONS(X)
#undef X
};

static const char *const output_words[] = {
#define X(name, word) word,
	ARGUMENTS_OUTPUTS(X)
#undef X
};

static enum exitstatus
wrong_argument(struct buf *error, const char *what, const char *why)
{
	buf_printf(error, "%s: %s", what, why);
	return EXITSTATUS_USAGE;
}

static enum exitstatus
wrong_option(struct buf *error, enum arguments_option option, const char *why)
{
	buf_printf(error, "--%s: %s", option_rows[option].word, why);
	return EXITSTATUS_USAGE;
}

/* --- the words --- */

static bool
command_of_word(const char *word, enum arguments_command *command)
{
	for (size_t i = 0; i < ARRAY_SIZE(command_rows); i++) {
		if (strcmp(word, command_rows[i].word) == 0) {
			*command = (enum arguments_command)i;
			return true;
		}
	}
	return false;
}

static const char *
wrong_name(struct str name)
{
	if (name.n == 0)
		return "is empty";
	return utf8_is_text(name) ? NULL : "is not UTF-8";
}

static enum exitstatus
take_operand(const char *what, const char *word, struct str *name, struct buf *error)
{
	const char *why = wrong_name(str_of(word));

	*name = str_of(word);
	return why == NULL ? EXITSTATUS_DONE : wrong_argument(error, what, why);
}

static enum exitstatus
take_operands(struct arguments *a, int n, char **words, struct buf *error)
{
	const struct command_row *row = &command_rows[a->command];
	enum exitstatus status = EXITSTATUS_DONE;

	if (n < row->least || n > row->most) {
		buf_printf(error, "%s takes: %s", row->word, row->most > 0 ? row->words : "no argument");
		return EXITSTATUS_USAGE;
	}
	if (n > 0)
		status = take_operand("namespace", words[0], &a->namespace, error);
	if (n > 1 && status == EXITSTATUS_DONE && row->least > 1)
		status = take_operand("key", words[1], &a->key, error);
	if (n == row->most && n > row->least && strcmp(words[n - 1], "-") != 0)
		a->file = words[n - 1];
	return status;
}

static enum exitstatus
read_words(struct arguments *a, int n, char **words, struct buf *error)
{
	if (n == 0)
		return wrong_argument(error, "command", "is missing");
	if (!command_of_word(words[0], &a->command))
		return wrong_argument(error, "command", "there is no such one");
	return take_operands(a, n - 1, words + 1, error);
}

/* --- the options --- */

#define FIRST_OPTION 256 /* getopt's values of the options, after all characters */
#define NO_SECRET    (FIRST_OPTION + ARGUMENTS_OPTION_COUNT)

/* Options that do not exist, so that nobody believes that they do: getopt would take them for --token-file. */
static const char *const secret_options[] = { "token", "secret" };

#define GETOPT_ROWS (ARGUMENTS_OPTION_COUNT + ARRAY_SIZE(secret_options) + 1)

static void
make_getopt_table(struct option *table)
{
	for (int i = 0; i < ARGUMENTS_OPTION_COUNT; i++)
		table[i] = (struct option){
			.name = option_rows[i].word,
			.has_arg = option_rows[i].takes != NULL ? required_argument : no_argument,
			.val = FIRST_OPTION + i,
		};
	for (size_t i = 0; i < ARRAY_SIZE(secret_options); i++)
		table[ARGUMENTS_OPTION_COUNT + i] =
		    (struct option){ secret_options[i], optional_argument, NULL, NO_SECRET };
	table[GETOPT_ROWS - 1] = (struct option){ .name = NULL };
}

static int
option_of_letter(int letter)
{
	return letter == 'h' ? FIRST_OPTION + ARGUMENTS_OPTION_HELP
	    : letter == 'V'  ? FIRST_OPTION + ARGUMENTS_OPTION_VERSION
			     : letter;
}

static enum exitstatus
read_options(struct arguments *a, int argc, char **argv, struct buf *error)
{
	struct option table[GETOPT_ROWS];
	int option;

	make_getopt_table(table);
	optind = 0; /* so that a test can read several command lines */
	opterr = 0;
	while ((option = option_of_letter(getopt_long(argc, argv, ":hV", table, NULL))) != -1) {
		if (option == NO_SECRET)
			return wrong_argument(
			    error, "--token and --secret", "everybody can read arguments; give a file");
		if (option < FIRST_OPTION)
			return wrong_argument(error, argv[optind - 1],
			    option == ':' ? "its value is missing" : "there is no such option, or it takes no value");
		a->option[option - FIRST_OPTION] = optarg != NULL ? optarg : "";
	}
	return EXITSTATUS_DONE;
}

static enum exitstatus
check_options(const struct arguments *a, struct buf *error)
{
	for (int i = 0; i < ARGUMENTS_OPTION_COUNT; i++)
		if (a->option[i] != NULL && (option_rows[i].commands & 1U << a->command) == 0)
			return wrong_option(error, (enum arguments_option)i, "does not go with this command");
	if (a->option[ARGUMENTS_OPTION_TOKEN_FILE] != NULL && a->option[ARGUMENTS_OPTION_SECRET_FILE] != NULL)
		return wrong_option(error, ARGUMENTS_OPTION_TOKEN_FILE, "and --secret-file exclude each other");
	/* The service would look at If-None-Match only. */
	if (a->command == ARGUMENTS_PUT && a->option[ARGUMENTS_OPTION_IF_MATCH] != NULL &&
	    a->option[ARGUMENTS_OPTION_IF_NONE_MATCH] != NULL)
		return wrong_option(error, ARGUMENTS_OPTION_IF_MATCH, "and --if-none-match exclude each other");
	return EXITSTATUS_DONE;
}

/* As a variable of the shell that is not set would have it. */
static enum exitstatus
check_not_empty(const struct arguments *a, struct buf *error)
{
	static const enum arguments_option options[] = { ARGUMENTS_OPTION_IF_MATCH, ARGUMENTS_OPTION_IF_NONE_MATCH,
		ARGUMENTS_OPTION_OUTPUT_FILE, ARGUMENTS_OPTION_CA_FILE, ARGUMENTS_OPTION_TOKEN_FILE,
		ARGUMENTS_OPTION_SECRET_FILE };

	for (size_t i = 0; i < ARRAY_SIZE(options); i++)
		if (a->option[options[i]] != NULL && a->option[options[i]][0] == '\0')
			return wrong_option(error, options[i], "is empty");
	return EXITSTATUS_DONE;
}

/* --- the values --- */

/* The option, else the variable of the environment where it is set and not empty, else the default. */
static const char *
value_of(const struct arguments *a, enum arguments_option option, const char *variable, const char *otherwise)
{
	const char *value = a->option[option];

	if (value == NULL && variable != NULL) {
		value = getenv(variable);
		if (value != NULL && value[0] == '\0')
			value = NULL;
	}
	return value != NULL ? value : otherwise;
}

/* Why the address cannot be used; NULL: it can.  It is in the list of processes, so no password may be in it. */
static const char *
wrong_url(struct str url)
{
	struct str host;

	if (str_starts(url, STR("https://")))
		url = str_skip(url, strlen("https://"));
	else if (str_starts(url, STR("http://")))
		url = str_skip(url, strlen("http://"));
	else
		return "begins neither with http:// nor with https://";
	for (size_t i = 0; i < url.n; i++)
		if ((unsigned char)url.p[i] <= ' ' || (unsigned char)url.p[i] >= 0x7f ||
		    strchr("?#\\\"<>", url.p[i]) != NULL)
			return "has a character that cannot stand in it";
	(void)str_cut(url, '/', &host, &url);
	if (host.n == 0)
		return "has no host";
	return memchr(host.p, '@', host.n) != NULL ? "may have no user and no password" : NULL;
}

static enum exitstatus
take_url(struct arguments *a, struct buf *error)
{
	const char *why;

	a->url = str_of(value_of(a, ARGUMENTS_OPTION_URL, "HULYKVS_URL", "http://localhost:8094"));
	while (a->url.n > 0 && a->url.p[a->url.n - 1] == '/')
		a->url.n--;
	why = wrong_url(a->url);
	return why == NULL ? EXITSTATUS_DONE : wrong_option(error, ARGUMENTS_OPTION_URL, why);
}

static enum exitstatus
take_uuids(struct arguments *a, struct buf *error)
{
	const char *workspace = value_of(a, ARGUMENTS_OPTION_WORKSPACE, "HULYKVS_WORKSPACE", NULL);
	const char *account = value_of(a, ARGUMENTS_OPTION_ACCOUNT, NULL, SYSTEM_ACCOUNT);

	a->has_workspace = workspace != NULL;
	if (!a->has_workspace && a->command != ARGUMENTS_TOKEN)
		return wrong_option(error, ARGUMENTS_OPTION_WORKSPACE, "is missing (or set HULYKVS_WORKSPACE)");
	if (a->has_workspace && !uuid_parse(str_of(workspace), &a->workspace))
		return wrong_option(error, ARGUMENTS_OPTION_WORKSPACE, "is not a UUID");
	if (!uuid_parse(str_of(account), &a->account))
		return wrong_option(error, ARGUMENTS_OPTION_ACCOUNT, "is not a UUID");
	return EXITSTATUS_DONE;
}

static enum exitstatus
take_service_name(struct arguments *a, struct buf *error)
{
	a->service = str_of(value_of(a, ARGUMENTS_OPTION_SERVICE, NULL, "hulykvsctl"));
	if (a->service.n == 0 || !utf8_is_text(a->service))
		return wrong_option(error, ARGUMENTS_OPTION_SERVICE, "is empty or not UTF-8");
	return EXITSTATUS_DONE;
}

/* Decimal digits and a unit. */
static bool
parse_ttl(struct str s, int64_t *seconds)
{
	static const struct {
		char letter;
		unsigned seconds;
	} units[] = { { 's', 1 }, { 'm', 60 }, { 'h', 3600 }, { 'd', 24 * 3600 } };
	uint64_t unit = 1, n;

	for (size_t i = 0; i < ARRAY_SIZE(units) && s.n > 0; i++) {
		if (s.p[s.n - 1] == units[i].letter) {
			unit = units[i].seconds;
			s.n--;
			break;
		}
	}
	if (!setting_type_parse_whole(s, 1, TTL_MAX / unit, &n))
		return false;
	*seconds = (int64_t)(n * unit);
	return true;
}

static enum exitstatus
take_number(const struct arguments *a, enum arguments_option option, const char *otherwise, uint64_t least,
    uint64_t most, uint64_t *n, struct buf *error)
{
	if (setting_type_parse_whole(str_of(value_of(a, option, NULL, otherwise)), least, most, n))
		return EXITSTATUS_DONE;
	buf_printf(error, "--%s: is no number from %llu to %llu", option_rows[option].word, (unsigned long long)least,
	    (unsigned long long)most);
	return EXITSTATUS_USAGE;
}

static enum exitstatus
take_numbers(struct arguments *a, struct buf *error)
{
	uint64_t seconds, retries;

	if (!parse_ttl(str_of(value_of(a, ARGUMENTS_OPTION_TTL, NULL, "1h")), &a->ttl))
		return wrong_option(
		    error, ARGUMENTS_OPTION_TTL, "is no time such as 90s, 15m, 1h or 7d (3650d at most)");
	if (take_number(a, ARGUMENTS_OPTION_TIMEOUT, "60", 1, TIMEOUT_MAX, &seconds, error) != EXITSTATUS_DONE ||
	    take_number(a, ARGUMENTS_OPTION_RETRIES, "3", 0, RETRIES_MAX, &retries, error) != EXITSTATUS_DONE)
		return EXITSTATUS_USAGE;
	a->timeout = (int64_t)seconds * 1000;
	a->retries = (unsigned)retries;
	a->limit = 0;
	if (a->option[ARGUMENTS_OPTION_LIMIT] == NULL)
		return EXITSTATUS_DONE;
	return take_number(a, ARGUMENTS_OPTION_LIMIT, NULL, 1, LIMIT_MAX, &a->limit, error);
}

/* The place of a word in a table; -1: it is not there. */
static int
place_of(const char *word, const char *const *words, size_t n)
{
	for (size_t i = 0; i < n; i++)
		if (strcmp(word, words[i]) == 0)
			return (int)i;
	return -1;
}

static enum exitstatus
take_words_of_tables(struct arguments *a, struct buf *error)
{
	const char *output = value_of(a, ARGUMENTS_OPTION_OUTPUT, NULL, NULL);
	const char *existing = value_of(a, ARGUMENTS_OPTION_EXISTING, NULL, existing_words[0]);
	int o = output != NULL ? place_of(output, output_words, ARRAY_SIZE(output_words)) : ARGUMENTS_OUTPUT_DEFAULT;
	int e = place_of(existing, existing_words, ARRAY_SIZE(existing_words));

	if (o < 0 || (output != NULL && o == ARGUMENTS_OUTPUT_DEFAULT))
		return wrong_option(error, ARGUMENTS_OPTION_OUTPUT, "is none of table, json and raw");
	if (a->command == ARGUMENTS_GET && o == ARGUMENTS_OUTPUT_TABLE)
		return wrong_option(error, ARGUMENTS_OPTION_OUTPUT, "a value has no table: json or raw");
	if (a->command == ARGUMENTS_BATCH && o == ARGUMENTS_OUTPUT_RAW)
		return wrong_option(error, ARGUMENTS_OPTION_OUTPUT, "a batch has no raw form: table or json");
	if (e < 0)
		return wrong_option(error, ARGUMENTS_OPTION_EXISTING, "is none of fail, skip and replace");
	a->output = (enum arguments_output)o;
	a->existing = (enum arguments_existing)e;
	return EXITSTATUS_DONE;
}

/* What is sent as a header field or in a query: a line break in it would begin another field. */
static enum exitstatus
check_texts(const struct arguments *a, struct buf *error)
{
	static const enum arguments_option fields[] = { ARGUMENTS_OPTION_IF_MATCH, ARGUMENTS_OPTION_IF_NONE_MATCH };
	const char *prefix = a->option[ARGUMENTS_OPTION_PREFIX];

	for (size_t i = 0; i < ARRAY_SIZE(fields); i++) {
		const char *text = a->option[fields[i]];

		for (; text != NULL && *text != '\0'; text++)
			if ((unsigned char)*text < ' ' || (unsigned char)*text >= 0x7f)
				return wrong_option(error, fields[i], "has a character that is not printable ASCII");
	}
	if (prefix != NULL && !utf8_is_text(str_of(prefix)))
		return wrong_option(error, ARGUMENTS_OPTION_PREFIX, "is not UTF-8");
	return EXITSTATUS_DONE;
}

static enum exitstatus
read_values(struct arguments *a, struct buf *error)
{
	static enum exitstatus (*const steps[])(struct arguments *, struct buf *) = { take_url, take_uuids,
		take_service_name, take_numbers, take_words_of_tables };
	enum exitstatus status = EXITSTATUS_DONE;

	for (size_t i = 0; i < ARRAY_SIZE(steps) && status == EXITSTATUS_DONE; i++)
		status = steps[i](a, error);
	return status == EXITSTATUS_DONE ? check_texts(a, error) : status;
}

enum exitstatus
arguments_read(struct arguments *a, int argc, char **argv, struct buf *error)
{
	enum exitstatus status;

	*a = (struct arguments){ .command = ARGUMENTS_HELP };
	status = read_options(a, argc, argv, error);
	if (status != EXITSTATUS_DONE || a->option[ARGUMENTS_OPTION_HELP] != NULL)
		return status;
	if (a->option[ARGUMENTS_OPTION_VERSION] != NULL) {
		a->command = ARGUMENTS_VERSION;
		return EXITSTATUS_DONE;
	}
	status = read_words(a, argc - optind, argv + optind, error);
	if (status == EXITSTATUS_DONE)
		status = check_options(a, error);
	if (status == EXITSTATUS_DONE)
		status = check_not_empty(a, error);
	return status == EXITSTATUS_DONE ? read_values(a, error) : status;
}

/* --- --help --- */

static void
print_option(const struct option_row *row)
{
	char left[64];

	(void)snprintf(left, sizeof(left), "%s--%s %s",
	    row == &option_rows[ARGUMENTS_OPTION_HELP]          ? "-h, "
		: row == &option_rows[ARGUMENTS_OPTION_VERSION] ? "-V, "
								: "    ",
	    row->word, row->takes != NULL ? row->takes : "");
	(void)printf("  %-24s %s\n", left, row->help);
}

static void
print_statuses(void)
{
#define X(name, number, help) (void)printf("  %d  %s\n", number, help);
	EXITSTATUSES(X)
#undef X
}

void
arguments_print_help(void)
{
	(void)printf("usage: hulykvsctl COMMAND [ARGUMENT ...] [OPTION ...]\n\n"
		     "Reads and writes values of the Hulykvs key-value service, over its HTTP API.\n\n"
		     "commands:\n");
	for (size_t i = 0; i < ARRAY_SIZE(command_rows); i++) {
		char left[64];

		(void)snprintf(left, sizeof(left), "%s %s", command_rows[i].word, command_rows[i].words);
		(void)printf("  %-28s %s\n", left, command_rows[i].help);
	}
	(void)printf("\noptions:\n");
	for (size_t i = 0; i < ARRAY_SIZE(option_rows); i++)
		print_option(&option_rows[i]);
	(void)printf("\nA key that begins with - stands after --.  A token or secret is never an argument,\n"
		     "because everybody can read those.\n\nexit status:\n");
	print_statuses();
}
