/* SPDX-License-Identifier: EPL-2.0 */
/*
 * pipeline_state: the data of a database connection in libpq's pipeline mode,
 * its states, and the only function that changes the state.  Only the pipeline
 * modules include this; pipeline_pool owns the structs.
 *
 *   CLOSED --> CONNECTING --> IDLE --> SENDING --> WAITING
 *     ^            |          |  ^        |           |
 *     |            |          |  +--------+-----------+   the batch has ended
 *     +------------+----------+-----------+-----------+   the connection has ended
 *
 *   IDLE --> ASKING --> IDLE or CLOSED: asks for the time, see db_clock.h
 *
 * A batch is what is sent to the database at once.  It consists of one or
 * several implicit transactions, each of which ends with a Sync (PostgreSQL manual,
 * "Pipelining" in the chapter on the protocol), or of one explicit transaction,
 * see transaction.h.  Tickets whose operations share a statement are joined.
 */
#ifndef HULYKVS_PIPELINE_STATE_H
#define HULYKVS_PIPELINE_STATE_H

#include "pg/connect_thread.h"
#include "pg/db_close.h"
#include "pg/gather.h"
#include "pg/pace.h"
#include "pg/sqlstate.h"
#include "store/ticket_queue.h"

/* Bytes.  Values from this size on would delay others, and are sent separately. */
#define PIPELINE_LARGE_VALUE (64 * 1024)

/* Bytes.  After a larger batch or value the connection is replaced soon, since libpq keeps its large buffers. */
#define PIPELINE_LARGE_MESSAGE (1024 * 1024)

enum pipeline_state {
	PIPELINE_CLOSED,     /* no connection, and none is ordered */
	PIPELINE_CONNECTING, /* no connection; the connect thread makes one */
	PIPELINE_IDLE,       /* a connection with no batch in flight */
	PIPELINE_ASKING,  /* a connection for writes, which was asked for the database's time; no batch is in flight */
	PIPELINE_SENDING, /* a batch is in flight; libpq still has bytes of it to send */
	PIPELINE_WAITING, /* a batch is in flight; all of it was sent */
};

/* What all connections of one role share.  The pool owns it. */
struct pipeline_shared {
	struct loop *loop;
	struct connect_thread_channel *channel;
	const struct statement_set *set;
	enum dbconn_server server; /* of the last connection made */
	int64_t writes_from; /* monotonic; no write is sent earlier; 0: at any time.  From the last connection made */
	int64_t lifetime;    /* nanoseconds after which a connection is replaced; 0: never; see settings.h */
	struct pace pace;
	struct gather gather;      /* of the queue `small` */
	struct ticket_queue small; /* not sent yet */
	struct ticket_queue large; /* not sent yet: writes of values of PIPELINE_LARGE_VALUE or more, and each BATCH */
	struct ticket_queue alone; /* to be sent again, each in a batch of its own; no BATCH is here */
	struct ticket_queue lost;  /* writes of unknown outcome; each is answered when its `latest` has passed */
	size_t largest;            /* bytes of the largest value read until largest_until; 0: none was large */
	int64_t largest_until;     /* when `largest` is set to 0 */
	/* Called when an order has been answered: the pipeline has a connection now, or none can be made. */
	void (*answered)(struct pipeline_shared *s, const struct connect_thread_order *order, bool connected);
};

/* How far an explicit transaction has come, see transaction.h. */
enum transaction_stage {
	TRANSACTION_NONE,       /* there is none */
	TRANSACTION_STATEMENTS, /* BEGIN and the statements of the parts were sent */
	TRANSACTION_COMMIT,     /* COMMIT was sent, or is being sent */
	TRANSACTION_ROLLBACK,   /* ROLLBACK was sent, or is being sent */
};

/* The batch in flight. */
struct pipeline_batch {
	struct ticket_queue tickets;
	int64_t due;                   /* the earliest of their deadlines */
	size_t size;                   /* how many tickets were sent; 0: the parts of a BATCH */
	bool large;                    /* they were taken from the queue `large` */
	bool alone;                    /* it has one ticket, from the queue `alone`; not reset when it ends */
	struct store_ticket *current;  /* whose result comes next: the first of joined tickets; NULL: a Sync */
	bool read;                     /* that result has come; the NULL that libpq returns after it has not */
	enum sqlstate_verdict verdict; /* of the first error since the last Sync; SQLSTATE_NONE: there was none */
	bool at_sync;                  /* if there was one: it is the Sync that failed, not a statement */
	struct store_ticket *whole;    /* the BATCH whose parts the tickets are; NULL: they are parts of none */
	enum transaction_stage stage;
	unsigned control;           /* how many results of BEGIN and its like come before that of `current` */
	enum store_outcome decided; /* why the transaction is rolled back without an error; STORE_DONE: it is not */
	bool ended;                 /* the server has said that it ends the session: no write can begin any more */
};

struct pipeline {
	struct watch watch; /* first */
	struct timer timer;
	struct pipeline_shared *shared;
	enum pipeline_state state;
	struct connect_thread_order order; /* for a connection, or for one that replaces it */
	PGconn *conn;                      /* NULL: none */
	PGconn *fresh;                     /* replaces conn when the batch has ended; NULL: none */
	struct pipeline_batch batch;
	enum db_close closing; /* why the connection is to be closed after the batch */
	struct db_clock clock; /* of a connection for writes */
	int64_t made_at;       /* when the connection was first used */
	bool answered;         /* it brought an answer */
	int64_t used_at;       /* when a batch was last sent */
	int64_t large_at;      /* when a message of PIPELINE_LARGE_MESSAGE was last sent or read; 0: never */
	int64_t asked_at;      /* ASKING: since when */
	int64_t old_at;        /* when the connection's lifetime ends; TIMER_OFF: never */
	bool pooled;           /* a pooler is between us and the server */
	bool on_demand;        /* not always open, see pipeline_init() */
};

/* The only function that changes the state; asserts that the diagram above allows the move. */
void pipeline_state_move(struct pipeline *p, enum pipeline_state next);

/* Asserts what must hold between two iterations of the event loop. */
void pipeline_state_check(const struct pipeline *p);

/* Whether there is a connection; whether a batch is in flight. */
bool pipeline_state_is_open(const struct pipeline *p);
bool pipeline_state_is_busy(const struct pipeline *p);

/* The last of the tickets that are joined with this one, which is the first of them. */
struct store_ticket *pipeline_state_last_joined(struct store_ticket *first);

/* Whether the ticket's operation can share a statement with others of its kind. */
bool pipeline_state_can_join(const struct pipeline_shared *s, const struct store_ticket *t);

/* The queue that the ticket waits in. */
struct ticket_queue *pipeline_state_queue(struct pipeline_shared *s, const struct store_ticket *t);

#endif
