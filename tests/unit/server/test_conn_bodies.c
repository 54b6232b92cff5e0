/* SPDX-License-Identifier: EPL-2.0 */
/* Bodies of requests: taken, counted, dropped, or refused before they come. */
#include "lib/web.h"

#include <linux/sockios.h>
#include <sys/ioctl.h>
#include <sys/socket.h>

#include "base/clock.h"
#include "lib/tap.h"

#define FORBIDDEN "/api2/00000000-0000-4000-8000-000000000000/n/k"

static void
drops_unwanted_bodies(void)
{
	static const struct {
		const char *method, *uri;
		unsigned status;
		struct str text;
	} rows[] = {
		{ "PUT", FORBIDDEN, 403, TEXT("Workspace mismatch") },
		{ "PUT", "/nowhere", 404, TEXT("") },
		{ "POST", WEB_KEY, 405, TEXT("") },
		{ "GET", WEB_KEY, 404, TEXT("") },
		{ "DELETE", WEB_KEY, 404, TEXT("") },
		{ "PUT", "/api2/" WEB_WORKSPACE "/n/%zz", 400, TEXT("Malformed percent-encoding") },
	};

	web_begin(false);
	for (size_t i = 0; i < COUNT(rows); i++) {
		struct buf wire;
		struct web_peer p;

		web_dial(&p);
		buf_init(&wire, SIZE_MAX);
		web_put_begin(&wire, rows[i].method, rows[i].uri, 200000, WEB_KEEP);
		web_put_body(&wire, str_from(web_large, 200000));
		web_say(&p, buf_str(&wire));
		web_expect(&p, WEB_NO_REPLY, STR(""), "an unwanted body, before its end");
		buf_clear(&wire);
		web_put_record(&wire, FCGI_STDIN, STR(""));
		web_say(&p, buf_str(&wire));
		web_expect(&p, rows[i].status, rows[i].text, "an unwanted body, at its end");
		web_expect_alive(&p, "after an unwanted body");
		buf_free(&wire);
		web_hang_up(&p);
	}
	tap_int(web_store.count, 0, "unwanted bodies: nothing stored");
	web_end("unwanted bodies");
}

static void
counts_bodies(void)
{
	static const struct {
		const char *name;
		int64_t told;
		size_t sent;
		unsigned status;
		struct str text;
	} rows[] = {
		{ "none told, none sent", -1, 0, 204, TEXT("") },
		{ "none told, one byte sent", -1, 1, 400, TEXT("Malformed Content-Length") },
		{ "0 told, one byte sent", 0, 1, 400, TEXT("Malformed Content-Length") },
		{ "one byte too short", 100001, 100000, 400, TEXT("Malformed Content-Length") },
		{ "nothing of it", 100000, 0, 400, TEXT("Malformed Content-Length") },
		{ "one byte too long", 99999, 100000, 400, TEXT("Malformed Content-Length") },
		{ "a record too long", 32768, 65536, 400, TEXT("Malformed Content-Length") },
		{ "right", 100000, 100000, 204, TEXT("") },
		{ "the longest", WEB_LIMIT, WEB_LIMIT, 204, TEXT("") },
		{ "longer than the longest", WEB_LIMIT + 1, WEB_LIMIT + 1, 413, TEXT("payload reached size limit") },
		{ "longer than the longest, and shorter", WEB_LIMIT + 1, 10, 413, TEXT("payload reached size limit") },
		{ "the longest, and longer", WEB_LIMIT, WEB_LIMIT + 1, 400, TEXT("Malformed Content-Length") },
	};

	for (size_t i = 0; i < COUNT(rows); i++) {
		struct buf wire;
		struct web_peer p;

		web_begin(false);
		web_dial(&p);
		buf_init(&wire, SIZE_MAX);
		web_put_begin(&wire, "PUT", WEB_KEY, rows[i].told, WEB_KEEP);
		web_put_body(&wire, str_from(web_large, rows[i].sent));
		web_put_record(&wire, FCGI_STDIN, STR(""));
		web_say(&p, buf_str(&wire));
		web_expect(&p, rows[i].status, rows[i].text, rows[i].name);
		web_expect_stored(rows[i].status == 204 ? str_from(web_large, rows[i].sent) : STR_ABSENT, rows[i].name);
		web_expect_alive(&p, rows[i].name);
		buf_free(&wire);
		web_hang_up(&p);
		web_end(rows[i].name);
	}
}

/* Half a body, then an abort, nonsense, or nothing: nothing is stored. */
static void
stores_no_half_bodies(void)
{
	static const enum fcgi_record_type ends[] = { FCGI_ABORT_REQUEST, FCGI_BEGIN_REQUEST, FCGI_PARAMS };

	for (size_t i = 0; i <= COUNT(ends); i++) {
		struct buf wire;
		struct web_peer p;

		web_begin(false);
		web_dial(&p);
		buf_init(&wire, SIZE_MAX);
		web_put_begin(&wire, "PUT", WEB_KEY, 10, WEB_KEEP);
		web_put_body(&wire, STR("1234567890"));
		if (i < COUNT(ends))
			web_put_record(&wire, ends[i], STR(""));
		web_say(&p, buf_str(&wire));
		tap_ok(atomic_load(&web_server.body_bytes) == (i < COUNT(ends) ? 0 : 10),
		    "half a body: its bytes of the budget");
		if (i < COUNT(ends))
			web_expect_closed(&p, "half a body and something else");
		web_hang_up(&p);
		web_expect_stored(STR_ABSENT, "half a body: not stored");
		buf_free(&wire);
		web_end("half a body");
	}
}

/* All bodies together keep within the budget; who comes too late is told so, and may come again. */
static void
keeps_within_the_budget(void)
{
	struct buf wire;
	struct web_peer first, second;

	web_begin(false);
	web_server.body_budget = 100;
	web_dial(&first);
	web_dial(&second);
	buf_init(&wire, SIZE_MAX);
	web_put_begin(&wire, "PUT", WEB_KEY, 60, WEB_KEEP);
	web_say(&first, buf_str(&wire));
	tap_int(atomic_load(&web_server.body_bytes), 60, "a body has its bytes of the budget before it arrives");
	web_ask(&second, "PUT", WEB_KEY, str_from(web_large, 41), WEB_KEEP);
	web_expect(&second, 503, STR("Too many request bodies at once"), "a body beyond the budget");
	web_ask(&second, "PUT", WEB_KEY, str_from(web_large, 40), WEB_KEEP);
	web_expect(&second, 204, STR(""), "a body within the budget");
	buf_clear(&wire);
	web_put_body(&wire, str_from(web_large, 60));
	web_put_record(&wire, FCGI_STDIN, STR(""));
	web_say(&first, buf_str(&wire));
	web_expect(&first, 204, STR(""), "the first body");
	web_ask(&second, "PUT", WEB_KEY, str_from(web_large, 100), WEB_KEEP);
	web_expect(&second, 204, STR(""), "all of the budget");
	buf_free(&wire);
	web_hang_up(&first);
	web_hang_up(&second);
	web_end("budget");
}

static void
ask_batch(struct web_peer *p, const char *operations, unsigned status, const char *name)
{
	struct buf body;

	buf_init(&body, SIZE_MAX);
	buf_printf(&body, "{\"operations\":[{\"op\":\"get\",\"key\":\"k\"}%s]}", operations);
	web_ask(p, "POST", WEB_LIST, buf_str(&body), WEB_KEEP);
	buf_free(&body);
	web_pump();
	if (status != 0) {
		web_converse(p);
		tap_int(web_take_reply(p), status, "%s", name);
	}
}

/* The answers of batches that nobody reads take their part of the same budget. */
static void
counts_answers_of_batches(void)
{
	const size_t value = 90000, answer = value / 3 * 4;
	struct web_peer slow, other;
	size_t held;

	web_begin(false);
	web_server.body_budget = 300000;
	web_dial_small(&slow, 4096);
	web_dial_small(&other, 4096);
	web_ask(&other, "PUT", WEB_KEY, str_from(web_large, value), WEB_KEEP);
	web_expect(&other, 204, STR(""), "a value for batches");
	ask_batch(&slow, "", 0, "a batch whose answer is not read");
	held = atomic_load(&web_server.body_bytes);
	tap_ok(held > answer && held < answer + 200, "an answer that is not read has its bytes of the budget");
	ask_batch(&other, "", 200, "another within the budget");
	tap_int(atomic_load(&web_server.body_bytes), held, "has none any more when it was read");
	web_server.body_budget = held + answer;
	ask_batch(&other, "", 503, "one beyond the budget");
	tap_text(buf_str(&web_body), STR("Too many request bodies at once"), "says so");
	tap_int(atomic_load(&web_server.body_bytes), held, "and takes nothing");
	ask_batch(&other, ",{\"op\":\"put\",\"key\":\"l\",\"value\":\"\"}", 200, "one that has written is answered");
	web_converse(&slow);
	tap_int(web_take_reply(&slow), 200, "the first one");
	tap_int(web_body.n, held, "is complete");
	ask_batch(&other, "", 200, "then there is room");
	web_hang_up(&other);
	ask_batch(&slow, "", 0, "a peer that leaves");
	web_hang_up(&slow);
	web_end("answers of batches");
}

/* Sends n bytes of body in records, in steps of 1 MiB. */
static void
flood(struct web_peer *p, size_t n)
{
	struct buf wire;

	buf_init(&wire, SIZE_MAX);
	web_put_body(&wire, str_from(web_large, 1 << 20));
	for (; n > 0; n -= 1 << 20) {
		web_say(p, buf_str(&wire));
		web_receive(p, SIZE_MAX);
	}
	buf_free(&wire);
}

/* What is dropped counts for one request. */
static void
drops_long_bodies(void)
{
	struct buf wire;
	struct web_peer p;

	web_begin(false);
	web_dial(&p);
	buf_init(&wire, SIZE_MAX);
	for (int i = 0; i < 2; i++) {
		buf_clear(&wire);
		web_put_begin(&wire, "PUT", FORBIDDEN, CONN_DROP_MAX, WEB_KEEP);
		web_say(&p, buf_str(&wire));
		flood(&p, CONN_DROP_MAX);
		buf_clear(&wire);
		web_put_record(&wire, FCGI_STDIN, STR(""));
		web_say(&p, buf_str(&wire));
		web_expect(&p, 403, STR("Workspace mismatch"), "a long unwanted body");
	}
	buf_free(&wire);
	web_hang_up(&p);
	web_end("long unwanted bodies");
}

/* Without a token little is dropped before the answer. */
static void
answers_anonymous_early(void)
{
	struct buf wire;
	struct web_peer p;

	web_begin(false);
	web_dial(&p);
	buf_init(&wire, SIZE_MAX);
	web_put_begin(&wire, "PUT", WEB_KEY, 1000000, WEB_KEEP | WEB_ANONYMOUS);
	web_put_body(&wire, STR("the first bytes"));
	web_say(&p, buf_str(&wire));
	web_expect(&p, WEB_NO_REPLY, STR(""), "a body without a token, as far as it is dropped");
	flood(&p, 1 << 20);
	web_expect(&p, 401, STR("NoAuthToken"), "a body without a token");
	web_expect_closed(&p, "a body without a token");
	buf_free(&wire);
	web_hang_up(&p);
	web_end("a body without a token");
}

/* FastCGI 6.3: asked in front of a request with a body, which the authorizer never sees. */
static void
authorizes(void)
{
	static const struct {
		const char *method, *uri;
		int flags;
		unsigned status;
		struct str body;
	} rows[] = {
		{ "PUT", WEB_KEY, WEB_KEEP, 200, TEXT("") },
		{ "PUT", FORBIDDEN, WEB_KEEP, 200, TEXT("") },
		{ "PUT", WEB_KEY, WEB_KEEP | WEB_ANONYMOUS, 401, TEXT("NoAuthToken") },
		{ "PUT", "/status", WEB_KEEP, 413, TEXT("payload reached size limit") },
		{ "PUT", "/nowhere", WEB_KEEP, 404, TEXT("") },
	};

	for (size_t i = 0; i < COUNT(rows); i++) {
		struct buf wire;
		struct web_peer p;

		web_begin(false);
		web_dial(&p);
		buf_init(&wire, SIZE_MAX);
		web_put_begin(&wire, rows[i].method, rows[i].uri, 1000000, rows[i].flags | WEB_AUTHORIZER);
		web_say(&p, buf_str(&wire));
		web_expect(&p, rows[i].status, rows[i].body, "an authorizer's request");
		web_expect_stored(STR_ABSENT, "an authorizer stores nothing");
		web_ask(&p, "PUT", WEB_KEY, STR("stored"), WEB_KEEP);
		web_expect(&p, 204, STR(""), "the request behind it");
		buf_free(&wire);
		web_hang_up(&p);
		web_end("an authorizer");
	}
}

/* A body that does not end is answered early; what comes behind is no request any more. */
static void
answers_early(bool patient)
{
	struct buf wire;
	struct web_peer p;

	web_begin(false);
	web_dial(&p);
	buf_init(&wire, SIZE_MAX);
	web_put_begin(&wire, "PUT", WEB_KEY, 999999999999, WEB_KEEP);
	web_say(&p, buf_str(&wire));
	flood(&p, CONN_DROP_MAX);
	web_expect(&p, WEB_NO_REPLY, STR(""), "an endless body, as far as it is dropped");
	flood(&p, 1 << 20);
	web_expect(&p, 413, STR("payload reached size limit"), "an endless body");
	web_expect_closed(&p, "an endless body");
	tap_int(web_context.count, 1, "an endless body: the connection stays to be read");
	flood(&p, 1 << 20);
	web_ask(&p, "PUT", WEB_KEY, STR("smuggled"), WEB_KEEP);
	web_expect_stored(STR_ABSENT, "an endless body: nothing behind it is a request");
	if (patient) {
		web_check_deadlines_early(4 * CLOCK_S, false);
		tap_int(web_context.count, 1, "an endless body: the peer has some time");
		web_check_deadlines(6 * CLOCK_S, false);
		tap_int(web_context.count, 0, "an endless body: but not for ever");
	}
	buf_free(&wire);
	web_hang_up(&p);
	web_end("an endless body");
}

/* Sends the bytes again and again until the socket takes no more; returns how much it holds. */
static int
fill_socket(const struct web_peer *p, struct str s)
{
	int n = 0;

	while (send(p->fd, s.p, s.n, MSG_NOSIGNAL) == (ssize_t)s.n)
		;
	return ioctl(p->fd, SIOCOUTQ, &n) == 0 ? n : -1;
}

/* A peer that never pauses is read in turns: others are served between them. */
static void
reads_in_turns(bool early)
{
	const int size = 1 << 20;
	struct buf wire;
	struct web_peer p, other;
	int held, left = 0;

	web_begin(false);
	web_dial(&p);
	web_dial(&other);
	if (setsockopt(p.fd, SOL_SOCKET, SO_SNDBUF, &size, sizeof(size)) != 0)
		tap_bail("setsockopt");
	buf_init(&wire, SIZE_MAX);
	web_put_begin(&wire, "PUT", WEB_KEY, 999999999999, WEB_KEEP);
	web_say(&p, buf_str(&wire));
	if (early) {
		flood(&p, CONN_DROP_MAX);
		flood(&p, 1 << 20);
		web_expect(&p, 413, STR("payload reached size limit"), "a peer that does not pause");
	}
	buf_clear(&wire);
	web_put_record(&wire, FCGI_STDIN, str_from(web_large, 4088));
	held = fill_socket(&p, buf_str(&wire));
	web_turn();
	(void)ioctl(p.fd, SIOCOUTQ, &left);
	tap_ok(left > 0 && left < held, "a part of what has arrived is read, and then it is the others' turn");
	web_ask(&other, "GET", "/livez", STR_ABSENT, WEB_KEEP);
	web_expect(&other, 200, STR("ok"), "one of them");
	(void)ioctl(p.fd, SIOCOUTQ, &left);
	tap_int(left, 0, "the rest is read as well");
	buf_free(&wire);
	web_hang_up(&p);
	web_hang_up(&other);
	web_end("in turns");
}

int
main(void)
{
	web_set_up();
	drops_unwanted_bodies();
	counts_bodies();
	stores_no_half_bodies();
	keeps_within_the_budget();
	counts_answers_of_batches();
	drops_long_bodies();
	answers_anonymous_early();
	authorizes();
	answers_early(true);
	answers_early(false);
	reads_in_turns(true);
	reads_in_turns(false);
	web_tear_down();
	return tap_end();
}
