/* SPDX-License-Identifier: EPL-2.0 */
/*
 * migrate_session: connecting to a database that a migration can be made on.
 * For the modules of this folder.
 *
 * The connection has to be a direct one.  Locks, transactions and settings of
 * the session belong to one server process, and a connection pooler may give
 * each transaction to another one, and our settings to another client.  A
 * pooler is noticed by the process id that it gives us, and by transactions
 * that come to different processes; that is looked at before anything is
 * changed, settings of the session included.
 */
#ifndef HULYKVS_MIGRATE_SESSION_H
#define HULYKVS_MIGRATE_SESSION_H

#include "migrate/db.h"

#define MIGRATE_SESSION_POOLED \
	"a direct connection is needed, and HULY_DB_CONNECTION leads to a connection pooler: name the server itself"

/*
 * Connects, and finds out what the server is.  MIGRATE_REFUSED: behind a connection pooler, a database whose
 * encoding is not UTF8, or a server that is neither PostgreSQL nor CockroachDB.
 */
enum migrate_outcome migrate_session_open(struct migrate_db *db) __attribute__((warn_unused_result));

/* How errors of the second connection begin. */
#define MIGRATE_SESSION_SECOND "the second connection"

/* Opens db->second, if it is not open.  The error is that of db. */
enum migrate_outcome migrate_session_second(struct migrate_db *db) __attribute__((warn_unused_result));

#endif
