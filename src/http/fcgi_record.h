/* SPDX-License-Identifier: EPL-2.0 */
/*
 * gate: the records of one FastCGI connection (FastCGI 1.0, sections 3 and 8),
 * looked at before libfcgi sees them.
 *
 * libfcgi 2.4 blocks on half a record, allocates what a peer's length field
 * says, and aborts the process on some management records.  The gate is fed
 * whatever the socket had, byte by byte if need be, and lets through only a
 * whole, sound request: BEGIN_REQUEST for a responder, PARAMS up to a limit
 * with every length checked, STDIN content as it comes.  It knows no socket
 * and no libfcgi, so it is tested and fuzzed alone.
 */
#ifndef HULYKVS_FCGI_RECORD_H
#define HULYKVS_FCGI_RECORD_H

#include "base/buf.h"

#define FCGI_RECORD_HEADER     8
#define FCGI_RECORD_PARAMS_MAX 65528 /* bytes; one record of libfcgi's */

enum fcgi_record_phase {
	FCGI_RECORD_IDLE, /* between requests */
	FCGI_RECORD_PARAMS,
	FCGI_RECORD_STDIN,
	FCGI_RECORD_ENDED,   /* the request is all here; what follows is the next one */
	FCGI_RECORD_REFUSED, /* a role that is not ours */
};

enum fcgi_record_event {
	FCGI_RECORD_NEED,    /* everything was consumed; feed more */
	FCGI_RECORD_BEGIN,   /* the parameters are complete: see params, id, keep */
	FCGI_RECORD_CONTENT, /* content of STDIN: see content */
	FCGI_RECORD_END,     /* end of STDIN */
	FCGI_RECORD_REPLY,   /* a management record, or a role that is not ours: send `reply` to the peer */
	FCGI_RECORD_BROKEN,  /* not a request of ours, or aborted under way: close the connection */
};

struct fcgi_record {
	enum fcgi_record_phase phase;
	unsigned id;        /* request id, never 0 in a request */
	bool keep;          /* FCGI_KEEP_CONN */
	struct buf params;  /* content of PARAMS, one piece */
	struct str content; /* borrows from what was fed */
	unsigned char reply[2 * FCGI_RECORD_HEADER];
	/* The record being read. */
	unsigned char header[FCGI_RECORD_HEADER], body[8];
	size_t header_n, content_left, padding_left, body_n;
	bool in_record;
};

void fcgi_record_init(struct fcgi_record *g);
void fcgi_record_free(struct fcgi_record *g);

/* Consumes from *in up to the next event. */
enum fcgi_record_event fcgi_record_feed(struct fcgi_record *g, struct str *in);

/* After FCGI_RECORD_END (or while nothing was begun): ready for the next request. */
void fcgi_record_next(struct fcgi_record *g);

/* The 8 bytes in front of a record; content at most 65535 bytes. */
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
void fcgi_record_put_header(
    unsigned char out[FCGI_RECORD_HEADER], enum fcgi_record_type type, unsigned id, size_t content, size_t padding);

#endif
