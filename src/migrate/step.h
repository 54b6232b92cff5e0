/* SPDX-License-Identifier: EPL-2.0 */
/*
 * migrate_step: the one table of migration steps.
 *
 * The steps V1 to V5 are the original's.  Their names and checksums go into
 * the history that the original's library, refinery, keeps, so that the
 * original starts on a database of ours, and we on one of the original's.
 * The steps S1 and on are ours.  They are recorded in a table of our own,
 * hulykvs_steps, since the original stops at a row of its history that it does
 * not know.
 *
 * The SQL of a step is sql/postgresql/V1__initial.sql and so on.
 */
#ifndef HULYKVS_MIGRATE_STEP_H
#define HULYKVS_MIGRATE_STEP_H

#include <stdbool.h>
#include <stddef.h>

/*
 * X(version, "name", EFFECT, "checksum on PostgreSQL", "checksum on CockroachDB")
 *   Checksums are written, never compared: the original before 0.3 left another one for V1 on CockroachDB.
 */
#define MIGRATE_STEPS(X) \
	X(1, "initial", MIGRATE_TABLE, "1555104749697885330", "17991336279505689148") \
	X(2, "workspace_uuid", MIGRATE_WORKSPACE, "5107166382908415376", "17483577594816204525") \
	X(3, "workspace_uuid", MIGRATE_PRIMARY_KEY, "12265873161753847360", "10265038613273781189") \
	X(4, "workspace_uuid", MIGRATE_NO_DEFAULT, "7690711644200586011", "14756462545658350566") \
	X(5, "workspace_uuid", MIGRATE_NO_OLD_INDEX, "17336130515191312461", "8147445182808260062")

/* X(version, "name", EFFECT): our own steps that there are on PostgreSQL only, and those that come after on both. */
#define MIGRATE_OWN_STEPS_POSTGRESQL(X) \
	X(1, "byte_order", MIGRATE_BYTE_ORDER) \
	X(2, "plain_bytes", MIGRATE_PLAIN_BYTES) \
	X(3, "compression", MIGRATE_COMPRESSION)
#define MIGRATE_OWN_STEPS(X) X(4, "modified", MIGRATE_MODIFIED)

/* What is true of the database when a step has been done. */
enum migrate_effect {
	MIGRATE_TABLE,        /* kvs is there */
	MIGRATE_WORKSPACE,    /* with a column workspace */
	MIGRATE_PRIMARY_KEY,  /* (workspace, namespace, key) */
	MIGRATE_NO_DEFAULT,   /* workspace has none */
	MIGRATE_NO_OLD_INDEX, /* the index of V1's primary key is not there */
	MIGRATE_BYTE_ORDER,   /* key has COLLATE "C" */
	MIGRATE_PLAIN_BYTES,  /* md5 and value are of no domain */
	MIGRATE_COMPRESSION,  /* value is compressed with lz4 */
	MIGRATE_MODIFIED,     /* the time of a row's last write is kept */
};

#define MIGRATE_STEPS_MAX 16

struct migrate_step {
	int version;
	bool own;
	const char *name;
	enum migrate_effect effect;
	const char *checksum; /* NULL for our own */
	const char *id;       /* "V1__initial" */
	const char *file;     /* of sql/ */
};

/* A server's steps, in the order in which they are done. */
struct migrate_steps {
	size_t n;
	struct migrate_step step[MIGRATE_STEPS_MAX];
};

#endif
