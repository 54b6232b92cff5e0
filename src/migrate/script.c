/* SPDX-License-Identifier: EPL-2.0 */
#include "migrate/script.h"

int
migrate_script_count(const char *const *args)
{
	int n = 0;

	while (args != NULL && args[n] != NULL)
		n++;
	return n;
}

static void
print_literal(FILE *out, const char *value)
{
	putc('\'', out);
	for (; *value != '\0'; value++) {
		if (*value == '\'')
			putc('\'', out);
		putc(*value, out);
	}
	putc('\'', out);
}

static void
print_line(FILE *out, struct str line, const char *const *args, int n)
{
	for (size_t i = 0; i < line.n; i++) {
		int arg = line.p[i] == '$' && i + 1 < line.n ? line.p[i + 1] - '0' : 0;

		if (arg < 1 || arg > n || str_starts(line, STR("--"))) {
			putc(line.p[i], out);
			continue;
		}
		print_literal(out, args[arg - 1]);
		i++;
	}
	putc('\n', out);
}

void
migrate_script_print(FILE *out, const char *file, struct str statement, const char *const *args)
{
	int n = migrate_script_count(args);
	struct str line;

	fprintf(out, "-- %s\n", file);
	while (str_cut(statement, '\n', &line, &statement))
		print_line(out, line, args, n);
}
