/*
 * segment: the operations of a lane's group up to one Sync, and how they end.
 * Those that write are one transaction: either all of them are answered as
 * done, or each is judged for itself.
 *
 * Only lane calls this room.
 */
#ifndef HULYKVS_SEGMENT_H
#define HULYKVS_SEGMENT_H

#include "pg/pipeline.h"

/* Tells the owner; the ticket is its own again. */
void segment_finish(struct store_ticket *t, enum store_outcome outcome);

/* A Sync has been answered: everything in front of it is decided. */
void segment_end(struct lane *l);

/* The connection went away: so is all that is in flight, for better or worse. */
void segment_lose_all(struct lane *l);

#endif
