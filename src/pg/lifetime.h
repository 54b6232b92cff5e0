/* SPDX-License-Identifier: EPL-2.0 */
/*
 * lifetime: when a database connection is exchanged for a new one
 * (HULY_DB_CONNECTION_LIFETIME).  Connections to a cluster stay on the node that
 * they were made to; so that a node which was restarted gets connections again,
 * they do not last for ever.
 *
 * For the pools of connections in pg.
 */
#ifndef HULYKVS_LIFETIME_H
#define HULYKVS_LIFETIME_H

#include "pg/dbconn.h"

/*
 * When the lifetime of a connection ends that was made at `now` (both monotonic); TIMER_OFF: never.  life: the setting,
 * in nanoseconds, see settings.h.  A random part of up to a quarter is left off, so that connections that were made at
 * the same time are not all exchanged at the same time.
 */
int64_t lifetime_end(int64_t life, enum dbconn_server server, int64_t now);

#endif
