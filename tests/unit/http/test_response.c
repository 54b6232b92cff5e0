/* SPDX-License-Identifier: EPL-2.0 */
#include "http/response.h"

#include <stdio.h>

#include "lib/tap.h"

#define CAP  65536
#define VARY "Vary: Origin\r\n"

/* The MD5 of "a". */
static const struct md5 tag = { { 0x0c, 0xc1, 0x75, 0xb9, 0xc0, 0xf1, 0xb6, 0xa8, 0x31, 0xc3, 0x99, 0xe2, 0x69, 0x77,
    0x26, 0x61 } };
#define ETAG "ETag: \"0cc175b9c0f1b6a831c399e269772661\"\r\n"

static void
heads(void)
{
	const struct route *key = route_find(STR("/api2/w/n/k"), METHOD_GET).route;
	const struct str text = STR("text/plain; charset=utf-8"), bytes = STR("application/octet-stream");
	const struct {
		const char *name;
		struct response r;
		struct str head;
	} rows[] = {
		{ "a value",
		    { .status = 200, .type = bytes, .length = 7, .has_etag = true, .etag = tag, .is_value = true },
		    STR("Status: 200 OK\r\nContent-Type: application/octet-stream\r\nContent-Length: 7\r\n" ETAG
			"X-Content-Type-Options: nosniff\r\n" VARY "\r\n") },
		{ "a value with its time",
		    { .status = 200, .type = bytes, .has_etag = true, .etag = tag, .modified = 784111777999999 },
		    STR("Status: 200 OK\r\nContent-Type: application/octet-stream\r\nContent-Length: 0\r\n" ETAG
			"Cache-Control: no-cache\r\nLast-Modified: Sun, 06 Nov 1994 08:49:37 GMT\r\n" VARY "\r\n") },
		{ "an empty value", { .status = 200, .type = bytes, .is_value = true },
		    STR("Status: 200 OK\r\nContent-Type: application/octet-stream\r\nContent-Length: 0\r\n"
			"X-Content-Type-Options: nosniff\r\n" VARY "\r\n") },
		{ "a long value", { .status = 200, .length = INT64_MAX },
		    STR("Status: 200 OK\r\nContent-Length: 9223372036854775807\r\n" VARY "\r\n") },
		{ "a stream", { .status = 200, .type = STR("application/json"), .length = 7, .streamed = true },
		    STR("Status: 200 OK\r\nContent-Type: application/json\r\n" VARY "\r\n") },
		{ "created", { .status = 201 }, STR("Status: 201 Created\r\nContent-Length: 0\r\n" VARY "\r\n") },
		{ "no content", { .status = 204, .length = 7 }, STR("Status: 204 No Content\r\n" VARY "\r\n") },
		{ "not modified", { .status = 304, .length = 7, .has_etag = true, .etag = tag },
		    STR("Status: 304 Not Modified\r\n" ETAG VARY "\r\n") },
		{ "not modified since", { .status = 304, .has_etag = true, .etag = tag, .modified = 1 },
		    STR("Status: 304 Not Modified\r\n" ETAG "Cache-Control: no-cache\r\n" VARY "\r\n") },
		{ "unauthorized", { .status = 401, .type = text, .length = 12 },
		    STR("Status: 401 Unauthorized\r\nContent-Type: text/plain; charset=utf-8\r\n"
			"Content-Length: 12\r\nWWW-Authenticate: Bearer\r\n" VARY "\r\n") },
		{ "forbidden", { .status = 403 }, STR("Status: 403 Forbidden\r\nContent-Length: 0\r\n" VARY "\r\n") },
		{ "not allowed", { .status = 405, .route = key },
		    STR("Status: 405 Method Not Allowed\r\nContent-Length: 0\r\n"
			"Allow: GET, HEAD, PUT, DELETE, OPTIONS\r\n" VARY "\r\n") },
		{ "unavailable", { .status = 503 },
		    STR("Status: 503 Service Unavailable\r\nContent-Length: 0\r\nRetry-After: 1\r\n" VARY "\r\n") },
		{ "an unknown outcome", { .status = 503, .refusal = REFUSAL_OUTCOME_UNKNOWN },
		    STR("Status: 503 Service Unavailable\r\nContent-Length: 0\r\n" VARY "\r\n") },
	};
	const struct request request = { .method = METHOD_GET };
	struct buf out;

	buf_init(&out, CAP);
	for (size_t i = 0; i < COUNT(rows); i++) {
		buf_clear(&out);
		response_put_head(&rows[i].r, &request, &out);
		tap_text(buf_str(&out), rows[i].head, "head: %s", rows[i].name);
	}
	buf_free(&out);
}

static void
crosses_origins(void)
{
	const struct request request = {
		.method = METHOD_OPTIONS, .origin = STR("https://a"), .cors_method = STR("PUT")
	};
	struct response r;
	struct buf out;

	buf_init(&out, CAP);
	response_empty(&r, 204);
	r.is_preflight = true;
	response_put_head(&r, &request, &out);
	tap_text(buf_str(&out),
	    STR("Status: 204 No Content\r\nAccess-Control-Allow-Origin: https://a\r\n"
		"Access-Control-Allow-Credentials: true\r\nAccess-Control-Allow-Methods: PUT\r\n"
		"Access-Control-Max-Age: 3600\r\n"
		"Vary: Origin, Access-Control-Request-Method, Access-Control-Request-Headers\r\n\r\n"),
	    "head: a preflight");
	buf_free(&out);
}

static void
contents(void)
{
	static const struct {
		enum method method;
		unsigned status;
		bool sent;
	} rows[] = {
		{ METHOD_GET, 200, true },
		{ METHOD_POST, 200, true },
		{ METHOD_OTHER, 405, true },
		{ METHOD_GET, 404, true },
		{ METHOD_HEAD, 200, false },
		{ METHOD_HEAD, 404, false },
		{ METHOD_GET, 304, false },
		{ METHOD_PUT, 204, false },
		{ METHOD_PUT, 201, true },
	};

	for (size_t i = 0; i < COUNT(rows); i++) {
		const struct request request = { .method = rows[i].method };
		const struct response r = { .status = rows[i].status, .body = STR("body"), .length = 4 };

		tap_text(response_content(&r, &request), rows[i].sent ? STR("body") : STR_ABSENT, "content: %s, %u",
		    request_method_name(rows[i].method).p, rows[i].status);
	}
}

/* Whether RFC 9457 is asked for. */
static void
negotiates(struct arena *a)
{
	static const struct {
		struct str accept;
		bool problem;
	} rows[] = {
		{ { NULL, 0 }, false },
		{ TEXT(""), false },
		{ TEXT("*/*"), false },
		{ TEXT("application/*"), false },
		{ TEXT("application/json"), false },
		{ TEXT("application/problem+xml"), false },
		{ TEXT("application/problem+jso"), false },
		{ TEXT("application/problem+jsonx"), false },
		{ TEXT("xapplication/problem+json"), false },
		{ TEXT("text/html;x=application/problem+json"), false },
		{ TEXT("application/problem+json"), true },
		{ TEXT("Application/Problem+JSON"), true },
		{ TEXT(" application/problem+json\t"), true },
		{ TEXT("text/html, application/problem+json"), true },
		{ TEXT("application/problem+json,text/html"), true },
		{ TEXT("text/html;q=0.9,,application/problem+json;q=0.1, */*;q=0.1"), true },
		{ TEXT("application/problem+json;charset=utf-8"), true },
		{ TEXT("application/problem+json;charset=utf-8;q=0"), false },
		{ TEXT("application/problem+json;"), true },
		{ TEXT("application/problem+json;q=1"), true },
		{ TEXT("application/problem+json;q=1.000"), true },
		{ TEXT("application/problem+json; Q=0.5"), true },
		{ TEXT("application/problem+json ; q=0.001"), true },
		{ TEXT("application/problem+json;q=0"), false },
		{ TEXT("application/problem+json;Q=0"), false },
		{ TEXT("application/problem+json; q=0.0"), false },
		{ TEXT("application/problem+json ; q=0.000 ; x=1"), false },
		{ TEXT("application/problem+json;q=0, */*"), false },
		{ TEXT("application/problem+json;q=0, text/plain;q=1"), false },
		{ TEXT("text/plain;q=0, application/problem+json"), true },
		{ TEXT("application/json;q=0,application/problem+json;q=0.5"), true },
	};
	struct response r;

	for (size_t i = 0; i < COUNT(rows); i++) {
		const struct request request = { .accept = tap_edge(rows[i].accept) };

		response_refuse(&r, REFUSAL_NO_TOKEN, STR_ABSENT, &request, a);
		tap_text(r.type, rows[i].problem ? STR("application/problem+json") : STR("text/plain; charset=utf-8"),
		    "Accept: %s", tap_show(rows[i].accept));
	}
}

static void
bodies(struct arena *a)
{
	static const struct {
		enum refusal refusal;
		struct str detail, text, problem;
	} rows[] = {
		{ REFUSAL_INVALID_TOKEN, { NULL, 0 }, TEXT("InvalidToken"),
		    TEXT("{\"type\":\"about:blank\",\"title\":\"Unauthorized\",\"status\":401,"
			 "\"detail\":\"InvalidToken\"}") },
		{ REFUSAL_NOT_FOUND, { NULL, 0 }, TEXT(""),
		    TEXT("{\"type\":\"about:blank\",\"title\":\"Not Found\",\"status\":404}") },
		{ REFUSAL_NOT_READY, TEXT("no \"kvs\"\n"), TEXT("no \"kvs\"\n"),
		    TEXT("{\"type\":\"about:blank\",\"title\":\"Service Unavailable\",\"status\":503,"
			 "\"detail\":\"no \\\"kvs\\\"\\n\"}") },
	};
	const struct request plain = { .accept = STR("text/plain") },
			     problem = { .accept = STR("application/problem+json") };
	struct response r;

	for (size_t i = 0; i < COUNT(rows); i++) {
		const char *name = refusal_name(rows[i].refusal).p;

		response_refuse(&r, rows[i].refusal, rows[i].detail, &plain, a);
		tap_text(r.body, rows[i].text, "%s: text", name);
		tap_int(r.length, rows[i].text.n, "%s: length of the text", name);
		tap_text(r.type, rows[i].text.n > 0 ? STR("text/plain; charset=utf-8") : STR_ABSENT, "%s: type", name);
		response_refuse(&r, rows[i].refusal, rows[i].detail, &problem, a);
		tap_text(r.body, rows[i].problem, "%s: problem", name);
		tap_int(r.length, rows[i].problem.n, "%s: length of the problem", name);
	}
}

/* Every row of the table has a status with a reason phrase. */
static void
knows_every_refusal(struct arena *a)
{
	const struct request request = { .accept = STR("application/problem+json") };
	struct response r;
	struct buf out;

	buf_init(&out, CAP);
	for (enum refusal refusal = REFUSAL_NO_TOKEN; refusal <= REFUSAL_INTERNAL; refusal++) {
		char start[32];

		response_refuse(&r, refusal, STR_ABSENT, &request, a);
		buf_clear(&out);
		response_put_head(&r, &request, &out);
		(void)snprintf(start, sizeof(start), "Status: %u ", refusal_status(refusal));
		tap_ok(str_starts(buf_str(&out), str_of(start)), "%s: status line", refusal_name(refusal).p);
		tap_int(r.refusal, refusal, "%s: is kept for the log", refusal_name(refusal).p);
	}
	buf_free(&out);
}

static void
without_memory(void)
{
	const struct request request = { .accept = STR("application/problem+json") };
	struct response r;
	struct arena a;

	arena_init(&a, 0);
	response_refuse(&r, REFUSAL_NO_TOKEN, STR_ABSENT, &request, &a);
	tap_text(r.body, STR("NoAuthToken"), "no memory for a problem: the text");
	tap_text(r.type, STR("text/plain; charset=utf-8"), "no memory for a problem: its type");
	arena_free(&a);
}

static void
successes(void)
{
	struct response r = {
		.status = 500, .refusal = REFUSAL_INTERNAL, .has_etag = true, .body = STR("x"), .length = 1
	};

	response_empty(&r, 204);
	tap_ok(r.status == 204 && r.refusal == REFUSAL_NONE && !r.has_etag && r.body.p == NULL && r.length == 0,
	    "an empty response has nothing left of the one before");
	response_text(&r, STR("ok"));
	tap_ok(r.status == 200 && r.length == 2 && str_eq(r.body, STR("ok")) &&
		str_eq(r.type, STR("text/plain; charset=utf-8")),
	    "a text");
}

int
main(void)
{
	struct arena a;

	arena_init(&a, CAP);
	heads();
	crosses_origins();
	contents();
	negotiates(&a);
	bodies(&a);
	knows_every_refusal(&a);
	arena_free(&a);
	without_memory();
	successes();
	return tap_end();
}
