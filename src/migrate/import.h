/* SPDX-License-Identifier: EPL-2.0 */
/*
 * migrate_import: puts the rows of an export (see line.h) into the database,
 * in batches; while clients read and write.  For migrate.
 *
 * A regular file is read twice: it is checked as a whole before the first row
 * is written.  What comes through a pipe is checked as it comes.
 *
 * Each batch is one statement, so a row is there as it stands in the file, or
 * not at all.  A row of the file that is there with the same value is passed
 * over.  So whatever ends an import early (kill -9, a lost connection, a file
 * that is cut): start it again with the same file and the same options.
 *
 * The proof of a key that is there already stays as it is.  With keys, each
 * sealed value has to open, but for proofs of keys that are not among them.
 */
#ifndef HULYKVS_MIGRATE_IMPORT_H
#define HULYKVS_MIGRATE_IMPORT_H

#include "migrate/db.h"
#include "store/keyring.h"

/* What to do with a row that is there with another value. */
#define MIGRATE_EXISTING(X) \
	X(MIGRATE_EXISTING_FAIL, "fail") \
	X(MIGRATE_EXISTING_SKIP, "skip") \
	X(MIGRATE_EXISTING_REPLACE, "replace")

enum migrate_existing {
#define X(value, name) value,
	MIGRATE_EXISTING(X)
#undef X
};

struct migrate_import;

/*
 * Reads from fd, borrowed.  keys: each sealed row must open with them; borrowed; NULL: sealed rows are taken as they
 * are.  Returns new; NULL: no memory.
 */
struct migrate_import *migrate_import_new(int fd, enum migrate_existing existing, const struct keyring *keys)
    __attribute__((warn_unused_result));
void migrate_import_free(struct migrate_import *m);

/*
 * Does it, or continues after an outcome that asks to try again.  Refuses with EXIT_DATA what is no whole export; the
 * error says how many rows of the file are in then.
 */
enum migrate_outcome migrate_import_run(struct migrate_import *m, struct migrate_db *db)
    __attribute__((warn_unused_result));

#endif
