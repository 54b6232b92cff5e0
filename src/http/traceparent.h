/* SPDX-License-Identifier: EPL-2.0 */
/*
 * traceparent: the field that tells the trace of a request (W3C Trace Context,
 * level 1).  For request.
 */
#ifndef HULYKVS_TRACEPARENT_H
#define HULYKVS_TRACEPARENT_H

#include "base/str.h"

/* Borrows from the field. */
struct traceparent {
	struct str trace_id;  /* 32 lower-case hex digits, not all 0; absent: there is no such trace */
	struct str parent_id; /* 16 of them */
	bool sampled;
};

/* Strict (section 3.2.2): a malformed field counts as none. */
struct traceparent traceparent_parse(struct str field);

#endif
