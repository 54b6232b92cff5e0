/* SPDX-License-Identifier: EPL-2.0 */
/*
 * store: what api needs of whatever keeps the values.  An operation is at most
 * one SQL statement, which also decides its condition.
 *
 * Operations borrow their slices from the request.  Results lend theirs to the
 * receiver of done() during that call; a value may be kept longer, see the
 * member memory.
 * store_pg is the store of the program, store_sealed one in front of it; the
 * tests have one in memory.
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
	STORE_LIST,  /* keys, in byte order */
	STORE_CHECK, /* whether the database can be reached, and has the right schema */
};

enum store_condition {
	STORE_ALWAYS,
	STORE_IF_ABSENT,  /* If-None-Match: * */
	STORE_IF_PRESENT, /* If-Match: * */
	STORE_IF_MATCH,   /* If-Match: one of tags */
};

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
	struct key_range range;
	unsigned limit; /* 0: all */
};

static inline bool
store_writes(const struct store_op *op)
{
	return op->kind == STORE_PUT || op->kind == STORE_DELETE;
}

enum store_outcome {
	STORE_DONE,
	STORE_NO_KEY,      /* GET, HEAD, DELETE: no such key */
	STORE_MISMATCH,    /* the condition does not hold; nothing was changed */
	STORE_TOO_LONG,    /* the names do not fit the database's index */
	STORE_UNAVAILABLE, /* certainly nothing was changed; trying again later may help */
	STORE_UNKNOWN,     /* a write that may or may not have happened */
	STORE_FAULT,       /* the database refused for a reason that trying again does not mend */
};

/* What values are sealed with. */
enum store_keys {
	STORE_KEYS_NONE, /* they are not */
	STORE_KEYS_GOOD,
	STORE_KEYS_WRONG,   /* database and schema are fine, but the current key is not the one of that id */
	STORE_KEYS_MISSING, /* … but there are sealed values, and no keys */
};

struct store_result {
	enum store_outcome outcome;
	struct md5 md5;   /* GET, HEAD */
	uint64_t length;  /* GET, HEAD: bytes of the value */
	struct str value; /* GET; borrowed from memory, and the receiver's to change */
	/* GET, HEAD: the value begins as a sealed one does, and the row does not hold its MD5.  Not for a client's eyes. */
	bool looks_sealed;
	void *memory;         /* whoever takes it sets it to NULL here and calls store_release later */
	struct str reason;    /* CHECK that failed: one line */
	bool reached;         /* CHECK that failed: the database is there, but its schema is not the one */
	enum store_keys keys; /* CHECK */
	/* CHECK: why no connection for writes, or for lists, can be made; absent: it can. */
	struct str no_writes, no_lists;
};

struct store;
struct store_ticket;

#define STORE_SQLSTATE_SIZE 6 /* five characters and a NUL */

/* What the owner of a ticket is told. */
struct store_client {
	/* The end of the operation; the ticket is the owner's again. */
	void (*done)(struct store_ticket *t, struct store_result *r);
	/* LIST: one key, borrowed; false: no more now, store_resume will be called. */
	bool (*key)(struct store_ticket *t, struct str key);
};

/*
 * What a store notes of a ticket while it has it.  Each of the two structs belongs to the store of that name, in
 * src/pg and src/store; nobody else reads or writes it, and it means nothing before submit() or after done().
 */
struct store_ticket_sealed {
	struct store *by;
	const struct store_client *client; /* the owner's */
	struct store_op op;                /* the owner's */
	void *memory;                      /* what the operation borrows from */
};

enum store_progress {
	STORE_SENT,     /* handed to libpq; nothing has come back */
	STORE_ANSWERED, /* its statement's result has come; the implicit transaction may still fail */
	STORE_FAILED,   /* its statement got an error */
};

struct store_ticket_pg {
	struct store_result result; /* of the last attempt, so far */
	enum store_progress progress;
	unsigned attempts;  /* how often it was sent */
	unsigned joined;    /* how many tickets, from this one on, share a statement; 0: it shares one before it */
	unsigned statement; /* enum statement, once it was sent */
	int64_t latest;     /* of a write: monotonic; from then on it no longer begins, wherever it is */
	bool alone;         /* shares no statement, and where it writes no implicit transaction */
	bool last;          /* of its implicit transaction: a Sync is sent behind it */
	void *connection;   /* LIST: the one that it runs on; NULL: it waits for one */
};

/* What store_pg notes of a CHECK; the pools of connections do not change it. */
struct store_ticket_check {
	struct store *store;
	const struct store_client *client; /* the owner's */
};

struct store_ticket {
	struct store_op op;
	const struct store_client *client;
	int64_t deadline;    /* monotonic; at the latest then done() is called */
	unsigned batch_size; /* how many were sent at once, this one among them; the owner begins with 0 */
	char sqlstate[STORE_SQLSTATE_SIZE]; /* of the last attempt's error; "": none; the owner begins with "" */
	struct store_ticket *next;          /* see ticket_queue; of whoever has the ticket */
	struct store_ticket_pg pg;
	struct store_ticket_check check;
	struct store_ticket_sealed sealed;
};

/* How an operation was carried out, for its span; lent until the store is freed. */
struct store_description {
	struct str system;     /* "postgresql" … */
	struct str query;      /* the statement, with its parameters as $1 … */
	struct str operation;  /* its first word */
	struct str collection; /* the table; absent: it is about none of ours */
};

struct store_calls {
	void (*submit)(struct store *s, struct store_ticket *t); /* done() may be called before it returns */
	void (*resume)(struct store *s, struct store_ticket *t); /* after key() said no */
	void (*cancel)(struct store *s, struct store_ticket *t); /* LIST only: the receiver left; no done() */
	void (*release)(struct store *s, void *memory);
	/* Inside done() only. */
	struct store_description (*describe)(const struct store *s, const struct store_ticket *t);
};

/* First member of every store. */
struct store {
	const struct store_calls *calls;
};

#endif
