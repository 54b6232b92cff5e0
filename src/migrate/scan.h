/* SPDX-License-Identifier: EPL-2.0 */
/*
 * migrate_scan: reads many rows of one state of the database, in order, with
 * little memory.  Used by export and compare.
 *
 * migrate_scan_snapshot() chooses the state, and all scans on this connection
 * see it.  On PostgreSQL it is a transaction with isolation REPEATABLE READ,
 * and a scan is one statement.  On CockroachDB it is one time for all
 * statements (AS OF SYSTEM TIME), and a scan goes page by page; the time must
 * not be older than gc.ttlseconds of the table (hours) when the scan ends.
 *
 * A file of a scan takes these parameters: $1 to $3 the row that a page begins
 * after, $4 the number of rows in it, and then those of the caller.  Its first
 * columns are workspace, namespace and key, and {snapshot} stands after the
 * table's name.
 */
#ifndef HULYKVS_MIGRATE_SCAN_H
#define HULYKVS_MIGRATE_SCAN_H

#include "migrate/db.h"

#define MIGRATE_SCAN_ARGS 3 /* of the caller */

/* Refuses a schema that is not up to date, in what rows and their order need. */
enum migrate_outcome migrate_scan_check_schema(struct migrate_db *db) __attribute__((warn_unused_result));

/* Refuses such a schema, and fixes the state that is read. */
enum migrate_outcome migrate_scan_snapshot(struct migrate_db *db) __attribute__((warn_unused_result));

/* Opens db->second, on the same state.  The error is that of db. */
enum migrate_outcome migrate_scan_second(struct migrate_db *db) __attribute__((warn_unused_result));

struct migrate_scan {
	struct migrate_db *db;
	const char *file;
	const char *args[MIGRATE_SCAN_ARGS]; /* borrowed */
	char workspace[UUID_TEXT_SIZE];      /* with ns and key: the last row of the page before; owned */
	char *ns, *key;
	int64_t in_page;
	bool open;     /* a page is being read */
	PGresult *row; /* the current one; owned */
};

/* args: MIGRATE_SCAN_ARGS at most, ends with NULL. */
void migrate_scan_init(struct migrate_scan *scan, struct migrate_db *db, const char *file, const char *const *args);

/* Goes to the next row; scan->row is NULL after the last one. */
enum migrate_outcome migrate_scan_next(struct migrate_scan *scan) __attribute__((warn_unused_result));

void migrate_scan_free(struct migrate_scan *scan);

#endif
