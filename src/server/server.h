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
	size_t body_budget;        /* the most bytes of bodies, and of answers of batches, in memory at once */
	_Atomic size_t body_bytes; /* how many of them there are */
	_Atomic bool draining;     /* finish the requests that have arrived, accept no more */
	int listener;              /* non-blocking */
	struct peer_users peers;   /* who may connect to it */
	struct metrics *metrics;   /* a block for each worker; NULL: none */
	struct trace *trace;       /* a ring for each worker; NULL: none */
	struct heartbeat *health;  /* each worker reports to it */
};

/*
 * Takes n bytes of the budget, at most all of it: the largest batch must not need more than there is.  Returns how many
 * bytes were taken; 0: there is no room.  forced: also beyond the budget.
 */
static inline size_t
server_take_budget(struct server *server, size_t n, bool forced)
{
	if (n > server->body_budget)
		n = server->body_budget;
	if (atomic_fetch_add(&server->body_bytes, n) + n <= server->body_budget || forced)
		return n;
	(void)atomic_fetch_sub(&server->body_bytes, n);
	return 0;
}

/* What was taken; *n is 0 afterwards. */
static inline void
server_give_back(struct server *server, size_t *n)
{
	if (*n > 0)
		(void)atomic_fetch_sub(&server->body_bytes, *n);
	*n = 0;
}

#endif
