/* SPDX-License-Identifier: EPL-2.0 */
/*
 * db_close: why a worker closes a connection to the database, and what the log
 * says of it.  For pipeline and list_pool, each of which has one function that
 * closes connections.
 */
#ifndef HULYKVS_DB_CLOSE_H
#define HULYKVS_DB_CLOSE_H

#include "pg/dbconn.h"

/*
 * X(NAME, LEVEL, "event", "reason")
 *   Where the connection was LOST, the log has the server's or libpq's reason in the place of this one, if they gave one.
 */
#define DB_CLOSES(X) \
	X(LOST, LOG_WARN, "database connection lost", "no answer") \
	X(DEADLINE, LOG_WARN, "database connection lost", "no answer by the deadline") \
	X(SILENT, LOG_WARN, "database connection lost", "no answer while it was idle") \
	X(NO_PROGRESS, LOG_WARN, "database connection closed", "a list made no progress") \
	X(ERROR, LOG_WARN, "database connection closed", "after this error the session cannot be used; see sqlstate") \
	X(LIST_FAILED, LOG_WARN, "database connection closed", "the statement of a list failed") \
	X(EPOLL, LOG_ERROR, "database connection closed", "epoll refuses its descriptor") \
	X(CANCELLED, LOG_DEBUG, "database connection closed", "the receiver of a list left") \
	X(BUFFERS, LOG_DEBUG, "database connection closed", "its buffers are large") \
	X(REPLACED, LOG_DEBUG, "database connection closed", "another one takes its place") \
	X(OLD, LOG_DEBUG, "database connection closed", "its lifetime is over") \
	X(UNUSED, LOG_DEBUG, "database connection closed", "unused") \
	X(END, LOG_DEBUG, "database connection closed", "the program ends")

enum db_close {
	DB_CLOSE_NOT, /* it stays open */
#define X(name, level, event, reason) DB_CLOSE_##name,
	DB_CLOSES(X)
#undef X
};

/* To be called before PQfinish(); why is not DB_CLOSE_NOT. */
void db_close_log(enum db_close why, PGconn *conn);

#endif
