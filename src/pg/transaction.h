/* SPDX-License-Identifier: EPL-2.0 */
/*
 * transaction: a BATCH of the store, as the batch of a connection.
 *
 *   NONE --> STATEMENTS --> COMMIT --> NONE
 *                |            |
 *                +------------+---> ROLLBACK --> NONE
 *
 * If it writes, BEGIN and the statements of its parts are sent with one Sync.
 * When they have succeeded and every condition holds, COMMIT is sent, and after
 * it a second Sync; otherwise ROLLBACK.  In front of COMMIT stands a statement
 * that fails if the deadline has passed on the database's clock, so that a COMMIT
 * that arrives late commits nothing, see docs/architecture.md.
 *
 * Until COMMIT is sent, the BATCH has certainly changed nothing, whatever
 * happens, and may be sent again.  From then on it is like a write in flight.
 *
 * If it only reads, one statement reads all its values, in an implicit
 * transaction.
 *
 * Called by pipeline_send and pipeline_result only.
 */
#ifndef HULYKVS_TRANSACTION_H
#define HULYKVS_TRANSACTION_H

#include "pg/pipeline_state.h"

/* The BATCH becomes the batch of the connection, whose tickets are put in by pipeline_send.  */
void transaction_begin(struct pipeline *p, struct store_ticket *whole);

/* To be called before its statements are given to libpq: sends BEGIN if it is needed.  False: the connection is lost. */
bool transaction_open(struct pipeline *p) __attribute__((warn_unused_result));

/*
 * The result of a Sync has come: sends what follows, or ends the BATCH, so that the connection has no tickets.
 * False: the connection is lost.
 */
bool transaction_synced(struct pipeline *p) __attribute__((warn_unused_result));

/* The connection has ended: ends the attempt of the BATCH. */
void transaction_lose(struct pipeline *p);

#endif
