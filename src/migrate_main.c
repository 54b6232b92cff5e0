/*
 * hulykvs-migrate: argv in, exit code out.  The work is migrate's.
 */
#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>

#include "clock.h"
#include "migrate.h"
#include "process.h"
#include "version.h"

#define PATIENCE (600 * CLOCK_S)
#define WAIT_MAX (24 * 3600 * CLOCK_S)

static void
print_help(FILE *out)
{
	fputs("usage: hulykvs-migrate [--wait SECONDS] [up]\n"
	      "       hulykvs-migrate [--wait SECONDS] --dry-run\n"
	      "       hulykvs-migrate [--wait SECONDS] status\n"
	      "\n"
	      "Creates the schema of the key-value service, or brings it up to date.  Safe to\n"
	      "run at any time, more than once, and from several places at once.\n"
	      "\n"
	      "  up               do what is missing (the default)\n"
	      "  status           say what is there and what is missing\n"
	      "      --dry-run    print the SQL that `up` would run; change nothing\n"
	      "      --wait SECONDS\n"
	      "                   how long to wait for a database that is not up yet (else 0),\n"
	      "                   and for a lock or another migration (else 600)\n"
	      "  -h, --help       print this\n"
	      "  -V, --version    print the versions of the program and its libraries\n"
	      "\n"
	      "exit status:\n"
	      "  0   the schema is current (or the status or SQL was printed)\n"
	      "  64  bad option or argument\n"
	      "  69  the database cannot be reached, or is not one to migrate\n"
	      "  70  a fault of the system\n"
	      "  75  a lock or another migration stood in the way for too long\n"
	      "  78  a setting is wrong\n"
	      "\n"
	      "settings (environment; before it, etc/config.toml; HULY_DB_CONNECTION_FILE is the\n"
	      "path of a file with the connection string, that only its owner may open):\n",
	    out);
	config_print_help(out);
}

static void
print_version(void)
{
	struct buf out;

	buf_init(&out, 4096);
	version_put(&out, "hulykvs-migrate");
	printf("%.*s", STR_FMT(buf_str(&out)));
	buf_free(&out);
}

static enum exitcode
usage(const char *what, const char *argument)
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
		return usage("not a number of seconds: ", text);
	order->options.connect_wait = order->options.patience = wait;
	return EXIT_OK;
}

static enum exitcode
take_words(struct order *order, int n, char **words)
{
	bool status = n > 0 && str_eq(str_of(words[0]), STR("status"));

	if (n > 0 && !status && !str_eq(str_of(words[0]), STR("up")))
		return usage("no such command: ", words[0]);
	if (n > 1)
		return usage("one command too many: ", words[1]);
	if (status && order->options.command == MIGRATE_DRY_RUN)
		return usage("--dry-run goes with up", "");
	if (status)
		order->options.command = MIGRATE_STATUS;
	return EXIT_OK;
}

static enum exitcode
read_order(struct order *order, int argc, char **argv)
{
	enum { DRY_RUN = 256, WAIT };
	static const struct option long_options[] = {
		{ "dry-run", no_argument, NULL, DRY_RUN },
		{ "wait", required_argument, NULL, WAIT },
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

static enum exitcode
migrate_with_settings(const struct migrate_options *options)
{
	struct config config;
	struct buf error;
	enum exitcode code;

	buf_init(&error, 4096);
	if (config_load(&config, CONFIG_MIGRATION, NULL, &error)) {
		if (!config.core_dumps)
			process_hide();
		log_set_threshold(config.log_level);
		log_set_format(config.log_format);
		config_warn(&config);
		code = migrate_run(&config, options, stdout);
	} else {
		log_event(LOG_ERROR, "bad setting", log_text("why", buf_str(&error)));
		code = EXIT_CONFIG;
	}
	buf_free(&error);
	config_free(&config);
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
		print_help(stdout);
	else if (order.print_version)
		print_version();
	else
		code = migrate_with_settings(&order.options);
	if (code == EXIT_OK && fflush(stdout) != 0)
		code = EXIT_INTERNAL;
	return code;
}
