/* SPDX-License-Identifier: EPL-2.0 */
/*
 * group: the operations that a lane sends at once, and which of them share a
 * statement: a batch.
 *
 * Only lane calls this room.
 */
#ifndef HULYKVS_PIPELINE_SEND_H
#define HULYKVS_PIPELINE_SEND_H

#include "pg/pipeline.h"

/* Moves the next group from the lane's queue, which is not empty, and finds its batches. */
void pipeline_send_make(struct pipeline *l);

/* Hands the group to libpq; false: the connection is lost. */
bool pipeline_send_send(struct pipeline *l) __attribute__((warn_unused_result));

/* The first ticket behind the batch that begins with this one; NULL: none. */
struct store_ticket *pipeline_send_batch_end(struct store_ticket *first);

#endif
