/* SPDX-License-Identifier: EPL-2.0 */
#include "program/migrate_options.h"

#include <getopt.h>
#include <stdlib.h>

#include "base/base.h"
#include "base/clock.h"
#include "base/utf8.h"
#include "program/version.h"

#define PATIENCE   (600 * CLOCK_S)
#define WAIT_MAX   (24 * 3600 * CLOCK_S)
#define RATE_MAX   1000000
#define AGE_MAX    (INT64_C(36500) * 24 * 3600) /* seconds */
#define AGE_DIGITS 10

/* The commands, by their words. */
static const struct {
	const char *word;
	enum migrate_command command;
} commands[] = {
	{ "up", MIGRATE_UP },
	{ "status", MIGRATE_STATUS },
	{ "reencrypt", MIGRATE_REENCRYPT },
	{ "decrypt", MIGRATE_DECRYPT },
	{ "key-status", MIGRATE_KEY_STATUS },
	{ "forget-keys", MIGRATE_FORGET_KEYS },
	{ "export", MIGRATE_EXPORT },
	{ "import", MIGRATE_IMPORT },
	{ "compare", MIGRATE_COMPARE },
	{ "purge", MIGRATE_PURGE },
};

enum option_id { DRY_RUN, WAIT, RATE, WORKSPACE, NAMESPACE, PREFIX, OLDER_THAN, OPENED, DIFFERENCE, EXISTING, OPTIONS };

#define BIT(n) (1U << (n))

/* Which commands an option goes with. */
static const struct {
	const char *name; /* with the words for people */
	unsigned commands;
} uses[OPTIONS] = {
	[DRY_RUN] = { "--dry-run goes with up and purge", BIT(MIGRATE_UP) | BIT(MIGRATE_PURGE) },
	[WAIT] = { NULL, ~0U },
	[RATE] = { "--rate goes with reencrypt, decrypt and purge",
	    BIT(MIGRATE_REENCRYPT) | BIT(MIGRATE_DECRYPT) | BIT(MIGRATE_PURGE) },
	[WORKSPACE] = { "--workspace goes with export and purge", BIT(MIGRATE_EXPORT) | BIT(MIGRATE_PURGE) },
	[NAMESPACE] = { "--namespace goes with export and purge", BIT(MIGRATE_EXPORT) | BIT(MIGRATE_PURGE) },
	[PREFIX] = { "--prefix goes with purge", BIT(MIGRATE_PURGE) },
	[OLDER_THAN] = { "--older-than goes with purge", BIT(MIGRATE_PURGE) },
	[OPENED] = { "--opened goes with export", BIT(MIGRATE_EXPORT) },
	[DIFFERENCE] = { "--difference goes with export", BIT(MIGRATE_EXPORT) },
	[EXISTING] = { "--existing goes with import", BIT(MIGRATE_IMPORT) },
};

static void
print_migrate_help(FILE *out)
{
	fputs("usage: hulykvs-migrate [--wait SECONDS] [up]\n"
	      "       hulykvs-migrate [--wait SECONDS] --dry-run\n"
	      "       hulykvs-migrate [--wait SECONDS] status | key-status | forget-keys\n"
	      "       hulykvs-migrate [--wait SECONDS] [--rate ROWS] reencrypt | decrypt\n"
	      "       hulykvs-migrate [--wait SECONDS] [--workspace UUID] [--namespace NAME]\n"
	      "                       [--opened | --difference] export > FILE\n"
	      "       hulykvs-migrate [--wait SECONDS] [--existing fail | skip | replace]\n"
	      "                       import < FILE\n"
	      "       hulykvs-migrate [--wait SECONDS] compare\n"
	      "       hulykvs-migrate [--wait SECONDS] [--workspace UUID] [--namespace NAME]\n"
	      "                       [--prefix TEXT] --older-than AGE [--dry-run] [--rate ROWS] purge\n"
	      "\n"
	      "Creates the schema of the key-value service, or brings it up to date.  Safe to\n"
	      "run at any time, more than once, and from several places at once.\n"
	      "\n"
	      "  up               do what is missing (the default)\n"
	      "  status           say what is there and what is missing\n"
	      "  key-status       say how many values each key has sealed\n"
	      "  reencrypt        seal all values with the current key; under traffic\n"
	      "  decrypt          make all values plain again; under traffic\n"
	      "  forget-keys      the keys are lost for good: let the service write without any\n"
	      "  export           write all rows, as they are at one moment, to standard output\n"
	      "  import           put the rows of an export into the database\n"
	      "  compare          say whether HULY_OTHER_DB_CONNECTION holds the same\n"
	      "  purge            delete rows that nobody has written for a while; under traffic\n"
	      "      --dry-run    print the SQL that `up` would run, or count what `purge` would\n"
	      "                   delete; change nothing\n"
	      "      --wait SECONDS\n"
	      "                   how long to wait for a database that is not up yet (else 0),\n"
	      "                   and for a lock or another migration (else 600); 86400 at most\n"
	      "      --rate ROWS  most rows in a second of reencrypt, decrypt and purge, 1 to\n"
	      "                   1000000 (else no limit)\n"
	      "      --workspace UUID, --namespace NAME, --prefix TEXT\n"
	      "                   only rows of this workspace, of this namespace, whose key begins\n"
	      "                   with this\n"
	      "      --opened     open sealed values (else they are exported as they are stored)\n"
	      "      --difference only what HULY_OTHER_DB_CONNECTION lacks, or has differently, and\n"
	      "                   what has to be deleted there\n"
	      "      --existing fail | skip | replace\n"
	      "                   what to do with a key that is there with another value: end (the\n"
	      "                   default), leave it, or write the value of the file\n"
	      "      --older-than AGE\n"
	      "                   last written so long ago: a number and s, m, h or d\n"
	      "  -h, --help       print this\n"
	      "  -V, --version    print the versions of the program and its libraries\n"
	      "\n"
	      "exit status:\n"
	      "  0   the schema is current, or the status or SQL was printed, or all values are\n"
	      "      as asked for, or all rows were exported, imported or purged, or both\n"
	      "      databases hold the same\n"
	      "  1   the databases do not hold the same (compare)\n"
	      "  64  bad option or argument\n"
	      "  65  what shall be imported is not a whole export\n"
	      "  69  the database cannot be reached, or is not one to migrate, or holds values\n"
	      "      that do not open, or a key of the file with another value\n"
	      "  70  a fault of the system\n"
	      "  75  a lock or another migration stood in the way for too long\n"
	      "  78  a setting is wrong\n"
	      "\n"
	      "settings (from etc/config.toml, and from the environment, which wins;\n"
	      "HULY_DB_CONNECTION_FILE is the path of a file with the connection string, that only\n"
	      "its owner may open):\n",
	    out);
	config_print_help(out);
}

static enum exitcode
migrate_usage(const char *what, const char *argument)
{
	fprintf(stderr, "hulykvs-migrate: %s%s\ntry: hulykvs-migrate --help\n", what, argument);
	return EXIT_USAGE;
}

static enum exitcode
take_wait(struct migrate_options *o, const char *text)
{
	int64_t wait;

	if (!setting_parse_seconds(str_of(text), &wait) || wait > WAIT_MAX)
		return migrate_usage("not a number of seconds up to 86400: ", text);
	o->connect_wait = o->patience = wait;
	return EXIT_OK;
}

static enum exitcode
take_rate(struct migrate_options *o, const char *text)
{
	char *end;
	unsigned long rate = strtoul(text, &end, 10);

	if (!str_is_digit(text[0]) || *end != '\0' || rate == 0 || rate > RATE_MAX)
		return migrate_usage("not a number of rows from 1 to 1000000: ", text);
	o->rate = o->purge.rate = (unsigned)rate;
	return EXIT_OK;
}

static enum exitcode
take_selected_workspace(struct migrate_options *o, const char *text)
{
	static const struct uuid nobody;
	struct uuid workspace;

	if (!uuid_parse(str_of(text), &workspace) || uuid_eq(&workspace, &nobody))
		return migrate_usage("not the UUID of a workspace: ", text);
	uuid_text(&workspace, o->export.selection.workspace);
	uuid_text(&workspace, o->purge.selection.workspace);
	return EXIT_OK;
}

/* A namespace or a prefix, for both commands. */
static enum exitcode
take_selected(const char **a, const char **b, const char *text)
{
	if (text[0] == '\0' || !utf8_is_text(str_of(text)))
		return migrate_usage("empty, or not UTF-8", "");
	*a = *b = text;
	return EXIT_OK;
}

static enum exitcode
take_age(struct migrate_options *o, const char *text)
{
	static const struct {
		char letter;
		int64_t seconds;
	} units[] = { { 's', 1 }, { 'm', 60 }, { 'h', 3600 }, { 'd', 24 * 3600 } };
	size_t digits = strspn(text, "0123456789");

	o->purge.older_than = 0;
	for (size_t i = 0; i < ARRAY_SIZE(units) && digits > 0 && digits <= AGE_DIGITS; i++)
		if (text[digits] == units[i].letter && text[digits + 1] == '\0')
			o->purge.older_than = strtoll(text, NULL, 10) * units[i].seconds;
	if (o->purge.older_than <= 0 || o->purge.older_than > AGE_MAX)
		return migrate_usage("not an age such as 90d or 12h, up to 36500d: ", text);
	return EXIT_OK;
}

static enum exitcode
take_existing(struct migrate_options *o, const char *text)
{
	static const char *const names[] = {
#define X(value, name) [value] = name,
		MIGRATE_EXISTING(X)
#undef X
	};

	for (size_t i = 0; i < ARRAY_SIZE(names); i++) {
		if (strcmp(text, names[i]) == 0) {
			o->existing = (enum migrate_existing)i;
			return EXIT_OK;
		}
	}
	return migrate_usage("neither fail nor skip nor replace: ", text);
}

static enum exitcode
take_option(struct migrate_options *o, enum option_id option, const char *text)
{
	switch (option) {
	case DRY_RUN:
		o->purge.dry_run = true;
		break;
	case WAIT:
		return take_wait(o, text);
	case RATE:
		return take_rate(o, text);
	case WORKSPACE:
		return take_selected_workspace(o, text);
	case NAMESPACE:
		return take_selected(&o->export.selection.ns, &o->purge.selection.ns, text);
	case PREFIX:
		return take_selected(&o->export.selection.prefix, &o->purge.selection.prefix, text);
	case OLDER_THAN:
		return take_age(o, text);
	case OPENED:
		o->export.opened = true;
		break;
	case DIFFERENCE:
		o->export.difference = true;
		break;
	case EXISTING:
		return take_existing(o, text);
	case OPTIONS:
		break;
	}
	return EXIT_OK;
}

static bool
find_command(const char *word, enum migrate_command *command)
{
	for (size_t i = 0; i < ARRAY_SIZE(commands); i++) {
		if (strcmp(word, commands[i].word) == 0) {
			*command = commands[i].command;
			return true;
		}
	}
	return false;
}

/* Options that a command needs, or that exclude each other. */
static enum exitcode
check_order(const struct migrate_options *o, unsigned given)
{
	unsigned selects = given & (BIT(WORKSPACE) | BIT(NAMESPACE));

	for (enum option_id i = 0; i < OPTIONS; i++)
		if ((given & BIT(i)) != 0 && (uses[i].commands & BIT(o->command)) == 0)
			return migrate_usage(uses[i].name, "");
	if (o->export.difference && (o->export.opened || selects != 0))
		return migrate_usage("--difference is of all rows, as they are stored", "");
	if (o->command != MIGRATE_PURGE)
		return EXIT_OK;
	if (o->purge.older_than == 0)
		return migrate_usage("purge needs --older-than", "");
	if (selects == 0)
		return migrate_usage("purge needs --workspace or --namespace", "");
	return EXIT_OK;
}

static enum exitcode
take_words(struct migrate_options *o, unsigned given, int n, char **words)
{
	enum exitcode code;

	/* They are not quoted: they may be a connection string, which belongs into a setting. */
	if (n > 0 && !find_command(words[0], &o->command))
		return migrate_usage("no such command", "");
	if (n > 1)
		return migrate_usage("more than one command", "");
	code = check_order(o, given);
	if (o->command == MIGRATE_UP && (given & BIT(DRY_RUN)) != 0)
		o->command = MIGRATE_DRY_RUN;
	return code;
}

enum exitcode
migrate_options_read(struct migrate_order *order, int argc, char **argv)
{
	enum { BASE = 256 };
	/* In the order of enum option_id. */
	static const struct option long_options[] = {
		{ "dry-run", no_argument, NULL, BASE + DRY_RUN },
		{ "wait", required_argument, NULL, BASE + WAIT },
		{ "rate", required_argument, NULL, BASE + RATE },
		{ "workspace", required_argument, NULL, BASE + WORKSPACE },
		{ "namespace", required_argument, NULL, BASE + NAMESPACE },
		{ "prefix", required_argument, NULL, BASE + PREFIX },
		{ "older-than", required_argument, NULL, BASE + OLDER_THAN },
		{ "opened", no_argument, NULL, BASE + OPENED },
		{ "difference", no_argument, NULL, BASE + DIFFERENCE },
		{ "existing", required_argument, NULL, BASE + EXISTING },
		{ "help", no_argument, NULL, 'h' },
		{ "version", no_argument, NULL, 'V' },
		{ NULL, 0, NULL, 0 },
	};
	static const struct migrate_selection all = { .ns = "", .prefix = "" };
	enum exitcode code = EXIT_OK;
	unsigned given = 0;
	int option;

	*order = (struct migrate_order){ .work = true };
	order->options = (struct migrate_options){
		.command = MIGRATE_UP, .patience = PATIENCE, .export.selection = all, .purge.selection = all
	};
	while (code == EXIT_OK && (option = getopt_long(argc, argv, "hV", long_options, NULL)) != -1) {
		if (option == '?')
			return EXIT_USAGE; /* getopt has said it */
		if (option == 'h' || option == 'V') {
			order->work = false;
			option == 'h' ? print_migrate_help(stdout) : version_print("hulykvs-migrate");
			return EXIT_OK;
		}
		if ((given & BIT(option - BASE)) != 0)
			return migrate_usage("an option was given twice: --", long_options[option - BASE].name);
		given |= BIT(option - BASE);
		code = take_option(&order->options, (enum option_id)(option - BASE), optarg);
	}
	return code == EXIT_OK ? take_words(&order->options, given, argc - optind, argv + optind) : code;
}
