/* SPDX-License-Identifier: EPL-2.0 */
/*
 * pg_peer: hosts for the tests of what makes connections, with the real libpq:
 * sockets on 127.0.0.1 that take connections and behave as told.  A thread for
 * each connection; they end with the process.
 */
#ifndef HULYKVS_PG_PEER_H
#define HULYKVS_PG_PEER_H

#include <stdbool.h>

enum pg_peer_kind {
	PG_PEER_SILENT,  /* takes connections and says nothing */
	PG_PEER_CLOSING, /* closes them at once */
	PG_PEER_FULL,    /* answers with FATAL 53300 "too many" */
	PG_PEER_LATE,    /* its first two connections as FULL, the others as PRIMARY */
	PG_PEER_PRIMARY, /* a server that takes writes */
	PG_PEER_STANDBY, /* one that does not */
	PG_PEER_ENDING,  /* as PRIMARY, but it ends the session with FATAL 57P01 after a moment without a query */
};

/* How a query is answered in whose text the part is found: with one row; fields end with '|', an empty one is null. */
struct pg_peer_answer {
	const char *part;
	const char *row;
};

struct pg_peer {
	enum pg_peer_kind kind;
	const char *value;    /* the only field of the only row that every other query is answered with */
	const char *encoding; /* server_encoding; NULL: it is not told */
	const struct pg_peer_answer *answers; /* the first one that fits counts; ends with a part NULL.  NULL: none */
	int port;                             /* set by pg_peer_start() */
	int listener;
	const char *late_part; /* a query with this in its text is answered once late is false; NULL: none */
	_Atomic bool late;
	const char *kept_part; /* of a query with this in its text the first parameter is kept, see below; NULL: none */
	char kept[64];         /* to be read when the query was answered */
	_Atomic bool held;     /* those that connect wait before they are logged in, until it is false */
	_Atomic unsigned connections; /* how many it has taken; not counted for SILENT */
	_Atomic unsigned open;        /* how many of them have not ended */
};

/* Borrows the peer until the process ends.  The process id that it tells is 42. */
void pg_peer_start(struct pg_peer *p);

#endif
