/* SPDX-License-Identifier: EPL-2.0 */
/*
 * migrate_compare: tells in what two databases differ.  Used by compare (the
 * command) and by export, for a difference.
 *
 * Both are read in the same order, by bytes, each from one snapshot of its
 * own.  A row is the same in both if the column md5, and MD5 and length of the
 * value as it is stored, are; the servers compute these, so no value is sent.
 * A proof of a key (see store/seal.h) that both have is left out: each database
 * makes its own, and no two have the same bytes.
 */
#ifndef HULYKVS_MIGRATE_COMPARE_H
#define HULYKVS_MIGRATE_COMPARE_H

#include <stdio.h>

#include "migrate/scan.h"

enum migrate_compare_verdict {
	MIGRATE_COMPARE_SAME,
	MIGRATE_COMPARE_OTHER_TIME, /* the same but for `modified` */
	MIGRATE_COMPARE_DIFFERS,
	MIGRATE_COMPARE_ONLY_HERE,
	MIGRATE_COMPARE_ONLY_THERE,
	MIGRATE_COMPARE_VERDICTS, /* how many there are */
};

/*
 * Called for each row of either, in order, but not for a proof of a key that both have; place is borrowed; there: its
 * column md5 in the other database, if it is there.  An outcome that is not MIGRATE_DONE ends it; the error stands in the
 * database that was given as `here`.
 */
typedef enum migrate_outcome (*migrate_compare_found)(
    void *ctx, enum migrate_compare_verdict verdict, const struct seal_place *place, struct str there);

/*
 * Connects to HULY_OTHER_DB_CONNECTION and compares db, whose snapshot is chosen, with it.  Errors of the other
 * connection are copied to db, with a word that they are.
 */
enum migrate_outcome migrate_compare(struct migrate_db *db, migrate_compare_found found, void *ctx)
    __attribute__((warn_unused_result));

/* The command: prints the numbers.  Refused with EXIT_DIFFERENT if rows differ, or are in one only. */
enum migrate_outcome migrate_compare_run(struct migrate_db *db, FILE *out) __attribute__((warn_unused_result));

#endif
