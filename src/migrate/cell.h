/* SPDX-License-Identifier: EPL-2.0 */
/*
 * migrate_cell: reads single values of a result.  Rows and columns are counted
 * from 0 and must be there.  For the modules of this folder.
 */
#ifndef HULYKVS_MIGRATE_CELL_H
#define HULYKVS_MIGRATE_CELL_H

#include "pg/dbconn.h"
#include "store/seal.h"

/* Of a result in binary form: the bytes, borrowed from it; none for a null. */
struct str migrate_cell_bytes(const PGresult *res, int row, int column);

/* The same: the place of a row whose first columns are workspace, namespace and key. */
struct seal_place migrate_cell_place(const PGresult *res, int row);

/* Of a result in text form. */
bool migrate_cell_is_true(const PGresult *res, int row, int column);
int64_t migrate_cell_number(const PGresult *res, int row, int column);

/* Puts a copy of a text without NUL there, and frees what was there; false: no memory. */
bool migrate_cell_keep(char **place, struct str text) __attribute__((warn_unused_result));

#endif
