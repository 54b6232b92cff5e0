/* SPDX-License-Identifier: EPL-2.0 */
/*
 * pool_world: what the tests of pipeline_pool share: one pool whose
 * connections are those of fake_libpq.
 */
#ifndef HULYKVS_POOL_WORLD_H
#define HULYKVS_POOL_WORLD_H

#include "lib/fake_connect_thread.h"
#include "lib/fake_libpq.h"
#include "lib/pg_world.h"
#include "lib/tap.h"
#include "pg/pipeline_pool.h"

extern struct pg_world world; /* opened by the program's main() */
extern struct pipeline_pool *pool;

/* For one test; close() tests that nothing is left of it. */
void pool_world_open(enum statement_role role, unsigned count);
void pool_world_close(const char *name);

/* An operation; a write has a condition (see pg_world_ticket()), but not that of a value. */
void pool_world_submit(struct pg_world_ticket *t, enum store_kind kind, const char *key);
void pool_world_submit_value(struct pg_world_ticket *t, const char *key, struct str value);

/* What was submitted is sent, in at most three parts. */
void pool_world_flush(void);

/* Connection i has something to read. */
void pool_world_ready(unsigned i);

/* A row of a GET: the MD5, and "value". */
extern const struct str pool_world_found[2];

/* The whole answer to a batch of one GET. */
void pool_world_answer_get(PGconn *conn);

/* Answers what is in flight on connection i as changed or found. */
void pool_world_answer_batch(unsigned i);

#endif
