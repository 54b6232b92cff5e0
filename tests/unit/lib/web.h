/* SPDX-License-Identifier: EPL-2.0 */
/*
 * web: both ends of a FastCGI connection for tests of conn and fcgi: a peer
 * that speaks for the web server, and a worker's loop that the test iterates,
 * with a store in memory.
 *
 * Everything happens in one thread and in a known order, without waiting: a
 * call that sends iterates until it has nothing more to do.
 */
#ifndef HULYKVS_WEB_H
#define HULYKVS_WEB_H

#include "http/fcgi_record.h"
#include "lib/store_mem.h"
#include "server/conn.h"

#define WEB_LIMIT      2000000 /* bytes of a body */
#define WEB_REQUEST_ID "req-1" /* of every request */
#define WEB_TIMEOUT    (10 * CLOCK_S)
#define WEB_WORKSPACE  "5dd1c5a6-3b0f-4d5a-9d2b-b6c9e0f7a811"
#define WEB_KEY        "/api2/" WEB_WORKSPACE "/n/k"
#define WEB_LIST       "/api2/" WEB_WORKSPACE "/n"

extern struct conn_context web_context;
extern struct server web_server;
extern struct store_mem web_store;
extern struct uuid web_workspace;
extern struct buf web_body; /* of the last reply */
extern char *web_large;     /* WEB_LIMIT + 1 bytes without a pattern */

/* Once in a program. */
void web_set_up(void);
void web_tear_down(void);

/* A worker with an empty store, for one test; slow: the store waits for store_mem_step(). */
void web_begin(bool slow);

/* After the last peer has gone: checks that nothing is left of any. */
void web_end(const char *name);

/* Iterates until the loop has nothing to do; once. */
void web_pump(void);
void web_turn(void);

/*
 * What a worker does every second, as if so much more time had passed; early:
 * as if it had since web_begin(), so that a slow machine changes nothing.
 */
void web_check_deadlines(int64_t later, bool draining);
void web_check_deadlines_early(int64_t later, bool draining);

/* The web server's end of a connection. */
struct web_peer {
	int fd;
	bool closed;    /* by the other side */
	struct buf got; /* and not yet looked at */
};

/* sndbuf: SO_SNDBUF of the other side; 0: the system's. */
void web_dial(struct web_peer *p);
void web_dial_small(struct web_peer *p, int sndbuf);
void web_hang_up(struct web_peer *p);

/* Sends all of it, as far as anybody reads it. */
void web_say(struct web_peer *p, struct str s);

/* Reads what is there, n bytes at most; does not turn the loop. */
void web_receive(struct web_peer *p, size_t n);

/* Iterates and reads until neither leads to more. */
void web_converse(struct web_peer *p);

enum {
	WEB_KEEP = 1,         /* FCGI_KEEP_CONN */
	WEB_AUTHORIZER = 256, /* in the role of an authorizer */
	WEB_ANONYMOUS = 512,  /* without a token */
};

/* Records, put behind what is in wire.  A negative length: none is told. */
void web_put_record(struct buf *wire, enum fcgi_record_type type, struct str content);
void web_put_begin(struct buf *wire, const char *method, const char *uri, int64_t length, int flags);
void web_put_body(struct buf *wire, struct str body); /* without its end */
void web_put_request(struct buf *wire, const char *method, const char *uri, struct str body, int flags);

/* Returns new: one request. */
struct buf web_wire(const char *method, const char *uri, struct str body, int flags);

/* Sends one request. */
void web_ask(struct web_peer *p, const char *method, const char *uri, struct str body, int flags);

#define WEB_NO_REPLY 0

/* Takes the first reply off what has arrived: its status, and its body in web_body.  1: it is no reply. */
unsigned web_take_reply(struct web_peer *p);

/* Tests. */
void web_expect(struct web_peer *p, unsigned status, struct str want, const char *name);
void web_expect_stored(struct str value, const char *name);
void web_expect_closed(struct web_peer *p, const char *name);
void web_expect_alive(struct web_peer *p, const char *name);

#endif
