/* SPDX-License-Identifier: EPL-2.0 */
/*
 * fcgi_conn: one connection of the web server, with libfcgi on it.  Only this
 * module includes libfcgi's headers.
 *
 * libfcgi parses the parameters and formats the answer, but does not use the
 * socket: its OS layer (fcgios.h) has one function to read and one to write, and
 * this module defines both in the program, where the dynamic linker finds them
 * first.  OS_Read gives libfcgi the records that fcgi_record has checked;
 * OS_Write sends, and keeps what the socket does not take.  So nothing here
 * blocks, and libfcgi gets complete, valid records only.  (configure checks that
 * the library's calls reach these functions.)  Bodies do not go through libfcgi,
 * which would copy them twice in pieces of 8 KiB: their bytes come from
 * fcgi_record, and a large value is sent from its own memory, in records of
 * 64 KiB.
 *
 * For server/conn.  One thread at a time.  All connections of a thread share the
 * buffer for bytes just read, so the caller repeats fcgi_conn_next() until it
 * returns FCGI_CONN_WAIT or FCGI_CONN_GONE, before it uses another connection.
 */
#ifndef HULYKVS_FCGI_CONN_H
#define HULYKVS_FCGI_CONN_H

#include "base/buf.h"

struct fcgi_conn;

enum fcgi_conn_event {
	FCGI_CONN_WAIT,     /* nothing more has arrived, or see fcgi_conn_has_more() */
	FCGI_CONN_REQUEST,  /* a request began: fcgi_conn_variables() */
	FCGI_CONN_CONTENT,  /* a piece of its body is here: fcgi_conn_content() */
	FCGI_CONN_COMPLETE, /* its last byte was read; it may be answered */
	FCGI_CONN_GONE,     /* the peer closed the connection, or sent something invalid: free it */
};

/* To be called once, before all else.  False: libfcgi cannot be used. */
bool fcgi_conn_init(void) __attribute__((warn_unused_result));

/* Returns new; takes the descriptor, which is non-blocking.  NULL: no memory (the descriptor is closed). */
struct fcgi_conn *fcgi_conn_new(int fd) __attribute__((warn_unused_result));

/* Closes the descriptor; NULL is fine. */
void fcgi_conn_free(struct fcgi_conn *f);

/*
 * The loop reports that the socket is readable (edge-triggered), so that the next
 * fcgi_conn_next() reads it.  ended: the peer sends no more; the loop does not
 * report that again.
 */
void fcgi_conn_readable(struct fcgi_conn *f, bool ended);

/*
 * Reading has stopped although there may be more, so that a peer that never
 * pauses does not keep the thread to itself: the loop has to report it again.
 */
bool fcgi_conn_has_more(const struct fcgi_conn *f);

/* Reads up to the next event.  Between FCGI_CONN_COMPLETE and fcgi_conn_finish() it is always FCGI_CONN_WAIT. */
enum fcgi_conn_event fcgi_conn_next(struct fcgi_conn *f);

/* NAME=value, NULL-terminated; valid from FCGI_CONN_REQUEST until fcgi_conn_finish(). */
char *const *fcgi_conn_variables(const struct fcgi_conn *f);

/* After FCGI_CONN_CONTENT: the piece, valid until the next fcgi_conn_next(). */
struct str fcgi_conn_content(const struct fcgi_conn *f);

/* Writes a part of the answer; copies it where the socket does not take it. */
void fcgi_conn_put(struct fcgi_conn *f, struct str s);

/*
 * Writes the last part of the answer.  From FCGI_CONN_LEND_MIN bytes on it is not
 * copied but borrowed: it must stay valid until fcgi_conn_backlog() is 0.
 */
#define FCGI_CONN_LEND_MIN ((size_t)16 * 1024)
void fcgi_conn_lend(struct fcgi_conn *f, struct str s);

/* The borrowed part is about to become invalid: copies what the socket has not taken. */
void fcgi_conn_own(struct fcgi_conn *f);

/* The same where all of the buffer was lent: takes its memory, unless it is needed no more.  The buffer is empty then. */
void fcgi_conn_take(struct fcgi_conn *f, struct buf *b);

/* Sends what was put so far (for an answer in pieces). */
void fcgi_conn_flush_put(struct fcgi_conn *f);

/* Ends the answer. */
void fcgi_conn_finish(struct fcgi_conn *f);

/* The loop reports that the socket is writable: sends what is kept. */
void fcgi_conn_write(struct fcgi_conn *f);

/* Bytes that the socket has not taken yet. */
size_t fcgi_conn_backlog(const struct fcgi_conn *f);

/* Bytes that the socket has taken and the peer has not read yet, as far as the kernel tells (SIOCOUTQ). */
size_t fcgi_conn_unread(const struct fcgi_conn *f);

/* Whether the web server keeps the connection after this request. */
bool fcgi_conn_keeps(const struct fcgi_conn *f);

/* Whether nothing of a next request has arrived. */
bool fcgi_conn_is_idle(const struct fcgi_conn *f);

/* The answer cannot be completed: nothing more is sent, and the connection is not kept. */
void fcgi_conn_break(struct fcgi_conn *f);

/* Tells the peer that nothing more will be written.  From now on bytes are read and ignored, until it closes. */
void fcgi_conn_shut(struct fcgi_conn *f);

#endif
