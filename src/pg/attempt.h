/* SPDX-License-Identifier: EPL-2.0 */
/*
 * attempt: whether an operation is sent again after an attempt that failed,
 * and how it ends if not.  One rule for point operations and lists, for every
 * way of failing.  Called by pipeline_result and list_pool; keeps nothing and
 * knows nothing of connections.
 *
 * The rule: what certainly had no effect may be sent again; a read always may.
 * A write of which nobody knows whether it was committed is never sent again,
 * because in the meantime somebody else may have written the same key.
 */
#ifndef HULYKVS_ATTEMPT_H
#define HULYKVS_ATTEMPT_H

#include "pg/sqlstate.h"
#include "telemetry/metrics.h"

#define ATTEMPT_READS_MOST 16 /* a read or a list is not sent more often */

/* How far the operation had come. */
enum attempt_point {
	ATTEMPT_ERROR,    /* its own statement failed, or the commit of a transaction with that statement only */
	ATTEMPT_ANSWERED, /* it was answered; then another statement of the transaction failed, or the commit */
	ATTEMPT_SKIPPED,  /* an earlier statement of the transaction failed, so it did not run */
	ATTEMPT_LOST,     /* the connection ended, and nothing tells what happened before */
};

struct attempt {
	enum store_kind kind;
	enum attempt_point point;
	enum sqlstate_verdict verdict; /* of the transaction's error; any where the point is ATTEMPT_LOST */
	unsigned attempts;             /* this one included */
	bool in_time;                  /* the operation's deadline is not over */
	bool delivered;                /* LIST: the receiver has had keys of it */
};

enum attempt_next {
	ATTEMPT_END,    /* the operation ends with the outcome */
	ATTEMPT_AGAIN,  /* it is sent again */
	ATTEMPT_STANDS, /* a read: the answer that it got is true, whatever failed behind it */
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
