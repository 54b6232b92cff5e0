/* SPDX-License-Identifier: EPL-2.0 */
#include "program/options.h"

#include <getopt.h>
#include <stdio.h>

#include "program/version.h"

static void
print_service_help(void)
{
	(void)printf("Usage: hulykvs [--log-level LEVEL]\n"
		     "       hulykvs --check-config | --print-config[=shell] [--environment-file FILE]\n"
		     "               [--log-level LEVEL]\n"
		     "       hulykvs --access-check 'METHOD PATH' < TOKEN\n"
		     "       hulykvs --probe [live | ready] [--socket PATH]\n"
		     "       hulykvs --help | --version\n\n"
		     "Key-value service of the Huly platform, as a FastCGI responder on a listening\n"
		     "socket (descriptor 0 of spawn-fcgi, 3 of systemd), or as a CGI program.\n\n"
		     "      --access-check 'METHOD PATH'\n"
		     "                         say whether the request would be let through, and why;\n"
		     "                         the token, or its claims as JSON, is on standard input\n"
		     "      --check-config     read the settings, say what is wrong with them, and exit\n"
		     "      --print-config     print the settings that are in force, and exit\n"
		     "      --print-config=shell\n"
		     "                         print them as lines that a POSIX shell can read, without the\n"
		     "                         secrets, and exit\n"
		     "      --environment-file FILE\n"
		     "                         read the environment of a systemd unit from this file first\n"
		     "      --log-level LEVEL  error, warn, info or debug, whatever the settings say\n"
		     "      --probe [live | ready]\n"
		     "                         ask a running service whether it is live (the default) or\n"
		     "                         ready, through the web server at its public address\n"
		     "      --socket PATH      ask the program at this unix socket instead\n"
		     "  -h, --help             print this and exit\n"
		     "  -V, --version          print the versions of the program and its libraries\n\n"
		     "Settings, from the environment or etc/config.toml:\n\n");
	config_print_help(stdout);
	(void)printf(
	    "\nSecrets and the connection string may be in files that nobody else may open:\n"
	    "NAME_FILE is the path of the one for NAME.\n"
	    "\nExit status: 0 done, 1 not live or not ready (--probe), 64 usage, 69 no answer\n(--probe), 70 internal fault, 77 refused (--access-check), 78 wrong setting.\n");
}

static enum exitcode
service_usage(const char *what)
{
	(void)fprintf(stderr, "hulykvs: %s\nTry: hulykvs --help\n", what);
	return EXIT_USAGE;
}

static enum exitcode
take_log_level(struct options *o, const char *text)
{
	enum log_level level;

	if (!log_level_parse(str_of(text), &level))
		return service_usage("--log-level: not a log level (error, warn, info or debug)");
	o->overrides[0] = (struct config_override){ config_name(CONFIG_log_level), text };
	return EXIT_OK;
}

static enum exitcode
take_print_config(struct options *o, const char *form)
{
	if (form != NULL && strcmp(form, "shell") != 0)
		return service_usage("--print-config: there is no such form, only shell");
	o->task = OPTIONS_PRINT_CONFIG;
	o->for_shell = form != NULL;
	return EXIT_OK;
}

/* The words after the options, and options that only go with others. */
static enum exitcode
take_arguments(struct options *o, int n, char **words)
{
	const char *probe = "live";

	if (o->task == OPTIONS_PROBE && n > 0) {
		probe = *words++;
		n--;
	}
	if (n > 0)
		return service_usage("unexpected argument");
	if (strcmp(probe, "live") != 0 && strcmp(probe, "ready") != 0)
		return service_usage("--probe: neither live nor ready");
	o->probe_path = strcmp(probe, "live") == 0 ? "/livez" : "/readyz";
	if (o->probe_socket != NULL && o->task != OPTIONS_PROBE)
		return service_usage("--socket goes with --probe");
	if (o->environment_file != NULL && o->task == OPTIONS_SERVE)
		return service_usage("--environment-file does not go with serving");
	return EXIT_OK;
}

enum exitcode
options_read(struct options *o, int argc, char **argv)
{
	enum { CHECK_CONFIG = 256, PRINT_CONFIG, LOG_LEVEL, ACCESS_CHECK, ENVIRONMENT_FILE, PROBE, PROBE_SOCKET };
	static const struct option options[] = {
		{ "access-check", required_argument, NULL, ACCESS_CHECK },
		{ "check-config", no_argument, NULL, CHECK_CONFIG },
		{ "environment-file", required_argument, NULL, ENVIRONMENT_FILE },
		{ "print-config", optional_argument, NULL, PRINT_CONFIG },
		{ "probe", no_argument, NULL, PROBE },
		{ "socket", required_argument, NULL, PROBE_SOCKET },
		{ "log-level", required_argument, NULL, LOG_LEVEL },
		{ "help", no_argument, NULL, 'h' },
		{ "version", no_argument, NULL, 'V' },
		{ NULL, 0, NULL, 0 },
	};
	enum exitcode code = EXIT_OK;
	int option;

	*o = (struct options){ .task = OPTIONS_SERVE };
	while (code == EXIT_OK && (option = getopt_long(argc, argv, "hV", options, NULL)) != -1) {
		switch (option) {
		case ACCESS_CHECK:
			o->task = OPTIONS_ACCESS_CHECK;
			o->asked = optarg;
			break;
		case CHECK_CONFIG:
			o->task = OPTIONS_CHECK_CONFIG;
			break;
		case PRINT_CONFIG:
			code = take_print_config(o, optarg);
			break;
		case PROBE:
			o->task = OPTIONS_PROBE;
			break;
		case PROBE_SOCKET:
			o->probe_socket = optarg;
			break;
		case ENVIRONMENT_FILE:
			o->environment_file = optarg;
			break;
		case LOG_LEVEL:
			code = take_log_level(o, optarg);
			break;
		case 'h':
			o->task = OPTIONS_NOTHING;
			print_service_help();
			return EXIT_OK;
		case 'V':
			o->task = OPTIONS_NOTHING;
			version_print("hulykvs");
			return EXIT_OK;
		default:
			return EXIT_USAGE; /* getopt has printed what is wrong */
		}
	}
	return code == EXIT_OK ? take_arguments(o, argc - optind, argv + optind) : code;
}
