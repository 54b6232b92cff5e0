/* SPDX-License-Identifier: EPL-2.0 */
/*
 * pg_world: what the tests of src/pg share: a loop, statements, tickets whose
 * end is written down, and descriptors that are ready when the test says so.
 */
#ifndef HULYKVS_PG_WORLD_H
#define HULYKVS_PG_WORLD_H

#include "base/loop.h"
#include "pg/statement.h"
#include "store/store.h"

struct pg_world {
	struct loop loop;
	struct statement_set set;
};

/* A ticket with what became of it. */
struct pg_world_ticket {
	struct store_ticket t; /* first */
	int done;              /* how often done() was called */
	struct store_result result;
	char value[64]; /* a copy of the value; "": none */
	int keys;       /* LIST: how many it was given */
	char key[256];
};

void pg_world_open(struct pg_world *w);
void pg_world_close(struct pg_world *w);

/* A ticket for a key, which is borrowed, with a minute of time.  Writes have a condition, so that they are not joined. */
void pg_world_ticket(struct pg_world_ticket *t, enum store_kind kind, const char *key);

/* The watch's descriptor is ready for reading. */
void pg_world_ready(struct watch *w);

/* The timer's time has come. */
void pg_world_fire(struct timer *t);

#endif
