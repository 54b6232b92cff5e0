/* SPDX-License-Identifier: EPL-2.0 */
/*
 * gather: says when the last idle connection of a pool waits a little for
 * operations that are likely to come, so that they share its next statement.
 *
 * A client that gets its answer often sends its next request at once.  When a
 * batch of several operations has been answered, several requests come one
 * shortly after the other.  If the first of them took the only idle connection,
 * the others would wait until another batch has been answered: at a distant
 * database for a large part of its time.  So the connection waits until as many
 * operations have come as were answered, but no longer than a small part of the
 * database's time.
 *
 * Used by pipeline, pipeline_send and pipeline_pool; reads no clock.
 */
#ifndef HULYKVS_GATHER_H
#define HULYKVS_GATHER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define GATHER_SHARE 8 /* operations are expected for this part of the database's time, see pace_time() */

struct gather {
	size_t expected; /* how many operations are likely to come */
	int64_t until;   /* monotonic: then none is expected any more */
	bool apart;      /* the operations of the last batch of several did not share a statement */
};

/* A batch of this number of operations is being sent; joined: they share one statement. */
void gather_note_sent(struct gather *g, size_t tickets, bool joined);

/* A batch was answered `now`; pace: pace_time(), 0: where the database is near, no operation is expected. */
void gather_note_answered(struct gather *g, size_t tickets, int64_t now, int64_t pace);

/* An operation has come. */
void gather_note_arrived(struct gather *g);

/* Until when to wait; 0: not at all. */
int64_t gather_until(const struct gather *g, int64_t now);

#endif
