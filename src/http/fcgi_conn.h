/* SPDX-License-Identifier: EPL-2.0 */
/*
 * fcgi: one connection of the web server, with libfcgi on it.  The only room
 * that includes libfcgi's headers.
 *
 * libfcgi reads the parameters and writes the answer, but never touches the
 * socket: its OS layer (fcgios.h) has one function to read and one to write,
 * and this room defines both in the program, where the dynamic linker finds
 * them first.  OS_Read gives libfcgi what the gate let through, OS_Write keeps
 * what the socket does not take.  So nothing here blocks, and libfcgi meets
 * only whole, sound records.  (configure checks that the library's calls can be
 * bound so.)  Bodies do not go through libfcgi, which would copy them twice in
 * pieces of 8 KiB: the gate has their bytes, and a large value is sent from
 * where it lies, in records of 64 KiB.
 *
 * One thread at a time; the bytes just read are shared by all connections of a
 * thread, so fcgi_conn_next() is called until it says FCGI_CONN_WAIT or FCGI_CONN_GONE.
 */
#ifndef HULYKVS_FCGI_CONN_H
#define HULYKVS_FCGI_CONN_H

#include "base/str.h"

struct fcgi_conn;

enum fcgi_conn_event {
	FCGI_CONN_WAIT,     /* nothing more has arrived */
	FCGI_CONN_REQUEST,  /* a request began: fcgi_conn_variables() */
	FCGI_CONN_CONTENT,  /* a piece of its body is here: fcgi_conn_content() */
	FCGI_CONN_COMPLETE, /* its last byte was read; it may be answered */
	FCGI_CONN_GONE,     /* the peer left or broke the protocol: free it */
};

/* Once, before all else.  False: libfcgi refuses. */
bool fcgi_conn_init(void) __attribute__((warn_unused_result));

/* Returns new; takes the descriptor, which is non-blocking.  NULL: no memory (the descriptor is closed). */
struct fcgi_conn *fcgi_conn_new(int fd) __attribute__((warn_unused_result));

/* Closes the descriptor; NULL is fine. */
void fcgi_conn_free(struct fcgi_conn *f);

/*
 * The kernel has news (edge-triggered): the next fcgi_conn_next() looks at the
 * socket.  ended: the peer sends no more, which there is no further news of.
 */
void fcgi_conn_readable(struct fcgi_conn *f, bool ended);

/* Reads on; FCGI_CONN_WAIT from FCGI_CONN_COMPLETE until fcgi_conn_finish(). */
enum fcgi_conn_event fcgi_conn_next(struct fcgi_conn *f);

/* NAME=value, NULL-terminated; lent from FCGI_CONN_REQUEST until fcgi_conn_finish(). */
char *const *fcgi_conn_variables(const struct fcgi_conn *f);

/* After FCGI_CONN_CONTENT: the piece, lent until the next fcgi_conn_next(). */
struct str fcgi_conn_content(const struct fcgi_conn *f);

/* Writes a part of the answer. */
void fcgi_conn_put(struct fcgi_conn *f, struct str s);

/*
 * Writes the answer's last part without copying it, where that pays (from
 * FCGI_CONN_LEND_MIN bytes on).  The bytes are lent until fcgi_conn_backlog() is 0.
 */
#define FCGI_CONN_LEND_MIN ((size_t)16 * 1024)
void fcgi_conn_lend(struct fcgi_conn *f, struct str s);

/* What was lent is about to go: copies it, unless the socket has taken all of it. */
void fcgi_conn_own(struct fcgi_conn *f);

/* Hands what was put to the socket (an answer in pieces). */
void fcgi_conn_flush_put(struct fcgi_conn *f);

/* Ends the answer. */
void fcgi_conn_finish(struct fcgi_conn *f);

/* The socket may take more. */
void fcgi_conn_write(struct fcgi_conn *f);

/* Bytes that the socket has not taken yet. */
size_t fcgi_conn_backlog(const struct fcgi_conn *f);

/* Whether the web server keeps the connection after this request. */
bool fcgi_conn_keeps(const struct fcgi_conn *f);

/* Whether nothing of a request has arrived. */
bool fcgi_conn_is_idle(const struct fcgi_conn *f);

/* The answer cannot be given, or no more of it: nothing is sent any more, and the connection is not kept. */
void fcgi_conn_break(struct fcgi_conn *f);

/* No more will be written: tells the peer, and reads nothing but its end from now on. */
void fcgi_conn_shut(struct fcgi_conn *f);

#endif
