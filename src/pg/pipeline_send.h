/* SPDX-License-Identifier: EPL-2.0 */
/*
 * pipeline_send: makes the next batch of a connection from what waits, decides
 * which operations share a statement and where the Syncs stand, and hands it
 * to libpq.
 *
 * The writes of a batch are sorted by key, so that two batches cannot
 * deadlock.  A batch of reads, and on PostgreSQL a batch of writes, is one
 * implicit transaction; on CockroachDB each statement that writes is one, so
 * that the server can run it again by itself after a conflict.  There, reads
 * are joined only where they are of one namespace ("key = any", which uses the
 * primary key), and sorted for that.
 *
 * Called by pipeline only.
 */
#ifndef HULYKVS_PIPELINE_SEND_H
#define HULYKVS_PIPELINE_SEND_H

#include "pg/pipeline_state.h"

/*
 * Moves at most `most` tickets (at least one) from the queue, which is not empty, into the batch, which is.  Writes
 * that have no time left are refused; so the batch may stay empty.
 */
void pipeline_send_fill(struct pipeline *p, struct ticket_queue *queue, size_t most);

/* Hands the batch to libpq; false: the connection is lost. */
bool pipeline_send_queue(struct pipeline *p) __attribute__((warn_unused_result));

#endif
