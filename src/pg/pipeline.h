/* SPDX-License-Identifier: EPL-2.0 */
/*
 * lane: one database connection in libpq's pipeline mode, and the operations
 * that are queued for it.
 *
 * One group is in flight at a time; what arrives meanwhile forms the next one,
 * sent at the end of a turn with one flush.  Load makes the groups: one
 * operation under none, a dozen under much.  Operations of a group that one
 * statement can do together (see statement_joins) share it: a batch.  A group
 * of reads, or on PostgreSQL a group of writes, has one Sync and so one
 * implicit transaction; nothing is answered before its PGRES_PIPELINE_SYNC,
 * because PostgreSQL says CommandComplete before the commit.
 *
 * Writes of a group are sorted by key, so that two groups cannot deadlock.
 * When one fails, all were rolled back, and they run again with a Sync each.
 * A write is run again only where it certainly had no effect; a read is run
 * again until its deadline.  On CockroachDB each write has its own Sync.
 *
 * An extra lane has a connection only after pipeline_open(), and until it has been
 * idle for a while.  group and segment are rooms of this one.
 */
#ifndef HULYKVS_PIPELINE_H
#define HULYKVS_PIPELINE_H

#include "pg/connect_thread.h"
#include "store/ticket_queue.h"

#define PIPELINE_LARGE_VALUE   (64 * 1024)   /* bytes; what is larger holds up others */
#define PIPELINE_LARGE_MESSAGE (1024 * 1024) /* bytes; beyond it libpq's buffers are worth giving back */

struct pipeline {
	struct watch watch;
	struct timer timer;
	struct connect_thread_order order;
	struct connector_box *box;
	struct loop *loop;
	const struct statement_set *set;
	PGconn *conn;  /* NULL: none now */
	int pid;       /* of its backend: libpq forgets that with a connection that broke */
	PGconn *fresh; /* takes its place when the group has ended; NULL: none */
	enum dbconn_server server;
	struct db_clock clock; /* of a connection for writes */
	bool extra;
	bool ordered;  /* the connector is at work */
	bool doubtful; /* a lost connection's write may still happen, until there is a new one */
	int stale_pid; /* then: its backend */
	bool down;     /* the connector found no way: refuse at once */
	bool reached;  /* then: what it said; the order's own may change meanwhile */
	char reason[CONNECT_THREAD_REASON_SIZE];
	bool leave;                /* the connection is of no more use when the group has ended */
	bool unsent;               /* libpq holds bytes that the socket did not take */
	struct ticket_queue queue; /* not sent */
	struct ticket_queue group; /* sent, not answered */
	int64_t group_due;         /* the first deadline in group */
	struct store_ticket *at;   /* the first of the batch whose result comes next; NULL: a Sync */
	bool answered;             /* a result has come, and the NULL behind it is due */
	bool failed;               /* something since the last Sync failed */
	int sync_verdict;          /* what the Sync itself failed with; -1: it did not */
	int64_t large_at;     /* when libpq's buffers last grew large, or an extra lane had work; 0: they are not */
	int64_t spread_until; /* large values are being read */
	size_t largest;       /* of them, in bytes; 0: there are none */
};

/* Places the order for the first connection, unless it is an extra one. */
void pipeline_init(struct pipeline *l, bool extra, enum statement_role role, const struct statement_set *set,
    struct loop *loop, struct connector_box *box);

/* An extra lane is wanted: a connection is made, if there is none. */
void pipeline_open(struct pipeline *l);

/* Closes the connection; no ticket may be left.  A doubt stays: workers that still drain heed it. */
void pipeline_close(struct pipeline *l);

/* Takes the ticket until done() is called, perhaps before this returns. */
void pipeline_submit(struct pipeline *l, struct store_ticket *t);

/* The end of a turn: sends the next group if none is in flight. */
void pipeline_flush(struct pipeline *l);

/* Whether nothing is queued or in flight. */
bool pipeline_is_idle(const struct pipeline *l);

/* Whether just one operation is in flight. */
bool pipeline_has_one(const struct pipeline *l);

/* Whether the first answer of the connector has come, good or bad. */
bool pipeline_is_settled(const struct pipeline *l);

#endif
