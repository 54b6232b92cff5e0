/* SPDX-License-Identifier: EPL-2.0 */
/*
 * options: the command line of hulykvs.  For main.
 */
#ifndef HULYKVS_OPTIONS_H
#define HULYKVS_OPTIONS_H

#include "base/exitcode.h"
#include "config/config.h"

enum options_task {
	OPTIONS_SERVE,
	OPTIONS_CHECK_CONFIG,
	OPTIONS_PRINT_CONFIG,
	OPTIONS_ACCESS_CHECK,
	OPTIONS_PROBE,
	OPTIONS_NOTHING, /* what was asked for has been printed */
};

struct options {
	enum options_task task;
	const char *asked;                   /* ACCESS_CHECK: "METHOD PATH" */
	const char *environment_file;        /* to be read before the settings; NULL: none */
	const char *probe_path;              /* PROBE: "/livez" or "/readyz" */
	const char *probe_socket;            /* PROBE: path of the program's unix socket; NULL: the public address */
	bool for_shell;                      /* PRINT_CONFIG: lines that a shell can read */
	struct config_override overrides[2]; /* for config_load(); ends with a NULL name */
};

/* Fills *o, or says on stderr what is wrong and returns EXIT_USAGE.  Borrows from argv. */
enum exitcode options_read(struct options *o, int argc, char **argv) __attribute__((warn_unused_result));

#endif
