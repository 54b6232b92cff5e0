/* SPDX-License-Identifier: EPL-2.0 */
/*
 * segment: the operations of a lane's group up to one Sync, and how they end.
 * Those that write are one transaction: either all of them are answered as
 * done, or each is judged for itself.
 *
 * Only lane calls this room.
 */
#ifndef HULYKVS_PIPELINE_RESULT_H
#define HULYKVS_PIPELINE_RESULT_H

#include "pg/pipeline.h"

/* Tells the owner; the ticket is its own again. */
void pipeline_result_finish(struct store_ticket *t, enum store_outcome outcome);

/* A Sync has been answered: everything in front of it is decided. */
void pipeline_result_end(struct pipeline *l);

/* The connection went away: so is all that is in flight, for better or worse. */
void pipeline_result_lose_all(struct pipeline *l);

#endif
