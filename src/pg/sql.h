/* SPDX-License-Identifier: EPL-2.0 */
/*
 * sql: the files of sql/, embedded when the program is built.
 *
 * A file is known by its path below sql/ without ".sql".  In its text
 * {schema} stands for the schema's name, quoted as an identifier; every other
 * value is a parameter of the statement.
 */
#ifndef HULYKVS_SQL_H
#define HULYKVS_SQL_H

#include "base/buf.h"

struct sql_file {
	const char *name; /* "statements/get" */
	struct str text;
};

/* All files, sorted by name; made by build-aux/embed-sql. */
extern const struct sql_file sql_files[];
extern const size_t sql_file_count;

/* The text of a file that must be there (a missing one is a bug of ours). */
struct str sql_text(const char *name);

/* The text of a file; absent where there is none of that name. */
struct str sql_find(const char *name);

/* Appends text with {schema} replaced; schema: the value of the setting. */
void sql_render(struct buf *out, struct str text, struct str schema);

/*
 * Appends the schema's name as the catalogue has it, for statements that take
 * it as a parameter.
 *
 * COMPAT: the original puts the setting into its SQL as it is, so the server
 * folds A-Z to lower case, unless the name is written in double quotes.
 */
void sql_schema_name(struct buf *out, struct str schema);

#endif
