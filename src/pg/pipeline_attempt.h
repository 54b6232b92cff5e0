/* SPDX-License-Identifier: EPL-2.0 */
/*
 * pipeline_attempt: ends the attempt of a ticket of a batch as attempt.h
 * decides.  The owner is told the outcome; or the ticket is sent again, from the
 * queue of those that are sent alone or, if the connection was lost, from the one
 * that it came from; or, if it is a write that may still take effect, it goes into
 * the queue of the lost ones until it no longer can.
 *
 * Called by the pipeline modules only.  done() of a ticket's owner is called from
 * here, and may submit other tickets.
 */
#ifndef HULYKVS_PIPELINE_ATTEMPT_H
#define HULYKVS_PIPELINE_ATTEMPT_H

#include "pg/attempt.h"
#include "pg/pipeline_state.h"

/* Tells the owner; the ticket is its own again. */
void pipeline_attempt_finish(struct store_ticket *t, enum store_outcome outcome);

/* What happened to the operation is known: it ends, or is sent again.  For the last three see struct attempt. */
void pipeline_attempt_end(struct pipeline *p, struct store_ticket *t, enum attempt_point point,
    enum sqlstate_verdict verdict, bool uncommitted);

/* Forgets the result so far, and frees its memory. */
void pipeline_attempt_drop(struct store_ticket *t);

#endif
