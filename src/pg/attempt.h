/* SPDX-License-Identifier: EPL-2.0 */
/*
 * attempt: decides whether an operation is sent again after an attempt that
 * failed, and with which outcome it ends if it is not.  The rule is the same for
 * operations on one value, batches and lists, however the attempt failed.  Called
 * by pipeline_attempt and list_pool; functions without state.
 *
 * The rule: an operation that certainly had no effect may be sent again; a read
 * always may.  A write of which nobody knows whether it was committed is never
 * sent again, because in the meantime somebody else may have written the same key.
 * Of a BATCH that writes this is so from the moment at which its COMMIT is sent.
 *
 * STORE_UNKNOWN is not answered at once: pipeline_attempt puts the ticket into
 * shared->lost, and pipeline_pool answers it when pg.latest has passed, since the
 * write may take effect until then.
 */
#ifndef HULYKVS_ATTEMPT_H
#define HULYKVS_ATTEMPT_H

#include "pg/sqlstate.h"
#include "telemetry/metrics.h"

#define ATTEMPT_READS_MOST 16 /* a read or a list is not sent more often */

/* How far the operation had come when the attempt failed. */
enum attempt_point {
	ATTEMPT_ERROR, /* its own statement failed, or the commit of a transaction with that statement only */
	ATTEMPT_ANSWERED, /* its own statement succeeded; then another statement of the transaction failed, or the commit */
	ATTEMPT_SKIPPED, /* an earlier statement of the transaction failed, so it did not run */
	ATTEMPT_UNSENT,  /* the connection ended before it was given to libpq */
	ATTEMPT_LOST,    /* the connection ended, and it is not known what happened before */
};

struct attempt {
	enum store_kind kind;
	enum attempt_point point;
	enum sqlstate_verdict verdict; /* of the transaction's error; not looked at where the point is UNSENT or LOST */
	unsigned attempts;             /* this one included */
	bool in_time;                  /* the operation's deadline has not passed */
	bool delivered;                /* LIST: some keys have been given to the receiver */
	bool writes;                   /* see store_writes() */
	bool uncommitted;              /* BATCH: its COMMIT was not sent, so it certainly had no effect */
};

enum attempt_next {
	ATTEMPT_END,    /* the operation ends with the outcome */
	ATTEMPT_AGAIN,  /* it is sent again */
	ATTEMPT_STANDS, /* a read: the answer that it got is right, although something after it failed */
};

struct attempt_decision {
	enum attempt_next next;
	enum store_outcome outcome; /* of ATTEMPT_END */
	enum metrics_retry why;     /* of ATTEMPT_AGAIN */
};

struct attempt_decision attempt_decide(const struct attempt *a);

/* Whether a connection that got this error should be closed when its batch has ended. */
bool attempt_closes(enum sqlstate_verdict verdict);

#endif
