/* SPDX-License-Identifier: EPL-2.0 */
#include "api/api.h"

#include <stdio.h>

#include "api/listing.h"
#include "auth/rulefile.h"
#include "base/clock.h"
#include "lib/bearer.h"
#include "lib/store_mem.h"
#include "lib/tap.h"
#include "os/heartbeat.h"
#include "telemetry/metrics.h"

#define NOW   INT64_C(1800000000)
#define LIMIT 16 /* bytes of a body */
#define CAP   262144

#define WORKSPACE "5dd1c5a6-3b0f-4d5a-9d2b-b6c9e0f7a811"
#define OTHER     "00000000-0000-4000-8000-000000000000"
#define DEFAULT   "11111111-2222-3333-4444-555555555555"
#define USER      "2a6ed1a5-6f3a-4c0e-8d52-0d5f6b1f7c11"
#define SYSTEM    "1749089e-22e6-48de-af4e-165e18fbd2f9"

#define K "/api2/" WORKSPACE "/n/k" /* the key that most requests are about */

/* Entity tags of "one", "two" and "". */
#define ONE    "f97c5d29941bfb1b2fdab0874906ab82"
#define TWO    "b8a9f715dbb64fd5c56e7783c6820a61"
#define EMPTY  "d41d8cd98f00b204e9800998ecf8427e"
#define Q(tag) "\"" tag "\""

#define ABSENT \
	{ \
		NULL, 0 \
	}

enum token {
	OWN,     /* of a user in WORKSPACE */
	ALL,     /* of the system account */
	NOWHERE, /* of a user, without a workspace */
	EXPIRED,
	FORGED,
	BASIC, /* another scheme */
	NONE,
	TOKENS,
};

static const char *const token_names[] = { "own", "system", "no workspace", "expired", "forged", "basic", "none" };

struct row {
	enum token token;
	const char *method;
	const char *uri;
	const char *fields; /* more variables, separated by newlines */
	struct str body;    /* absent: neither body nor CONTENT_LENGTH */
	unsigned status;
	const char *etag;  /* NULL: none */
	struct str answer; /* absent: no body */
};

static struct arena lasting; /* tokens */
static struct arena arena;   /* one request's */
static struct str authorization[TOKENS];
static struct policy policy;
static struct store_mem store;
static struct api api = { .payload_limit = LIMIT };
static struct uuid workspace, other;

/* The last request. */
static struct request request;
static struct call call;
static struct response response;
static struct buf answer;

/* --- one request through api.h, as a worker does it --- */

static void
on_done(struct store_ticket *t, struct store_result *r)
{
	if (call.op.kind == STORE_LIST && listing_next_page(&call, r)) {
		t->op = call.op;
		store.store.calls->submit(&store.store, t);
		return;
	}
	if (call.op.kind == STORE_LIST && r->outcome == STORE_DONE) {
		key_list_end(&call.key_list);
		listing_finish(&call, false, &response);
	} else {
		api_finish(&call, r, &response);
	}
	buf_puts(&answer, response_content(&response, &request));
}

static void
on_row(struct store_ticket *t, struct store_row *row)
{
	(void)t;
	listing_row(&call, row);
}

static void
perform(struct str body)
{
	static const struct store_client client = { on_done, on_row };
	struct store_ticket ticket = { .client = &client };
	enum api_step step;

	buf_clear(&answer);
	step = api_begin(&api, &policy, NOW, &call, &request, &arena, &response);
	if (step == API_BODY)
		step = api_body(&call, body, &response);
	if (step == API_STORE) {
		ticket.op = call.op;
		store.store.calls->submit(&store.store, &ticket);
		if (call.op.kind == STORE_LIST)
			key_list_free(&call.key_list);
	} else {
		buf_puts(&answer, response_content(&response, &request));
	}
}

/* The variables of a row, on the arena. */
static void
read_request(const struct row *row)
{
	char *variables[16], *rest = NULL;
	struct str token = authorization[row->token];
	struct str text = arena_printf(&arena, "REQUEST_METHOD=%s\nREQUEST_URI=%s\n%s%.*s\n%s", row->method, row->uri,
	    token.p != NULL ? "HTTP_AUTHORIZATION=" : "", STR_FMT(token), row->fields != NULL ? row->fields : "");
	size_t n = 0;

	for (char *v = strtok_r((char *)text.p, "\n", &rest); v != NULL; v = strtok_r(NULL, "\n", &rest))
		variables[n++] = v;
	if (row->body.p != NULL)
		variables[n++] = (char *)arena_printf(&arena, "CONTENT_LENGTH=%zu", row->body.n).p;
	variables[n] = NULL;
	request_read(&request, variables);
}

/* The tag of the last response, as hex digits. */
static struct str
etag(void)
{
	static char hex[2 * sizeof(response.etag.b)];

	if (!response.has_etag)
		return STR_ABSENT;
	digest_hex(response.etag.b, sizeof(response.etag.b), hex);
	return str_from(hex, sizeof(hex));
}

static void
play(const struct row *row, const char *note)
{
	struct str want = row->answer.p != NULL ? row->answer : STR("");
	const char *fields = row->fields != NULL ? row->fields : "";
	char name[512];

	arena_reset(&arena);
	(void)snprintf(
	    name, sizeof(name), "%s%s %s %s [%s]", note, row->method, row->uri, fields, token_names[row->token]);
	for (char *p = name; *p != '\0'; p++)
		if (*p == '\n' || *p == '#')
			*p = ' ';
	read_request(row);
	perform(row->body);
	tap_int(response.status, row->status, "%s: status", name);
	tap_text(etag(), str_of(row->etag), "%s: tag", name);
	tap_text(buf_str(&answer), want, "%s: body", name);
}

static void
plays(const struct row *rows, size_t n)
{
	for (size_t i = 0; i < n; i++)
		play(&rows[i], "");
	store_mem_free(&store);
}

/* --- the tables --- */

#define NAMES_TEXT  "Names and prefixes must be UTF-8 without NUL"
#define ESCAPE_TEXT "Malformed percent-encoding"
#define W2          "/api2/" WORKSPACE

static const struct row without_token[] = {
	{ NONE, "GET", "/status", NULL, ABSENT, 200, NULL, TEXT("ok") },
	{ NONE, "HEAD", "/status", NULL, ABSENT, 200, NULL, ABSENT },
	{ FORGED, "GET", "/status?x", NULL, ABSENT, 200, NULL, TEXT("ok") },
	{ NONE, "GET", "http://host/status", NULL, ABSENT, 200, NULL, TEXT("ok") },
	{ NONE, "GET", "/livez", NULL, ABSENT, 200, NULL, TEXT("ok") },
	{ NONE, "GET", "/readyz", NULL, ABSENT, 200, NULL, TEXT("ok") },
	{ NONE, "HEAD", "/readyz", NULL, ABSENT, 200, NULL, ABSENT },
	{ NONE, "POST", "/status", NULL, TEXT("x"), 405, NULL, ABSENT },
	{ FORGED, "HEAD", "/openapi.json?x", NULL, ABSENT, 200, NULL, ABSENT },
	{ NONE, "PUT", "/openapi.json", NULL, TEXT("x"), 405, NULL, ABSENT },
	{ NONE, "DELETE", "/readyz", NULL, ABSENT, 405, NULL, ABSENT },
	{ NONE, "OPTIONS", "/status", NULL, ABSENT, 204, NULL, ABSENT },
	{ NONE, "GET", "/", NULL, ABSENT, 404, NULL, ABSENT },
	{ NONE, "GET", "/status/", NULL, ABSENT, 404, NULL, ABSENT },
	{ NONE, "GET", "/api3/n/k", NULL, ABSENT, 404, NULL, ABSENT },
	{ NONE, "OPTIONS", "*", NULL, ABSENT, 404, NULL, ABSENT },
	/* A preflight is answered wherever it goes. */
	{ NONE, "OPTIONS", K, "HTTP_ORIGIN=https://a\nHTTP_ACCESS_CONTROL_REQUEST_METHOD=PUT", ABSENT, 204, NULL,
	    ABSENT },
	{ NONE, "OPTIONS", "/x", "HTTP_ORIGIN=https://a\nHTTP_ACCESS_CONTROL_REQUEST_METHOD=PUT", ABSENT, 204, NULL,
	    ABSENT },
	{ NONE, "OPTIONS", K, "HTTP_ORIGIN=https://a", ABSENT, 401, NULL, TEXT("NoAuthToken") },
};

/* The token comes before everything else. */
static const struct row tokens[] = {
	{ NONE, "GET", K, NULL, ABSENT, 401, NULL, TEXT("NoAuthToken") },
	{ BASIC, "GET", K, NULL, ABSENT, 401, NULL, TEXT("NoAuthToken") },
	{ FORGED, "GET", K, NULL, ABSENT, 401, NULL, TEXT("InvalidToken") },
	{ EXPIRED, "GET", K, NULL, ABSENT, 401, NULL, TEXT("InvalidToken") },
	{ NONE, "HEAD", K, NULL, ABSENT, 401, NULL, ABSENT },
	{ NONE, "PUT", K, NULL, TEXT("12345678901234567"), 401, NULL, TEXT("NoAuthToken") },
	{ NONE, "GET", "/api", NULL, ABSENT, 401, NULL, TEXT("NoAuthToken") },
	{ NONE, "GET", "/api2/x/y/z/a/b", NULL, ABSENT, 401, NULL, TEXT("NoAuthToken") },
	{ NONE, "PATCH", "/api/n/k", NULL, ABSENT, 401, NULL, TEXT("NoAuthToken") },
	{ FORGED, "GET", "/api/%zz/k", NULL, ABSENT, 401, NULL, TEXT("InvalidToken") },
	{ NONE, "GET", K, "HTTP_IF_MATCH=?", ABSENT, 401, NULL, TEXT("NoAuthToken") },
	{ OWN, "GET", "/api", NULL, ABSENT, 404, NULL, ABSENT },
	{ OWN, "GET", "/api2/x/y/z/a/b", NULL, ABSENT, 404, NULL, ABSENT },
	{ OWN, "PATCH", "/api/n/k", NULL, ABSENT, 405, NULL, ABSENT },
	{ OWN, "PUT", "/api/n/k", NULL, TEXT("x"), 405, NULL, ABSENT },
	{ OWN, "POST", K, NULL, TEXT("x"), 405, NULL, ABSENT },
	{ OWN, "PUT", W2 "/n", NULL, TEXT("x"), 405, NULL, ABSENT },
	{ OWN, "OPTIONS", K, NULL, ABSENT, 204, NULL, ABSENT },
	{ NONE, "GET", K, "HTTP_ACCEPT=application/problem+json", ABSENT, 401, NULL,
	    TEXT("{\"type\":\"about:blank\",\"title\":\"Unauthorized\",\"status\":401,"
		 "\"detail\":\"NoAuthToken\"}") },
};

#define REACHES(token, workspace) \
	{ \
		token, "GET", "/api2/" workspace "/n/k", NULL, ABSENT, 404, NULL, ABSENT \
	}
#define STOPS(token, workspace, status, text) \
	{ \
		token, "GET", "/api2/" workspace "/n/k", NULL, ABSENT, status, NULL, TEXT(text) \
	}
#define ZEROS "00000000-0000-0000-0000-000000000000"
#define BARE  "5dd1c5a63b0f4d5a9d2bb6c9e0f7a811"
#define UPPER "5DD1C5A6-3B0F-4D5A-9D2B-B6C9E0F7A811"

static const struct row workspaces[] = {
	REACHES(OWN, WORKSPACE),
	REACHES(OWN, BARE),
	REACHES(OWN, UPPER),
	REACHES(OWN, "{" WORKSPACE "}"),
	REACHES(OWN, "urn:uuid:" WORKSPACE),
	REACHES(OWN, "urn%3Auuid%3A" WORKSPACE),
	STOPS(OWN, OTHER, 403, "Workspace mismatch"),
	STOPS(OWN, DEFAULT, 403, "Workspace mismatch"),
	STOPS(OWN, "x", 400, "Invalid workspace UUID"),
	STOPS(OWN, WORKSPACE "0", 400, "Invalid workspace UUID"),
	STOPS(OWN, "%20" WORKSPACE, 400, "Invalid workspace UUID"),
	STOPS(OWN, "{" BARE "}", 400, "Invalid workspace UUID"),
	STOPS(OWN, "%zz", 400, ESCAPE_TEXT),
	STOPS(OWN, "%00", 400, NAMES_TEXT),
	REACHES(ALL, WORKSPACE),
	REACHES(ALL, OTHER),
	REACHES(ALL, BARE),
	REACHES(ALL, DEFAULT),
	STOPS(ALL, "x", 400, "Invalid UUID in workspace"),
	STOPS(ALL, WORKSPACE "0", 400, "Invalid UUID in workspace"),
	STOPS(NOWHERE, WORKSPACE, 403, "Missing workspace in token"),
	STOPS(NOWHERE, "x", 403, "Missing workspace in token"),
	{ NOWHERE, "GET", "/api2/" WORKSPACE "/n", NULL, ABSENT, 403, NULL, TEXT("Missing workspace in token") },
	{ OWN, "GET", "/api2/" OTHER "/n", NULL, ABSENT, 403, NULL, TEXT("Workspace mismatch") },
	{ OWN, "DELETE", "/api2/" OTHER "/n/k", NULL, ABSENT, 403, NULL, TEXT("Workspace mismatch") },
	/* Where the proofs of encryption keys are. */
	{ ALL, "GET", "/api2/" ZEROS "/hulykvs-keys", NULL, ABSENT, 403, NULL, TEXT("Namespace forbidden") },
	{ ALL, "GET", "/api2/" ZEROS "/%68ulykvs-keys/a", NULL, ABSENT, 403, NULL, TEXT("Namespace forbidden") },
	{ ALL, "PUT", "/api2/" ZEROS "/hulykvs-keys/a", NULL, TEXT("x"), 403, NULL, TEXT("Namespace forbidden") },
	{ ALL, "DELETE", "/api2/" ZEROS "/hulykvs-keys/a", NULL, ABSENT, 403, NULL, TEXT("Namespace forbidden") },
	{ ALL, "GET", "/api2/" ZEROS "/hulykvs-key/a", NULL, ABSENT, 404, NULL, ABSENT },
	{ OWN, "GET", "/api2/" WORKSPACE "/hulykvs-keys/a", NULL, ABSENT, 404, NULL, ABSENT },
	/* A refused body is not waited for. */
	{ OWN, "PUT", "/api2/" OTHER "/n/k", NULL, TEXT("12345678901234567"), 403, NULL, TEXT("Workspace mismatch") },
	/* Workspaces hold keys of their own; v1's is the default one, whatever the token says. */
	{ OWN, "PUT", K, NULL, TEXT("one"), 204, NULL, ABSENT },
	REACHES(ALL, OTHER),
	REACHES(ALL, DEFAULT),
	{ NOWHERE, "GET", "/api/n/k", NULL, ABSENT, 404, NULL, ABSENT },
	{ NOWHERE, "POST", "/api/n/k", NULL, TEXT("two"), 204, NULL, ABSENT },
	{ OWN, "GET", "/api/n/k", NULL, ABSENT, 200, NULL, TEXT("two") },
	{ ALL, "GET", "/api/n/k", NULL, ABSENT, 200, NULL, TEXT("two") },
	{ ALL, "GET", "/api2/" DEFAULT "/n/k", NULL, ABSENT, 200, TWO, TEXT("two") },
	{ ALL, "GET", K, NULL, ABSENT, 200, ONE, TEXT("one") },
	{ ALL, "DELETE", "/api2/" OTHER "/n/k", NULL, ABSENT, 404, NULL, ABSENT },
	{ ALL, "DELETE", "/api2/" DEFAULT "/n/k", NULL, ABSENT, 204, NULL, ABSENT },
	{ OWN, "GET", K, NULL, ABSENT, 200, ONE, TEXT("one") },
};

/* A key from nothing to nothing; both versions. */
static const struct row lives[] = {
	{ OWN, "GET", K, NULL, ABSENT, 404, NULL, ABSENT },
	{ OWN, "HEAD", K, NULL, ABSENT, 404, NULL, ABSENT },
	{ OWN, "DELETE", K, NULL, ABSENT, 404, NULL, ABSENT },
	{ OWN, "PUT", K, NULL, TEXT("one"), 204, NULL, ABSENT },
	{ OWN, "GET", K, NULL, ABSENT, 200, ONE, TEXT("one") },
	{ OWN, "HEAD", K, NULL, ABSENT, 200, ONE, ABSENT },
	{ OWN, "GET", K "?x=%zz", NULL, ABSENT, 200, ONE, TEXT("one") },
	{ OWN, "PUT", K, NULL, TEXT("two"), 204, NULL, ABSENT },
	{ OWN, "GET", K, NULL, ABSENT, 200, TWO, TEXT("two") },
	{ OWN, "PUT", K, NULL, TEXT(""), 204, NULL, ABSENT },
	{ OWN, "GET", K, NULL, ABSENT, 200, EMPTY, ABSENT },
	{ OWN, "PUT", K, NULL, TEXT("one"), 204, NULL, ABSENT },
	{ OWN, "PUT", K, NULL, ABSENT, 204, NULL, ABSENT },
	{ OWN, "GET", K, NULL, ABSENT, 200, EMPTY, ABSENT },
	{ OWN, "DELETE", K, NULL, ABSENT, 204, NULL, ABSENT },
	{ OWN, "GET", K, NULL, ABSENT, 404, NULL, ABSENT },
	{ OWN, "DELETE", K, NULL, ABSENT, 404, NULL, ABSENT },
	{ OWN, "GET", "/api/n/k", NULL, ABSENT, 404, NULL, ABSENT },
	{ OWN, "DELETE", "/api/n/k", NULL, ABSENT, 404, NULL, ABSENT },
	{ OWN, "POST", "/api/n/k", NULL, TEXT("\0\xff"), 204, NULL, ABSENT },
	{ OWN, "GET", "/api/n/k", NULL, ABSENT, 200, NULL, TEXT("\0\xff") },
	{ OWN, "HEAD", "/api/n/k", NULL, ABSENT, 200, NULL, ABSENT },
	{ OWN, "DELETE", "/api/n/k", NULL, ABSENT, 204, NULL, ABSENT },
	{ OWN, "HEAD", "/api/n/k", NULL, ABSENT, 404, NULL, ABSENT },
};

#define BAD_NAME(method, uri, text) \
	{ \
		OWN, method, uri, NULL, ABSENT, 400, NULL, TEXT(text) \
	}

static const struct row names[] = {
	/* Decoded once, a segment at a time; + is a +. */
	{ OWN, "PUT", W2 "/n/a%2Fb", NULL, TEXT("1"), 204, NULL, ABSENT },
	{ OWN, "PUT", W2 "/n/a+b", NULL, TEXT("1"), 204, NULL, ABSENT },
	{ OWN, "PUT", W2 "/n/a%20b", NULL, TEXT("1"), 204, NULL, ABSENT },
	{ OWN, "PUT", W2 "/n/%2525", NULL, TEXT("1"), 204, NULL, ABSENT },
	{ OWN, "PUT", W2 "/n/%c3%A4%f4%8f%bf%bf", NULL, TEXT("1"), 204, NULL, ABSENT },
	{ OWN, "PUT", W2 "/%2e%2E/%22", NULL, TEXT("1"), 204, NULL, ABSENT },
	{ OWN, "GET", W2 "/n", NULL, ABSENT, 200, NULL,
	    TEXT("{\"workspace\":\"" WORKSPACE "\",\"namespace\":\"n\",\"count\":5,\"keys\":"
		 "[\"%25\",\"a b\",\"a+b\",\"a/b\",\"\xc3\xa4\xf4\x8f\xbf\xbf\"]}") },
	{ OWN, "GET", W2 "/..", NULL, ABSENT, 200, NULL,
	    TEXT("{\"workspace\":\"" WORKSPACE "\",\"namespace\":\"..\",\"count\":1,\"keys\":[\"\\\"\"]}") },
	{ OWN, "DELETE", W2 "/n/%61%2bb", NULL, ABSENT, 204, NULL, ABSENT },
	BAD_NAME("GET", W2 "/n/%", ESCAPE_TEXT),
	BAD_NAME("GET", W2 "/n/%4", ESCAPE_TEXT),
	BAD_NAME("GET", W2 "/%zz/k", ESCAPE_TEXT),
	BAD_NAME("GET", W2 "/%zz", ESCAPE_TEXT),
	BAD_NAME("PUT", W2 "/n/%zz", ESCAPE_TEXT),
	BAD_NAME("DELETE", W2 "/n/%zz", ESCAPE_TEXT),
	BAD_NAME("HEAD", W2 "/n/%zz", ""),
	BAD_NAME("POST", "/api/n/%zz", ESCAPE_TEXT),
	BAD_NAME("GET", W2 "/n/%00", NAMES_TEXT),
	BAD_NAME("GET", W2 "/n/a%00b", NAMES_TEXT),
	BAD_NAME("GET", W2 "/n/%ff", NAMES_TEXT),
	BAD_NAME("GET", W2 "/n/\xff", NAMES_TEXT),
	BAD_NAME("GET", W2 "/%c3/k", NAMES_TEXT),
	BAD_NAME("GET", W2 "/%ed%a0%80", NAMES_TEXT),
	BAD_NAME("DELETE", "/api/%00/k", NAMES_TEXT),
	BAD_NAME("POST", "/api/n/%f5%80%80%80", NAMES_TEXT),
};

#define CODED "Content-Encoding: values are taken as they are, not decoded"

static const struct row bodies[] = {
	{ OWN, "PUT", K, NULL, TEXT("1234567890123456"), 204, NULL, ABSENT },
	{ OWN, "PUT", K, NULL, TEXT("12345678901234567"), 413, NULL, TEXT("payload reached size limit") },
	{ OWN, "POST", "/api/n/k", NULL, TEXT("12345678901234567"), 413, NULL, TEXT("payload reached size limit") },
	{ OWN, "PUT", K, "CONTENT_LENGTH=99999999999999999999999", ABSENT, 413, NULL,
	    TEXT("payload reached size limit") },
	{ OWN, "PUT", K, "CONTENT_LENGTH=1x", ABSENT, 400, NULL, TEXT("Malformed Content-Length") },
	{ OWN, "POST", "/api/n/k", "CONTENT_LENGTH=-1", ABSENT, 400, NULL, TEXT("Malformed Content-Length") },
	{ OWN, "PUT", K, "CONTENT_LENGTH=", ABSENT, 204, NULL, ABSENT },
	{ OWN, "GET", K, NULL, ABSENT, 200, EMPTY, ABSENT },
	{ OWN, "GET", "/api/n/k", NULL, ABSENT, 404, NULL, ABSENT },
	/* A condition that cannot be read comes before the length. */
	{ OWN, "PUT", K, "HTTP_IF_NONE_MATCH=x\nCONTENT_LENGTH=17", ABSENT, 400, NULL,
	    TEXT("If-None-Match must be '*'") },
	/* What a coding hides, readers would get as it is; of others nothing is known. */
	{ OWN, "PUT", K, "HTTP_CONTENT_ENCODING=gzip", TEXT("x"), 415, NULL, TEXT(CODED) },
	{ OWN, "PUT", K, "HTTP_CONTENT_ENCODING= ZSTD\t", TEXT("x"), 415, NULL, TEXT(CODED) },
	{ OWN, "POST", "/api/n/k", "HTTP_CONTENT_ENCODING=br", TEXT("x"), 415, NULL, TEXT(CODED) },
	{ OWN, "POST", "/api/n/k", "HTTP_CONTENT_ENCODING=deflate", TEXT("x"), 415, NULL, TEXT(CODED) },
	{ OWN, "PUT", K, "HTTP_CONTENT_ENCODING=identity", ABSENT, 204, NULL, ABSENT },
	{ OWN, "PUT", K, "HTTP_CONTENT_ENCODING=utf-8 ,, identity", ABSENT, 204, NULL, ABSENT },
	{ OWN, "PUT", K, "HTTP_CONTENT_ENCODING=gzip, br", TEXT("x"), 415, NULL, TEXT(CODED) },
	{ OWN, "GET", K, "HTTP_CONTENT_ENCODING=gzip", ABSENT, 200, EMPTY, ABSENT },
	/* A piece does not replace the whole. */
	{ OWN, "PUT", K, "HTTP_CONTENT_RANGE=bytes 3-3/10", TEXT("x"), 400, NULL,
	    TEXT("Content-Range: a value can only be replaced as a whole") },
	{ OWN, "POST", "/api/n/k", "HTTP_CONTENT_RANGE=bytes 0-0/1", ABSENT, 204, NULL, ABSENT },
	/* Where no body belongs, its length does not matter. */
	{ OWN, "GET", K, "CONTENT_LENGTH=17", ABSENT, 200, EMPTY, ABSENT },
	{ OWN, "DELETE", K, "CONTENT_LENGTH=x", ABSENT, 204, NULL, ABSENT },
};

/* --- conditions: each row on a key of its own that holds "one", or is not there --- */

#define NOT_ANY    "If-None-Match must be '*'"
#define BAD_IM     "If-Match must be '*' or a list of entity tags"
#define BAD_INM    "If-None-Match must be '*' or a list of entity tags"
#define IM(value)  "HTTP_IF_MATCH=" value
#define INM(value) "HTTP_IF_NONE_MATCH=" value

struct condition {
	const char *method;
	bool there;
	const char *fields;
	unsigned status;
	const char *text;  /* "": no body, or the value where there is one */
	const char *after; /* the value then; NULL: not there */
};

static const struct condition conditions_v2[] = {
	{ "PUT", false, NULL, 204, "", "two" },
	{ "PUT", true, NULL, 204, "", "two" },
	{ "PUT", false, INM("*"), 201, "", "two" },
	{ "PUT", false, INM("\t* "), 201, "", "two" },
	{ "PUT", true, INM("*"), 412, "", "one" },
	{ "PUT", false, INM(Q(ONE)), 400, NOT_ANY, NULL },
	{ "PUT", true, INM(Q(TWO)), 400, NOT_ANY, "one" },
	{ "PUT", false, INM("**"), 400, NOT_ANY, NULL },
	{ "PUT", false, INM(""), 400, NOT_ANY, NULL },
	{ "PUT", false, INM("*") "\n" IM(Q(ONE)), 201, "", "two" },
	{ "PUT", true, INM("*") "\n" IM(Q(ONE)), 412, "", "one" },
	{ "PUT", false, INM("*") "\n" IM("?"), 201, "", "two" },
	{ "PUT", true, INM("x") "\n" IM("?"), 400, NOT_ANY, "one" },
	{ "PUT", false, IM("*"), 412, "", NULL },
	{ "PUT", true, IM("*"), 204, "", "two" },
	{ "PUT", true, IM(" *"), 204, "", "two" },
	{ "PUT", false, IM(Q(ONE)), 412, "", NULL },
	{ "PUT", true, IM(Q(ONE)), 204, "", "two" },
	{ "PUT", true, IM(ONE), 204, "", "two" },
	{ "PUT", true, IM("F97C5D29941BFB1B2FDAB0874906AB82"), 204, "", "two" },
	{ "PUT", true, IM(Q(TWO)), 412, "", "one" },
	{ "PUT", true, IM(Q(TWO) ", " Q(ONE)), 204, "", "two" },
	{ "PUT", true, IM("\"x\"," ONE), 204, "", "two" },
	{ "PUT", true, IM(Q(TWO) "," Q(EMPTY)), 412, "", "one" },
	{ "PUT", true, IM("W/" Q(ONE)), 412, "", "one" },
	{ "PUT", true, IM("\"x\""), 412, "", "one" },
	{ "PUT", true, IM("?"), 400, BAD_IM, "one" },
	{ "PUT", false, IM("\"" ONE), 400, BAD_IM, NULL },
	{ "PUT", true, IM(Q(ONE) " " Q(TWO)), 400, BAD_IM, "one" },
	{ "PUT", true, IM("*, " Q(ONE)), 400, BAD_IM, "one" },
	{ "DELETE", false, NULL, 404, "", NULL },
	{ "DELETE", true, NULL, 204, "", NULL },
	{ "DELETE", false, IM("*"), 412, "", NULL },
	{ "DELETE", true, IM("*"), 204, "", NULL },
	{ "DELETE", false, IM(Q(ONE)), 412, "", NULL },
	{ "DELETE", true, IM(Q(ONE)), 204, "", NULL },
	{ "DELETE", true, IM(Q(TWO)), 412, "", "one" },
	{ "DELETE", true, IM("W/" Q(ONE)), 412, "", "one" },
	{ "DELETE", true, IM("?"), 400, BAD_IM, "one" },
	{ "DELETE", true, INM("*"), 412, "", "one" },
	{ "DELETE", false, INM("*"), 404, "", NULL },
	{ "DELETE", true, INM(Q(ONE)), 400, NOT_ANY, "one" },
	{ "DELETE", true, INM(Q(TWO)) "\n" IM(Q(ONE)), 400, NOT_ANY, "one" },
	{ "GET", true, NULL, 200, "one", "one" },
	{ "GET", true, INM("*"), 304, "", "one" },
	{ "GET", true, INM(Q(ONE)), 304, "", "one" },
	{ "GET", true, INM("W/" Q(ONE)), 304, "", "one" },
	{ "GET", true, INM(ONE), 304, "", "one" },
	{ "GET", true, INM(Q(TWO) ", " Q(ONE)), 304, "", "one" },
	{ "GET", true, INM(Q(TWO)), 200, "one", "one" },
	{ "GET", true, INM("?"), 400, BAD_INM, "one" },
	{ "GET", true, IM("*"), 200, "one", "one" },
	{ "GET", true, IM(Q(ONE)), 200, "one", "one" },
	{ "GET", true, IM(Q(TWO)), 412, "", "one" },
	{ "GET", true, IM("W/" Q(ONE)), 412, "", "one" },
	{ "GET", true, IM("?"), 400, BAD_IM, "one" },
	{ "GET", true, IM("?") "\n" INM("?"), 400, BAD_IM, "one" },
	/* RFC 9110 13.2.2: If-Match first. */
	{ "GET", true, IM(Q(TWO)) "\n" INM(Q(ONE)), 412, "", "one" },
	{ "GET", true, IM(Q(ONE)) "\n" INM(Q(ONE)), 304, "", "one" },
	{ "GET", true, IM(Q(ONE)) "\n" INM(Q(TWO)), 200, "one", "one" },
	/* RFC 9110 13.2.1: no conditions on a 404. */
	{ "GET", false, IM("*"), 404, "", NULL },
	{ "GET", false, IM(Q(ONE)), 404, "", NULL },
	{ "GET", false, INM("*"), 404, "", NULL },
	{ "GET", false, INM("?"), 400, BAD_INM, NULL },
	{ "HEAD", true, INM(Q(ONE)), 304, "", "one" },
	{ "HEAD", true, INM(Q(TWO)), 200, "", "one" },
	{ "HEAD", true, IM(Q(TWO)), 412, "", "one" },
	{ "HEAD", true, IM(Q(ONE)), 200, "", "one" },
	{ "HEAD", true, INM("?"), 400, "", "one" },
	{ "HEAD", false, INM("*"), 404, "", NULL },
};

/* COMPAT: v1 has none. */
static const struct condition conditions_v1[] = {
	{ "GET", true, INM("*"), 200, "one", "one" },
	{ "GET", true, INM(Q(ONE)), 200, "one", "one" },
	{ "GET", true, INM("?"), 200, "one", "one" },
	{ "GET", true, IM(Q(TWO)), 200, "one", "one" },
	{ "GET", true, IM("?"), 200, "one", "one" },
	{ "HEAD", true, INM(Q(ONE)), 200, "", "one" },
	{ "POST", true, INM("*"), 204, "", "two" },
	{ "POST", false, INM("*"), 204, "", "two" },
	{ "POST", true, INM("x"), 204, "", "two" },
	{ "POST", true, IM(Q(TWO)), 204, "", "two" },
	{ "POST", false, IM("*"), 204, "", "two" },
	{ "POST", true, IM("?"), 204, "", "two" },
	{ "DELETE", true, IM(Q(TWO)), 204, "", NULL },
	{ "DELETE", true, IM("?"), 204, "", NULL },
	{ "DELETE", false, IM("*"), 404, "", NULL },
};

static void
play_conditions(const struct condition *rows, size_t n, const char *uri, const struct uuid *in)
{
	bool tagged = strstr(uri, "api2") != NULL;

	for (size_t i = 0; i < n; i++) {
		const struct condition *c = &rows[i];
		bool shows_tag = tagged && (c->status == 200 || c->status == 304);
		struct row row = { OWN, c->method, uri, c->fields, STR("two"), c->status, shows_tag ? ONE : NULL,
			str_of(c->text) };

		if (c->there)
			store_mem_put(&store, in, STR("n"), STR("k"), STR("one"));
		play(&row, c->there ? "on a value: " : "on none: ");
		tap_text(store_mem_get(&store, in, STR("n"), STR("k")), str_of(c->after), "and then");
		store_mem_free(&store);
	}
}

/* --- lists --- */

#define L2(rest) "{\"workspace\":\"" WORKSPACE "\",\"namespace\":\"n\"," rest "}"
#define L1(rest) "{\"namespace\":\"n\"," rest "}"
#define LISTS(query, rest) \
	{ \
		OWN, "GET", W2 "/n" query, NULL, ABSENT, 200, NULL, TEXT(L2(rest)) \
	}
#define ALL_KEYS "\"count\":6,\"keys\":[\"%\",\"_\",\"a\",\"ab\",\"abc\",\"b c\"]"
#define NO_KEYS  "\"count\":0,\"keys\":[]"
#define NO_LIST(query, text) \
	{ \
		OWN, "GET", W2 "/n" query, NULL, ABSENT, 400, NULL, TEXT(text) \
	}

static const struct row lists[] = {
	LISTS("", ALL_KEYS),
	LISTS("?", ALL_KEYS),
	LISTS("?prefix=", ALL_KEYS),
	LISTS("?x=1&limit=6", ALL_KEYS),
	LISTS("?limit=10000", ALL_KEYS),
	LISTS("?prefix=a", "\"count\":3,\"keys\":[\"a\",\"ab\",\"abc\"]"),
	LISTS("?prefix=ab", "\"count\":2,\"keys\":[\"ab\",\"abc\"]"),
	LISTS("?prefix=abcd", NO_KEYS),
	LISTS("?prefix=c", NO_KEYS),
	LISTS("?prefix=A", NO_KEYS),
	LISTS("?prefix=%25", "\"count\":1,\"keys\":[\"%\"]"),
	LISTS("?prefix=_", "\"count\":1,\"keys\":[\"_\"]"),
	LISTS("?prefix=b+", "\"count\":1,\"keys\":[\"b c\"]"),
	LISTS("?prefix=b%20", "\"count\":1,\"keys\":[\"b c\"]"),
	LISTS("?limit=1", "\"count\":1,\"keys\":[\"%\"],\"cursor\":\"kJQ\""),
	LISTS("?limit=5", "\"count\":5,\"keys\":[\"%\",\"_\",\"a\",\"ab\",\"abc\"],\"cursor\":\"kYWJj\""),
	LISTS("?limit=2&prefix=a", "\"count\":2,\"keys\":[\"a\",\"ab\"],\"cursor\":\"kYWI\""),
	LISTS("?limit=2&prefix=a&cursor=kYWI", "\"count\":1,\"keys\":[\"abc\"]"),
	LISTS("?limit=3&prefix=a", "\"count\":3,\"keys\":[\"a\",\"ab\",\"abc\"]"),
	LISTS("?cursor=kYQ", "\"count\":3,\"keys\":[\"ab\",\"abc\",\"b c\"]"),
	LISTS("?cursor=kYWE", "\"count\":3,\"keys\":[\"ab\",\"abc\",\"b c\"]"),
	LISTS("?cursor=kAQ", ALL_KEYS),
	LISTS("?cursor=kYiBj", NO_KEYS),
	LISTS("?cursor=keg", NO_KEYS),
	LISTS("?prefix=a&cursor=kJQ", "\"count\":3,\"keys\":[\"a\",\"ab\",\"abc\"]"),
	LISTS("?prefix=a&cursor=kYg", NO_KEYS),
	NO_LIST("?prefix=a&prefix=b", "prefix, end, limit, cursor and include may be given once"),
	NO_LIST("?prefix=%zz", ESCAPE_TEXT),
	NO_LIST("?prefix=%00", NAMES_TEXT),
	NO_LIST("?prefix=%ff", NAMES_TEXT),
	NO_LIST("?limit=0", "limit must be a number from 1 to 10000"),
	NO_LIST("?limit=10001", "limit must be a number from 1 to 10000"),
	NO_LIST("?cursor=zz", "cursor is not one of ours"),
	/* The workspace as it is written in the path. */
	{ OWN, "GET", "/api2/" BARE "/n?limit=1", NULL, ABSENT, 200, NULL,
	    TEXT("{\"workspace\":\"" BARE "\",\"namespace\":\"n\",\"count\":1,\"keys\":[\"%\"],"
		 "\"cursor\":\"kJQ\"}") },
	{ OWN, "GET", "/api2/%7b" UPPER "}/x", NULL, ABSENT, 200, NULL,
	    TEXT("{\"workspace\":\"{" UPPER "}\",\"namespace\":\"x\",\"count\":0,\"keys\":[]}") },
	{ OWN, "HEAD", W2 "/n", NULL, ABSENT, 200, NULL, ABSENT },
	{ OWN, "GET", W2 "/N", NULL, ABSENT, 200, NULL,
	    TEXT("{\"workspace\":\"" WORKSPACE "\",\"namespace\":\"N\"," NO_KEYS "}") },
	{ OWN, "GET", "/api/n", NULL, ABSENT, 200, NULL, TEXT(L1("\"count\":1,\"keys\":[\"v1\"]")) },
	{ NOWHERE, "GET", "/api/n?prefix=v2", NULL, ABSENT, 200, NULL, TEXT(L1(NO_KEYS)) },
	{ OWN, "GET", "/api/n?limit=0", NULL, ABSENT, 400, NULL, TEXT("limit must be a number from 1 to 10000") },
};

#define X_TAG           "\"etag\":\"\\\"9dd4e461268c8034f5c8564e155c67a6\\\"\",\"modified\":null"
#define X_KEY(key)      "{\"key\":\"" key "\",\"size\":1," X_TAG "}"
#define X_VALUE(key)    "{\"key\":\"" key "\",\"size\":1," X_TAG ",\"value\":\"eA==\"}"
#define OTHER_PARAMETER "prefix and end are for lists of keys, include also for namespaces"
#define BAD_INCLUDE     "include must be metadata or values, or for namespaces counts"

/* What else there is in the same rows: see fill_lists(). */
static const struct row other_lists[] = {
	LISTS("?include=metadata&prefix=b", "\"count\":1,\"entries\":[" X_KEY("b c") "]"),
	LISTS("?include=metadata&limit=1", "\"count\":1,\"entries\":[" X_KEY("%") "],\"cursor\":\"kJQ\""),
	LISTS("?include=values&end=ab&cursor=kJQ", "\"count\":2,\"entries\":[" X_VALUE("_") "," X_VALUE("a") "]"),
	LISTS("?include=values&end=%25", "\"count\":0,\"entries\":[]"),
	LISTS("?end=ab", "\"count\":3,\"keys\":[\"%\",\"_\",\"a\"]"),
	{ OWN, "HEAD", W2 "/n?include=values", NULL, ABSENT, 200, NULL, ABSENT },
	NO_LIST("?include=all", BAD_INCLUDE),
	NO_LIST("?include=values&include=values", "prefix, end, limit, cursor and include may be given once"),
	{ OWN, "GET", "/api/n?include=all&end=a&end=b", NULL, ABSENT, 200, NULL,
	    TEXT(L1("\"count\":1,\"keys\":[\"v1\"]")) },
	{ OWN, "GET", W2, NULL, ABSENT, 200, NULL,
	    TEXT("{\"workspace\":\"" WORKSPACE "\",\"count\":3,\"namespaces\":[\"m\",\"n\",\"nn\"]}") },
	{ OWN, "GET", "/api2/" BARE "?limit=2", NULL, ABSENT, 200, NULL,
	    TEXT("{\"workspace\":\"" BARE "\",\"count\":2,\"namespaces\":[\"m\",\"n\"],\"cursor\":\"kbg\"}") },
	{ OWN, "GET", W2 "?include=counts&limit=2&cursor=kbQ", NULL, ABSENT, 200, NULL,
	    TEXT("{\"workspace\":\"" WORKSPACE "\",\"count\":2,\"namespaces\":[{\"namespace\":\"n\",\"count\":6},"
		 "{\"namespace\":\"nn\",\"count\":1}]}") },
	{ OWN, "HEAD", W2, NULL, ABSENT, 200, NULL, ABSENT },
	{ OWN, "GET", W2 "?prefix=m", NULL, ABSENT, 400, NULL, TEXT(OTHER_PARAMETER) },
	{ OWN, "GET", W2 "?include=values", NULL, ABSENT, 400, NULL, TEXT(BAD_INCLUDE) },
	{ OWN, "GET", W2 "?cursor=x", NULL, ABSENT, 400, NULL, TEXT("cursor is not one of ours") },
	{ OWN, "GET", "/api2/" OTHER, NULL, ABSENT, 403, NULL, TEXT("Workspace mismatch") },
	{ OWN, "GET", "/api2/x", NULL, ABSENT, 400, NULL, TEXT("Invalid workspace UUID") },
	{ NOWHERE, "GET", W2, NULL, ABSENT, 403, NULL, TEXT("Missing workspace in token") },
	{ NONE, "GET", W2, NULL, ABSENT, 401, NULL, TEXT("NoAuthToken") },
	{ OWN, "PUT", W2, NULL, TEXT("x"), 405, NULL, ABSENT },
	{ OWN, "GET", W2 "/", NULL, ABSENT, 404, NULL, ABSENT },
	{ ALL, "GET", "/api2/" ZEROS, NULL, ABSENT, 200, NULL,
	    TEXT("{\"workspace\":\"" ZEROS "\",\"count\":0,\"namespaces\":[]}") },
	{ ALL, "GET", "/api2", NULL, ABSENT, 200, NULL,
	    TEXT("{\"count\":3,\"workspaces\":[\"" OTHER "\",\"" DEFAULT "\",\"" WORKSPACE "\"]}") },
	{ ALL, "GET", "/api2?limit=1", NULL, ABSENT, 200, NULL,
	    TEXT("{\"count\":1,\"workspaces\":[\"" OTHER "\"],"
		 "\"cursor\":\"kMDAwMDAwMDAtMDAwMC00MDAwLTgwMDAtMDAwMDAwMDAwMDAw\"}") },
	{ ALL, "GET", "/api2?limit=1&cursor=kMDAwMDAwMDAtMDAwMC00MDAwLTgwMDAtMDAwMDAwMDAwMDAw", NULL, ABSENT, 200, NULL,
	    TEXT("{\"count\":1,\"workspaces\":[\"" DEFAULT "\"],"
		 "\"cursor\":\"kMTExMTExMTEtMjIyMi0zMzMzLTQ0NDQtNTU1NTU1NTU1NTU1\"}") },
	{ ALL, "HEAD", "/api2", NULL, ABSENT, 200, NULL, ABSENT },
	{ ALL, "GET", "/api2?cursor=kaw", NULL, ABSENT, 400, NULL, TEXT("cursor is not one of ours") },
	/* That of the last workspace that there can be. */
	{ ALL, "GET", "/api2?cursor=kZmZmZmZmZmYtZmZmZi1mZmZmLWZmZmYtZmZmZmZmZmZmZmZm", NULL, ABSENT, 400, NULL,
	    TEXT("cursor is not one of ours") },
	{ ALL, "GET", "/api2?include=counts", NULL, ABSENT, 400, NULL, TEXT(OTHER_PARAMETER) },
	{ OWN, "GET", "/api2", NULL, ABSENT, 403, NULL, TEXT("Only the system account may list workspaces") },
	{ NONE, "GET", "/api2", NULL, ABSENT, 401, NULL, TEXT("NoAuthToken") },
	{ ALL, "DELETE", "/api2", NULL, ABSENT, 405, NULL, ABSENT },
};

static void
fill_lists(void)
{
	static const struct str keys[] = { TEXT("b c"), TEXT("abc"), TEXT("_"), TEXT("a"), TEXT("%"), TEXT("ab") };

	for (size_t i = 0; i < COUNT(keys); i++)
		store_mem_put(&store, &workspace, STR("n"), keys[i], STR("x"));
	store_mem_put(&store, &workspace, STR("nn"), STR("of another namespace"), STR("x"));
	store_mem_put(&store, &workspace, STR("m"), STR("of another namespace"), STR("x"));
	store_mem_put(&store, &other, STR("n"), STR("of another workspace"), STR("x"));
	store_mem_put(&store, &api.default_workspace, STR("n"), STR("v1"), STR("x"));
	store_mem_put(&store, &(struct uuid){ { 0 } }, STR("hulykvs-keys"), STR("id"), STR("x"));
}

/* --- what the store says --- */

static void
play_outcomes(void)
{
	static const struct {
		enum store_outcome outcome;
		unsigned status;
		struct str text;
	} outcomes[] = {
		{ STORE_BUSY, 503, TEXT("Too many lists at once") },
		{ STORE_TOO_LONG, 414, TEXT("Namespace and key are too long for the database's index") },
		{ STORE_UNAVAILABLE, 503, TEXT("Database unavailable") },
		{ STORE_UNKNOWN, 503, TEXT("Outcome unknown: the write may or may not have happened") },
		{ STORE_FAULT, 500, TEXT("Internal error") },
	};
	static const char *const methods[] = { "GET", "PUT", "DELETE" };
	struct row row = { OWN, NULL, K, NULL, STR("x"), 0, NULL, STR_ABSENT };

	for (size_t i = 0; i < COUNT(outcomes); i++) {
		store.outcome = outcomes[i].outcome;
		row.status = outcomes[i].status;
		row.answer = outcomes[i].text;
		for (size_t m = 0; m < COUNT(methods); m++) {
			row.method = methods[m];
			row.uri = K;
			play(&row, "the store fails: ");
		}
		row.method = "GET";
		row.uri = W2 "/n";
		play(&row, "the store fails: ");
	}
	store_mem_free(&store);
}

static void
play_readiness(void)
{
#define KINDS         "[+]writable ok\n[+]lists ok\n"
#define SERVING       "[+]serving ok\n"
#define UNKNOWN_KINDS "[?]writable unknown\n[?]lists unknown\n"
#define OPERATOR      "HULYKVS_OPERATOR=1"
	const struct row ready = { NONE, "GET", "/readyz?verbose", NULL, STR_ABSENT, 200, NULL,
		STR("[+]database ok\n[+]schema ok\n" KINDS SERVING "ok") };
	const struct row away = { NONE, "GET", "/readyz", OPERATOR, STR_ABSENT, 503, NULL,
		STR("[-]database failed: no route\n[?]schema unknown\n" UNKNOWN_KINDS SERVING "Not ready") };
	const struct row away_public = { NONE, "GET", "/readyz?verbose", NULL, STR_ABSENT, 503, NULL,
		STR("[-]database failed\n[?]schema unknown\n" UNKNOWN_KINDS SERVING "Not ready") };
	const struct row wrong = { NONE, "GET", "/readyz", OPERATOR, STR_ABSENT, 503, NULL,
		STR("[-]schema failed: no table\n[+]database ok\n" UNKNOWN_KINDS SERVING "Not ready") };
	const struct row no_writes = { NONE, "GET", "/readyz", OPERATOR, STR_ABSENT, 503, NULL,
		STR("[-]writable failed: too many\n[+]database ok\n[+]schema ok\n[+]lists ok\n" SERVING "Not ready") };
	const struct row no_lists = { NONE, "GET", "/readyz", NULL, STR_ABSENT, 503, NULL,
		STR("[-]lists failed\n[+]database ok\n[+]schema ok\n[+]writable ok\n" SERVING "Not ready") };
	const struct row head = { NONE, "HEAD", "/readyz", NULL, STR_ABSENT, 503, NULL, STR_ABSENT };
	const struct row live = { NONE, "GET", "/livez", NULL, STR_ABSENT, 200, NULL, STR("ok") };
	const struct row silent = { NONE, "GET", "/readyz?x=verbose", NULL, STR_ABSENT, 503, NULL,
		STR("[-]database failed\n[?]schema unknown\n" UNKNOWN_KINDS SERVING "Not ready") };
	const struct row draining = { NONE, "GET", "/readyz?x&verbose=1", OPERATOR, STR_ABSENT, 503, NULL,
		STR("[-]serving failed: shutting down\n[+]database ok\n[+]schema ok\n" KINDS "Not ready") };
	struct heartbeat *health = heartbeat_new(1, 0);

	if (health == NULL)
		tap_bail("no memory");
	play(&ready, "ready: ");
	store.outcome = STORE_UNAVAILABLE;
	store.reason = STR("no route");
	play(&away, "not ready: ");
	play(&away_public, "not ready: ");
	play(&head, "not ready: ");
	play(&live, "not ready: ");
	store.reached = true;
	store.reason = STR("no table");
	play(&wrong, "not ready: ");
	store.reached = false;
	store.reason = STR_ABSENT;
	play(&silent, "not ready: ");
	store.outcome = STORE_DONE;
	store.no_writes = STR("too many");
	play(&no_writes, "not ready: ");
	store.no_writes = STR_ABSENT;
	store.no_lists = STR("too many");
	play(&no_lists, "not ready: ");
	store.no_lists = STR_ABSENT;
	api.health = health;
	play(&ready, "ready: ");
	heartbeat_drain(health);
	play(&draining, "draining: ");
	api.health = NULL;
	heartbeat_free(health);
	store_mem_free(&store);
}

static void
is_alive(void)
{
	const struct row live = { NONE, "GET", "/livez", NULL, STR_ABSENT, 200, NULL, STR("ok") };
	const struct row verbose = { NONE, "GET", "/livez?verbose", NULL, STR_ABSENT, 200, NULL,
		STR("[+]workers ok\nok") };
	const struct row stuck = { NONE, "GET", "/livez", OPERATOR, STR_ABSENT, 503, NULL,
		STR("[-]workers failed: the event loop of worker 1 has been stuck for 6 s\nNot alive") };
	const struct row status = { NONE, "GET", "/status", NULL, STR_ABSENT, 200, NULL, STR("ok") };
	int64_t now = clock_mono();
	struct heartbeat *health = heartbeat_new(2, now);

	if (health == NULL)
		tap_bail("no memory");
	api.health = health;
	play(&live, "alive: ");
	play(&verbose, "alive: ");
	heartbeat_beat(health, 1, now - HEARTBEAT_SILENCE - 1200 * CLOCK_MS);
	play(&stuck, "stuck: ");
	play(&status, "stuck: ");
	heartbeat_beat(health, 1, now);
	play(&live, "again: ");
	heartbeat_beat(health, 0, now - HEARTBEAT_SILENCE - CLOCK_S);
	heartbeat_end(health, 0);
	play(&live, "ended: ");
	api.health = NULL;
	heartbeat_free(health);
}

/* --- what no table shows --- */

static void
describes_values(void)
{
	const struct row get = { OWN, "GET", K, NULL, STR_ABSENT, 200, ONE, STR("one") };
	const struct row head = { OWN, "HEAD", K, NULL, STR_ABSENT, 200, ONE, STR_ABSENT };
	const struct row fresh = { OWN, "GET", K, INM("*"), STR_ABSENT, 304, ONE, STR_ABSENT };
	const struct row list = { OWN, "HEAD", W2 "/n", NULL, STR_ABSENT, 200, NULL, STR_ABSENT };

	store_mem_put(&store, &workspace, STR("n"), STR("k"), STR("one"));
	play(&get, "described: ");
	tap_ok(response.is_value && response.length == 3, "a value's length, and nosniff");
	tap_text(response.type, STR("application/octet-stream"), "a value's type");
	play(&head, "described: ");
	tap_ok(response.is_value && response.length == 3, "the same for HEAD");
	tap_int(call.op.kind, STORE_HEAD, "for which no value is read");
	play(&fresh, "described: ");
	tap_ok(!response.is_value && response.type.p == NULL, "a 304 describes no value");
	play(&list, "described: ");
	tap_text(response.type, STR("application/json"), "a list's type");
	tap_int(response.length, strlen(L2("\"count\":1,\"keys\":[\"k\"]")), "a list's length, with HEAD too");
	store_mem_free(&store);
}

/* The time of a value's last write, which is never later than the answer. */
static void
tells_the_time(void)
{
	const struct row get = { OWN, "GET", K, NULL, STR_ABSENT, 200, ONE, STR("one") };
	const struct row head = { OWN, "HEAD", K, NULL, STR_ABSENT, 200, ONE, STR_ABSENT };
	const struct row fresh = { OWN, "GET", K, INM("*"), STR_ABSENT, 304, ONE, STR_ABSENT };
	const struct row v1 = { OWN, "GET", "/api/n/k", NULL, STR_ABSENT, 200, NULL, STR("one") };

	store.time = 1234567890;
	store_mem_put(&store, &workspace, STR("n"), STR("k"), STR("one"));
	store_mem_put(&store, &api.default_workspace, STR("n"), STR("k"), STR("one"));
	play(&get, "with a time: ");
	tap_int(response.modified, 1234567890, "a value has its time");
	play(&head, "with a time: ");
	tap_int(response.modified, 1234567890, "with HEAD as well");
	play(&fresh, "with a time: ");
	tap_int(response.modified, 1234567890, "with a 304 as well");
	play(&v1, "with a time: ");
	tap_int(response.modified, 0, "not with v1");
	store.time = INT64_MAX;
	store_mem_put(&store, &workspace, STR("n"), STR("k"), STR("one"));
	play(&get, "with a time to come: ");
	tap_ok(response.modified > 0 && response.modified <= clock_wall() * 1000000, "a time to come is now");
	store.time = 0;
	store_mem_put(&store, &workspace, STR("n"), STR("k"), STR("one"));
	play(&get, "without a time: ");
	tap_int(response.modified, 0, "a time that is not known");
	store_mem_free(&store);
}

/* What looks sealed goes out only if it is what somebody stored. */
static void
keeps_sealed_values(void)
{
	static const struct str looks_sealed = TEXT("\x89HKVSEAL");
	const struct row stored = { OWN, "GET", K, NULL, STR_ABSENT, 200, "36f7213a17b0a93ebb09cc9ddfb324e0",
		looks_sealed };
	const struct row sealed = { OWN, "GET", K, NULL, STR_ABSENT, 500, NULL, STR("Internal error") };

	store_mem_put(&store, &workspace, STR("n"), STR("k"), looks_sealed);
	play(&stored, "looks sealed: ");
	store_mem_put(&store, &workspace, STR("n"), STR("k"), STR("\x89HKVSEAl"));
	((char *)store_mem_get(&store, &workspace, STR("n"), STR("k")).p)[7] = 'L';
	play(&sealed, "is sealed: ");
	store_mem_free(&store);
}

static void
owes_allow(void)
{
	const struct row other_method = { OWN, "PATCH", K, NULL, STR_ABSENT, 405, NULL, STR_ABSENT };
	const struct row options = { OWN, "OPTIONS", K, NULL, STR_ABSENT, 204, NULL, STR_ABSENT };
	const struct row get = { OWN, "GET", K, NULL, STR_ABSENT, 404, NULL, STR_ABSENT };
	const struct row preflight = { NONE, "OPTIONS", K, "HTTP_ORIGIN=a\nHTTP_ACCESS_CONTROL_REQUEST_METHOD=PUT",
		STR_ABSENT, 204, NULL, STR_ABSENT };
	char out[ROUTE_ALLOW_SIZE];

	play(&other_method, "Allow: ");
	tap_text(response.route != NULL ? route_allow(response.route, out) : STR_ABSENT,
	    STR("GET, HEAD, PUT, DELETE, OPTIONS"), "405 owes Allow");
	play(&options, "Allow: ");
	tap_ok(response.route != NULL && !response.is_preflight, "OPTIONS owes Allow");
	play(&get, "Allow: ");
	tap_ok(response.route == NULL, "404 does not");
	play(&preflight, "Allow: ");
	tap_ok(response.route == NULL && response.is_preflight, "nor does a preflight, which is marked as one");
}

/* Nothing that is refused reaches the store. */
static void
keeps_the_store_out(void)
{
	unsigned before = store.submitted;
	const struct row rows[] = {
		{ NONE, "GET", K, NULL, STR_ABSENT, 401, NULL, STR("NoAuthToken") },
		{ OWN, "PUT", K, INM("x"), STR("x"), 400, NULL, STR(NOT_ANY) },
		{ OWN, "GET", "/api2/" OTHER "/n", NULL, STR_ABSENT, 403, NULL, STR("Workspace mismatch") },
		{ OWN, "PATCH", K, NULL, STR_ABSENT, 405, NULL, STR_ABSENT },
		{ NONE, "GET", "/livez", NULL, STR_ABSENT, 200, NULL, STR("ok") },
	};

	for (size_t i = 0; i < COUNT(rows); i++)
		play(&rows[i], "not stored: ");
	tap_int(store.submitted, before, "the store was asked nothing");
}

/* Metrics are for whom the web server calls an operator; to all others there is no such path. */
static void
shows_metrics(void)
{
	const struct row hidden[] = {
		{ NONE, "GET", "/metrics", NULL, STR_ABSENT, 404, NULL, STR_ABSENT },
		{ ALL, "GET", "/metrics", "HULYKVS_OPERATOR=0", STR_ABSENT, 404, NULL, STR_ABSENT },
		{ ALL, "GET", "/metrics", "HTTP_HULYKVS_OPERATOR=1", STR_ABSENT, 404, NULL, STR_ABSENT },
		{ ALL, "GET", "/metrics", "HULYKVS_OPERATOR=", STR_ABSENT, 404, NULL, STR_ABSENT },
		{ ALL, "PUT", "/metrics", NULL, STR_ABSENT, 404, NULL, STR_ABSENT },
		{ ALL, "OPTIONS", "/metrics", NULL, STR_ABSENT, 404, NULL, STR_ABSENT },
	};
	const struct row values[] = {
		{ ALL, "GET", K, "HULYKVS_OPERATOR=1", STR_ABSENT, 404, NULL, STR_ABSENT },
		{ ALL, "DELETE", K, "HULYKVS_OPERATOR=1", STR_ABSENT, 404, NULL, STR_ABSENT },
		{ ALL, "GET", "/api/..%2Fmetrics", "HULYKVS_OPERATOR=1", STR_ABSENT, 404, NULL, STR_ABSENT },
		{ ALL, "GET", "/api/..%2Fmetrics", NULL, STR_ABSENT, 200, NULL,
		    TEXT("{\"namespace\":\"../metrics\",\"count\":0,\"keys\":[]}") },
	};
	const struct row get = { NONE, "GET", "/metrics", "HULYKVS_OPERATOR=1", STR_ABSENT, 200, NULL, STR_ABSENT };
	const struct row open = { NONE, "GET", "/metrics",
		"HULYKVS_OPERATOR=1\nHTTP_ACCEPT=application/openmetrics-text", STR_ABSENT, 200, NULL, STR_ABSENT };
	const struct row put = { NONE, "PUT", "/metrics", "HULYKVS_OPERATOR=1", STR("x"), 405, NULL, STR_ABSENT };
	struct metrics *metrics = metrics_new(1);

	if (metrics == NULL)
		tap_bail("no memory");
	play(&(struct row){ NONE, "GET", "/metrics", "HULYKVS_OPERATOR=1", STR_ABSENT, 404, NULL, STR_ABSENT },
	    "no metrics are kept: ");
	api.metrics = metrics;
	for (size_t i = 0; i < COUNT(hidden); i++)
		play(&hidden[i], "metrics hidden: ");
	for (size_t i = 0; i < COUNT(values); i++)
		play(&values[i], "values and operators: ");
	play(&put, "metrics: ");
	arena_reset(&arena);
	read_request(&get);
	perform(STR_ABSENT);
	tap_ok(response.status == 200 && str_starts(buf_str(&answer), STR("# HELP hulykvs_http_requests_total ")),
	    "metrics");
	tap_ok(str_starts(response.type, STR("text/plain; version=0.0.4")), "their type");
	arena_reset(&arena);
	read_request(&open);
	perform(STR_ABSENT);
	tap_ok(
	    response.status == 200 && str_starts(response.type, STR("application/openmetrics-text;")), "OpenMetrics");
	api.metrics = NULL;
	metrics_free(metrics);
}

/* What the web server decided, or asks, before there is a body. */
static void
answers_for_the_web_server(void)
{
#define ASKS "HULYKVS_AUTHORIZER=1"
#define ROLE "FCGI_ROLE=AUTHORIZER"
#define SAYS "REDIRECT_STATUS="
#define BODY TEXT("larger than LIMIT and never read")
	static const struct row rows[] = {
		{ OWN, "PUT", K, ASKS, BODY, 200, NULL, ABSENT },
		{ OWN, "PUT", "/api2/" OTHER "/n/k", ASKS, BODY, 200, NULL, ABSENT },
		{ OWN, "DELETE", K, ASKS, ABSENT, 200, NULL, ABSENT },
		{ OWN, "GET", "/api/n", ASKS, ABSENT, 200, NULL, ABSENT },
		{ NONE, "PUT", K, ASKS, BODY, 403, NULL, ABSENT },
		{ FORGED, "PUT", K, ASKS, BODY, 403, NULL, ABSENT },
		{ NONE, "PUT", "/status", ASKS, BODY, 403, NULL, ABSENT },
		{ OWN, "PUT", "/nowhere", ASKS, BODY, 403, NULL, ABSENT },
		{ OWN, "PUT", K, "HULYKVS_AUTHORIZER=0", BODY, 413, NULL, TEXT("payload reached size limit") },
		{ OWN, "PUT", K, "HTTP_HULYKVS_AUTHORIZER=1", BODY, 413, NULL, TEXT("payload reached size limit") },
		{ OWN, "PUT", K, ROLE, BODY, 200, NULL, ABSENT },
		{ NONE, "PUT", K, ROLE, BODY, 401, NULL, TEXT("NoAuthToken") },
		{ NONE, "PUT", "/readyz", ROLE, BODY, 413, NULL, TEXT("payload reached size limit") },
		{ NONE, "GET", "/nowhere", SAYS "400", ABSENT, 400, NULL, TEXT("Malformed request") },
		{ NONE, "GET", K, SAYS "404", ABSENT, 404, NULL, ABSENT },
		{ OWN, "GET", K, SAYS "408", ABSENT, 408, NULL, TEXT("The request did not arrive in time") },
		{ OWN, "GET", K, SAYS "411", ABSENT, 411, NULL, TEXT("Content-Length is missing") },
		{ OWN, "GET", K, SAYS "413", ABSENT, 413, NULL, TEXT("payload reached size limit") },
		{ OWN, "GET", K, SAYS "414", ABSENT, 414, NULL, TEXT("The request's target is too long") },
		{ OWN, "GET", K, SAYS "431", ABSENT, 431, NULL, TEXT("Names, conditions or headers are too long") },
		{ OWN, "GET", K, SAYS "417", ABSENT, 400, NULL, TEXT("Malformed request") },
		{ OWN, "GET", K, SAYS "500", ABSENT, 502, NULL,
		    TEXT("The web server could not pass the request on; a write may have happened") },
		{ OWN, "GET", K, SAYS "505", ABSENT, 501, NULL,
		    TEXT("The web server does not support this method, coding or version") },
		{ NONE, "GET", "/status", SAYS "200", ABSENT, 200, NULL, TEXT("ok") },
		{ NONE, "GET", "/status", SAYS "000", ABSENT, 200, NULL, TEXT("ok") },
		{ NONE, "GET", "/status", SAYS "4000", ABSENT, 200, NULL, TEXT("ok") },
	};

	plays(rows, COUNT(rows));
}

/* A name that does not fit into the request's memory. */
static void
without_memory(void)
{
	const struct row rows[] = {
		{ OWN, "GET", W2 "/n/%41", NULL, STR_ABSENT, 431, NULL, STR_ABSENT },
		{ OWN, "GET", W2 "/n?prefix=%41", NULL, STR_ABSENT, 431, NULL, STR_ABSENT },
		{ OWN, "GET", W2 "/n?prefix=A", NULL, STR_ABSENT, 431, NULL, STR_ABSENT },
		{ OWN, "PUT", K, IM(Q(ONE)), STR("x"), 431, NULL, STR_ABSENT },
	};
	struct arena none;
	struct call refused;

	for (size_t i = 0; i < COUNT(rows); i++) {
		arena_reset(&arena);
		arena_init(&none, 0);
		read_request(&rows[i]);
		tap_int(
		    api_begin(&api, &policy, NOW, &refused, &request, &none, &response), API_ANSWER, "no memory: ends");
		tap_int(response.status, rows[i].status, "no memory: %s %s", rows[i].method, rows[i].uri);
		arena_free(&none);
	}
}

/* Which refusal wins, where rules refuse too. */
static void
obeys_rules(void)
{
	static const struct row rows[] = {
		{ NONE, "GET", "/api/shut/k", NULL, ABSENT, 401, NULL, TEXT("NoAuthToken") },
		{ OWN, "PATCH", "/api/shut/k", NULL, ABSENT, 405, NULL, ABSENT },
		{ OWN, "GET", "/api2/" OTHER "/shut/k", NULL, ABSENT, 403, NULL, TEXT("Workspace mismatch") },
		{ OWN, "GET", "/api/shut/%zz", NULL, ABSENT, 400, NULL, TEXT("Malformed percent-encoding") },
		{ OWN, "GET", "/api/shut/k", NULL, ABSENT, 403, NULL, TEXT("Namespace forbidden") },
		{ ALL, "HEAD", "/api2/" OTHER "/%73hut/k", NULL, ABSENT, 403, NULL, ABSENT },
		{ OWN, "GET", "/api/shut?limit=x", NULL, ABSENT, 403, NULL, TEXT("Namespace forbidden") },
		{ OWN, "PUT", "/api2/" WORKSPACE "/shut/k", "HTTP_IF_MATCH=x", TEXT("too long a body for it"), 403,
		    NULL, TEXT("Namespace forbidden") },
		{ OWN, "OPTIONS", "/api/shut/k", NULL, ABSENT, 204, NULL, ABSENT },
		{ OWN, "DELETE", "/api2/" WORKSPACE "/keep/k", NULL, ABSENT, 403, NULL, TEXT("Namespace forbidden") },
		{ OWN, "GET", "/api2/" WORKSPACE "/keep/k", NULL, ABSENT, 404, NULL, ABSENT },
		{ ALL, "DELETE", "/api2/" WORKSPACE "/keep/k", NULL, ABSENT, 404, NULL, ABSENT },
		{ NONE, "GET", "/status", NULL, ABSENT, 200, NULL, TEXT("ok") },
	};
	static const struct str namespaces[] = { TEXT("a"), TEXT("keep"), TEXT("shut"), TEXT("shut2"), TEXT("z") };
	/* Nobody but the system account may read the values of keep. */
	static const struct row judged[] = {
		{ OWN, "GET", W2, NULL, ABSENT, 200, NULL,
		    TEXT("{\"workspace\":\"" WORKSPACE "\",\"count\":3,\"namespaces\":[\"a\",\"keep\",\"z\"]}") },
		{ OWN, "GET", W2 "?limit=2", NULL, ABSENT, 200, NULL,
		    TEXT("{\"workspace\":\"" WORKSPACE "\",\"count\":2,\"namespaces\":[\"a\",\"keep\"],"
			 "\"cursor\":\"ka2VlcA\"}") },
		{ OWN, "GET", W2 "?cursor=ka2VlcA", NULL, ABSENT, 200, NULL,
		    TEXT("{\"workspace\":\"" WORKSPACE "\",\"count\":1,\"namespaces\":[\"z\"]}") },
		{ OWN, "GET", W2 "/keep", NULL, ABSENT, 200, NULL,
		    TEXT("{\"workspace\":\"" WORKSPACE "\",\"namespace\":\"keep\",\"count\":1,\"keys\":[\"k\"]}") },
		{ OWN, "GET", W2 "/keep?include=metadata", NULL, ABSENT, 403, NULL, TEXT("Namespace forbidden") },
		{ OWN, "GET", W2 "/keep?include=values", NULL, ABSENT, 403, NULL, TEXT("Namespace forbidden") },
		{ OWN, "GET", W2 "/a?include=values", NULL, ABSENT, 200, NULL,
		    TEXT("{\"workspace\":\"" WORKSPACE "\",\"namespace\":\"a\",\"count\":1,"
			 "\"entries\":[" X_VALUE("k") "]}") },
		{ ALL, "GET", "/api2", NULL, ABSENT, 200, NULL,
		    TEXT("{\"count\":2,\"workspaces\":[\"" DEFAULT "\",\"" WORKSPACE "\"]}") },
		{ ALL, "GET", "/api2/" OTHER, NULL, ABSENT, 200, NULL,
		    TEXT("{\"workspace\":\"" OTHER "\",\"count\":0,\"namespaces\":[]}") },
	};
	const struct rulefile_terms terms = { true, api.default_workspace };
	const struct policy open = policy;
	struct rules *rules;
	struct buf why;
	unsigned line;

	buf_init(&why, CAP);
	rules = rulefile_read(
	    STR("deny namespace=shut\nallow account=system\ndeny to=delete namespace=keep"), &terms, &line, &why);
	if (rules == NULL)
		tap_bail("rules");
	bearer_policy(&policy, rules);
	plays(rows, COUNT(rows));
	tap_int(call.verdict.line, 0, "what needs no token needs no rule");
	policy_free(&policy);
	rules_free(rules);
	rules = rulefile_read(STR("deny namespace=shut*\ndeny target=" OTHER "\nallow account=system\n"
				  "deny to=read namespace=keep"),
	    &terms, &line, &why);
	if (rules == NULL)
		tap_bail("rules");
	bearer_policy(&policy, rules);
	for (size_t i = 0; i < COUNT(namespaces); i++)
		store_mem_put(&store, &workspace, namespaces[i], STR("k"), STR("x"));
	store_mem_put(&store, &other, STR("n"), STR("k"), STR("x"));
	store_mem_put(&store, &api.default_workspace, STR("n"), STR("k"), STR("x"));
	plays(judged, COUNT(judged));
	policy_free(&policy);
	rules_free(rules);
	buf_free(&why);
	policy = open;
}

static void
set_up(void)
{
	arena_init(&lasting, CAP);
	arena_init(&arena, CAP);
	buf_init(&answer, CAP);
	store_mem_init(&store);
	bearer_policy(&policy, NULL);
	if (!uuid_parse(STR(DEFAULT), &api.default_workspace) || !uuid_parse(STR(WORKSPACE), &workspace) ||
	    !uuid_parse(STR(OTHER), &other))
		tap_bail("set_up");
	authorization[OWN] =
	    bearer(STR("{\"account\":\"" USER "\",\"workspace\":\"" WORKSPACE "\",\"exp\":1800000000}"), &lasting);
	authorization[ALL] = bearer(STR("{\"account\":\"" SYSTEM "\",\"extra\":{\"service\":\"mail\"}}"), &lasting);
	authorization[NOWHERE] = bearer(STR("{\"account\":\"" USER "\"}"), &lasting);
	authorization[EXPIRED] =
	    bearer(STR("{\"account\":\"" USER "\",\"workspace\":\"" WORKSPACE "\",\"exp\":1799999939}"), &lasting);
	authorization[FORGED] = arena_copy(&lasting, authorization[OWN]);
	((char *)authorization[FORGED].p)[authorization[FORGED].n - 10] ^= 1;
	authorization[BASIC] = STR("Basic dTpw");
}

int
main(void)
{
	set_up();
	plays(without_token, COUNT(without_token));
	plays(tokens, COUNT(tokens));
	plays(workspaces, COUNT(workspaces));
	plays(lives, COUNT(lives));
	plays(names, COUNT(names));
	plays(bodies, COUNT(bodies));
	play_conditions(conditions_v2, COUNT(conditions_v2), K, &workspace);
	play_conditions(conditions_v1, COUNT(conditions_v1), "/api/n/k", &api.default_workspace);
	fill_lists();
	plays(lists, COUNT(lists));
	fill_lists();
	plays(other_lists, COUNT(other_lists));
	play_outcomes();
	play_readiness();
	is_alive();
	shows_metrics();
	describes_values();
	tells_the_time();
	keeps_sealed_values();
	owes_allow();
	keeps_the_store_out();
	answers_for_the_web_server();
	without_memory();
	obeys_rules();
	policy_free(&policy);
	buf_free(&answer);
	arena_free(&arena);
	arena_free(&lasting);
	return tap_end();
}
