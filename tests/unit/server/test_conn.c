/* SPDX-License-Identifier: EPL-2.0 */
#include "lib/web.h"

#include <stdio.h>
#include <sys/socket.h>
#include <unistd.h>

#include "lib/tap.h"

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
