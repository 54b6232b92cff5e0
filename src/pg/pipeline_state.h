/* SPDX-License-Identifier: EPL-2.0 */
/*
 * pipeline_state: one database connection in libpq's pipeline mode, as data:
 * its state, the moves between states, and what must always hold.  Only the
 * pipeline modules include this; pipeline_pool owns the structs.
 *
 *   CLOSED --> CONNECTING --> IDLE --> SENDING --> WAITING
 *     ^            |          |  ^        |           |
 *     |            |          |  +--------+-----------+   the batch has ended
 *     +------------+----------+-----------+-----------+   the connection has ended
 *
 *   IDLE --> ASKING --> IDLE, CLOSED: before writes, see db_clock.h
 *
 * Words: a batch is what is sent to the database at once.  It consists of one
 * or several implicit transactions, each up to a Sync (PostgreSQL manual,
 * "Pipelining" in the chapter on the protocol).  Tickets whose operations
 * share a statement are joined.
 */
#ifndef HULYKVS_PIPELINE_STATE_H
#define HULYKVS_PIPELINE_STATE_H

#include "pg/connect_thread.h"
#include "pg/pace.h"
#include "pg/sqlstate.h"
#include "store/ticket_queue.h"

#define PIPELINE_LARGE_VALUE   (64 * 1024)   /* bytes; what is larger delays others */
#define PIPELINE_LARGE_MESSAGE (1024 * 1024) /* bytes; beyond it libpq's buffers are worth giving back */

enum pipeline_state {
	PIPELINE_CLOSED,     /* no connection, and none is ordered */
	PIPELINE_CONNECTING, /* no connection; the connect thread makes one */
	PIPELINE_IDLE,       /* a connection with no batch in flight */
	PIPELINE_ASKING,     /* a connection for writes with no batch in flight, but the question for the time */
	PIPELINE_SENDING,    /* a batch is in flight, and libpq holds bytes of it that the socket did not take */
	PIPELINE_WAITING,    /* a batch is in flight, and all of it was sent */
};

/* Why a connection is closed. */
enum pipeline_close {
	PIPELINE_CLOSE_NOT, /* it is not to be closed */
	PIPELINE_CLOSE_LOST,
	PIPELINE_CLOSE_DEADLINE,
	PIPELINE_CLOSE_SILENT,
	PIPELINE_CLOSE_EPOLL,
	PIPELINE_CLOSE_ERROR,
	PIPELINE_CLOSE_BUFFERS,
	PIPELINE_CLOSE_REPLACED,
	PIPELINE_CLOSE_OLD,
	PIPELINE_CLOSE_UNUSED,
	PIPELINE_CLOSE_END,
};

/* What all connections of one role share.  The pool owns it. */
struct pipeline_shared {
	struct loop *loop;
	struct connect_thread_channel *channel;
	const struct statement_set *set;
	enum dbconn_server server; /* of the last connection made */
	int64_t lifetime;          /* nanoseconds after which a connection is exchanged; 0: never; see settings.h */
	struct pace pace;
	struct ticket_queue small; /* not sent yet */
	struct ticket_queue large; /* the same: writes of values from PIPELINE_LARGE_VALUE on */
	struct ticket_queue lost;  /* writes of unknown outcome that may still begin, until their `latest` */
	size_t largest;            /* bytes of the largest value that was read lately; 0: none was large */
	int64_t largest_until;     /* then: when that is forgotten */
	/* Called when an order has been answered: the pipeline has a connection now, or none can be made. */
	void (*answered)(struct pipeline_shared *s, const struct connect_thread_order *order, bool connected);
};

/* What is in flight. */
struct pipeline_batch {
	struct ticket_queue tickets;
	int64_t due;                   /* the first of their deadlines */
	size_t size;                   /* how many they were */
	bool large;                    /* they were taken from the queue of large ones */
	struct store_ticket *current;  /* the first of the joined tickets whose result comes next; NULL: a Sync's */
	bool read;                     /* that result has come; the NULL that libpq gives behind it has not */
	enum sqlstate_verdict verdict; /* of the first error since the last Sync; SQLSTATE_NONE: there was none */
	bool at_sync;                  /* then: the Sync failed, and no statement */
	bool ended;                    /* the server has said that it ends the session: nothing more will happen */
};

struct pipeline {
	struct watch watch; /* first */
	struct timer timer;
	struct pipeline_shared *shared;
	enum pipeline_state state;
	struct connect_thread_order order; /* while it is placed, the connect thread makes a connection for us */
	PGconn *conn;                      /* NULL: none */
	PGconn *fresh;                     /* takes its place when the batch has ended; NULL: none */
	struct pipeline_batch batch;
	enum pipeline_close closing; /* why the connection ends when the batch has ended */
	struct db_clock clock;       /* of a connection for writes */
	int64_t used_at;             /* when a batch was last sent */
	int64_t large_at;            /* when libpq's buffers last grew large; 0: they did not */
	int64_t asked_at;            /* ASKING: since when */
	int64_t old_at;              /* when the connection's lifetime is over; TIMER_OFF: never */
	bool pooled;                 /* a pooler is between us and the server */
	bool on_demand;              /* it is opened by pipeline_open(), and closed when it is unused for a while */
};

/* The one place where the state changes; asserts that the move is one of the picture above. */
void pipeline_state_move(struct pipeline *p, enum pipeline_state next);

/* Asserts what must hold between two iterations of the event loop. */
void pipeline_state_check(const struct pipeline *p);

/* Whether a connection is there; whether a batch is in flight. */
bool pipeline_state_is_open(const struct pipeline *p);
bool pipeline_state_is_busy(const struct pipeline *p);

/* The last of the tickets that are joined with this one, which is the first of them. */
struct store_ticket *pipeline_state_last_joined(struct store_ticket *first);

/* Whether the ticket's operation can share a statement with others of its kind. */
bool pipeline_state_can_join(const struct pipeline_shared *s, const struct store_ticket *t);

/* The queue that the ticket waits in. */
struct ticket_queue *pipeline_state_queue(struct pipeline_shared *s, const struct store_ticket *t);

#endif
