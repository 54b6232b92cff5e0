/* SPDX-License-Identifier: EPL-2.0 */
/*
 * migrate_main: the command line of hulykvs-migrate.  src/migrate does the work.
 */
#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/base.h"
#include "base/clock.h"
#include "migrate/migrate.h"
#include "os/proc_stats.h"
#include "program/sandbox.h"
#include "program/version.h"
#include "store/keyring.h"

#define PATIENCE (600 * CLOCK_S)
#define WAIT_MAX (24 * 3600 * CLOCK_S)
#define RATE_MAX 1000000

static void
print_migrate_help(FILE *out)
{
	fputs("usage: hulykvs-migrate [--wait SECONDS] [up]\n"
	      "       hulykvs-migrate [--wait SECONDS] --dry-run\n"
	      "       hulykvs-migrate [--wait SECONDS] status | key-status | forget-keys\n"
	      "       hulykvs-migrate [--wait SECONDS] [--rate ROWS] reencrypt | decrypt\n"
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
	      "      --dry-run    print the SQL that `up` would run; change nothing\n"
	      "      --wait SECONDS\n"
	      "                   how long to wait for a database that is not up yet (else 0),\n"
	      "                   and for a lock or another migration (else 600); 86400 at most\n"
	      "      --rate ROWS  most rows in a second of reencrypt and decrypt, 1 to 1000000 (else\n"
	      "                   no limit)\n"
	      "  -h, --help       print this\n"
	      "  -V, --version    print the versions of the program and its libraries\n"
	      "\n"
	      "exit status:\n"
	      "  0   the schema is current, or the status or SQL was printed, or all values are\n"
	      "      as asked for\n"
	      "  64  bad option or argument\n"
	      "  69  the database cannot be reached, or is not one to migrate, or holds values\n"
	      "      that do not open\n"
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

/* What the command line asks for. */
struct order {
	struct migrate_options options;
	bool print_help, print_version;
};

static enum exitcode
take_wait(struct order *order, const char *text)
{
	int64_t wait;

	if (!setting_parse_seconds(str_of(text), &wait) || wait > WAIT_MAX)
		return migrate_usage("not a number of seconds up to 86400: ", text);
	order->options.connect_wait = order->options.patience = wait;
	return EXIT_OK;
}

static enum exitcode
take_rate(struct order *order, const char *text)
{
	char *end;
	unsigned long rate = strtoul(text, &end, 10);

	if (!str_is_digit(text[0]) || *end != '\0' || rate == 0 || rate > RATE_MAX)
		return migrate_usage("not a number of rows from 1 to 1000000: ", text);
	order->options.rate = (unsigned)rate;
	return EXIT_OK;
}

static bool
find_command(const char *word, enum migrate_command *command)
{
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
	};

	for (size_t i = 0; i < ARRAY_SIZE(commands); i++) {
		if (strcmp(word, commands[i].word) == 0) {
			*command = commands[i].command;
			return true;
		}
	}
	return false;
}

static enum exitcode
take_words(struct order *order, int n, char **words)
{
	bool dry_run = order->options.command == MIGRATE_DRY_RUN;
	enum migrate_command command = MIGRATE_UP;

	if (n > 0 && !find_command(words[0], &command))
		return migrate_usage("no such command: ", words[0]);
	if (n > 1)
		return migrate_usage("one command too many: ", words[1]);
	if (dry_run && command != MIGRATE_UP)
		return migrate_usage("--dry-run goes with up", "");
	if (order->options.rate > 0 && command != MIGRATE_REENCRYPT && command != MIGRATE_DECRYPT)
		return migrate_usage("--rate goes with reencrypt and decrypt", "");
	if (!dry_run)
		order->options.command = command;
	return EXIT_OK;
}

static enum exitcode
read_order(struct order *order, int argc, char **argv)
{
	enum { DRY_RUN = 256, WAIT, RATE };
	static const struct option long_options[] = {
		{ "dry-run", no_argument, NULL, DRY_RUN },
		{ "wait", required_argument, NULL, WAIT },
		{ "rate", required_argument, NULL, RATE },
		{ "help", no_argument, NULL, 'h' },
		{ "version", no_argument, NULL, 'V' },
		{ NULL, 0, NULL, 0 },
	};
	enum exitcode code = EXIT_OK;
	int option;

	while (code == EXIT_OK && (option = getopt_long(argc, argv, "hV", long_options, NULL)) != -1) {
		switch (option) {
		case DRY_RUN:
			order->options.command = MIGRATE_DRY_RUN;
			break;
		case WAIT:
			code = take_wait(order, optarg);
			break;
		case RATE:
			code = take_rate(order, optarg);
			break;
		case 'h':
			order->print_help = true;
			break;
		case 'V':
			order->print_version = true;
			break;
		default:
			return EXIT_USAGE; /* getopt has said it */
		}
	}
	return code == EXIT_OK ? take_words(order, argc - optind, argv + optind) : code;
}

/* Reads the keys for the commands about sealed values.  key-status also works without any. */
static bool
read_key_file(const struct config *c, enum migrate_command command, struct keyring **keys, struct buf *error)
{
	bool off = setting_is_off(c->encryption_keys_file);

	if (command != MIGRATE_REENCRYPT && command != MIGRATE_DECRYPT && (command != MIGRATE_KEY_STATUS || off))
		return true;
	buf_puts(error, STR("HULY_ENCRYPTION_KEYS_FILE: "));
	if (off) {
		buf_puts(error, STR("is not set"));
		return false;
	}
	*keys = keyring_load(c->encryption_keys_file, error);
	return *keys != NULL;
}

static bool
confine_migration(const struct config *c)
{
	struct buf why;
	bool ok;

	buf_init(&why, 1024);
	buf_printf(&why, "%s: ", config_name(CONFIG_sandbox));
	ok = sandbox_enter(c, LOG_DEBUG, &why);
	if (!ok)
		log_event(LOG_ERROR, "bad setting", log_text("why", buf_str(&why)));
	buf_free(&why);
	return ok;
}

static enum exitcode
migrate_with_settings(struct migrate_options *options)
{
	struct keyring *keys = NULL;
	struct config config;
	struct buf error;
	enum exitcode code;

	buf_init(&error, 4096);
	if (config_load(&config, CONFIG_MIGRATION, NULL, &error) &&
	    read_key_file(&config, options->command, &keys, &error)) {
		options->keys = keys;
		if (!config.core_dumps)
			proc_stats_hide();
		log_set_threshold(config.log_level);
		log_set_format(config.log_format);
		config_warn(&config);
		code = confine_migration(&config) ? migrate_run(&config, options, stdout) : EXIT_CONFIG;
	} else {
		log_event(LOG_ERROR, "bad setting", log_text("why", buf_str(&error)));
		code = EXIT_CONFIG;
	}
	buf_free(&error);
	config_free(&config);
	keyring_free(keys);
	return code;
}

int
main(int argc, char **argv)
{
	struct order order = { .options = { .command = MIGRATE_UP, .patience = PATIENCE } };
	enum exitcode code = read_order(&order, argc, argv);

	if (code != EXIT_OK)
		return code;
	if (order.print_help)
		print_migrate_help(stdout);
	else if (order.print_version)
		version_print("hulykvs-migrate");
	else
		code = migrate_with_settings(&order.options);
	if (code == EXIT_OK && fflush(stdout) != 0)
		code = EXIT_INTERNAL;
	return code;
}
