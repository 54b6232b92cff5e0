/* SPDX-License-Identifier: EPL-2.0 */
/*
 * ctl_main: the command line of hulykvsctl.  src/client does the work.
 */
#include <stdio.h>

#include "client/command.h"
#include "client/transport.h"
#include "codec/json.h"
#include "config_build.h"
#include "os/proc_stats.h"
#include "os/standard_fds.h"

static enum exitstatus
run_arguments(const struct arguments *a, struct buf *error)
{
	switch ((int)a->command) {
	case ARGUMENTS_HELP:
		arguments_print_help();
		break;
	case ARGUMENTS_VERSION:
		(void)printf(
		    "hulykvsctl %s\n%s\ncJSON %s\n", PACKAGE_VERSION, transport_library_version(), cJSON_Version());
		break;
	default:
		return command_run(a, error);
	}
	return fflush(stdout) == 0 ? EXITSTATUS_DONE : EXITSTATUS_LOCAL;
}

int
main(int argc, char **argv)
{
	struct arguments arguments;
	enum exitstatus status;
	struct buf error;

	standard_fds_open();
	proc_stats_hide(); /* a token or a secret is in memory */
	buf_init(&error, 64 * 1024);
	status = arguments_read(&arguments, argc, argv, &error);
	if (status == EXITSTATUS_DONE)
		status = run_arguments(&arguments, &error);
	if (error.n > 0)
		(void)fprintf(stderr, "hulykvsctl: %.*s\n", STR_FMT(buf_str(&error)));
	if (status == EXITSTATUS_USAGE)
		(void)fprintf(stderr, "Try: hulykvsctl --help\n");
	buf_free(&error);
	return (int)status;
}
