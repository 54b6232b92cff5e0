/* SPDX-License-Identifier: EPL-2.0 */
/*
 * migrate_purge: deletes rows that were last written before a time; while
 * clients read and write.  For migrate.
 *
 * A row without a time (`modified` is null) is never deleted: nobody knows how
 * old it is.  A row is deleted only if its time is still the one that was
 * read, so a row that a client has written meanwhile stays.  After an
 * interruption, start it again: it deletes what is left.
 */
#ifndef HULYKVS_MIGRATE_PURGE_H
#define HULYKVS_MIGRATE_PURGE_H

#include <stdio.h>

#include "migrate/db.h"
#include "migrate/selection.h"

struct migrate_purge_options {
	struct migrate_selection selection; /* a workspace or a namespace at least */
	int64_t older_than;                 /* seconds, from the start on, by the database's clock */
	bool dry_run;                       /* counts instead */
	unsigned rate;                      /* most rows in a second; 0: no limit */
};

struct migrate_purge;

/* Borrows the options.  Returns new; NULL: no memory. */
struct migrate_purge *migrate_purge_new(const struct migrate_purge_options *options)
    __attribute__((warn_unused_result));
void migrate_purge_free(struct migrate_purge *p);

/* Does it, or continues after an outcome that asks to try again; prints the numbers when it is done. */
enum migrate_outcome migrate_purge_run(struct migrate_purge *p, struct migrate_db *db, FILE *out)
    __attribute__((warn_unused_result));

#endif
