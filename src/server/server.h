/* SPDX-License-Identifier: EPL-2.0 */
/*
 * server: what all workers of the program have in common.  program/main fills
 * it in before the first worker starts, and it outlives them.
 */
#ifndef HULYKVS_SERVER_H
#define HULYKVS_SERVER_H

#include <stdatomic.h>

#include "api/api.h"
#include "config/snapshot.h"
#include "os/peer_users.h"

struct server {
	const struct api *api;
	struct snapshot_publisher settings; /* those that HUP may change; each worker holds a snapshot */
	int64_t request_timeout;            /* nanoseconds */
	unsigned conn_max;         /* connections of one worker, so that descriptors are left for the database */
	unsigned conn_spare;       /* a few more, for probes, while the database hangs and all others wait for it */
	size_t body_budget;        /* the most bytes of bodies in memory at once */
	_Atomic size_t body_bytes; /* bytes of bodies in memory */
	_Atomic bool draining;     /* finish the requests that have arrived, accept no more */
	int listener;              /* non-blocking */
	struct peer_users peers;   /* who may connect to it */
	struct metrics *metrics;   /* a block for each worker; NULL: none */
	struct trace *trace;       /* a ring for each worker; NULL: none */
	struct heartbeat *health;  /* each worker reports to it */
};

#endif
