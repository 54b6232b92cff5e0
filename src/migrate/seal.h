/* SPDX-License-Identifier: EPL-2.0 */
/*
 * migrate_seal: seals the values that are there already, opens them again,
 * and tells what they are sealed with; under traffic.
 *
 * Goes through the table in the order of its primary key, page by page.  A row
 * is written only if it is still as it was read, each in a transaction of its
 * own, so that no client waits for more than one row and nothing that a client
 * writes meanwhile is lost; what had changed is looked at again in another
 * pass.  Interrupted, it may be run again at any time: what is done already
 * costs no more than reading it.
 *
 * A value that does not open, or is neither sealed nor the one of its MD5, is
 * left alone and counted.
 */
#ifndef HULYKVS_MIGRATE_SEAL_H
#define HULYKVS_MIGRATE_SEAL_H

#include "migrate/db.h"
#include "store/seal.h"

enum migrate_seal_task {
	MIGRATE_SEAL, /* plain values of the setting's namespaces, and what older keys have sealed, with the first key */
	MIGRATE_UNSEAL, /* every sealed value becomes plain, as the original has it */
	MIGRATE_COUNT,  /* changes nothing */
};

/* How far it is; goes on there when it is called again. */
struct migrate_seal;

/* keys: NULL will do for MIGRATE_COUNT.  rate: most rows in a second, 0: all that go.  NULL: no memory. */
struct migrate_seal *migrate_seal_new(const struct config *config, enum migrate_seal_task task,
    const struct keyring *keys, unsigned rate) __attribute__((warn_unused_result));
void migrate_seal_free(struct migrate_seal *m);

/* Does it, or what is left of it after an outcome that was BUSY or GONE; says in the log what was done. */
enum migrate_outcome migrate_seal_run(struct migrate_seal *m, struct migrate_db *db)
    __attribute__((warn_unused_result));

/* After MIGRATE_COUNT: a line for each key, and one for plain values. */
void migrate_seal_report(const struct migrate_seal *m, FILE *out);

#endif
