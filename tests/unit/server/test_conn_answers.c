/* SPDX-License-Identifier: EPL-2.0 */
#include "lib/web.h"

#include <stdio.h>
#include <sys/socket.h>

#include "base/clock.h"
#include "lib/tap.h"

/* --- answers that the peer takes its time over --- */

static void
put_large(size_t n)
{
	store_mem_put(&web_store, &web_workspace, STR("n"), STR("k"), str_from(web_large, n));
}

static void
writes_slowly(bool keeps_memory)
{
	static const size_t sizes[] = { 16383, 16384, 65527, 65528, 65529, 131056, 131057, 600000, WEB_LIMIT };
	struct web_peer p;

	web_begin(false);
	web_store.keeps_memory = keeps_memory;
	web_dial_small(&p, 1);
	for (size_t i = 0; i < COUNT(sizes); i++) {
		size_t most = 0;

		put_large(sizes[i]);
		web_ask(&p, "GET", WEB_KEY, STR_ABSENT, WEB_KEEP);
		web_ask(&p, "GET", "/livez", STR_ABSENT, WEB_KEEP);
		for (size_t before = SIZE_MAX; p.got.n != before;) {
			before = p.got.n;
			web_receive(&p, 1000 + i * 777);
			web_pump();
			if (p.got.n - before > most)
				most = p.got.n - before;
		}
		web_expect(&p, 200, str_from(web_large, sizes[i]), "a slow reader");
		web_expect(&p, 200, STR("ok"), "a slow reader: what it had asked meanwhile");
		tap_ok(most < sizes[i], "a slow reader: in pieces");
	}
	web_hang_up(&p);
	web_end("a slow reader");
}

/* A value on its way is the one that was read, whatever becomes of the key. */
static void
lends_values(void)
{
	struct web_peer p, q;

	web_begin(false);
	web_dial_small(&p, 1);
	web_dial(&q);
	put_large(WEB_LIMIT);
	web_ask(&p, "GET", WEB_KEY, STR_ABSENT, 0);
	web_receive(&p, 5000);
	web_pump();
	web_ask(&q, "PUT", WEB_KEY, STR("small"), WEB_KEEP);
	web_expect(&q, 204, STR(""), "another write, meanwhile");
	web_ask(&q, "GET", WEB_KEY, STR_ABSENT, WEB_KEEP);
	web_expect(&q, 200, STR("small"), "another read, meanwhile");
	web_expect(&p, 200, str_from(web_large, WEB_LIMIT), "the value as it was");
	web_expect_closed(&p, "the value as it was");
	web_hang_up(&p);
	web_hang_up(&q);
	web_end("lent values");
}

static void
leaves_while_writing(void)
{
	struct web_peer p;

	web_begin(false);
	put_large(WEB_LIMIT);
	for (size_t n = 0; n < 100000; n += 7777) {
		web_dial_small(&p, 1);
		web_ask(&p, "GET", WEB_KEY, STR_ABSENT, WEB_KEEP);
		web_receive(&p, n);
		web_pump();
		web_hang_up(&p);
		if (web_context.count > 0)
			break;
	}
	tap_int(web_context.count, 0, "peers that leave in the midst of an answer");
	web_dial_small(&p, 1);
	web_ask(&p, "GET", WEB_KEY, STR_ABSENT, WEB_KEEP);
	web_check_deadlines_early(WEB_TIMEOUT / 2, true);
	tap_int(web_context.count, 1, "a peer that stops reading has time");
	web_check_deadlines(WEB_TIMEOUT + CLOCK_S, false);
	tap_int(web_context.count, 0, "but not for ever");
	web_hang_up(&p);
	web_end("leaving while writing");
}

/* --- lists --- */

#define KEYS 20000

/* A list of about 700 KB. */
static void
fill_list(void)
{
	char key[64];

	for (int i = 0; i < KEYS; i++) {
		int n = snprintf(key, sizeof(key), "key-%05d-0123456789-0123456789", i);

		store_mem_put(&web_store, &web_workspace, STR("n"), str_from(key, (size_t)n), STR("x"));
	}
}

/* The text that a list of fill_list() has, in a stream's order of members. */
static struct buf
list_text(void)
{
	struct buf text;

	buf_init(&text, SIZE_MAX);
	buf_puts(&text, STR("{\"workspace\":\"" WEB_WORKSPACE "\",\"namespace\":\"n\",\"keys\":["));
	for (int i = 0; i < KEYS; i++)
		buf_printf(&text, "%s\"key-%05d-0123456789-0123456789\"", i > 0 ? "," : "", i);
	buf_printf(&text, "],\"count\":%d}", KEYS);
	return text;
}

static void
streams(void)
{
	struct buf text = list_text();
	struct web_peer p;

	web_begin(false);
	fill_list();
	web_dial(&p);
	web_ask(&p, "GET", WEB_LIST, STR_ABSENT, WEB_KEEP);
	web_expect(&p, 200, buf_str(&text), "a long list");
	tap_ok(web_store.submitted > 2, "a long list is read in pages");
	web_store.submitted = 0;
	web_ask(&p, "HEAD", WEB_LIST, STR_ABSENT, WEB_KEEP);
	web_expect(&p, 200, STR(""), "HEAD of a long list");
	tap_int(web_store.submitted, 1, "HEAD of a long list reads one page");
	web_ask(&p, "GET", WEB_LIST "?limit=1", STR_ABSENT, WEB_KEEP);
	web_expect(&p, 200,
	    STR("{\"workspace\":\"" WEB_WORKSPACE "\",\"namespace\":\"n\",\"count\":1,\"keys\":"
		"[\"key-00000-0123456789-0123456789\"],"
		"\"cursor\":\"ka2V5LTAwMDAwLTAxMjM0NTY3ODktMDEyMzQ1Njc4OQ\"}"),
	    "a short list");
	web_ask(&p, "GET", WEB_LIST, STR_ABSENT, 0);
	web_expect(&p, 200, buf_str(&text), "a long list and an end");
	web_expect_closed(&p, "a long list and an end");
	web_hang_up(&p);

	web_hang_up(&p);
	web_end("lists");
	buf_free(&text);
}

/* A reader that is slower than the deadline allows, but moves; the store is asked only as it reads. */
static void
reads_slowly(void)
{
	struct buf text = list_text();
	struct web_peer p;
	unsigned rounds = 0, held = 0;

	web_begin(false);
	fill_list();
	web_dial_small(&p, 1);
	web_ask(&p, "GET", WEB_LIST, STR_ABSENT, WEB_KEEP);
	web_ask(&p, "GET", "/livez", STR_ABSENT, WEB_KEEP);
	tap_ok(web_store.submitted <= 2, "a slow reader: asks the store for no more than fits");
	for (size_t before = SIZE_MAX; p.got.n != before; rounds++) {
		held += web_store.lists != NULL;
		before = p.got.n;
		web_receive(&p, 10000);
		web_check_deadlines(WEB_TIMEOUT + CLOCK_S, false);
	}
	tap_ok(rounds > 40, "a slow reader: in %u rounds, each longer than the deadline", rounds);
	tap_int(held, 0, "a slow reader: holds no list of the store");
	web_expect(&p, 200, buf_str(&text), "a slow reader's list");
	web_expect(&p, 200, STR("ok"), "what it had asked meanwhile");
	web_ask(&p, "GET", WEB_LIST, STR_ABSENT, WEB_KEEP);
	web_check_deadlines(WEB_TIMEOUT + CLOCK_S, false);
	tap_int(web_context.count, 0, "a reader that does not move is cut");
	web_hang_up(&p);

	store_mem_put(&web_store, &web_workspace, STR("n"), STR("k"), str_from(web_large, WEB_LIMIT));
	web_dial_small(&p, 1);
	web_ask(&p, "GET", WEB_KEY, STR_ABSENT, WEB_KEEP);
	for (size_t before = SIZE_MAX; p.got.n != before;) {
		before = p.got.n;
		web_receive(&p, 20000);
		web_check_deadlines(WEB_TIMEOUT + CLOCK_S, false);
	}
	web_expect(&p, 200, str_from(web_large, WEB_LIMIT), "a slow reader's value");
	web_hang_up(&p);
	web_end("slow readers");
	buf_free(&text);
}

/* Pieces that come while an earlier one waits for the peer go behind it. */
static void
keeps_pieces_in_order(void)
{
	struct buf text = list_text();
	struct web_peer p;

	web_begin(false);
	fill_list();
	web_store.list_portion = 1100; /* about a piece */
	web_dial_small(&p, 1);
	web_ask(&p, "GET", WEB_LIST, STR_ABSENT, WEB_KEEP);
	for (int i = 0; i < KEYS / 20; i++) {
		web_receive(&p, 20000);
		(void)store_mem_step(&web_store);
		web_pump();
	}
	web_expect(&p, 200, buf_str(&text), "a list that comes bit by bit");
	web_hang_up(&p);
	web_dial(&p);
	web_ask(&p, "GET", WEB_LIST, STR_ABSENT, WEB_KEEP);
	tap_ok(web_store.lists != NULL, "a list on its way");
	web_hang_up(&p);
	tap_ok(web_context.count == 0 && web_store.lists == NULL, "a list on its way whose reader leaves");
	web_end("bit by bit");
	buf_free(&text);
}

static void
leaves_a_list(void)
{
	struct web_peer p;

	web_begin(false);
	fill_list();
	for (size_t n = 0; n < 300000; n += 33333) {
		web_dial_small(&p, 1);
		web_ask(&p, "GET", WEB_LIST, STR_ABSENT, WEB_KEEP);
		for (size_t got = 0; got < n; got += 1000) {
			web_receive(&p, 1000);
			web_pump();
		}
		web_hang_up(&p);
		if (web_context.count > 0 || web_store.lists != NULL)
			break;
	}
	tap_ok(web_context.count == 0 && web_store.lists == NULL, "peers that leave in the midst of a list");
	tap_int(web_store.cancelled, 0, "the store had nothing to cancel: they had not read what was there");
	web_dial_small(&p, 1);
	web_ask(&p, "GET", WEB_LIST, STR_ABSENT, WEB_KEEP);
	web_check_deadlines_early(WEB_TIMEOUT / 2, true);
	tap_int(web_context.count, 1, "a peer that stops reading a list has time");
	web_check_deadlines(WEB_TIMEOUT + CLOCK_S, false);
	tap_ok(web_context.count == 0 && web_store.lists == NULL, "but not for ever");
	web_hang_up(&p);
	web_end("leaving a list");

	web_begin(true);
	web_dial(&p);
	web_ask(&p, "GET", WEB_LIST, STR_ABSENT, WEB_KEEP);
	web_hang_up(&p);
	tap_ok(web_context.count == 0 && web_store.waiting == NULL, "a peer that leaves before its list has begun");
	web_end("leaving before a list");
}

/*
 * A store that fails in the midst.  Where keys had come the list goes on behind
 * them; where none come, and the answer has begun, only its missing end can tell.
 */
static void
breaks_lists(void)
{
	struct buf text = list_text();
	struct web_peer p;

	web_begin(false);
	fill_list();
	web_dial(&p);
	web_store.outcome = STORE_UNAVAILABLE;
	web_ask(&p, "GET", WEB_LIST, STR_ABSENT, WEB_KEEP);
	web_expect(&p, 503, STR("Database unavailable"), "a list that fails before it has begun");
	web_store.outcome = STORE_DONE;
	web_expect_alive(&p, "after such a list");
	web_store.list_breaks = 700;
	web_ask(&p, "GET", WEB_LIST, STR_ABSENT, WEB_KEEP);
	web_expect(&p, 200, buf_str(&text), "a list that is broken off every 700 keys goes on");
	web_store.list_breaks = 0;
	web_store.fails_after = 3000;
	web_ask(&p, "GET", WEB_LIST, STR_ABSENT, WEB_KEEP);
	web_expect(&p, WEB_NO_REPLY, STR(""), "a list that fails in the midst");
	tap_ok(p.got.n > KEY_LIST_PIECE, "a list that fails in the midst: what there was");
	web_expect_closed(&p, "a list that fails in the midst");
	web_hang_up(&p);
	web_dial(&p);
	tap_int(web_store.outcome, STORE_UNAVAILABLE, "a list that fails in the midst: so it did");
	web_ask(&p, "GET", WEB_LIST, STR_ABSENT, 0);
	web_expect(&p, 503, STR("Database unavailable"), "a list that fails on a connection that is not kept");
	web_expect_closed(&p, "a list that fails on a connection that is not kept");
	web_hang_up(&p);
	tap_int(web_store.cancelled, 0, "broken lists are over, and not to be cancelled");
	web_end("broken lists");
	buf_free(&text);
}

/* --- time and the end --- */

static void
runs_out_of_time(void)
{
	struct buf wire = web_wire("PUT", WEB_KEY, STR("value"), WEB_KEEP);
	static const char get_values[] = "\1\x09\0\0\0\0\0\0";
	struct web_peer p;

	web_begin(false);
	web_dial(&p);
	web_check_deadlines(1000 * WEB_TIMEOUT, false);
	tap_int(web_context.count, 1, "an idle connection stays");
	for (size_t i = 0; i < FCGI_RECORD_HEADER; i++)
		web_say(&p, str_from(get_values + i, 1));
	web_receive(&p, SIZE_MAX);
	tap_int(p.got.n, 16, "a management record in pieces is answered");
	web_check_deadlines(WEB_TIMEOUT + CLOCK_S, false);
	tap_int(web_context.count, 1, "and leaves the connection idle");
	web_hang_up(&p);
	for (size_t at = 1; at < wire.n; at += at < 20 ? 1 : 13) {
		unsigned after;

		web_dial(&p);
		web_say(&p, str_first(buf_str(&wire), at));
		web_check_deadlines_early(WEB_TIMEOUT / 2, false);
		after = web_context.count;
		web_check_deadlines(WEB_TIMEOUT + CLOCK_S, false);
		if (after != 1 || web_context.count != 0)
			tap_ok(false, "half a request (%zu bytes) has its time", at);
		web_hang_up(&p);
	}
	tap_int(web_store.submitted, 0, "half a request is nothing");
	buf_free(&wire);
	web_end("time");
}

static void
drains(void)
{
	struct buf half = web_wire("PUT", WEB_KEY, STR("value"), WEB_KEEP);
	struct buf wire = web_wire("GET", "/livez", STR_ABSENT, WEB_KEEP);
	struct web_peer idle, parked, fresh, halfway, begun, silent;

	web_begin(true);
	web_dial(&idle);
	web_dial(&parked);
	web_dial(&fresh);
	web_dial(&halfway);
	web_dial(&begun);
	web_expect_alive(&begun, "drain: before");
	web_say(&begun, str_first(buf_str(&half), 20));
	web_ask(&idle, "GET", "/livez", STR_ABSENT, WEB_KEEP);
	web_expect(&idle, 200, STR("ok"), "drain: before");
	web_ask(&parked, "GET", WEB_KEY, STR_ABSENT, WEB_KEEP);
	web_say(&halfway, str_first(buf_str(&half), half.n - 10));
	/* Arrived, and the loop has not looked yet. */
	tap_ok(send(fresh.fd, wire.p, wire.n, MSG_NOSIGNAL) == (ssize_t)wire.n, "drain: a request just arrived");
	conn_check_deadlines(&web_context, clock_mono(), true);
	web_pump();
	web_expect_closed(&idle, "drain: idle");
	web_expect(&fresh, 200, STR("ok"), "drain: just arrived");
	tap_ok(!parked.closed && web_store.waiting != NULL, "drain: parked");
	web_say(&halfway, str_skip(buf_str(&half), half.n - 10));
	web_say(&begun, str_skip(buf_str(&half), 20));
	while (store_mem_step(&web_store))
		web_pump();
	web_expect(&parked, 404, STR(""), "drain: parked");
	web_expect(&halfway, 204, STR(""), "drain: half arrived");
	web_expect(&begun, 204, STR(""), "drain: begun");
	web_check_deadlines(0, true);
	web_dial(&silent);
	web_check_deadlines_early(0, true);
	tap_int(web_context.count, 3, "drain: one that has just come has a moment, and those that wrote have");
	web_check_deadlines(2 * CLOCK_S, true);
	tap_int(web_context.count, 2, "drain: but not more");
	web_ask(&begun, "PUT", WEB_KEY, STR("again"), WEB_KEEP);
	while (store_mem_step(&web_store))
		web_pump();
	web_expect(&begun, 204, STR(""), "drain: one more write");
	web_check_deadlines(6 * CLOCK_S, true);
	tap_int(web_context.count, 0, "drain: a writer's connection ends, too");
	buf_free(&wire);
	buf_free(&half);
	web_hang_up(&idle);
	web_hang_up(&parked);
	web_hang_up(&fresh);
	web_hang_up(&halfway);
	web_hang_up(&begun);
	web_hang_up(&silent);
	web_end("drain");
}

/* The next write of a connection may be on its way, however long the last one took and however long ago it was. */
static void
drains_a_writer(void)
{
	struct web_peer slow;
	int64_t began, answered;

	web_begin(true);
	web_dial(&slow);
	web_ask(&slow, "PUT", WEB_KEY, STR("value"), WEB_KEEP);
	began = clock_mono();
	do
		answered = clock_mono();
	while (answered == began);
	while (store_mem_step(&web_store))
		web_pump();
	web_expect(&slow, 204, STR(""), "drain: a write that took its time");
	conn_check_deadlines(&web_context, answered + 5 * CLOCK_S, true);
	tap_int(web_context.count, 1, "drain: the time of its connection begins when it was answered");
	web_context.drains_since = clock_mono() + 10 * CLOCK_S;
	web_check_deadlines(12 * CLOCK_S, true);
	tap_int(web_context.count, 1, "drain: or when the program began to drain");
	web_check_deadlines(16 * CLOCK_S, true);
	tap_int(web_context.count, 0, "drain: and ends");
	web_context.drains_since = 0;
	web_hang_up(&slow);
	web_end("drain a writer");
}

int
main(void)
{
	web_set_up();
	writes_slowly(false);
	writes_slowly(true);
	lends_values();
	leaves_while_writing();
	streams();
	reads_slowly();
	keeps_pieces_in_order();
	leaves_a_list();
	breaks_lists();
	runs_out_of_time();
	drains();
	drains_a_writer();
	web_tear_down();
	return tap_end();
}
