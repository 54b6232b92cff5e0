/* SPDX-License-Identifier: EPL-2.0 */
#include "lib/web.h"

#include <stdio.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/clock.h"
#include "lib/tap.h"

#define FORBIDDEN "/api2/00000000-0000-4000-8000-000000000000/n/k"

/* --- one request, however it arrives --- */

static void
in_bytes(void)
{
	struct buf put = web_wire("PUT", WEB_KEY, STR("value"), WEB_KEEP),
		   get = web_wire("GET", WEB_KEY, STR_ABSENT, WEB_KEEP);
	struct web_peer p;

	web_begin(false);
	web_dial(&p);
	for (size_t i = 0; i < put.n; i++) {
		if (web_take_reply(&p) != WEB_NO_REPLY || web_store.submitted > 0)
			break;
		web_say(&p, str_from(put.p + i, 1));
		web_receive(&p, SIZE_MAX);
	}
	web_expect(&p, 204, STR(""), "PUT byte by byte");
	for (size_t i = 0; i < get.n; i++)
		web_say(&p, str_from(get.p + i, 1));
	web_expect(&p, 200, STR("value"), "GET byte by byte");
	web_hang_up(&p);
	web_end("byte by byte");
	buf_free(&put);
	buf_free(&get);
}

static void
in_two_pieces(void)
{
	struct buf put = web_wire("PUT", WEB_KEY, STR("value"), WEB_KEEP);
	size_t at = 0;

	web_begin(false);
	while (at <= put.n) {
		struct web_peer p;
		unsigned status;

		web_dial(&p);
		web_say(&p, str_first(buf_str(&put), at));
		web_say(&p, str_skip(buf_str(&put), at));
		web_converse(&p);
		status = web_take_reply(&p);
		web_hang_up(&p);
		if (status != 204)
			break;
		at++;
	}
	tap_int(at, put.n + 1, "PUT in two pieces, cut everywhere");
	web_end("two pieces");
	buf_free(&put);
}

static void
keeps_or_closes(void)
{
	struct web_peer p;

	web_begin(false);
	web_dial(&p);
	web_ask(&p, "PUT", WEB_KEY, STR("1"), WEB_KEEP);
	web_expect(&p, 204, STR(""), "first of a kept connection");
	web_ask(&p, "GET", WEB_KEY, STR_ABSENT, WEB_KEEP);
	web_expect(&p, 200, STR("1"), "second of a kept connection");
	tap_ok(!p.closed, "kept");
	web_ask(&p, "GET", WEB_KEY, STR_ABSENT, 0);
	web_expect(&p, 200, STR("1"), "third, the last one");
	web_expect_closed(&p, "not kept");
	web_hang_up(&p);
	web_dial(&p);
	web_ask(&p, "DELETE", WEB_KEY, STR_ABSENT, 0);
	web_expect(&p, 204, STR(""), "the only one of a connection");
	web_expect_closed(&p, "the only one");
	web_hang_up(&p);
	web_end("kept or not");
}

/* --- pipelined requests: one at a time, in order --- */

/* Sends three requests in two pieces; true: they were stored and answered one after the other. */
static bool
one_after_the_other(struct str wire, size_t at)
{
	struct web_peer p;
	bool good = true;

	web_store.submitted = 0;
	web_dial(&p);
	web_say(&p, str_first(wire, at));
	web_say(&p, str_skip(wire, at));
	for (unsigned i = 1; i <= 3; i++) {
		web_receive(&p, SIZE_MAX);
		good = good && web_store.submitted == i && (i > 1 || p.got.n == 0) && store_mem_step(&web_store);
	}
	web_converse(&p);
	good = good && web_take_reply(&p) == 204 && web_take_reply(&p) == 204 && web_take_reply(&p) == 200 &&
	    str_eq(buf_str(&web_body), STR("2")) && p.got.n == 0;
	web_hang_up(&p);
	return good;
}

static void
waits_its_turn(void)
{
	struct buf wire = web_wire("PUT", WEB_KEY, STR("1"), WEB_KEEP);
	size_t at = 0;

	web_begin(true);
	web_put_request(&wire, "PUT", WEB_KEY, STR("2"), WEB_KEEP);
	web_put_request(&wire, "GET", WEB_KEY, STR_ABSENT, WEB_KEEP);
	while (at <= wire.n && one_after_the_other(buf_str(&wire), at))
		at += 3;
	tap_ok(at > wire.n, "three requests at once, cut everywhere: one after the other");
	buf_free(&wire);
	web_end("pipelined");
}

/* With a store that answers at once they are all answered in one iteration. */
static void
answers_all_at_once(void)
{
	struct buf wire;
	struct web_peer p;

	web_begin(false);
	web_dial(&p);
	buf_init(&wire, SIZE_MAX);
	for (int i = 0; i < 100; i++)
		web_put_request(&wire, "PUT", WEB_KEY, str_from(web_large + i, 100), WEB_KEEP);
	web_put_request(&wire, "GET", WEB_KEY, STR_ABSENT, 0);
	web_say(&p, buf_str(&wire));
	buf_free(&wire);
	web_converse(&p);
	for (int i = 0; i < 100; i++)
		if (web_take_reply(&p) != 204)
			tap_bail("a hundred at once: one is missing");
	web_expect(&p, 200, str_from(web_large + 99, 100), "a hundred at once: the last");
	web_expect_closed(&p, "a hundred at once");
	web_hang_up(&p);
	web_end("a hundred at once");
}

/* A peer that sends more than we keep of requests that come before their time waits in the kernel. */
static void
holds_no_more_than_it_must(void)
{
	struct buf wire = web_wire("PUT", WEB_KEY, STR("first"), WEB_KEEP);
	struct web_peer p;

	web_begin(true);
	web_dial(&p);
	web_put_request(&wire, "PUT", WEB_KEY, str_from(web_large, 150000), WEB_KEEP);
	for (struct str left = buf_str(&wire); left.n > 0;) {
		ssize_t n = send(p.fd, left.p, left.n, MSG_NOSIGNAL);

		web_pump();
		if (n > 0)
			left = str_skip(left, (size_t)n);
		else if (!store_mem_step(&web_store))
			tap_bail("nobody reads");
	}
	buf_free(&wire);
	while (store_mem_step(&web_store))
		web_pump();
	web_expect(&p, 204, STR(""), "before a long one");
	web_pump();
	while (store_mem_step(&web_store))
		web_pump();
	web_expect(&p, 204, STR(""), "a long one that had to wait");
	web_expect_stored(str_from(web_large, 150000), "a long one that had to wait: stored");
	web_hang_up(&p);
	web_end("had to wait");
}

/* --- bodies --- */

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

/* --- peers that leave --- */

/* At every byte of a request; nothing is stored unless all of it has come. */
static void
leaves_everywhere(const char *method, const char *uri, struct str value, bool slow)
{
	struct buf wire = web_wire(method, uri, value, WEB_KEEP);
	size_t at = 0, wrong = 0;

	web_begin(slow);
	for (; at <= wire.n; at++) {
		struct web_peer p;

		web_store.submitted = 0;
		web_dial(&p);
		web_say(&p, str_first(buf_str(&wire), at));
		web_hang_up(&p);
		while (store_mem_step(&web_store))
			web_pump();
		web_pump();
		wrong += web_context.count != 0 || web_store.submitted != (at == wire.n ? 1 : 0);
	}
	tap_int(wrong, 0, "%s: a peer that leaves after any of %zu bytes", method, at - 1);
	buf_free(&wire);
	web_end("leaving");
}

/* A peer that leaves while its request is parked: the write happens, the answer goes nowhere. */
static void
leaves_while_parked(void)
{
	struct web_peer p;

	web_begin(true);
	web_dial(&p);
	web_ask(&p, "PUT", WEB_KEY, STR("value"), WEB_KEEP);
	web_hang_up(&p);
	tap_int(web_context.count, 1, "left while parked: the connection waits for the store");
	web_check_deadlines(INT64_MAX / 2, true);
	tap_int(web_context.count, 1, "left while parked: whatever the time");
	tap_ok(store_mem_step(&web_store), "left while parked: the store ends");
	web_pump();
	tap_int(web_context.count, 0, "left while parked: then it is gone");
	web_expect_stored(STR("value"), "left while parked: the write has happened");
	web_end("left while parked");
}

/* --- the log --- */

/* What went to stderr since then. */
static struct str
logged(FILE *file, char *text, size_t size)
{
	rewind(file);
	return str_from(text, fread(text, 1, size, file));
}

static size_t
occurrences(struct str text, const char *word)
{
	size_t n = 0;

	for (const char *p; (p = memmem(text.p, text.n, word, strlen(word))) != NULL; n++)
		text = str_skip(text, (size_t)(p - text.p) + 1);
	return n;
}

/* One line for each, whether it is answered, answered early, or left. */
static void
logs_requests(void)
{
	static char text[65536];
	FILE *file = tmpfile();
	int stderr_fd = dup(STDERR_FILENO);
	struct buf half = web_wire("PUT", WEB_KEY, STR("value"), WEB_KEEP);
	struct web_peer p;
	struct str log;

	if (file == NULL || stderr_fd < 0 || dup2(fileno(file), STDERR_FILENO) < 0)
		tap_bail("stderr");
	web_begin(false);
	web_context.log.access_log = true;
	web_dial(&p);
	web_ask(&p, "PUT", WEB_KEY, STR("value"), WEB_KEEP);
	web_ask(&p, "GET", WEB_KEY, STR_ABSENT, WEB_KEEP);
	web_ask(&p, "GET", WEB_LIST, STR_ABSENT, WEB_KEEP);
	web_ask(&p, "GET", "/nowhere", STR_ABSENT, WEB_KEEP);
	web_say(&p, str_first(buf_str(&half), half.n - 10));
	web_hang_up(&p);
	request_log_flush(&web_context.log);
	web_context.log.access_log = false;
	(void)dup2(stderr_fd, STDERR_FILENO);
	log = logged(file, text, sizeof(text));
	tap_int(occurrences(log, "\n"), 5, "a line for each request");
	tap_int(occurrences(log, "request_id=\"" WEB_REQUEST_ID "\" "), 5, "with the client's name for it");
	tap_ok(occurrences(log, "status=204") == 1 && occurrences(log, "status=200") == 2 &&
		occurrences(log, "status=404") == 1 && occurrences(log, "status=499") == 1,
	    "with its status");
	tap_ok(occurrences(log, "value") == 0 && occurrences(log, "/n/k") == 0, "without keys and values");
	(void)close(stderr_fd);
	(void)fclose(file);
	buf_free(&half);
	web_end("log");
}

/* --- what is no request --- */

static void
manages(void)
{
	static const char record[] = "\1\x09\0\0\0\x10\0\0\x0e\0FCGI_MAX_CONNS";
	struct web_peer p;
	struct buf wire;

	web_begin(false);
	web_dial(&p);
	for (int i = 0; i < 5; i++)
		web_say(&p, str_from(record, sizeof(record) - 1));
	web_receive(&p, SIZE_MAX);
	tap_int(p.got.n, 5 * 16, "GET_VALUES is answered");
	buf_clear(&p.got);
	web_expect_alive(&p, "after GET_VALUES");
	web_hang_up(&p);

	/* Who asks and asks and reads no answer must go, before the answers fill the memory. */
	web_dial_small(&p, 1);
	buf_init(&wire, SIZE_MAX);
	for (int i = 0; i < 10000; i++)
		buf_put(&wire, record, sizeof(record) - 1);
	web_say(&p, buf_str(&wire));
	tap_int(web_context.count, 0, "who reads no answers is dropped");
	buf_free(&wire);
	web_hang_up(&p);
	web_end("management");
}

static void
refuses_nonsense(void)
{
	static const struct str rows[] = { TEXT("GET / HTTP/1.1\r\n\r\n"), TEXT("\0\0\0\0\0\0\0\0"),
		TEXT("\1\4\0\1\0\0\0\0"), TEXT("\x16\3\1\0\x80\1\0\0\x7c") };

	web_begin(false);
	for (size_t i = 0; i < COUNT(rows); i++) {
		struct web_peer p;

		web_dial(&p);
		web_say(&p, rows[i]);
		web_expect_closed(&p, "nonsense");
		tap_int(p.got.n, 0, "nonsense gets no answer");
		web_hang_up(&p);
	}
	web_end("nonsense");
}

static void
refuses_roles(void)
{
	static const char filter[] = "\1\1\0\1\0\x08\0\0\0\3\1\0\0\0\0\0";
	static const char unknown_role[] = "\1\3\0\1\0\x08\0\0\0\0\0\0\3\0\0\0";
	struct web_peer p;

	web_begin(false);
	web_dial(&p);
	web_say(&p, str_from(filter, sizeof(filter) - 1));
	web_expect_closed(&p, "another role");
	tap_text(buf_str(&p.got), str_from(unknown_role, sizeof(unknown_role) - 1), "another role is refused by name");
	web_hang_up(&p);
	web_end("another role");
}

/* An abort that crosses with the answer. */
static void
ignores_late_aborts(void)
{
	struct web_peer p;

	web_begin(false);
	web_dial(&p);
	web_say(&p, STR("\1\2\0\1\0\0\0\0"));
	web_expect_alive(&p, "after an abort of nothing");
	web_say(&p, STR("\1\2\0\1\0\0\0\0"));
	web_expect_alive(&p, "after an abort of what was answered");
	web_hang_up(&p);
	web_end("a late abort");
}

int
main(void)
{
	web_set_up();
	in_bytes();
	in_two_pieces();
	keeps_or_closes();
	waits_its_turn();
	answers_all_at_once();
	holds_no_more_than_it_must();
	drops_unwanted_bodies();
	counts_bodies();
	stores_no_half_bodies();
	keeps_within_the_budget();
	drops_long_bodies();
	answers_anonymous_early();
	authorizes();
	answers_early(true);
	answers_early(false);
	leaves_everywhere("PUT", WEB_KEY, STR("value"), false);
	leaves_everywhere("PUT", WEB_KEY, STR("value"), true);
	leaves_everywhere("GET", WEB_LIST, STR_ABSENT, true);
	leaves_while_parked();
	logs_requests();
	manages();
	refuses_nonsense();
	refuses_roles();
	ignores_late_aborts();
	web_tear_down();
	return tap_end();
}
