/* SPDX-License-Identifier: EPL-2.0 */
/*
 * pipeline: one database connection of a role, on a worker's event loop: asks
 * the connect thread for it, sends one batch at a time over it, and closes it.
 *
 * One batch is in flight at a time; what arrives meanwhile forms the next one.
 * So load makes the batches: one operation under none, dozens under much.
 * States and moves are in pipeline_state.h.
 *
 * Called by pipeline_pool only, which owns the struct and decides how many
 * connections there are and which tickets go over which.
 */
#ifndef HULYKVS_PIPELINE_H
#define HULYKVS_PIPELINE_H

#include "pg/pipeline_state.h"

/*
 * Borrows `shared` until pipeline_end().  on_demand: no connection before
 * pipeline_open(), and none any more after PIPELINE_UNUSED without a batch;
 * otherwise the connection is ordered at once, and again whenever it ends.
 */
void pipeline_init(struct pipeline *p, struct pipeline_shared *shared, enum statement_role role, bool on_demand);

#define PIPELINE_UNUSED (10 * CLOCK_S)

/* Closes the connection where it is on demand and unused for PIPELINE_SPARE; false: it is not. */
bool pipeline_give_up(struct pipeline *p);

#define PIPELINE_SPARE (CLOCK_S / 2)

/* Orders a connection, in the state CLOSED. */
void pipeline_open(struct pipeline *p);

/*
 * Sends at most `most` tickets of the queue, in the state IDLE.  Where they are writes and what is known of the
 * database's clock is old, sends the question for the time instead: that also shows whether the connection still
 * works, before a write is lost with it.
 */
void pipeline_send(struct pipeline *p, struct ticket_queue *queue, size_t most);

/*
 * Closes the connection; no batch may be in flight.  The order that may be
 * placed is forgotten by connect_thread_channel_free().
 */
void pipeline_end(struct pipeline *p);

#endif
