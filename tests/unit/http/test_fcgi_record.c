/* SPDX-License-Identifier: EPL-2.0 */
#include "http/fcgi_record.h"

#include <stdio.h>
#include <stdlib.h>

#include "lib/tap.h"

#define RECORDS 10
#define DATA    8 /* FCGI_DATA, of no use to a responder */

struct record {
	unsigned version, type, id;
	struct str content;
	size_t padding;
};

#define RECORD(type, id, content) \
	{ \
		1, type, id, TEXT(content), 0 \
	}
#define BEGIN_AS(id, role, flags) RECORD(FCGI_BEGIN_REQUEST, id, role flags "\0\0\0\0\0")
#define BEGIN(id)                 BEGIN_AS(id, "\0\1", "\1")
#define PARAMS(id, content)       RECORD(FCGI_PARAMS, id, content)
#define STDIN(id, content)        RECORD(FCGI_STDIN, id, content)
#define PADDED(type, id, content, n) \
	{ \
		1, type, id, TEXT(content), n \
	}
#define ONE_PARAM "\1\2AB="
#define MAX_CONNS "\16\0FCGI_MAX_CONNS"

/*
 * What the gate tells, as text: "(1k:…)" a request of id 1 on a kept connection
 * with these parameters, then the content of its body, "." its end, "<10>" or
 * "<11 x>" a reply to a management record, "<3>" an unknown role, "X" broken.
 */
struct row {
	const char *name;
	struct record record[RECORDS];
	struct str told;
};

static const struct row sound[] = {
	{ "nothing", { { .version = 0 } }, TEXT("") },
	{ "no body", { BEGIN(1), PARAMS(1, ONE_PARAM), PARAMS(1, ""), STDIN(1, "") }, TEXT("(1k:" ONE_PARAM ").") },
	{ "no parameters", { BEGIN(1), PARAMS(1, ""), STDIN(1, "") }, TEXT("(1k:).") },
	{ "a connection that is not kept", { BEGIN_AS(1, "\0\1", "\0"), PARAMS(1, ""), STDIN(1, "") }, TEXT("(1-:).") },
	{ "flags that are not ours", { BEGIN_AS(1, "\0\1", "\376"), PARAMS(1, ""), STDIN(1, "") }, TEXT("(1-:).") },
	{ "all flags", { BEGIN_AS(1, "\0\1", "\377"), PARAMS(1, ""), STDIN(1, "") }, TEXT("(1k:).") },
	{ "an authorizer: its request ends with the parameters",
	    { BEGIN_AS(513, "\0\2", "\1"), PARAMS(513, ONE_PARAM), PARAMS(513, "") }, TEXT("(513k:" ONE_PARAM ").") },
	{ "a large id", { BEGIN(65535), PARAMS(65535, ""), STDIN(65535, "") }, TEXT("(65535k:).") },
	{ "an id of 256", { BEGIN(256), PARAMS(256, ""), STDIN(256, "") }, TEXT("(256k:).") },
	{ "a body", { BEGIN(1), PARAMS(1, ""), STDIN(1, "body"), STDIN(1, "") }, TEXT("(1k:)body.") },
	{ "a body with NUL", { BEGIN(1), PARAMS(1, ""), STDIN(1, "\0a\0"), STDIN(1, "") }, TEXT("(1k:)\0a\0.") },
	{ "a body in records",
	    { BEGIN(1), PARAMS(1, ""), STDIN(1, "a"), STDIN(1, "bc"), STDIN(1, "def"), STDIN(1, "") },
	    TEXT("(1k:)abcdef.") },
	{ "parameters in records",
	    { BEGIN(1), PARAMS(1, "\1"), PARAMS(1, "\2A"), PARAMS(1, "B"), PARAMS(1, "=\0\0"), PARAMS(1, ""),
		STDIN(1, "") },
	    TEXT("(1k:" ONE_PARAM "\0\0).") },
	{ "long lengths", { BEGIN(1), PARAMS(1, "\200\0\0\1\200\0\0\2AB="), PARAMS(1, ""), STDIN(1, "") },
	    TEXT("(1k:\200\0\0\1\200\0\0\2AB=).") },
	{ "empty name and value", { BEGIN(1), PARAMS(1, "\0\0\0\1x\1\0y"), PARAMS(1, ""), STDIN(1, "") },
	    TEXT("(1k:\0\0\0\1x\1\0y).") },
	{ "padding",
	    { PADDED(FCGI_BEGIN_REQUEST, 1, "\0\1\1\0\0\0\0\0", 1), PADDED(FCGI_PARAMS, 1, ONE_PARAM, 3),
		PADDED(FCGI_PARAMS, 1, "", 8), PADDED(FCGI_STDIN, 1, "body", 4), PADDED(FCGI_STDIN, 1, "", 255) },
	    TEXT("(1k:" ONE_PARAM ")body.") },
	{ "GET_VALUES", { RECORD(FCGI_GET_VALUES, 0, MAX_CONNS) }, TEXT("<10>") },
	{ "GET_VALUES without a question", { RECORD(FCGI_GET_VALUES, 0, "") }, TEXT("<10>") },
	/* libfcgi 2.4 aborts on this one. */
	{ "the same question four times", { RECORD(FCGI_GET_VALUES, 0, MAX_CONNS MAX_CONNS MAX_CONNS MAX_CONNS) },
	    TEXT("<10>") },
	{ "GET_VALUES with lengths beyond it", { RECORD(FCGI_GET_VALUES, 0, "\377\377\377\377\177") }, TEXT("<10>") },
	{ "management records of all sorts",
	    { RECORD(0, 0, ""), RECORD(FCGI_END_REQUEST, 0, "x"), RECORD(12, 0, "abc"), PADDED(255, 0, "\1\2", 7),
		RECORD(FCGI_BEGIN_REQUEST, 0, "\0\1\1\0\0\0\0\0"), RECORD(FCGI_GET_VALUES_RESULT, 0, "") },
	    TEXT("<11 0><11 3><11 12><11 255><11 1><11 10>") },
	{ "management between everything",
	    { RECORD(FCGI_GET_VALUES, 0, ""), BEGIN(7), RECORD(FCGI_GET_VALUES, 0, "xx"), PARAMS(7, "\1\2A"),
		RECORD(77, 0, "y"), PARAMS(7, "B="), PARAMS(7, ""), STDIN(7, "body"), RECORD(FCGI_GET_VALUES, 0, ""),
		STDIN(7, "") },
	    TEXT("<10><10><11 77>(7k:" ONE_PARAM ")body<10>.") },
	{ "two requests",
	    { BEGIN(1), PARAMS(1, ONE_PARAM), PARAMS(1, ""), STDIN(1, "one"), STDIN(1, ""), BEGIN_AS(2, "\0\1", "\0"),
		PARAMS(2, "\0\0"), PARAMS(2, ""), STDIN(2, "") },
	    TEXT("(1k:" ONE_PARAM ")one.(2-:\0\0).") },
	{ "an abort without a begin", { RECORD(FCGI_ABORT_REQUEST, 1, ""), BEGIN(1), PARAMS(1, ""), STDIN(1, "") },
	    TEXT("(1k:).") },
	{ "an abort after the request",
	    { BEGIN(1), PARAMS(1, ""), STDIN(1, ""), PADDED(FCGI_ABORT_REQUEST, 1, "", 8), BEGIN(2), PARAMS(2, ""),
		STDIN(2, "") },
	    TEXT("(1k:).(2k:).") },
	{ "aborts of another id",
	    { BEGIN(2), RECORD(FCGI_ABORT_REQUEST, 1, ""), PARAMS(2, ""), STDIN(2, "ab"),
		RECORD(FCGI_ABORT_REQUEST, 1, ""), STDIN(2, "") },
	    TEXT("(2k:)ab.") },
	{ "half a request", { BEGIN(1), PARAMS(1, ONE_PARAM) }, TEXT("") },
	{ "half a body", { BEGIN(1), PARAMS(1, ""), STDIN(1, "ab") }, TEXT("(1k:)ab") },
};

#define IDLE_BREAKS(name, ...) \
	{ \
		name, { __VA_ARGS__ }, TEXT("X") \
	}
#define NO_ROLE_OF_OURS(name, role) \
	{ \
		name, { BEGIN_AS(513, role, "\1"), PARAMS(513, "") }, TEXT("<3>X") \
	}
#define PARAMS_BREAK(name, content) \
	{ \
		name, { BEGIN(1), PARAMS(1, content), PARAMS(1, "") }, TEXT("X") \
	}
#define STDIN_BREAKS(name, ...) \
	{ \
		name, { BEGIN(1), PARAMS(1, ""), STDIN(1, "ab"), __VA_ARGS__ }, TEXT("(1k:)abX") \
	}

static const struct row broken[] = {
	IDLE_BREAKS("version 0", { 0, FCGI_BEGIN_REQUEST, 1, TEXT("\0\1\1\0\0\0\0\0"), 0 }),
	IDLE_BREAKS("version 2", { 2, FCGI_BEGIN_REQUEST, 1, TEXT("\0\1\1\0\0\0\0\0"), 0 }),
	IDLE_BREAKS("version 0 of a management record", { 0, FCGI_GET_VALUES, 0, TEXT(""), 0 }),
	IDLE_BREAKS("HTTP", { 'G', 'E', 'T' << 8 | ' ', TEXT(""), 0 }),
	IDLE_BREAKS("a version 2 in the midst", BEGIN(1), { 2, FCGI_PARAMS, 1, TEXT(""), 0 }),
	NO_ROLE_OF_OURS("no role", "\0\0"),
	NO_ROLE_OF_OURS("a filter", "\0\3"),
	NO_ROLE_OF_OURS("a role of two bytes", "\1\1"),
	IDLE_BREAKS("an empty begin", RECORD(FCGI_BEGIN_REQUEST, 1, "")),
	IDLE_BREAKS("a short begin", RECORD(FCGI_BEGIN_REQUEST, 1, "\0\1\1\0\0\0\0")),
	IDLE_BREAKS("a long begin", RECORD(FCGI_BEGIN_REQUEST, 1, "\0\1\1\0\0\0\0\0\0")),
	IDLE_BREAKS("parameters without a begin", PARAMS(1, ONE_PARAM)),
	IDLE_BREAKS("a body without a begin", STDIN(1, "body")),
	IDLE_BREAKS("an abort with content", RECORD(FCGI_ABORT_REQUEST, 1, "x")),
	IDLE_BREAKS("a record that only we send", RECORD(FCGI_STDOUT, 1, "x")),
	IDLE_BREAKS("an unknown type with an id", RECORD(12, 1, "")),
	IDLE_BREAKS("a second begin", BEGIN(1), BEGIN(1)),
	IDLE_BREAKS("a begin of another id", BEGIN(1), BEGIN(2)),
	IDLE_BREAKS("parameters of another id", BEGIN(1), PARAMS(2, ONE_PARAM)),
	IDLE_BREAKS("parameters of an id that differs in its high byte", BEGIN(1), PARAMS(257, ONE_PARAM)),
	IDLE_BREAKS("an end of parameters of another id", BEGIN(1), PARAMS(1, ONE_PARAM), PARAMS(2, "")),
	IDLE_BREAKS("a body before the parameters", BEGIN(1), STDIN(1, "body")),
	IDLE_BREAKS("a body before the end of the parameters", BEGIN(1), PARAMS(1, ONE_PARAM), STDIN(1, "")),
	IDLE_BREAKS("an abort in the parameters", BEGIN(1), RECORD(FCGI_ABORT_REQUEST, 1, "")),
	IDLE_BREAKS("data in the parameters", BEGIN(1), RECORD(DATA, 1, "")),
	PARAMS_BREAK("one length", "\1"),
	PARAMS_BREAK("a value that is missing", "\1\2AB"),
	PARAMS_BREAK("a name that is missing", "\1\0"),
	PARAMS_BREAK("a name of one too many", "\2\0A"),
	PARAMS_BREAK("half a long length", "\200\0\0"),
	PARAMS_BREAK("half a long length of the value", "\1\200\0\0"),
	PARAMS_BREAK("a long length of one too many", "\200\0\0\2\0A"),
	PARAMS_BREAK("a long value of one too many", "\1\200\0\0\2AB"),
	PARAMS_BREAK("the longest lengths", "\377\377\377\377\377\377\377\377AB"),
	PARAMS_BREAK("lengths whose sum is short modulo 2^32", "\300\0\0\1\300\0\0\1AB"),
	PARAMS_BREAK("a sound pair and half a pair", ONE_PARAM "\1"),
	PARAMS_BREAK("a NUL in a name", "\3\0A\0B"),
	PARAMS_BREAK("a NUL in a value", "\1\3AB\0C"),
	PARAMS_BREAK("a NUL as a value", "\1\1A\0"),
	PARAMS_BREAK("a = in a name", "\3\1A=BC"),
	PARAMS_BREAK("a = as a name", "\1\0="),
	STDIN_BREAKS("parameters in the body", PARAMS(1, "")),
	STDIN_BREAKS("a begin in the body", BEGIN(1)),
	STDIN_BREAKS("a begin of another id in the body", BEGIN(2)),
	STDIN_BREAKS("a body of another id", STDIN(2, "cd")),
	STDIN_BREAKS("an end of another id", STDIN(2, "")),
	STDIN_BREAKS("an abort in the body", RECORD(FCGI_ABORT_REQUEST, 1, "")),
	STDIN_BREAKS("data in the body", RECORD(DATA, 1, "")),
	STDIN_BREAKS("version 0 in the body", { 0, FCGI_STDIN, 1, TEXT(""), 0 }),
	{ "a second end", { BEGIN(1), PARAMS(1, ""), STDIN(1, ""), STDIN(1, "") }, TEXT("(1k:).X") },
};

static void
put_record(struct buf *wire, const struct record *r)
{
	unsigned char header[FCGI_RECORD_HEADER];

	fcgi_record_put_header(header, (enum fcgi_record_type)r->type, r->id, r->content.n, r->padding);
	header[0] = (unsigned char)r->version;
	buf_put(wire, header, sizeof(header));
	buf_puts(wire, r->content);
	for (size_t i = 0; i < r->padding; i++)
		buf_putc(wire, '!');
}

static void
put_records(struct buf *wire, const struct record *r)
{
	buf_init(wire, SIZE_MAX);
	for (size_t i = 0; i < RECORDS && (r[i].version | r[i].type | r[i].id) != 0; i++)
		put_record(wire, &r[i]);
}

static void
tell_reply(const struct fcgi_record *g, struct buf *told)
{
	static const unsigned char result[] = { 1, 10, 0, 0, 0, 0, 8, 0, 0, 0, 0, 0, 0, 0, 0, 0 };
	static const unsigned char no_role[] = { 1, 3, 2, 1, 0, 8, 0, 0, 0, 0, 0, 0, 3, 0, 0, 0 };
	static const unsigned char unknown[] = { 1, 11, 0, 0, 0, 8, 0, 0 };
	static const unsigned char zeroes[7];

	if (memcmp(g->reply, result, sizeof(result)) == 0)
		buf_puts(told, STR("<10>"));
	else if (memcmp(g->reply, no_role, sizeof(no_role)) == 0)
		buf_puts(told, STR("<3>"));
	else if (memcmp(g->reply, unknown, sizeof(unknown)) == 0 && memcmp(g->reply + 9, zeroes, sizeof(zeroes)) == 0)
		buf_printf(told, "<11 %u>", g->reply[8]);
	else
		buf_puts(told, STR("<?>"));
}

/* Feeds one piece; false: no more, it is broken. */
static bool
feed(struct fcgi_record *g, struct str piece, struct buf *told)
{
	for (;;) {
		switch (fcgi_record_feed(g, &piece)) {
		case FCGI_RECORD_NEED:
			if (piece.n > 0)
				buf_puts(told, STR("(bytes left)"));
			return true;
		case FCGI_RECORD_BEGIN:
			buf_printf(told, "(%u%c:", g->id, g->keep ? 'k' : '-');
			buf_puts(told, buf_str(&g->params));
			buf_putc(told, ')');
			break;
		case FCGI_RECORD_CONTENT:
			if (g->content.n == 0)
				buf_puts(told, STR("(empty content)"));
			buf_puts(told, g->content);
			break;
		case FCGI_RECORD_END:
			buf_putc(told, '.');
			fcgi_record_next(g);
			break;
		case FCGI_RECORD_REPLY:
			tell_reply(g, told);
			break;
		case FCGI_RECORD_BROKEN:
			buf_putc(told, 'X');
			return false;
		}
	}
}

/* The first piece, then pieces of `step` bytes, each at the end of readable memory where it fits there. */
static struct str
tell(struct str wire, size_t first, size_t step, struct buf *told)
{
	struct fcgi_record g;
	size_t n = first;

	buf_clear(told);
	fcgi_record_init(&g);
	while (wire.n > 0) {
		struct str piece = str_first(wire, n);

		wire = str_skip(wire, n);
		if (!feed(&g, piece.n <= 4096 ? tap_edge(piece) : piece, told))
			break;
		n = step;
	}
	fcgi_record_free(&g);
	return buf_str(told);
}

static void
every_split(struct str wire, struct str want, const char *name)
{
	struct buf told;
	size_t at = 1;

	buf_init(&told, SIZE_MAX);
	while (at < wire.n && str_eq(tell(wire, at, wire.n, &told), want))
		at++;
	if (!tap_ok(at >= wire.n, "%s: in two pieces", name))
		printf("# cut at %zu: %s\n", at, tap_show(buf_str(&told)));
	buf_free(&told);
}

static void
plays(const struct row *rows, size_t n)
{
	struct buf wire, told;

	buf_init(&told, SIZE_MAX);
	for (size_t i = 0; i < n; i++) {
		put_records(&wire, rows[i].record);
		tap_text(tell(buf_str(&wire), wire.n, 1, &told), rows[i].told, "%s: in one piece", rows[i].name);
		tap_text(tell(buf_str(&wire), 1, 1, &told), rows[i].told, "%s: byte by byte", rows[i].name);
		every_split(buf_str(&wire), rows[i].told, rows[i].name);
		buf_free(&wire);
	}
	buf_free(&told);
}

/* A request whose parameters are one pair of n bytes, in two records; how it ends: '.', or 'X'. */
static char
end_of_params(size_t n, size_t first)
{
	struct buf params, wire, told;
	char end;

	buf_init(&params, SIZE_MAX);
	buf_printf(&params, "\1\200%c%c%c", (int)((n - 6) >> 16), (int)((n - 6) >> 8 & 0xff), (int)((n - 6) & 0xff));
	for (size_t i = 5; i < n; i++)
		buf_putc(&params, 'A');

	buf_init(&wire, SIZE_MAX);
	put_record(&wire, &(struct record)BEGIN(1));
	put_record(&wire, &(struct record){ 1, FCGI_PARAMS, 1, str_first(buf_str(&params), first), 0 });
	if (first < n)
		put_record(&wire, &(struct record){ 1, FCGI_PARAMS, 1, str_skip(buf_str(&params), first), 0 });
	put_record(&wire, &(struct record)PARAMS(1, ""));
	put_record(&wire, &(struct record)STDIN(1, ""));
	buf_init(&told, SIZE_MAX);
	(void)tell(buf_str(&wire), wire.n, wire.n, &told);
	end = told.n > 0 ? told.p[told.n - 1] : '?';
	buf_free(&told);
	buf_free(&wire);
	buf_free(&params);
	return end;
}

static void
limits_params(void)
{
	static const struct {
		size_t n, first;
		char end;
	} rows[] = {
		{ FCGI_RECORD_PARAMS_MAX, FCGI_RECORD_PARAMS_MAX, '.' },
		{ FCGI_RECORD_PARAMS_MAX, 1, '.' },
		{ FCGI_RECORD_PARAMS_MAX, FCGI_RECORD_PARAMS_MAX - 1, '.' },
		{ FCGI_RECORD_PARAMS_MAX + 1, FCGI_RECORD_PARAMS_MAX + 1, 'X' },
		{ FCGI_RECORD_PARAMS_MAX + 1, 1, 'X' },
		{ FCGI_RECORD_PARAMS_MAX + 1, FCGI_RECORD_PARAMS_MAX, 'X' },
		{ 2 * FCGI_RECORD_PARAMS_MAX, FCGI_RECORD_PARAMS_MAX, 'X' },
		{ 65535, 65535, 'X' },
	};

	for (size_t i = 0; i < COUNT(rows); i++)
		tap_int(end_of_params(rows[i].n, rows[i].first), rows[i].end, "parameters of %zu and %zu bytes",
		    rows[i].first, rows[i].n - rows[i].first);
}

/* Bodies are not the gate's to limit: three of the longest records pass. */
static void
passes_long_bodies(void)
{
	static const char body[65535];
	struct fcgi_record g;
	struct buf wire;
	struct str in;
	size_t n = 0;
	enum fcgi_record_event event;

	buf_init(&wire, SIZE_MAX);
	put_record(&wire, &(struct record)BEGIN(1));
	put_record(&wire, &(struct record)PARAMS(1, ""));
	for (int i = 0; i < 3; i++)
		put_record(&wire, &(struct record){ 1, FCGI_STDIN, 1, str_from(body, sizeof(body)), 255 });
	put_record(&wire, &(struct record)STDIN(1, ""));
	fcgi_record_init(&g);
	in = buf_str(&wire);
	while ((event = fcgi_record_feed(&g, &in)) == FCGI_RECORD_BEGIN || event == FCGI_RECORD_CONTENT)
		n += event == FCGI_RECORD_CONTENT ? g.content.n : 0;
	tap_ok(event == FCGI_RECORD_END && n == 3 * sizeof(body), "a body of three long records");
	fcgi_record_free(&g);
	buf_free(&wire);
}

/* What follows a request belongs to the next, and is not touched before fcgi_record_next(). */
static void
leaves_the_next_request(void)
{
	static const struct record first[RECORDS] = { BEGIN(1), PARAMS(1, ONE_PARAM), PARAMS(1, ""), STDIN(1, "") };
	static const struct record second[RECORDS] = { BEGIN(2), PARAMS(2, ""), STDIN(2, "x"), STDIN(2, "") };
	struct buf wire, next;
	struct fcgi_record g;
	struct str in;

	put_records(&wire, first);
	put_records(&next, second);
	buf_puts(&wire, buf_str(&next));
	fcgi_record_init(&g);
	in = buf_str(&wire);
	tap_int(fcgi_record_feed(&g, &in), FCGI_RECORD_BEGIN, "first request: begins");
	tap_int(fcgi_record_feed(&g, &in), FCGI_RECORD_END, "first request: ends");
	tap_int(g.state, FCGI_RECORD_ENDED, "first request: state");
	tap_text(in, buf_str(&next), "the next request is left");
	tap_int(fcgi_record_feed(&g, &in), FCGI_RECORD_NEED, "and not consumed before its time");
	tap_text(in, buf_str(&next), "and still left");
	tap_text(buf_str(&g.params), STR(ONE_PARAM), "the first one's parameters are still there");
	fcgi_record_next(&g);
	tap_int(g.state, FCGI_RECORD_IDLE, "next: state");
	tap_int(fcgi_record_feed(&g, &in), FCGI_RECORD_BEGIN, "next request: begins");
	tap_text(buf_str(&g.params), STR(""), "next request: parameters of its own");
	tap_int(g.id, 2, "next request: id");
	fcgi_record_free(&g);
	buf_free(&next);
	buf_free(&wire);
}

static void
writes_headers(void)
{
	unsigned char out[FCGI_RECORD_HEADER];

	fcgi_record_put_header(out, FCGI_STDOUT, 0x1234, 0xfedc, 0xab);
	tap_text(str_from((const char *)out, sizeof(out)), STR("\1\6\x12\x34\xfe\xdc\xab\0"), "a header");
	fcgi_record_put_header(out, FCGI_GET_VALUES_RESULT, 0, 0, 0);
	tap_text(str_from((const char *)out, sizeof(out)), STR("\1\12\0\0\0\0\0\0"), "a header of zeroes");
}

int
main(void)
{
	plays(sound, COUNT(sound));
	plays(broken, COUNT(broken));
	limits_params();
	passes_long_bodies();
	leaves_the_next_request();
	writes_headers();
	return tap_end();
}
