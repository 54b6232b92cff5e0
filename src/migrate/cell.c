/* SPDX-License-Identifier: EPL-2.0 */
#include "migrate/cell.h"

#include <stdlib.h>

struct str
migrate_cell_bytes(const PGresult *res, int row, int column)
{
	return str_from(PQgetvalue(res, row, column), (size_t)PQgetlength(res, row, column));
}

struct seal_place
migrate_cell_place(const PGresult *res, int row)
{
	struct seal_place place = { .ns = migrate_cell_bytes(res, row, 1), .key = migrate_cell_bytes(res, row, 2) };

	memcpy(place.workspace.b, PQgetvalue(res, row, 0), sizeof(place.workspace.b));
	return place;
}

bool
migrate_cell_is_true(const PGresult *res, int row, int column)
{
	return PQgetvalue(res, row, column)[0] == 't';
}

int64_t
migrate_cell_number(const PGresult *res, int row, int column)
{
	return strtoll(PQgetvalue(res, row, column), NULL, 10);
}

bool
migrate_cell_keep(char **place, struct str text)
{
	char *copy = strndup(text.p, text.n);

	if (copy == NULL)
		return false;
	free(*place);
	*place = copy;
	return true;
}
