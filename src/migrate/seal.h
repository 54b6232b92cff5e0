/* SPDX-License-Identifier: EPL-2.0 */
/*
 * migrate_seal: seals the values that are in the database, opens them again,
 * and counts what they are sealed with; while clients read and write.  For
 * migrate.
 *
 * It goes through the table in the order of its primary key, page by page.  A
 * row is written only if it is still as it was read, in a transaction of its
 * own, so that no client waits for more than one row, and nothing that a client
 * writes meanwhile is lost.  Rows that had changed are read again in another
 * pass, and all rows after a connection was lost, since the server may have
 * undone the last commits.  After an interruption it may be started again at any
 * time: what is done already is only read.
 *
 * A value is left alone and counted if it does not open, or if it is not sealed
 * and does not have the MD5 that its row says.
 */
#ifndef HULYKVS_MIGRATE_SEAL_H
#define HULYKVS_MIGRATE_SEAL_H

#include "migrate/db.h"
#include "store/seal.h"

enum migrate_seal_task {
	MIGRATE_SEAL, /* with the first key: plain values of the setting's namespaces, and what older keys have sealed */
	MIGRATE_UNSEAL, /* every sealed value becomes plain, as the original stores it */
	MIGRATE_COUNT,  /* changes nothing */
};

/* How far it is. */
struct migrate_seal;

/* keys may be NULL for MIGRATE_COUNT.  rate: the most rows in a second; 0: no limit.  Returns new; NULL: no memory. */
struct migrate_seal *migrate_seal_new(const struct config *config, enum migrate_seal_task task,
    const struct keyring *keys, unsigned rate) __attribute__((warn_unused_result));
void migrate_seal_free(struct migrate_seal *m);

/* Does it, or continues after an outcome that asks to try again; says in the log what was done. */
enum migrate_outcome migrate_seal_run(struct migrate_seal *m, struct migrate_db *db)
    __attribute__((warn_unused_result));

/*
 * Deletes the proofs of all keys, and nothing else in their place: what is still sealed stays, and a program without
 * keys writes plain values again.
 */
enum migrate_outcome migrate_seal_forget_keys(struct migrate_db *db) __attribute__((warn_unused_result));

/* Refuses if the database has a proof of an id of the ring that is another key's. */
enum migrate_outcome migrate_seal_check_keys(struct migrate_db *db, struct seal *seal)
    __attribute__((warn_unused_result));

/* After MIGRATE_COUNT: prints a line for each key, and one for plain values. */
void migrate_seal_report(const struct migrate_seal *m, FILE *out);

#endif
