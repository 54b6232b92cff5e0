/* SPDX-License-Identifier: EPL-2.0 */
#include "lib/web.h"

#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/clock.h"
#include "lib/bearer.h"
#include "lib/tap.h"

#define CAP            262144
#define ITERATIONS_MAX 10000 /* in a row; beyond them the loop is thought to spin */

struct conn_context web_context;
struct server web_server;
struct store_mem web_store;
struct uuid web_workspace;
struct buf web_body;
char *web_large;

static struct arena lasting;
static struct loop loop;
static struct api api = { .payload_limit = WEB_LIMIT };
static const char *token;
static int64_t began; /* the test */

/* --- the worker's side: a loop that the test iterates --- */

static void
end_iteration(struct hook *h)
{
	(void)h;
	conn_free_closed(&web_context);
	request_log_flush(&web_context.log);
	loop_stop(&loop);
}

static struct hook hook = { .run = end_iteration };
static struct timer at_once;

static void
do_nothing(struct timer *t)
{
	(void)t;
}

void
web_turn(void)
{
	at_once.due = 0;
	loop.stopped = false;
	loop_run(&loop);
}

/* Iterates until the loop has nothing to do. */
void
web_pump(void)
{
	struct pollfd ready = { .fd = loop.epoll, .events = POLLIN };

	conn_free_closed(&web_context);
	for (int i = 0; poll(&ready, 1, 0) > 0; i++) {
		if (i == ITERATIONS_MAX)
			tap_bail("the loop spins");
		web_turn();
	}
}

void
web_check_deadlines(int64_t later, bool draining)
{
	conn_check_deadlines(&web_context, clock_mono() + later, draining);
	web_pump();
}

void
web_check_deadlines_early(int64_t later, bool draining)
{
	conn_check_deadlines(&web_context, began + later, draining);
	web_pump();
}

void
web_begin(bool slow)
{
	if (!loop_init(&loop))
		tap_bail("loop_init");
	at_once = (struct timer){ .due = TIMER_OFF, .fire = do_nothing };
	loop_add_timer(&loop, &at_once);
	loop_add_hook(&loop, &hook);
	store_mem_init(&web_store);
	web_store.slow = slow;
	began = clock_mono();
	web_server.request_timeout = WEB_TIMEOUT;
	web_server.body_budget = 64 * WEB_LIMIT;
	web_server.conn_max = 1000;
}

void
web_end(const char *name)
{
	web_pump();
	tap_int(web_context.count, 0, "%s: no connection is left", name);
	tap_int(atomic_load(&web_server.body_bytes), 0, "%s: no body is left", name);
	tap_ok(web_store.waiting == NULL && web_store.lists == NULL, "%s: nothing waits for the store", name);
	tap_int(web_store.lent, 0, "%s: no value is lent any more", name);
	web_check_deadlines(INT64_MAX / 2, true);
	store_mem_free(&web_store);
	loop_close(&loop);
}

/* --- the web server's side --- */

void
web_dial_small(struct web_peer *p, int sndbuf)
{
	int fd[2];

	if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0, fd) != 0)
		tap_bail("socketpair");
	if (sndbuf > 0 && setsockopt(fd[1], SOL_SOCKET, SO_SNDBUF, &sndbuf, sizeof(sndbuf)) != 0)
		tap_bail("setsockopt");
	*p = (struct web_peer){ .fd = fd[0] };
	buf_init(&p->got, SIZE_MAX);
	conn_open(&web_context, fd[1]);
}

void
web_dial(struct web_peer *p)
{
	web_dial_small(p, 0);
}

void
web_hang_up(struct web_peer *p)
{
	(void)close(p->fd);
	buf_free(&p->got);
	web_pump();
}

/* Reads what is there, n bytes at most. */
void
web_receive(struct web_peer *p, size_t n)
{
	while (n > 0 && !p->closed) {
		char *space = buf_reserve(&p->got, n < 65536 ? n : 65536);
		ssize_t rc = recv(p->fd, space, n < 65536 ? n : 65536, 0);

		if (rc < 0 && errno == EAGAIN)
			return;
		if (rc <= 0) {
			p->closed = true;
			return;
		}
		buf_grew(&p->got, (size_t)rc);
		n -= (size_t)rc;
	}
}

/* Iterates and reads until neither leads to more. */
void
web_converse(struct web_peer *p)
{
	size_t before;

	do {
		before = p->got.n;
		web_pump();
		web_receive(p, SIZE_MAX);
	} while (p->got.n > before);
}

/* Sends all of it, as far as anybody reads it. */
void
web_say(struct web_peer *p, struct str s)
{
	while (s.n > 0) {
		ssize_t rc = send(p->fd, s.p, s.n, MSG_NOSIGNAL);

		if (rc > 0)
			s = str_skip(s, (size_t)rc);
		else if (rc < 0 && errno == EAGAIN)
			web_pump();
		else
			return;
	}
	web_pump();
}

/* --- requests and replies on the wire --- */

void
web_put_record(struct buf *wire, enum fcgi_record_type type, struct str content)
{
	unsigned char header[FCGI_RECORD_HEADER];

	fcgi_record_put_header(header, type, 1, content.n, 0);
	buf_put(wire, header, sizeof(header));
	buf_puts(wire, content);
}

static void
put_param(struct buf *params, const char *name, const char *value)
{
	size_t n = strlen(value);

	buf_printf(params, "%c%c%c%c%c%s%s", (int)strlen(name), (int)(0x80 | n >> 24), (int)(n >> 16 & 0xff),
	    (int)(n >> 8 & 0xff), (int)(n & 0xff), name, value);
}

/* Up to the end of the parameters; a negative length: none is told. */
void
web_put_begin(struct buf *wire, const char *method, const char *uri, int64_t length, int flags)
{
	const char begin[8] = { 0, (flags & WEB_AUTHORIZER) != 0 ? 2 : 1, (char)flags };
	char digits[24];
	struct buf params;

	buf_init(&params, CAP);
	(void)snprintf(digits, sizeof(digits), "%lld", (long long)length);
	put_param(&params, "REQUEST_METHOD", method);
	put_param(&params, "REQUEST_URI", uri);
	if ((flags & WEB_ANONYMOUS) == 0)
		put_param(&params, "HTTP_AUTHORIZATION", token);
	put_param(&params, "HTTP_X_REQUEST_ID", WEB_REQUEST_ID);
	if (strcmp(method, "POST") == 0)
		put_param(&params, "CONTENT_TYPE", "application/json");
	if (length >= 0)
		put_param(&params, "CONTENT_LENGTH", digits);
	web_put_record(wire, FCGI_BEGIN_REQUEST, str_from(begin, sizeof(begin)));
	web_put_record(wire, FCGI_PARAMS, buf_str(&params));
	web_put_record(wire, FCGI_PARAMS, STR(""));
	buf_free(&params);
}

/* The body in records of at most 32,768 bytes, without its end. */
void
web_put_body(struct buf *wire, struct str body)
{
	for (; body.n > 0; body = str_skip(body, 32768))
		web_put_record(wire, FCGI_STDIN, str_first(body, 32768));
}

void
web_put_request(struct buf *wire, const char *method, const char *uri, struct str body, int flags)
{
	web_put_begin(wire, method, uri, body.p != NULL ? (int64_t)body.n : -1, flags);
	web_put_body(wire, body);
	web_put_record(wire, FCGI_STDIN, STR(""));
}

/* Builds a wire text on the spot. */
struct buf
web_wire(const char *method, const char *uri, struct str body, int flags)
{
	struct buf wire;

	buf_init(&wire, SIZE_MAX);
	web_put_request(&wire, method, uri, body, flags);
	return wire;
}

void
web_ask(struct web_peer *p, const char *method, const char *uri, struct str body, int flags)
{
	struct buf wire = web_wire(method, uri, body, flags);

	web_say(p, buf_str(&wire));
	buf_free(&wire);
}

/* Whether a whole reply has arrived; then status and body are its own and it is taken off. */

unsigned
web_take_reply(struct web_peer *p)
{
	struct str in = buf_str(&p->got), head;
	const char *end;

	buf_clear(&web_body);
	for (;;) {
		const unsigned char *h = (const unsigned char *)in.p;
		size_t content = in.n >= FCGI_RECORD_HEADER ? (size_t)h[4] << 8 | h[5] : 0;

		if (in.n < FCGI_RECORD_HEADER || in.n < FCGI_RECORD_HEADER + content + h[6])
			return 0;
		if (h[0] != 1 || h[2] != 0 || h[3] != 1 || (h[1] != FCGI_STDOUT && h[1] != 3))
			return 1; /* no record of a reply */
		if (h[1] == FCGI_STDOUT)
			buf_put(&web_body, in.p + FCGI_RECORD_HEADER, content);
		in = str_skip(in, FCGI_RECORD_HEADER + content + h[6]);
		if (h[1] == 3)
			break;
	}
	head = buf_str(&web_body);
	end = memmem(head.p, head.n, "\r\n\r\n", 4);
	if (end == NULL || !str_starts(head, STR("Status: ")))
		return 1;
	unsigned status = (unsigned)strtoul(head.p + 8, NULL, 10);
	buf_drop(&web_body, (size_t)(end - head.p) + 4);
	buf_drop(&p->got, p->got.n - in.n);
	return status;
}

/* What the peer has now: the next reply's status, or that there is none. */
void
web_expect(struct web_peer *p, unsigned status, struct str want, const char *name)
{
	unsigned got;

	web_converse(p);
	got = web_take_reply(p);
	tap_int(got, status, "%s: status", name);
	if (status != WEB_NO_REPLY)
		tap_ok(str_eq(buf_str(&web_body), want), "%s: body of %zu bytes", name, want.n);
}

void
web_expect_stored(struct str value, const char *name)
{
	struct str stored = store_mem_get(&web_store, &web_workspace, STR("n"), STR("k"));

	tap_ok(str_eq(stored, value) && (stored.p == NULL) == (value.p == NULL), "%s", name);
}

void
web_expect_closed(struct web_peer *p, const char *name)
{
	web_converse(p);
	tap_ok(p->closed, "%s: closed", name);
}

/* The connection still serves. */
void
web_expect_alive(struct web_peer *p, const char *name)
{
	web_ask(p, "GET", "/livez", STR_ABSENT, WEB_KEEP);
	web_expect(p, 200, STR("ok"), name);
}

void
web_set_up(void)
{
	web_large = malloc(WEB_LIMIT + 1);
	if (web_large == NULL || !fcgi_conn_init() || !uuid_parse(STR(WEB_WORKSPACE), &web_workspace))
		tap_bail("set_up");
	for (uint32_t i = 0, x = 1; i <= WEB_LIMIT; i++, x = x * 1664525 + 1013904223)
		web_large[i] = (char)(x >> 24);
	arena_init(&lasting, CAP);
	buf_init(&web_body, SIZE_MAX);
	token = bearer(STR("{\"account\":\"2a6ed1a5-6f3a-4c0e-8d52-0d5f6b1f7c11\","
			   "\"workspace\":\"" WEB_WORKSPACE "\"}"),
	    &lasting)
		    .p;
	web_server.api = &api;
	web_context = (struct conn_context){ .loop = &loop, .server = &web_server, .store = &web_store.store };
	bearer_policy(&web_context.policy, NULL);
	buf_init(&web_context.head, CAP);
	request_log_open(&web_context.log, NULL);
	web_context.log.access_log = false;
}

void
web_tear_down(void)
{
	policy_free(&web_context.policy);
	buf_free(&web_context.head);
	request_log_close(&web_context.log);
	buf_free(&web_body);
	arena_free(&lasting);
	free(web_large);
}
