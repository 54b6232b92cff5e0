/* SPDX-License-Identifier: EPL-2.0 */
/*
 * pipeline_result: reads the results of the batch in flight and ends its
 * operations.
 *
 * No write is answered before the Sync behind it: PostgreSQL sends
 * CommandComplete before the commit.  What was in an implicit transaction that
 * failed is judged by attempt.h, ticket by ticket; what is sent again goes
 * back into the shared queue, alone.
 *
 * Called by pipeline and pipeline_pool only.  done() of a ticket's owner is
 * called from here, and may submit other tickets.
 */
#ifndef HULYKVS_PIPELINE_RESULT_H
#define HULYKVS_PIPELINE_RESULT_H

#include "pg/pipeline_state.h"

/* Tells the owner; the ticket is its own again. */
void pipeline_result_finish(struct store_ticket *t, enum store_outcome outcome);

/* Takes what has arrived; false: the connection is lost, as libpq's message says. */
bool pipeline_result_read(struct pipeline *p) __attribute__((warn_unused_result));

/* The connection has ended: so has everything in flight. */
void pipeline_result_lose(struct pipeline *p);

#endif
