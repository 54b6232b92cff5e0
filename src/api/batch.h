/* SPDX-License-Identifier: EPL-2.0 */
/*
 * batch: the body of POST /api2/{workspace}/{namespace}: operations that are all
 * done, or none of them.  Reads it, and writes the JSON of the answer as the
 * store ends one part after the other.  For api only.
 *
 *   {"operations": [{"op": "put", "key": "a", "value": "aGVsbG8=", "if_match": "*"}, ...]}
 *   {"results": [{"status": 204, "etag": "\"5d41402abc4b2a76b9719d911017c592\""}, ...]}
 *
 * A condition is written as the field value of that name (RFC 9110 13.1): if_match
 * for put and delete, if_none_match for get (any tags) and put ("*").
 */
#ifndef HULYKVS_BATCH_H
#define HULYKVS_BATCH_H

#include "auth/rules.h"
#include "base/arena.h"
#include "base/buf.h"
#include "http/refusal.h"
#include "store/store.h"

#define BATCH_OPERATIONS_MAX 128

/* Bytes of a new key, not only in a batch; so that a cursor and a prefix of this length fit into nginx's request line. */
#define BATCH_KEY_MAX 8192

/* Bytes of memory that a body takes for each of its own: itself, its JSON, and what is kept of that. */
#define BATCH_BODY_COPIES 3

struct batch {
	struct store_ticket **part; /* in the arena */
	size_t n;
	bool writes;
	struct buf memory; /* keys and values */
	struct buf out;    /* the answer */
};

/* Why a body is refused. */
struct batch_fault {
	enum refusal refusal;
	struct str text; /* static; absent: the refusal's */
	bool of_operation;
	size_t index; /* of that operation */
};

/*
 * Reads the body, which is borrowed until this returns; all keys are in the workspace and namespace of `place`
 * (borrowed).  False: *fault is set.  batch_free() is due in either case.
 */
bool batch_read(struct batch *b, struct str body, const struct store_op *place, struct arena *a,
    struct batch_fault *fault) __attribute__((warn_unused_result));

/*
 * Whether the rules allow every operation, from their verdict for each kind.  *verdict is that of the last operation
 * looked at.  False: *fault is set.
 */
bool batch_ask(const struct batch *b, const struct rules_verdict verdicts[RULES_OPERATIONS],
    struct rules_verdict *verdict, struct batch_fault *fault) __attribute__((warn_unused_result));

/* The operation for the store; borrows from the batch. */
struct store_op batch_op(const struct batch *b);

/* All parts have ended: completes the answer.  Absent: no memory.  Borrowed. */
struct str batch_answer(struct batch *b);

/* One that is all zeros is fine. */
void batch_free(struct batch *b);

#endif
