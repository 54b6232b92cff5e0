/*
 * group: the operations that a lane sends at once, and which of them share a
 * statement: a batch.
 *
 * Only lane calls this room.
 */
#ifndef HULYKVS_GROUP_H
#define HULYKVS_GROUP_H

#include "pg/pipeline.h"

/* Moves the next group from the lane's queue, which is not empty, and finds its batches. */
void group_make(struct lane *l);

/* Hands the group to libpq; false: the connection is lost. */
bool group_send(struct lane *l) __attribute__((warn_unused_result));

/* The first ticket behind the batch that begins with this one; NULL: none. */
struct store_ticket *group_batch_end(struct store_ticket *first);

#endif
