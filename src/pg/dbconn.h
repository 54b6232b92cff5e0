/* SPDX-License-Identifier: EPL-2.0 */
/*
 * dbconn: making connections to the database.
 *
 * Called by hulykvs-migrate, the connect thread and workers.  A worker must not
 * wait, so it calls none of those that do: dbconn_connect (it also looks names
 * up in the resolver), _result, _server, _pooled, _read_only, _alone and _clock.
 * The connection string is read by conninfo; with several hosts, or a name
 * with several addresses, connect_race finds the one that answers.
 */
#ifndef HULYKVS_DBCONN_H
#define HULYKVS_DBCONN_H

#include <libpq-fe.h>

#include "config/config.h"
#include "pg/connect_race.h"
#include "pg/db_clock.h"

/* What a server is, as far as the SQL differs. */
enum dbconn_server {
	DBCONN_POSTGRESQL,
	DBCONN_COCKROACHDB,
	DBCONN_SERVERS, /* how many kinds there are */
};

/* Whether the connection string can be read; *why never quotes it. */
bool dbconn_string_ok(const char *db_connection, struct buf *why) __attribute__((warn_unused_result));

/* Calls back with each file and directory that the string, or libpq's environment, names: certificates, passwords. */
void dbconn_each_file(const char *db_connection, void (*file)(void *ctx, const char *path), void *ctx);

/*
 * Connects; returns new (PQfinish), or NULL with the reason in one line in *why: host names and roles, nothing of the
 * password.  Waits connect_timeout of the string, or 5 s, per address.  last: see connect_race; NULL: none is kept.
 * Notices are not printed; that there was a warning is logged, at most once a minute for each connection.
 */
PGconn *dbconn_connect(const struct config *c, const char *application_name, struct connect_race_memory *last,
    struct buf *why) __attribute__((warn_unused_result));

/* What the connection is encrypted with, "TLSv1.3", or "none"; lent until it is closed. */
const char *dbconn_encryption(PGconn *conn);

/* Whether the server may be on another machine: the connection is not a Unix socket or loopback address. */
bool dbconn_is_remote(PGconn *conn);

/*
 * Whether libpq has received bytes over TLS that PQconsumeInput() has not taken yet: it takes what its buffer has space
 * for, and what is left of a TLS record stays in OpenSSL, where neither PQisBusy() nor poll(2) and epoll(7) on the
 * socket see it.  So whoever waits for an answer calls PQconsumeInput() again while this is true.  PostgreSQL's
 * records are small up to version 16; later versions and CockroachDB send as much as 16 KiB in one.
 */
bool dbconn_has_more(PGconn *conn) __attribute__((warn_unused_result));

/*
 * Remembers an error result that ends the connection (FATAL, PANIC).  Errors that come while no statement runs are
 * remembered anyway.
 */
void dbconn_note_error(PGconn *conn, const PGresult *res);

/* Appends why the connection has ended: what the server said, else libpq's message.  No statement can run after it. */
void dbconn_put_reason(struct buf *why, PGconn *conn);

/*
 * The answer to what PQsend…() has just sent (sent: what that returned); returns new (PQclear), the last result
 * where there are several.  NULL: it could not be sent, the connection was lost, or no answer came within 5 s; then
 * the connection can only be closed (PQfinish).  Not in pipeline mode.
 */
PGresult *dbconn_result(PGconn *conn, int sent) __attribute__((warn_unused_result));

/*
 * Calls back once with the hosts and the ports of the connection string, each a list with commas as libpq takes it, or
 * libpq's defaults.  False, without a call: a service file has them, or the string cannot be read.
 */
bool dbconn_hosts(const char *db_connection, void (*hosts)(void *ctx, const char *hosts, const char *ports), void *ctx);

/* Asks select version(); false: the connection failed or the server is not supported, reason in *why. */
bool dbconn_server(PGconn *conn, enum dbconn_server *server, struct buf *why) __attribute__((warn_unused_result));

/* Whether the database's encoding is UTF8, which names of every kind need; false: the reason is in *why. */
bool dbconn_is_utf8(PGconn *conn, struct buf *why) __attribute__((warn_unused_result));

/*
 * Whether a pooler (PgBouncer, pgpool) is between us and the server: then the process ID that the server reports is not
 * the one that libpq got when it connected.  PostgreSQL only; false: the connection failed, reason in *why.
 */
bool dbconn_pooled(PGconn *conn, bool *pooled, struct buf *why) __attribute__((warn_unused_result));

/* Whether the server takes no writes: a standby, or default_transaction_read_only.  False: as above. */
bool dbconn_read_only(PGconn *conn, bool *read_only, struct buf *why) __attribute__((warn_unused_result));

/*
 * Whether no program like this one has a session in the database, except those whose process IDs are in `own`, an array
 * as text: "{1,2}".  PostgreSQL without a pooler only.  False also if that cannot be found out.
 */
bool dbconn_alone(PGconn *conn, const char *own) __attribute__((warn_unused_result));

/* Asks for the database's time; margin as db_clock has it.  False: the connection failed, reason in *why. */
bool dbconn_clock(PGconn *conn, int64_t margin, struct db_clock *clock, struct buf *why)
    __attribute__((warn_unused_result));

/* The time in the only field of a result of sql/statements/clock, in binary; false: it is not one. */
bool dbconn_read_clock(const PGresult *res, int64_t *time) __attribute__((warn_unused_result));

/* Appends libpq's message for conn or res as one line without its end; where it is empty, that no answer came. */
void dbconn_put_message(struct buf *why, const char *libpq_message);

#endif
