/* SPDX-License-Identifier: EPL-2.0 */
#include "base/clock.h"
#include "lib/api_world.h"

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
		world.store.outcome = outcomes[i].outcome;
		row.status = outcomes[i].status;
		row.answer = outcomes[i].text;
		for (size_t m = 0; m < COUNT(methods); m++) {
			row.method = methods[m];
			row.uri = K;
			api_world_play(&row, "the store fails: ");
		}
		row.method = "GET";
		row.uri = W2 "/n";
		api_world_play(&row, "the store fails: ");
	}
	store_mem_free(&world.store);
}

static void
describes_values(void)
{
	const struct row get = { OWN, "GET", K, NULL, STR_ABSENT, 200, ONE, STR("one") };
	const struct row head = { OWN, "HEAD", K, NULL, STR_ABSENT, 200, ONE, STR_ABSENT };
	const struct row fresh = { OWN, "GET", K, INM("*"), STR_ABSENT, 304, ONE, STR_ABSENT };
	const struct row list = { OWN, "HEAD", W2 "/n", NULL, STR_ABSENT, 200, NULL, STR_ABSENT };

	store_mem_put(&world.store, &world.workspace, STR("n"), STR("k"), STR("one"));
	api_world_play(&get, "described: ");
	tap_ok(world.response.is_value && world.response.length == 3, "a value's length, and nosniff");
	tap_text(world.response.type, STR("application/octet-stream"), "a value's type");
	api_world_play(&head, "described: ");
	tap_ok(world.response.is_value && world.response.length == 3, "the same for HEAD");
	tap_int(world.call.op.kind, STORE_HEAD, "for which no value is read");
	api_world_play(&fresh, "described: ");
	tap_ok(!world.response.is_value && world.response.type.p == NULL, "a 304 describes no value");
	api_world_play(&list, "described: ");
	tap_text(world.response.type, STR("application/json"), "a list's type");
	tap_int(world.response.length,
	    strlen("{\"workspace\":\"" WORKSPACE "\",\"namespace\":\"n\",\"count\":1,\"keys\":[\"k\"]}"),
	    "a list's length, with HEAD too");
	store_mem_free(&world.store);
}

/* The time of a value's last write, which is never later than the answer. */
static void
tells_the_time(void)
{
	const struct row get = { OWN, "GET", K, NULL, STR_ABSENT, 200, ONE, STR("one") };
	const struct row head = { OWN, "HEAD", K, NULL, STR_ABSENT, 200, ONE, STR_ABSENT };
	const struct row fresh = { OWN, "GET", K, INM("*"), STR_ABSENT, 304, ONE, STR_ABSENT };
	const struct row v1 = { OWN, "GET", "/api/n/k", NULL, STR_ABSENT, 200, NULL, STR("one") };

	world.store.time = 1234567890;
	store_mem_put(&world.store, &world.workspace, STR("n"), STR("k"), STR("one"));
	store_mem_put(&world.store, &world.api.default_workspace, STR("n"), STR("k"), STR("one"));
	api_world_play(&get, "with a time: ");
	tap_int(world.response.modified, 1234567890, "a value has its time");
	api_world_play(&head, "with a time: ");
	tap_int(world.response.modified, 1234567890, "with HEAD as well");
	api_world_play(&fresh, "with a time: ");
	tap_int(world.response.modified, 1234567890, "with a 304 as well");
	api_world_play(&v1, "with a time: ");
	tap_int(world.response.modified, 0, "not with v1");
	world.store.time = INT64_MAX;
	store_mem_put(&world.store, &world.workspace, STR("n"), STR("k"), STR("one"));
	api_world_play(&get, "with a time to come: ");
	tap_ok(
	    world.response.modified > 0 && world.response.modified <= clock_wall() * 1000000, "a time to come is now");
	world.store.time = 0;
	store_mem_put(&world.store, &world.workspace, STR("n"), STR("k"), STR("one"));
	api_world_play(&get, "without a time: ");
	tap_int(world.response.modified, 0, "a time that is not known");
	store_mem_free(&world.store);
}

/* What looks sealed goes out only if it is what somebody stored. */
static void
keeps_sealed_values(void)
{
	static const struct str looks_sealed = TEXT("\x89HKVSEAL");
	const struct row stored = { OWN, "GET", K, NULL, STR_ABSENT, 200, "36f7213a17b0a93ebb09cc9ddfb324e0",
		looks_sealed };
	const struct row sealed = { OWN, "GET", K, NULL, STR_ABSENT, 500, NULL, STR("Internal error") };

	store_mem_put(&world.store, &world.workspace, STR("n"), STR("k"), looks_sealed);
	api_world_play(&stored, "looks sealed: ");
	store_mem_put(&world.store, &world.workspace, STR("n"), STR("k"), STR("\x89HKVSEAl"));
	((char *)store_mem_get(&world.store, &world.workspace, STR("n"), STR("k")).p)[7] = 'L';
	api_world_play(&sealed, "is sealed: ");
	store_mem_free(&world.store);
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

	api_world_play(&other_method, "Allow: ");
	tap_text(world.response.route != NULL ? route_allow(world.response.route, out) : STR_ABSENT,
	    STR("GET, HEAD, PUT, DELETE, OPTIONS"), "405 owes Allow");
	api_world_play(&options, "Allow: ");
	tap_ok(world.response.route != NULL && !world.response.is_preflight, "OPTIONS owes Allow");
	api_world_play(&get, "Allow: ");
	tap_ok(world.response.route == NULL, "404 does not");
	api_world_play(&preflight, "Allow: ");
	tap_ok(world.response.route == NULL && world.response.is_preflight,
	    "nor does a preflight, which is marked as one");
}

/* Nothing that is refused reaches the store. */
static void
keeps_the_store_out(void)
{
	unsigned before = world.store.submitted;
	const struct row rows[] = {
		{ NONE, "GET", K, NULL, STR_ABSENT, 401, NULL, STR("NoAuthToken") },
		{ OWN, "PUT", K, INM("x"), STR("x"), 400, NULL, STR("If-None-Match must be '*'") },
		{ OWN, "GET", "/api2/" OTHER "/n", NULL, STR_ABSENT, 403, NULL, STR("Workspace mismatch") },
		{ OWN, "PATCH", K, NULL, STR_ABSENT, 405, NULL, STR_ABSENT },
		{ NONE, "GET", "/livez", NULL, STR_ABSENT, 200, NULL, STR("ok") },
	};

	for (size_t i = 0; i < COUNT(rows); i++)
		api_world_play(&rows[i], "not stored: ");
	tap_int(world.store.submitted, before, "the store was asked nothing");
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

	api_world_plays(rows, COUNT(rows));
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
		arena_reset(&world.arena);
		arena_init(&none, 0);
		api_world_read(&rows[i]);
		tap_int(api_begin(
			    &world.api, &world.policy, API_WORLD_NOW, &refused, &world.request, &none, &world.response),
		    API_ANSWER, "no memory: ends");
		tap_int(world.response.status, rows[i].status, "no memory: %s %s", rows[i].method, rows[i].uri);
		arena_free(&none);
	}
}

int
main(void)
{
	api_world_open();
	api_world_plays(without_token, COUNT(without_token));
	api_world_plays(tokens, COUNT(tokens));
	api_world_plays(workspaces, COUNT(workspaces));
	api_world_plays(lives, COUNT(lives));
	api_world_plays(names, COUNT(names));
	api_world_plays(bodies, COUNT(bodies));
	play_outcomes();
	describes_values();
	tells_the_time();
	keeps_sealed_values();
	owes_allow();
	keeps_the_store_out();
	answers_for_the_web_server();
	without_memory();
	api_world_close();
	return tap_end();
}
