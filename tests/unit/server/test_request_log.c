/* SPDX-License-Identifier: EPL-2.0 */
#include "server/request_log.h"

#include <sys/socket.h>
#include <unistd.h>

#include "lib/tap.h"

static int lines_fd;

static void
catch_stderr(void)
{
	int pair[2];

	if (socketpair(AF_UNIX, SOCK_SEQPACKET, 0, pair) != 0 || dup2(pair[1], STDERR_FILENO) < 0)
		tap_bail("socketpair");
	lines_fd = pair[0];
}

/* What was written since, behind the times; borrowed until the next call. */
static struct str
written(void)
{
	static char line[4096];
	ssize_t n = recv(lines_fd, line, sizeof(line), MSG_DONTWAIT);

	return n > 28 ? str_from(line + 28, (size_t)n - 28) : STR_ABSENT;
}

static bool
has(struct str s, const char *what)
{
	return s.n > 0 && memmem(s.p, s.n, what, strlen(what)) != NULL;
}

/* Of the next observe(). */
static bool access_log = true, client_address;

static struct str
observe(const char *const *variables, const char *service, const struct response *r)
{
	struct request_log o;
	struct request_log_entry d;
	struct request request;
	struct call c = { .request = &request };
	char *lent[8] = { NULL };

	for (size_t i = 0; variables[i] != NULL; i++)
		lent[i] = (char *)variables[i];
	request_read(&request, lent);
	request_log_open(&o, NULL);
	request_log_settings(&o, access_log, client_address);
	request_log_begin(&o, &d, &request, 0);
	tap_ok(request.request_id.n > 0, "every request has a name");
	c.match = route_find(request.path, request.method);
	(void)strcpy(c.claims.service, service);
	c.token_reason = TOKEN_EXPIRED;
	d.bytes = 17;
	request_log_end(&o, &d, &c, r);
	tap_ok(!d.open, "and an end");
	request_log_close(&o);
	return written();
}

static void
lines(void)
{
	const char *const named[] = { "REQUEST_METHOD=GET", "REQUEST_URI=/api/secret-ns/secret-key?secret",
		"HTTP_X_REQUEST_ID=a.b", "HTTP_TRACEPARENT=00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01",
		NULL };
	const char *const unnamed[] = { "REQUEST_METHOD=BREW", "REQUEST_URI=/secret", "HTTP_X_REQUEST_ID=secret id",
		"HTTP_TRACEPARENT=00-secret", NULL };
	struct response ok = { .status = 200 };
	struct str line = observe(named, "mail \"x\"", &ok);

	tap_ok(
	    str_starts(line,
		STR("level=info msg=\"request\" request_id=\"a.b\" "
		    "trace_id=\"4bf92f3577b34da6a3ce929d0e0e4736\" method=\"GET\" route=\"/api/{namespace}/{key}\" status=200 dur_ms=")),
	    "a line: %s", tap_show(line));
	tap_ok(has(line, " bytes=17 service=\"mail \\\"x\\\"\"\n") && !has(line, "refusal"), "its end");
	tap_ok(!has(line, "secret"), "nothing of the path");
	line = observe(unnamed, "", &ok);
	tap_ok(
	    has(line, " method=\"other\" route=\"-\" status=200 ") && !has(line, "service") && !has(line, "trace_id"),
	    "what is not there is left out: %s", tap_show(line));
	tap_ok(!has(line, "secret"), "no malformed id");
}

static void
levels(void)
{
	const char *const request[] = { "REQUEST_METHOD=GET", "REQUEST_URI=/status", NULL };
	struct response ok = { .status = 200 }, refused = { .status = 401, .refusal = REFUSAL_NO_TOKEN },
			fault = { .status = 500, .refusal = REFUSAL_INTERNAL };

	tap_ok(has(observe(request, "", &refused), "level=info"), "a refusal is no fault of ours");
	tap_ok(has(observe(request, "", &refused), " refusal=\"NO_TOKEN\"\n"), "and named");
	tap_ok(has(observe(request, "", &fault), "level=error"), "a fault is");
	access_log = false;
	tap_ok(observe(request, "", &ok).p == NULL, "the access log can be switched off");
	tap_ok(observe(request, "", &refused).p == NULL, "refusals with it");
	tap_ok(has(observe(request, "", &fault), "level=error"), "but not our faults");
	access_log = true;
	log_set_threshold(LOG_WARN);
	tap_ok(observe(request, "", &ok).p == NULL, "it is at level info");
	log_set_threshold(LOG_INFO);
}

static void
test_tokens(void)
{
	const char *const request[] = { "REQUEST_METHOD=GET", "REQUEST_URI=/status", "REMOTE_ADDR=::1", NULL };
	struct response ok = { .status = 200 }, invalid = { .status = 401, .refusal = REFUSAL_INVALID_TOKEN },
			forbidden = { .status = 403, .refusal = REFUSAL_NAMESPACE_FORBIDDEN };

	tap_ok(has(observe(request, "", &invalid), " refusal=\"INVALID_TOKEN\" reason=\"expired\"\n"),
	    "why a token is refused");
	tap_ok(!has(observe(request, "", &forbidden), "reason="), "a valid one is not");
	client_address = true;
	tap_ok(
	    has(observe(request, "", &invalid), " reason=\"expired\" client=\"::1\"\n"), "whose it is, if asked for");
	tap_ok(has(observe(request, "", &forbidden), " client=\"::1\"\n"), "also where it does not reach");
	tap_ok(!has(observe(request, "", &ok), "client="), "nobody else's");
	client_address = false;
}

static struct store_description
describe(const struct store *s, const struct store_ticket *t)
{
	(void)s;
	(void)t;
	return (struct store_description){ .system = STR("memory") };
}

/* A request that is traced, and its operation. */
static void
spans(void)
{
	static const struct store_calls calls = { .describe = describe };
	const struct store store = { &calls };
	const struct store_ticket ticket = { .op = { .kind = STORE_GET }, .batch_size = 7, .sqlstate = "40001" };
	const char *const variables[] = { "REQUEST_METHOD=PUT", "REQUEST_URI=/api/ns/key", "HTTPS=on", NULL };
	struct trace *t = trace_new(1, 4, TRACE_ALWAYS_ON, 1);
	struct response ok = { .status = 204 };
	struct request_log o;
	struct request_log_entry d;
	struct request request;
	struct call c = { .request = &request };
	struct trace_span s;
	struct str explained;

	request_read(&request, (char *const *)variables);
	request_log_open(&o, trace_ring(t, 0));
	request_log_begin(&o, &d, &request, 5);
	tap_int(request.trace.trace_id.n, TRACE_ID_SIZE, "its trace has a name, for the log");
	c.match = route_find(request.path, request.method);
	request_log_store(&d, 6);
	request_log_stored(&o, &d, &store, &ticket, STORE_UNKNOWN);
	request_log_stored(&o, &d, &store, &ticket, STORE_UNKNOWN);
	explained = written();
	tap_ok(has(explained, "level=warn msg=\"the database answered with an error\" sqlstate=\"40001\" meaning=\"") &&
		has(explained, "advice=\""),
	    "an error of the database is explained");
	tap_ok(memchr(explained.p, '\n', explained.n) == explained.p + explained.n - 1, "but not each time");
	tap_int(trace_waiting(t), 0, "not before the end");
	request_log_end(&o, &d, &c, &ok);
	tap_ok(trace_take(t, &s) && s.method == METHOD_PUT && s.route == ROUTE_V1_KEY && s.is_secure && s.status == 204,
	    "a span");
	tap_ok(s.began == 5 && s.ended > 5 && s.operation.began == 6 && s.operation.ended > 6, "its times");
	tap_ok(s.has_operation && s.operation.outcome == STORE_UNKNOWN && s.operation.group == 7, "its operation");
	tap_text(str_of(s.operation.sqlstate), STR("40001"), "its SQLSTATE");
	tap_text(s.operation.what.system, STR("memory"), "and what the store says of it");
	request_log_flush(&o);
	struct str line = written();
	tap_ok(has(line, " trace_id=\""), "the line in the log has the trace");
	tap_ok(has(line, " sqlstate=\"40001\""), "and the SQLSTATE");
	request_read(&request, (char *const *)variables);
	request_log_begin(&o, &d, &request, 5);
	request_log_end(&o, &d, &c, &ok);
	tap_ok(trace_take(t, &s) && !s.has_operation, "the next one has nothing of it");
	request_log_close(&o);
	(void)written();
	trace_free(t);
}

int
main(void)
{
	catch_stderr();
	lines();
	levels();
	test_tokens();
	spans();
	return tap_end();
}
