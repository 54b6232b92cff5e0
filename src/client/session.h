/* SPDX-License-Identifier: EPL-2.0 */
/*
 * session: requests of hulykvsctl to the service: it writes the path, adds the
 * token, tries reads again, and says what an answer means.
 *
 * A read is tried again after a connection that failed and after 429, 502, 503
 * and 504, with a longer pause each time.  A write is sent once: without an
 * answer nobody knows whether it happened.
 */
#ifndef HULYKVS_SESSION_H
#define HULYKVS_SESSION_H

#include "client/arguments.h"
#include "client/transport.h"

struct session;

struct session_request {
	const char *method;
	struct str namespace, key;                           /* absent: the path ends before it */
	struct str query;                                    /* after the "?", encoded; empty: none */
	const char *content_type, *if_match, *if_none_match; /* NULL: none */
	struct str body;                                     /* where there is a content_type */
	bool is_read;                                        /* it changes nothing */
};

/* Borrows the arguments.  On failure *error says why, and session_free() is called, too. */
enum exitstatus session_open(struct session **s, const struct arguments *a, struct buf *error)
    __attribute__((warn_unused_result));

/* NULL is fine. */
void session_free(struct session *s);

/*
 * Sends it and waits.  EXITSTATUS_DONE: 2xx; the answer is in *answer, whose
 * body the caller has initialized.  Else *error says why; a text of the server
 * stands in it without control characters.
 */
enum exitstatus session_call(struct session *s, const struct session_request *request, struct transport_answer *answer,
    struct buf *error) __attribute__((warn_unused_result));

/* A token, as every request has it; borrowed until the next call. */
enum exitstatus session_issue_token(const struct arguments *a, struct buf *token, struct buf *error)
    __attribute__((warn_unused_result));

#endif
