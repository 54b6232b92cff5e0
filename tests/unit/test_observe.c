#include "observe.h"

#include <sys/socket.h>
#include <unistd.h>

#include "tap.h"

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

static struct str
observe(const char *const *variables, const char *service, const struct response *r)
{
	struct observer o;
	struct observed d;
	struct request request;
	struct call c = { .request = &request };
	char *lent[8] = { NULL };

	for (size_t i = 0; variables[i] != NULL; i++)
		lent[i] = (char *)variables[i];
	request_read(&request, lent);
	observe_open(&o, NULL);
	observe_begin(&o, &d, &request, 0);
	tap_ok(request.request_id.n > 0, "every request has a name");
	c.match = route_find(request.path, request.method);
	(void)strcpy(c.claims.service, service);
	d.bytes = 17;
	observe_end(&o, &d, &c, r);
	tap_ok(!d.open, "and an end");
	observe_close(&o);
	return written();
}

static void
lines(void)
{
	const char *const named[] = { "REQUEST_METHOD=GET", "REQUEST_URI=/api/secret-ns/secret-key?secret", "HTTP_X_REQUEST_ID=a.b",
		"HTTP_TRACEPARENT=00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01", NULL };
	const char *const unnamed[] = { "REQUEST_METHOD=BREW", "REQUEST_URI=/secret", "HTTP_X_REQUEST_ID=secret id",
		"HTTP_TRACEPARENT=00-secret", NULL };
	struct response ok = { .status = 200 };
	struct str line = observe(named, "mail \"x\"", &ok);

	tap_ok(str_starts(line, STR("level=info msg=\"request\" request_id=\"a.b\" "
	    "trace_id=\"4bf92f3577b34da6a3ce929d0e0e4736\" method=\"GET\" route=\"/api/{namespace}/{key}\" status=200 dur_ms=")),
	    "a line: %s", tap_show(line));
	tap_ok(has(line, " bytes=17 service=\"mail \\\"x\\\"\"\n") && !has(line, "refusal"), "its end");
	tap_ok(!has(line, "secret"), "nothing of the path");
	line = observe(unnamed, "", &ok);
	tap_ok(has(line, " method=\"other\" route=\"-\" status=200 ") && !has(line, "service") && !has(line, "trace_id"),
	    "what is not there is left out: %s", tap_show(line));
	tap_ok(!has(line, "secret"), "no malformed id");
}

static void
levels(void)
{
	const char *const request[] = { "REQUEST_METHOD=GET", "REQUEST_URI=/status", NULL };
	struct response ok = { .status = 200 }, refused = { .status = 401, .refusal = REFUSAL_NO_TOKEN },
	    fault = { .status = 500, .refusal = REFUSAL_INTERNAL };

	tap_ok(has(observe(request, "", &refused), "level=info") , "a refusal is no fault of ours");
	tap_ok(has(observe(request, "", &refused), " refusal=\"NO_TOKEN\"\n"), "and named");
	tap_ok(has(observe(request, "", &fault), "level=error"), "a fault is");
	observe_set_access_log(false);
	tap_ok(observe(request, "", &ok).p == NULL, "the access log can be switched off");
	tap_ok(observe(request, "", &refused).p == NULL, "refusals with it");
	tap_ok(has(observe(request, "", &fault), "level=error"), "but not our faults");
	observe_set_access_log(true);
	log_set_threshold(LOG_WARN);
	tap_ok(observe(request, "", &ok).p == NULL, "it is at level info");
	log_set_threshold(LOG_INFO);
}

int
main(void)
{
	catch_stderr();
	lines();
	levels();
	return tap_end();
}
