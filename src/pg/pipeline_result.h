/* SPDX-License-Identifier: EPL-2.0 */
/*
 * pipeline_result: reads the results of the batch in flight and ends its
 * operations.
 *
 * No write is answered before the result of the Sync after it has come:
 * PostgreSQL sends CommandComplete before the commit.  When an implicit
 * transaction fails, attempt.h decides for each of its tickets whether it is
 * sent again.  Such a ticket is a batch of its own the next time.
 *
 * Called by pipeline and pipeline_pool only.  done() of a ticket's owner is
 * called from here, and may submit other tickets.
 */
#ifndef HULYKVS_PIPELINE_RESULT_H
#define HULYKVS_PIPELINE_RESULT_H

#include "pg/pipeline_state.h"

/* Reads the results that have arrived; false: the connection is lost, and libpq's message says why. */
bool pipeline_result_read(struct pipeline *p) __attribute__((warn_unused_result));

/* The connection has ended: ends the attempts of all tickets in flight. */
void pipeline_result_lose(struct pipeline *p);

#endif
