/* SPDX-License-Identifier: EPL-2.0 */
/*
 * pipeline_send: makes the next batch of a connection from the tickets that
 * wait, decides which operations share a statement and where Syncs are sent,
 * and gives it to libpq.
 *
 * The writes of a batch are sorted by key, so that two batches cannot
 * deadlock.  A batch of reads, and on PostgreSQL a batch of writes, is one
 * implicit transaction.  On CockroachDB each statement that writes is an
 * implicit transaction of its own, so that the server can run it again by itself
 * after a conflict; and reads share a statement only if they are of one
 * namespace ("key = any", which uses the primary key).  They are sorted, so that
 * those of one namespace are next to each other.
 *
 * A BATCH is sent alone, see transaction.h.
 *
 * Called by pipeline only.
 */
#ifndef HULYKVS_PIPELINE_SEND_H
#define HULYKVS_PIPELINE_SEND_H

#include "pg/pipeline_state.h"

/*
 * Moves at most `most` tickets (at least one) from the queue, which must not be empty, into the batch, which must be.
 * Those whose deadline is too near are refused, so the batch may stay empty.
 */
void pipeline_send_fill(struct pipeline *p, struct ticket_queue *queue, size_t most);

/* Gives the batch to libpq; false: the connection is lost. */
bool pipeline_send_queue(struct pipeline *p) __attribute__((warn_unused_result));

#endif
