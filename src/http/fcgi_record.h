/* SPDX-License-Identifier: EPL-2.0 */
/*
 * fcgi_record: a parser of the records of one FastCGI connection (FastCGI 1.0,
 * sections 3 and 8), which checks a request before libfcgi gets it.
 *
 * libfcgi 2.4 blocks on half a record, allocates as much as a peer's length
 * field says, and aborts the process on some management records.  This parser
 * takes what the socket had, in pieces of any size, and accepts only a complete
 * and valid request: BEGIN_REQUEST for a responder or an authorizer, PARAMS up
 * to a limit with every length checked, STDIN content piece by piece (none for
 * an authorizer, FastCGI 6.3: its request ends with the parameters).  It knows
 * neither sockets nor libfcgi, so it is tested and fuzzed alone.  For fcgi_conn only.
 */
#ifndef HULYKVS_FCGI_RECORD_H
#define HULYKVS_FCGI_RECORD_H

#include "base/buf.h"

#define FCGI_RECORD_HEADER     8
#define FCGI_RECORD_PARAMS_MAX 65528 /* bytes; what one record for libfcgi holds */

/* FastCGI 8; no other role is served. */
enum { FCGI_ROLE_RESPONDER = 1, FCGI_ROLE_AUTHORIZER = 2 };

enum fcgi_record_state {
	FCGI_RECORD_IDLE, /* between requests */
	FCGI_RECORD_PARAMS,
	FCGI_RECORD_STDIN,
	FCGI_RECORD_ENDED,   /* the request is complete; what follows is the next one */
	FCGI_RECORD_REFUSED, /* of a role that we do not have */
};

enum fcgi_record_event {
	FCGI_RECORD_NEED,    /* everything was consumed; feed more */
	FCGI_RECORD_BEGIN,   /* the parameters are complete: see params, id, keep */
	FCGI_RECORD_CONTENT, /* content of STDIN: see content */
	FCGI_RECORD_END,     /* end of STDIN */
	FCGI_RECORD_REPLY,   /* a management record, or a role that we do not have: send `reply` to the peer */
	FCGI_RECORD_BROKEN,  /* invalid, or the request was aborted: close the connection */
};

struct fcgi_record {
	enum fcgi_record_state state;
	unsigned id;        /* request id, never 0 in a request */
	bool keep;          /* FCGI_KEEP_CONN */
	unsigned role;      /* FCGI_ROLE_… */
	struct buf params;  /* content of all PARAMS records */
	struct str content; /* borrows from what was fed */
	unsigned char reply[2 * FCGI_RECORD_HEADER];
	/* The record that is being read: its header, the content of BEGIN_REQUEST, and what is still to come. */
	unsigned char header[FCGI_RECORD_HEADER], body[8];
	size_t header_n, content_left, padding_left, body_n;
	bool in_record;
};

void fcgi_record_init(struct fcgi_record *r);
void fcgi_record_free(struct fcgi_record *r);

/* Consumes from *in up to the next event. */
enum fcgi_record_event fcgi_record_feed(struct fcgi_record *r, struct str *in);

/* To be called after FCGI_RECORD_END, when the request was answered: prepares for the next one. */
void fcgi_record_next(struct fcgi_record *r);

/* FastCGI 8 */
enum fcgi_record_type {
	FCGI_BEGIN_REQUEST = 1,
	FCGI_ABORT_REQUEST = 2,
	FCGI_END_REQUEST = 3,
	FCGI_PARAMS = 4,
	FCGI_STDIN = 5,
	FCGI_STDOUT = 6,
	FCGI_GET_VALUES = 9,
	FCGI_GET_VALUES_RESULT = 10,
	FCGI_UNKNOWN_TYPE = 11,
};

/* Writes the header of a record; content: at most 65535 bytes, padding: at most 255. */
void fcgi_record_put_header(
    unsigned char out[FCGI_RECORD_HEADER], enum fcgi_record_type type, unsigned id, size_t content, size_t padding);

#endif
