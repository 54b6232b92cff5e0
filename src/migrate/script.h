/* SPDX-License-Identifier: EPL-2.0 */
/*
 * migrate_script: statements as text that psql takes, for --dry-run.  Used by
 * migrate_db only.
 */
#ifndef HULYKVS_MIGRATE_SCRIPT_H
#define HULYKVS_MIGRATE_SCRIPT_H

#include <stdio.h>

#include "base/str.h"

/* How many values a statement has: args ends with NULL; NULL: none. */
int migrate_script_count(const char *const *args);

/*
 * Prints the statement of a file of sql/ after a comment with the file's name.  $1 to $9 outside comments become
 * literals: args holds their values, see migrate_script_count().
 */
void migrate_script_print(FILE *out, const char *file, struct str statement, const char *const *args);

#endif
