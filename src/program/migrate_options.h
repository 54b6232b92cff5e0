/* SPDX-License-Identifier: EPL-2.0 */
/*
 * migrate_options: the command line of hulykvs-migrate.  For migrate_main.
 */
#ifndef HULYKVS_MIGRATE_OPTIONS_H
#define HULYKVS_MIGRATE_OPTIONS_H

#include "migrate/migrate.h"

struct migrate_order {
	struct migrate_options options;
	bool work; /* false: what was asked for has been printed */
};

/* Fills *order, or says on stderr what is wrong and returns EXIT_USAGE.  Borrows from argv. */
enum exitcode migrate_options_read(struct migrate_order *order, int argc, char **argv)
    __attribute__((warn_unused_result));

#endif
