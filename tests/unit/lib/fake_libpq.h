/* SPDX-License-Identifier: EPL-2.0 */
/*
 * fake_libpq: libpq without a database, for tests.  It defines the functions
 * that src/pg calls once there is a connection; linked into a test, it takes
 * the place of the library's.
 *
 * What is sent is written down as text.  The test says what the server
 * answers: results are given out in that order, PQisBusy() is true while there
 * is none.  As with libpq, a statement's result has a NULL behind it, and a
 * Sync's has none.  One thread.
 */
#ifndef HULYKVS_FAKE_LIBPQ_H
#define HULYKVS_FAKE_LIBPQ_H

#include <libpq-fe.h>

#include "base/str.h"

/* A connection that is there; a descriptor belongs to it.  PQfinish() closes it. */
PGconn *fake_libpq_connection(void);

/* What was sent over it since the last call: "put:k sync put_many sync".  Borrowed until the next call. */
struct str fake_libpq_sent(PGconn *conn);

/* The server answers with one row of text values, of which the first `n` count; n = 0: no row. */
void fake_libpq_answer_row(PGconn *conn, int n, const struct str *value);

/* With the number of rows that a statement changed, "1". */
void fake_libpq_answer_changed(PGconn *conn, const char *rows);

/* With an error of a statement or of a Sync; severity: "ERROR", "FATAL" … */
void fake_libpq_answer_error(PGconn *conn, const char *sqlstate, const char *severity);

/* For a statement behind one that failed. */
void fake_libpq_answer_aborted(PGconn *conn);

/* For a Sync. */
void fake_libpq_answer_sync(PGconn *conn);

/* In single-row mode: a row in front of others, and the end behind the last one. */
void fake_libpq_answer_single(PGconn *conn, struct str value);
void fake_libpq_answer_end(PGconn *conn);

/* From now on the connection is lost, once what was answered has been read. */
void fake_libpq_break(PGconn *conn);

/* PQsendQueryPrepared() fails at this statement from now on: 1 is the next. */
void fake_libpq_refuse(PGconn *conn, int statement);

/* What PQtransactionStatus() says from now on; at first PQTRANS_IDLE. */
void fake_libpq_transaction(PGconn *conn, PGTransactionStatusType status);

/*
 * TLS: from now on PQconsumeInput() reads one answer only.  SSL_pending() is true while there are more, of which the
 * socket shows nothing.
 */
void fake_libpq_split(PGconn *conn);

/* The socket takes nothing, until told otherwise. */
void fake_libpq_fill(PGconn *conn, bool full);

/* How many connections have not been closed, and results not cleared. */
int fake_libpq_connections(void);
int fake_libpq_results(void);

#endif
