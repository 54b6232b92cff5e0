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
#ifndef HULYKVS_GATE_H
#define HULYKVS_GATE_H

#include "base/buf.h"

#define GATE_HEADER     8
#define GATE_PARAMS_MAX 65528 /* bytes; one record of libfcgi's */

enum gate_phase {
	GATE_IDLE,   /* between requests */
	GATE_PARAMS,
	GATE_STDIN,
	GATE_ENDED,  /* the request is all here; what follows is the next one */
	GATE_REFUSED, /* a role that is not ours */
};

enum gate_event {
	GATE_NEED,    /* everything was consumed; feed more */
	GATE_BEGIN,   /* the parameters are complete: see params, id, keep */
	GATE_CONTENT, /* content of STDIN: see content */
	GATE_END,     /* end of STDIN */
	GATE_REPLY,   /* a management record, or a role that is not ours: send `reply` to the peer */
	GATE_BROKEN,  /* not a request of ours, or aborted under way: close the connection */
};

struct gate {
	enum gate_phase phase;
	unsigned id;       /* request id, never 0 in a request */
	bool keep;         /* FCGI_KEEP_CONN */
	struct buf params; /* content of PARAMS, one piece */
	struct str content; /* borrows from what was fed */
	unsigned char reply[2 * GATE_HEADER];
	/* The record being read. */
	unsigned char header[GATE_HEADER], body[8];
	size_t header_n, content_left, padding_left, body_n;
	bool in_record;
};

void gate_init(struct gate *g);
void gate_free(struct gate *g);

/* Consumes from *in up to the next event. */
enum gate_event gate_feed(struct gate *g, struct str *in);

/* After GATE_END (or while nothing was begun): ready for the next request. */
void gate_next(struct gate *g);

/* The 8 bytes in front of a record; content at most 65535 bytes. */
enum gate_type {
	GATE_TYPE_BEGIN_REQUEST = 1,
	GATE_TYPE_ABORT_REQUEST = 2,
	GATE_TYPE_END_REQUEST = 3,
	GATE_TYPE_PARAMS = 4,
	GATE_TYPE_STDIN = 5,
	GATE_TYPE_STDOUT = 6,
	GATE_TYPE_GET_VALUES = 9,
	GATE_TYPE_GET_VALUES_RESULT = 10,
	GATE_TYPE_UNKNOWN = 11,
};
void gate_put_header(unsigned char out[GATE_HEADER], enum gate_type type, unsigned id, size_t content, size_t padding);

#endif
