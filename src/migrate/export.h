/* SPDX-License-Identifier: EPL-2.0 */
/*
 * migrate_export: writes the rows of one state of the database as lines, see
 * line.h; while clients read and write.  For migrate.
 *
 * The proofs of keys (see store/seal.h) belong to sealed values, so they go
 * with them: they are in every export of values as they are stored, whatever
 * was selected, and in none of opened values.  Keys themselves are in none.
 *
 * A difference has what the other database (HULY_OTHER_DB_CONNECTION) has to
 * be given to hold what this one holds: rows, and deletions.
 *
 * An export that ends early has no closing line, and import refuses it.
 */
#ifndef HULYKVS_MIGRATE_EXPORT_H
#define HULYKVS_MIGRATE_EXPORT_H

#include "migrate/compare.h"
#include "migrate/selection.h"
#include "store/keyring.h"

struct migrate_export_options {
	struct migrate_selection selection; /* without a prefix; for a difference nothing */
	bool opened;                        /* with the keys; not for a difference */
	bool difference;
};

/* keys: to open values with; borrowed; NULL: none.  Refuses with EXIT_INTERNAL if out cannot be written to. */
enum migrate_outcome migrate_export_run(struct migrate_db *db, const struct migrate_export_options *options,
    const struct keyring *keys, FILE *out) __attribute__((warn_unused_result));

#endif
