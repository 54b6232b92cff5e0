/* SPDX-License-Identifier: EPL-2.0 */
#include "http/request.h"

#include "lib/tap.h"

static void
targets(void)
{
	static const struct {
		const char *uri;
		struct str path, query;
	} rows[] = {
		{ "REQUEST_URI=/", TEXT("/"), { NULL, 0 } },
		{ "REQUEST_URI=/a/b", TEXT("/a/b"), { NULL, 0 } },
		{ "REQUEST_URI=/a?b", TEXT("/a"), TEXT("b") },
		{ "REQUEST_URI=/a?", TEXT("/a"), TEXT("") },
		{ "REQUEST_URI=/a?b?c=d", TEXT("/a"), TEXT("b?c=d") },
		{ "REQUEST_URI=/a#b", TEXT("/a"), { NULL, 0 } },
		{ "REQUEST_URI=/a?b#c", TEXT("/a"), TEXT("b") },
		{ "REQUEST_URI=/a#b?c", TEXT("/a"), { NULL, 0 } },
		{ "REQUEST_URI=/%2F%00//%zz+", TEXT("/%2F%00//%zz+"), { NULL, 0 } },
		{ "REQUEST_URI=/a=b", TEXT("/a=b"), { NULL, 0 } },
		{ "REQUEST_URI=http://host/a?b", TEXT("/a"), TEXT("b") },
		{ "REQUEST_URI=https://host:8094/a", TEXT("/a"), { NULL, 0 } },
		{ "REQUEST_URI=http://host", TEXT("/"), { NULL, 0 } },
		{ "REQUEST_URI=http://", TEXT("/"), { NULL, 0 } },
		{ "REQUEST_URI=http://host?b", TEXT(""), TEXT("b") },
		{ "REQUEST_URI=http:/a", TEXT("http:/a"), { NULL, 0 } },
		{ "REQUEST_URI=ftp://host/a", TEXT("ftp://host/a"), { NULL, 0 } },
		{ "REQUEST_URI=/http://host/a", TEXT("/http://host/a"), { NULL, 0 } },
		{ "REQUEST_URI=*", TEXT("*"), { NULL, 0 } },
		{ "REQUEST_URI=", { NULL, 0 }, { NULL, 0 } },
		{ "PATH_INFO=/a", { NULL, 0 }, { NULL, 0 } },
	};

	for (size_t i = 0; i < COUNT(rows); i++) {
		char *const variables[] = { (char *)rows[i].uri, NULL };
		struct request r;

		request_read(&r, variables);
		tap_text(r.path, rows[i].path, "%s: path", tap_show(str_of(rows[i].uri)));
		tap_text(r.query, rows[i].query, "%s: query", tap_show(str_of(rows[i].uri)));
	}
}

static void
methods(void)
{
	static const struct {
		const char *variable;
		enum method method;
		const char *name;
	} rows[] = {
		{ "REQUEST_METHOD=GET", METHOD_GET, "GET" },
		{ "REQUEST_METHOD=HEAD", METHOD_HEAD, "HEAD" },
		{ "REQUEST_METHOD=POST", METHOD_POST, "POST" },
		{ "REQUEST_METHOD=PUT", METHOD_PUT, "PUT" },
		{ "REQUEST_METHOD=DELETE", METHOD_DELETE, "DELETE" },
		{ "REQUEST_METHOD=OPTIONS", METHOD_OPTIONS, "OPTIONS" },
		{ "REQUEST_METHOD=get", METHOD_OTHER, "other" },
		{ "REQUEST_METHOD=PATCH", METHOD_OTHER, "other" },
		{ "REQUEST_METHOD=GETS", METHOD_OTHER, "other" },
		{ "REQUEST_METHOD=GE", METHOD_OTHER, "other" },
		{ "REQUEST_METHOD=other", METHOD_OTHER, "other" },
		{ "REQUEST_METHOD=", METHOD_OTHER, "other" },
		{ "METHOD=GET", METHOD_OTHER, "other" },
	};

	for (size_t i = 0; i < COUNT(rows); i++) {
		char *const variables[] = { (char *)rows[i].variable, NULL };
		struct request r;

		request_read(&r, variables);
		tap_int(r.method, rows[i].method, "%s", rows[i].variable);
		tap_text(request_method_name(r.method), str_of(rows[i].name), "%s: name", rows[i].variable);
	}
}

static void
lengths(void)
{
	static const struct {
		const char *variable;
		enum request_length kind;
		uint64_t n;
	} rows[] = {
		{ "CONTENT_TYPE=7", LENGTH_ABSENT, 0 },
		{ "CONTENT_LENGTH=", LENGTH_ABSENT, 0 },
		{ "CONTENT_LENGTH=0", LENGTH_KNOWN, 0 },
		{ "CONTENT_LENGTH=7", LENGTH_KNOWN, 7 },
		{ "CONTENT_LENGTH=0007", LENGTH_KNOWN, 7 },
		{ "CONTENT_LENGTH=2000001", LENGTH_KNOWN, 2000001 },
		{ "CONTENT_LENGTH=4294967296", LENGTH_KNOWN, UINT64_C(4294967296) },
		{ "CONTENT_LENGTH=-1", LENGTH_MALFORMED, 0 },
		{ "CONTENT_LENGTH=+1", LENGTH_MALFORMED, 0 },
		{ "CONTENT_LENGTH= 1", LENGTH_MALFORMED, 0 },
		{ "CONTENT_LENGTH=1 ", LENGTH_MALFORMED, 0 },
		{ "CONTENT_LENGTH=1,1", LENGTH_MALFORMED, 0 },
		{ "CONTENT_LENGTH=0x1", LENGTH_MALFORMED, 0 },
		{ "CONTENT_LENGTH=1e3", LENGTH_MALFORMED, 0 },
		{ "CONTENT_LENGTH=:", LENGTH_MALFORMED, 0 },
		{ "CONTENT_LENGTH=/", LENGTH_MALFORMED, 0 },
	};
	/* Beyond 64 bits: saturated, never small. */
	static const char *const huge[] = { "CONTENT_LENGTH=18446744073709551615",
		"CONTENT_LENGTH=18446744073709551616", "CONTENT_LENGTH=18446744073709551617",
		"CONTENT_LENGTH=184467440737095516160", "CONTENT_LENGTH=99999999999999999999999999999999999999999999" };
	struct request r;

	for (size_t i = 0; i < COUNT(rows); i++) {
		char *const variables[] = { (char *)rows[i].variable, NULL };

		request_read(&r, variables);
		tap_int(r.length, rows[i].kind, "%s: kind", rows[i].variable);
		if (rows[i].kind != LENGTH_MALFORMED)
			tap_int(r.content_length, rows[i].n, "%s: bytes", rows[i].variable);
	}
	for (size_t i = 0; i < COUNT(huge); i++) {
		char *const variables[] = { (char *)huge[i], NULL };

		request_read(&r, variables);
		tap_ok(r.length == LENGTH_KNOWN && r.content_length > UINT64_MAX / 100, "%s", huge[i]);
	}
}

static void
fields(void)
{
	static const char *const variables[] = { "HTTP_AUTHORIZATION=Bearer x=", "HTTP_IF_MATCH=\"a\"",
		"HTTP_IF_NONE_MATCH=*", "HTTP_ACCEPT=text/plain", "HTTP_ORIGIN=https://a",
		"HTTP_ACCESS_CONTROL_REQUEST_METHOD=PUT", "HTTP_ACCESS_CONTROL_REQUEST_HEADERS=", "HTTP_X_REQUEST_ID",
		"HTTP_IF_MATCHES=no", "http_accept=no", "=no", "", NULL };
	static const char *const none[] = { NULL };
	struct request r;

	request_read(&r, (char *const *)variables);
	tap_text(r.authorization, STR("Bearer x="), "Authorization");
	tap_text(r.if_match, STR("\"a\""), "If-Match");
	tap_text(r.if_none_match, STR("*"), "If-None-Match");
	tap_text(r.accept, STR("text/plain"), "Accept");
	tap_text(r.origin, STR("https://a"), "Origin");
	tap_text(r.cors_method, STR("PUT"), "Access-Control-Request-Method");
	tap_text(r.cors_headers, STR(""), "Access-Control-Request-Headers: empty, not absent");
	tap_text(r.request_id, STR_ABSENT, "a variable without =");

	request_read(&r, (char *const *)none);
	tap_ok(r.authorization.p == NULL && r.if_match.p == NULL && r.if_none_match.p == NULL && r.accept.p == NULL &&
		r.origin.p == NULL && r.cors_method.p == NULL && r.cors_headers.p == NULL && r.request_id.p == NULL,
	    "nothing is left from the request before");
	tap_ok(r.method == METHOD_OTHER && r.path.p == NULL && r.query.p == NULL && r.length == LENGTH_ABSENT,
	    "no variables");
}

/* What may stand in a log line, and who is an operator. */
static void
operation(void)
{
#define TRACE "4bf92f3577b34da6a3ce929d0e0e4736"
	static const char *const good[] = { "HTTP_X_REQUEST_ID=a-b", "HULYKVS_OPERATOR=1", "HTTPS=on",
		"HTTP_TRACEPARENT=00-" TRACE "-00f067aa0ba902b7-01", NULL };
	static const char *const bad[] = { "HTTP_X_REQUEST_ID=a b", "HULYKVS_OPERATOR=11", "HTTPS=off", "HTTP_HTTPS=on",
		"HTTP_TRACEPARENT=00-" TRACE, "HTTP_HULYKVS_OPERATOR=1", NULL };
	struct request r;

	request_read(&r, (char *const *)good);
	tap_text(r.request_id, STR("a-b"), "X-Request-Id");
	tap_text(r.trace.trace_id, STR(TRACE), "traceparent");
	tap_ok(r.is_operator, "an operator");
	tap_ok(r.is_secure, "TLS");
	request_read(&r, (char *const *)bad);
	tap_text(r.request_id, STR_ABSENT, "a malformed X-Request-Id is none");
	tap_text(r.trace.trace_id, STR_ABSENT, "nor is a malformed traceparent");
	tap_ok(!r.is_operator, "no operator");
	tap_ok(!r.is_secure, "no TLS");
}

/* A web server that lets names with '_' pass, or folded fields: only those that decide matter. */
static void
refuses_ambiguous_fields(void)
{
	static const struct {
		const char *variables[4];
		const char *name;
		bool ambiguous;
	} rows[] = {
		{ { "HTTP_IF_MATCH=\"a\"", "HTTP_IF_MATCH=*" }, "If-Match twice", true },
		{ { "HTTP_IF_NONE_MATCH=", "HTTP_IF_NONE_MATCH=*" }, "If-None-Match twice, once empty", true },
		{ { "HTTP_AUTHORIZATION=Bearer\r\n x" }, "a folded Authorization", true },
		{ { "HTTP_CONTENT_RANGE=x\ny" }, "a line break in Content-Range", true },
		{ { "HTTP_ACCEPT=a", "HTTP_ACCEPT=b", "HTTPS=on" }, "Accept twice", false },
		{ { "HTTP_IF_MATCH=*", "HTTP_AUTHORIZATION=Bearer x" }, "fields that come once", false },
	};
	struct request r;

	for (size_t i = 0; i < COUNT(rows); i++) {
		char *variables[COUNT(rows[0].variables) + 1];

		memcpy(variables, rows[i].variables, sizeof(rows[i].variables));
		variables[COUNT(rows[0].variables)] = NULL;
		request_read(&r, variables);
		tap_ok(r.is_ambiguous == rows[i].ambiguous, "%s", rows[i].name);
	}
}

int
main(void)
{
	refuses_ambiguous_fields();
	targets();
	methods();
	lengths();
	fields();
	operation();
	return tap_end();
}
