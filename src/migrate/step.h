/* SPDX-License-Identifier: EPL-2.0 */
/*
 * migrate_step: the one table of migration steps.
 *
 * The steps V1 to V5 are the original's: their names and checksums go into
 * the history that it shares with us (kept by its library, refinery), so that
 * it starts on a database of ours and we on one of its.  The steps S1 and on
 * are ours and PostgreSQL's only; the original never sees their table.
 *
 * X(version, "name", EFFECT, "checksum on PostgreSQL", "checksum on CockroachDB")
 *   The SQL is sql/postgresql/V1__initial.sql and so on.
 *
 * Checksums are written, never compared: the original before 0.3 left another
 * one for V1 on CockroachDB.
 */
#ifndef HULYKVS_MIGRATE_STEP_H
#define HULYKVS_MIGRATE_STEP_H

#include <stdbool.h>
#include <stddef.h>

#define MIGRATE_STEPS(X) \
	X(1, "initial", MIGRATE_TABLE, "1555104749697885330", "17991336279505689148") \
	X(2, "workspace_uuid", MIGRATE_WORKSPACE, "5107166382908415376", "17483577594816204525") \
	X(3, "workspace_uuid", MIGRATE_PRIMARY_KEY, "12265873161753847360", "10265038613273781189") \
	X(4, "workspace_uuid", MIGRATE_NO_DEFAULT, "7690711644200586011", "14756462545658350566") \
	X(5, "workspace_uuid", MIGRATE_NO_OLD_INDEX, "17336130515191312461", "8147445182808260062")

#define MIGRATE_OWN_STEPS(X) \
	X(1, "byte_order", MIGRATE_BYTE_ORDER) \
	X(2, "plain_bytes", MIGRATE_PLAIN_BYTES)

/* What is true of the database when a step is done. */
enum migrate_effect {
	MIGRATE_TABLE,        /* kvs is there */
	MIGRATE_WORKSPACE,    /* with a column workspace */
	MIGRATE_PRIMARY_KEY,  /* (workspace, namespace, key) */
	MIGRATE_NO_DEFAULT,   /* workspace has none */
	MIGRATE_NO_OLD_INDEX, /* the key of V1 is gone for good */
	MIGRATE_BYTE_ORDER,   /* key has COLLATE "C" */
	MIGRATE_PLAIN_BYTES,  /* md5 and value are of no domain */
};

#define MIGRATE_STEPS_MAX 8

struct migrate_step {
	int version;
	bool own;
	const char *name;
	enum migrate_effect effect;
	const char *checksum; /* NULL for our own */
	const char *id;       /* "V1__initial" */
	const char *file;     /* of sql/ */
};

struct migrate_steps {
	size_t n;
	struct migrate_step step[MIGRATE_STEPS_MAX];
};

#endif
