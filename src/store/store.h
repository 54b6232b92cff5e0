/* SPDX-License-Identifier: EPL-2.0 */
/*
 * store: the interface of the modules that keep values.  An operation is at most
 * one SQL statement, which also decides its condition; a BATCH has one for each
 * of its parts.
 *
 * Operations borrow their slices from the request.  The slices of a result live
 * until done() returns; a value can be kept longer, see the member memory.
 * store_pg is the store of the program, store_sealed one in front of it; the
 * tests have one in memory.
 *
 * The owner of a ticket writes op, client and deadline, and reads what struct
 * store_ticket says after done().  The members pg, check and sealed are private
 * to the stores.  They are here, and not in memory that the stores allocate, so
 * that an operation cannot fail because there is no memory for it.
 */
#ifndef HULYKVS_STORE_H
#define HULYKVS_STORE_H

#include <stdint.h>

#include "base/digest.h"
#include "codec/uuid.h"
#include "store/key_range.h"

enum store_kind {
	STORE_GET,  /* value and tag */
	STORE_HEAD, /* length and tag */
	STORE_PUT,
	STORE_DELETE,
	STORE_LIST,  /* see enum store_list */
	STORE_BATCH, /* several of GET, PUT and DELETE in one transaction: all of them, or none */
	STORE_CHECK, /* whether the database can be reached, and has the right schema */
	STORE_ANY,   /* whether a namespace has any key: DONE or NO_KEY; only key_proof asks this */
};

/* What a LIST has rows of, see struct store_row. */
enum store_list {
	STORE_LIST_KEYS,       /* of a namespace, in byte order */
	STORE_LIST_METADATA,   /* the same, with what is known of their values */
	STORE_LIST_VALUES,     /* the same, also with the values */
	STORE_LIST_NAMESPACES, /* of a workspace, in the order of the database */
	STORE_LIST_COUNTS,     /* the same, with their numbers of keys */
	STORE_LIST_WORKSPACES, /* in byte order, but not the one that has nothing but the proofs of encryption keys */
};

enum store_condition {
	STORE_ALWAYS,
	STORE_IF_ABSENT,  /* If-None-Match: * */
	STORE_IF_PRESENT, /* If-Match: * */
	STORE_IF_MATCH,   /* If-Match: one of tags */
};

struct store_ticket;

struct store_op {
	enum store_kind kind;
	struct uuid workspace;
	struct str ns, key;
	/* PUT, DELETE */
	enum store_condition condition;
	const struct md5 *tags;
	size_t tag_count;
	/* PUT */
	struct str value;
	struct md5 md5;
	/* LIST */
	enum store_list list;
	struct key_range range; /* of keys; of namespaces: from is the one before the first, "" for all */
	unsigned limit;         /* 0: all; not 0 for namespaces and workspaces */
	uint64_t
	    bytes; /* METADATA, VALUES: the list ends after the row that reaches this sum of stored_length; 0: it does not */
	/* BATCH: tickets of the owner's, in one namespace and no two with the same key; GET, PUT and DELETE only */
	struct store_ticket *const *parts;
	size_t part_count;
	bool parts_write; /* one of them is PUT or DELETE */
};

/* A row of a LIST.  Its slices live until row() returns. */
struct store_row {
	struct str name; /* the key, the namespace, or the workspace as text */
	uint64_t count;  /* COUNTS */
	/* METADATA and VALUES: as in store_result */
	struct md5 md5;
	uint64_t length;
	uint64_t stored_length; /* bytes of the value in the database, which are more if it is sealed */
	int64_t modified;
	struct str
	    value; /* VALUES; in METADATA absent or not, and not for clients; the receiver may change its bytes */
	bool looks_sealed; /* as in store_result, or it cannot be opened: value, md5 and length are not known */
};

static inline bool
store_writes(const struct store_op *op)
{
	return op->kind == STORE_PUT || op->kind == STORE_DELETE || (op->kind == STORE_BATCH && op->parts_write);
}

enum store_outcome {
	STORE_DONE,
	STORE_NO_KEY,      /* GET, HEAD, DELETE: no such key; ANY: none at all */
	STORE_MISMATCH,    /* the condition does not hold; nothing was changed */
	STORE_TOO_LONG,    /* the names do not fit the database's index */
	STORE_TOO_LARGE,   /* BATCH: the values to be read have too many bytes for one answer; nothing was changed */
	STORE_UNAVAILABLE, /* certainly nothing was changed; trying again later may help */
	STORE_BUSY,        /* LIST: other lists had all connections until its deadline */
	STORE_UNKNOWN,     /* a write of which it is not known whether it was committed */
	STORE_FAULT,       /* an error of ours or of the database; trying again does not help */
};

/* What values are sealed with. */
enum store_keys {
	STORE_KEYS_NONE, /* they are not sealed */
	STORE_KEYS_GOOD,
	STORE_KEYS_WRONG, /* database and schema are good, but the current key is not the one that was used under its id */
	STORE_KEYS_MISSING, /* database and schema are good; there are sealed values, but no keys */
};

struct store_result {
	enum store_outcome outcome;
	struct md5 md5;   /* GET, HEAD */
	uint64_t length;  /* GET, HEAD: bytes of the value */
	int64_t modified; /* GET, HEAD: the time of the last write, microseconds since 1970; 0: not known */
	struct str value; /* GET; a part of `memory`; the receiver may change its bytes */
	/* GET, HEAD: the value begins like a sealed one, and the row does not hold its MD5: must not be sent to a client. */
	bool looks_sealed;
	void *memory;      /* a receiver that keeps the value sets it to NULL here and calls release() later */
	struct str reason; /* CHECK that failed: one line */
	bool reached; /* CHECK that failed: the database answers, but its schema or keys are not the expected ones */
	enum store_keys keys; /* CHECK */
	/* CHECK: why no connection for writes, or for lists, can be made; absent: it can. */
	struct str no_writes, no_lists;
	size_t part; /* BATCH that ended with MISMATCH or TOO_LONG: the index of the part that is the reason */
};

struct store;

#define STORE_SQLSTATE_SIZE 6 /* five characters and a NUL */

/* What the owner of a ticket is told. */
struct store_client {
	/*
	 * The end of the operation; the ticket is the owner's again.  Of a BATCH that is DONE, done() of each part is
	 * called before, in their order; otherwise the parts end without a call.  A part ends with DONE, NO_KEY (GET,
	 * DELETE without a condition) or FAULT (GET: the value cannot be opened).
	 */
	void (*done)(struct store_ticket *t, struct store_result *r);
	/* LIST: one row, borrowed.  It must not call cancel(). */
	void (*row)(struct store_ticket *t, struct store_row *row);
};

/*
 * What a store keeps in a ticket between submit() and done().  struct store_ticket_sealed belongs to store_sealed,
 * struct store_ticket_pg and struct store_ticket_check to store_pg; nobody else reads or writes them.
 */
struct store_ticket_sealed {
	struct store *by;
	const struct store_client *client; /* the owner's */
	struct store_op op;                /* the owner's */
	void *memory;                      /* what the operation borrows from */
	size_t part;                       /* BATCH: whose row is read after a condition did not hold */
};

enum store_progress {
	STORE_WAITS,    /* not given to libpq yet */
	STORE_SENT,     /* given to libpq; no result has come */
	STORE_ANSWERED, /* its statement's result has come; the implicit transaction may still fail */
	STORE_FAILED,   /* its statement got an error */
};

struct store_ticket_pg {
	struct store_result result; /* of the last attempt, so far */
	enum store_progress progress;
	unsigned attempts;  /* how often it was sent */
	unsigned joined;    /* how many tickets, from this one on, share its statement; 0: it shares an earlier one */
	unsigned statement; /* enum statement, once it was sent */
	int64_t latest;     /* of a write: monotonic; it cannot begin to change rows after this time */
	bool alone;         /* shares no batch, see pipeline_pool.h; the parts of a BATCH: no statement */
	bool last;          /* the last one of its implicit transaction: a Sync is sent after it */
	bool queued;        /* LIST: it waits because other lists have all connections */
	void *connection;   /* LIST: the connection that it runs on; NULL: it waits for one */
};

/* What store_pg notes of a CHECK; the pools of connections do not change it. */
struct store_ticket_check {
	struct store *store;
	const struct store_client *client; /* the owner's */
};

struct store_ticket {
	struct store_op op;
	const struct store_client *client;
	int64_t deadline;                   /* monotonic; done() is called at this time at the latest */
	unsigned batch_size;                /* how many tickets were in its batch, with this one; 0 before submit() */
	char sqlstate[STORE_SQLSTATE_SIZE]; /* of the last error; "": none, and before submit() */
	struct store_ticket *next;          /* see ticket_queue; for the module that has the ticket */
	struct store_ticket_pg pg;
	struct store_ticket_check check;
	struct store_ticket_sealed sealed;
};

/* How an operation was executed, for its span; borrowed, lives until the store is freed. */
struct store_description {
	struct str system;     /* "postgresql" … */
	struct str query;      /* the statement, with its parameters as $1 … */
	struct str operation;  /* its first word */
	struct str collection; /* the table; absent: none of our tables */
};

struct store_calls {
	void (*submit)(struct store *s, struct store_ticket *t); /* done() may be called before it returns */
	void (*cancel)(
	    struct store *s, struct store_ticket *t); /* LIST only: the receiver wants no more; done() is not called */
	void (*release)(struct store *s, void *memory);
	/* To be called inside done() only. */
	struct store_description (*describe)(const struct store *s, const struct store_ticket *t);
};

/* First member of every store. */
struct store {
	const struct store_calls *calls;
};

/*
 * Gives the operation to the store.  The ticket, whose client is set, belongs to the store until done() is called, which
 * may be before this returns, or until it is cancelled.  deadline: monotonic.
 */
static inline void
store_submit(struct store *s, struct store_ticket *t, const struct store_op *op, int64_t deadline)
{
	t->op = *op;
	t->deadline = deadline;
	t->batch_size = 0;
	t->sqlstate[0] = '\0';
	s->calls->submit(s, t);
}

#endif
