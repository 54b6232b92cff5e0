/* SPDX-License-Identifier: EPL-2.0 */
/*
 * fake_connect_thread: connect_thread without a thread, for tests: it keeps
 * the orders, and the test answers them.
 */
#ifndef HULYKVS_FAKE_CONNECT_THREAD_H
#define HULYKVS_FAKE_CONNECT_THREAD_H

#include "pg/connect_thread.h"

/* How many orders wait. */
int fake_connect_thread_orders(void);

/* How often connect_thread_nudge() was called. */
int fake_connect_thread_nudges(void);

/* What was noted of the connections that ended: how many delay the next one, and how many were of use. */
int fake_connect_thread_delays(void);
int fake_connect_thread_useful(void);

/* Answers the oldest order with a new connection, or with none; returns it. */
PGconn *fake_connect_thread_connect(enum dbconn_server server);
void fake_connect_thread_refuse(const char *reason);

/* Connections from now on: no write may be sent earlier; 0: at once. */
void fake_connect_thread_writes_from(int64_t from);

/* Forgets all orders. */
void fake_connect_thread_reset(void);

#endif
