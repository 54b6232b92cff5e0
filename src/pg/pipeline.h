/* SPDX-License-Identifier: EPL-2.0 */
/*
 * pipeline: one database connection of a role, on a worker's event loop: asks
 * the connect thread for it, sends one batch at a time over it, and closes it.
 *
 * One batch is in flight at a time; the operations that arrive meanwhile form
 * the next one.  So batches grow with the load: one operation where there is
 * little, dozens where there is much.  The states and the allowed moves between
 * them are in pipeline_state.h.
 *
 * Called by pipeline_pool only, which owns the struct and decides how many
 * connections there are and which tickets go over which.
 */
#ifndef HULYKVS_PIPELINE_H
#define HULYKVS_PIPELINE_H

#include "pg/pipeline_state.h"

/*
 * Borrows `shared` until pipeline_end().  on_demand: the pool has another
 * connection that always exists, and this one only while it is of use: it is
 * opened by pipeline_open() and closed after PIPELINE_UNUSED without a batch.
 * Otherwise the connection is ordered at once, and again whenever it ends.
 */
void pipeline_init(struct pipeline *p, struct pipeline_shared *shared, enum statement_role role, bool on_demand);

#define PIPELINE_UNUSED (10 * CLOCK_S)

/* Closes the connection if it is on demand and has been unused for PIPELINE_SPARE; false: it is not closed. */
bool pipeline_give_up(struct pipeline *p);

#define PIPELINE_SPARE (CLOCK_S / 2)

/* Orders a connection, in the state CLOSED. */
void pipeline_open(struct pipeline *p);

/*
 * Sends at most `most` tickets of the queue, in the state IDLE.  If they are writes and the answer about the database's
 * clock is old, only asks for the time (ASKING); the tickets stay in the queue.  This also shows that the connection
 * still works, before a write is sent over it.
 */
void pipeline_send(struct pipeline *p, struct ticket_queue *queue, size_t most);

/*
 * Closes the connection; no batch may be in flight.  An order that is still
 * placed is dropped by connect_thread_channel_free().
 */
void pipeline_end(struct pipeline *p);

#endif
