/* SPDX-License-Identifier: EPL-2.0 */
/*
 * db_close: why a worker closes a connection to the database, and what the log
 * says of it.  For pipeline and list_pool, each of which has one function that
 * closes connections.
 *
 * A connection is of use if it brought an answer, or lasted DB_CLOSE_YOUNG.
 */
#ifndef HULYKVS_DB_CLOSE_H
#define HULYKVS_DB_CLOSE_H

#include "pg/connect_thread.h"

#define DB_CLOSE_YOUNG (1 * CLOCK_S)

/*
 * X(NAME, DELAYS, LEVEL, "event", "reason")
 *   Where the connection was LOST, the log has the server's or libpq's reason in the place of this one, if they gave one.
 *   DELAYS: whether the next connection is made later, not at once: see db_close_delays.
 */
#define DB_CLOSES(X) \
	X(LOST, USELESS, LOG_WARN, "database connection lost", "no answer") \
	X(DEADLINE, USELESS, LOG_WARN, "database connection lost", "no answer by the deadline") \
	X(SILENT, USELESS, LOG_WARN, "database connection lost", "no answer while it was idle") \
	X(NO_PROGRESS, USELESS, LOG_WARN, "database connection closed", "a list made no progress") \
	X(ERROR, ALWAYS, LOG_WARN, "database connection closed", \
	    "after this error the session cannot be used; see sqlstate") \
	X(LIST_FAILED, USELESS, LOG_WARN, "database connection closed", "the statement of a list failed") \
	X(EPOLL, USELESS, LOG_ERROR, "database connection closed", "epoll refuses its descriptor") \
	X(CANCELLED, NEVER, LOG_DEBUG, "database connection closed", "the receiver of a list left") \
	X(BUFFERS, NEVER, LOG_DEBUG, "database connection closed", "its buffers are large") \
	X(REPLACED, NEVER, LOG_DEBUG, "database connection closed", "another one takes its place") \
	X(OLD, NEVER, LOG_DEBUG, "database connection closed", "its lifetime is over") \
	X(UNUSED, NEVER, LOG_DEBUG, "database connection closed", "unused") \
	X(END, NEVER, LOG_DEBUG, "database connection closed", "the program ends")

enum db_close_delays {
	DB_CLOSE_NEVER,   /* we closed it on purpose */
	DB_CLOSE_USELESS, /* if it was of no use */
	DB_CLOSE_ALWAYS,
};

enum db_close {
	DB_CLOSE_NOT, /* it stays open */
#define X(name, delays, level, event, reason) DB_CLOSE_##name,
	DB_CLOSES(X)
#undef X
};

/*
 * Logs why, and tells connect_thread whether the connection was of use.  To be called before PQfinish().  why: not
 * DB_CLOSE_NOT; made_at: when the connection was first used (monotonic); answered: it brought an answer.
 */
void db_close_note(
    enum db_close why, PGconn *conn, struct connect_thread_channel *channel, int64_t made_at, bool answered);

#endif
