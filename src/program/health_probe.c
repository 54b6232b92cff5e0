/* SPDX-License-Identifier: EPL-2.0 */
#include "program/health_probe.h"

#include <arpa/inet.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <sys/un.h>
#include <unistd.h>

#include "base/clock.h"
#include "http/fcgi_record.h"

#define ANSWER_TIME (5 * CLOCK_S)
#define ANSWER_MAX  ((size_t)64 * 1024)
#define REQUEST_ID  1

struct asker {
	int fd;
	int64_t deadline;
	struct buf sent, got;
};

union address {
	struct sockaddr any;
	struct sockaddr_in v4;
	struct sockaddr_in6 v6;
	struct sockaddr_un un;
};

/* An address that means all interfaces is reached on this host's own. */
static socklen_t
public_address(const struct config *c, union address *a)
{
	*a = (union address){ .v4 = { .sin_family = AF_INET, .sin_port = htons(c->bind_port) } };
	if (inet_pton(AF_INET, c->bind_host, &a->v4.sin_addr) == 1) {
		if (a->v4.sin_addr.s_addr == htonl(INADDR_ANY))
			a->v4.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
		return sizeof(a->v4);
	}
	*a = (union address){ .v6 = { .sin6_family = AF_INET6, .sin6_port = htons(c->bind_port) } };
	(void)inet_pton(AF_INET6, c->bind_host, &a->v6.sin6_addr); /* the setting has been checked */
	if (IN6_IS_ADDR_UNSPECIFIED(&a->v6.sin6_addr))
		a->v6.sin6_addr = in6addr_loopback;
	return sizeof(a->v6);
}

static socklen_t
socket_address(const char *path, union address *a)
{
	*a = (union address){ .un = { .sun_family = AF_UNIX } };
	if (strlen(path) >= sizeof(a->un.sun_path)) {
		errno = ENAMETOOLONG;
		return 0;
	}
	(void)strcpy(a->un.sun_path, path);
	return sizeof(a->un);
}

/* Each call may wait as long as there is time until the deadline. */
static bool
set_time_left(const struct asker *a)
{
	int64_t left = a->deadline - clock_mono();
	struct timeval time = { .tv_sec = left / CLOCK_S, .tv_usec = left % CLOCK_S / 1000 };

	errno = ETIMEDOUT;
	return left >= CLOCK_MS && setsockopt(a->fd, SOL_SOCKET, SO_RCVTIMEO, &time, sizeof(time)) == 0 &&
	    setsockopt(a->fd, SOL_SOCKET, SO_SNDTIMEO, &time, sizeof(time)) == 0;
}

static bool
send_request(struct asker *a)
{
	struct str s = buf_str(&a->sent);

	while (s.n > 0) {
		ssize_t n = set_time_left(a) ? send(a->fd, s.p, s.n, MSG_NOSIGNAL) : -1;

		if (n <= 0)
			return false;
		s = str_skip(s, (size_t)n);
	}
	return buf_ok(&a->sent);
}

/* 1: more bytes; 0: the peer has closed; -1: no answer in time, or an error. */
static int
receive_more(struct asker *a)
{
	char *p = buf_reserve(&a->got, 4096);
	ssize_t n = p != NULL && set_time_left(a) ? recv(a->fd, p, 4096, 0) : -1;

	if (n > 0)
		buf_grew(&a->got, (size_t)n);
	return n > 0 ? 1 : (int)n;
}

static void
put_record(struct buf *out, enum fcgi_record_type type, struct str content)
{
	unsigned char header[FCGI_RECORD_HEADER];

	fcgi_record_put_header(header, type, REQUEST_ID, content.n, 0);
	buf_put(out, header, sizeof(header));
	buf_puts(out, content);
}

/* FastCGI 3.4: both lengths are below 128 here. */
static void
put_parameter(struct buf *out, struct str name, struct str value)
{
	buf_putc(out, (char)name.n);
	buf_putc(out, (char)value.n);
	buf_puts(out, name);
	buf_puts(out, value);
}

static void
put_fcgi_request(struct buf *out, const char *path)
{
	static const char responder[8] = { 0, 1, 0 }; /* FCGI_RESPONDER, the connection is not kept */
	struct buf parameters;

	buf_init(&parameters, 1024);
	put_parameter(&parameters, STR("REQUEST_METHOD"), STR("GET"));
	put_parameter(&parameters, STR("REQUEST_URI"), str_of(path));
	put_record(out, FCGI_BEGIN_REQUEST, str_from(responder, sizeof(responder)));
	put_record(out, FCGI_PARAMS, buf_str(&parameters));
	put_record(out, FCGI_PARAMS, STR(""));
	put_record(out, FCGI_STDIN, STR(""));
	buf_free(&parameters);
}

/* Appends the content of STDOUT to *answer.  False: the records do not end as a whole answer. */
static bool
join_records(struct str got, struct buf *answer)
{
	while (got.n >= FCGI_RECORD_HEADER) {
		const unsigned char *header = (const unsigned char *)got.p;
		size_t content = (size_t)header[4] << 8 | header[5], padding = header[6];

		if (header[1] == FCGI_END_REQUEST)
			return true;
		if (got.n < FCGI_RECORD_HEADER + content + padding)
			return false;
		if (header[1] == FCGI_STDOUT)
			buf_put(answer, got.p + FCGI_RECORD_HEADER, content);
		got = str_skip(got, FCGI_RECORD_HEADER + content + padding);
	}
	return false;
}

/* The three digits of an answer that begins "HTTP/1.0 200", "HTTP/1.1 200" or "Status: 200"; 0: it does not. */
static unsigned
status_of(struct str answer, struct str before)
{
	const char *p = answer.p + before.n;

	if (!str_starts(answer, before) || answer.n < before.n + 3)
		return 0;
	for (int i = 0; i < 3; i++)
		if (!str_is_digit(p[i]))
			return 0;
	return (unsigned)((p[0] - '0') * 100 + (p[1] - '0') * 10 + (p[2] - '0'));
}

/* RFC 9112 2.3: a server answers with its own version, as nginx does, or with that of the request, as lighttpd does. */
static struct str
http_version(struct str answer)
{
	return str_starts(answer, STR("HTTP/1.0 ")) ? STR("HTTP/1.0 ") : STR("HTTP/1.1 ");
}

static void
print_answer(unsigned status, struct str answer)
{
	const char *body = memmem(answer.p, answer.n, "\r\n\r\n", 4);
	struct str text = body != NULL ? str_trim(str_skip(answer, (size_t)(body + 4 - answer.p))) : STR("");

	(void)printf("%u %.*s\n", status, STR_FMT(text));
}

static enum exitcode
tell_status(struct str answer, struct str before)
{
	unsigned status = status_of(answer, before);

	if (status == 0) {
		(void)fprintf(stderr, "hulykvs: --probe: what answers is not the service\n");
		return EXIT_DATABASE;
	}
	print_answer(status, answer);
	return status == 200 ? EXIT_OK : EXIT_UNHEALTHY;
}

static enum exitcode
tell_failure(const char *what)
{
	(void)fprintf(stderr, "hulykvs: --probe: %s: %s\n", what,
	    errno == EAGAIN || errno == EINPROGRESS ? strerror(ETIMEDOUT) : strerror(errno));
	return EXIT_DATABASE;
}

static enum exitcode
ask_connected(struct asker *a, const char *path, bool fcgi)
{
	struct buf answer;
	enum exitcode code;
	int more;

	if (fcgi)
		put_fcgi_request(&a->sent, path);
	else
		buf_printf(&a->sent, "GET %s HTTP/1.0\r\nHost: localhost\r\n\r\n", path);
	if (!send_request(a))
		return tell_failure("cannot send");
	while ((more = receive_more(a)) > 0)
		;
	if (more < 0)
		return tell_failure("no answer");
	if (!fcgi)
		return tell_status(buf_str(&a->got), http_version(buf_str(&a->got)));
	buf_init(&answer, ANSWER_MAX);
	code = tell_status(join_records(buf_str(&a->got), &answer) ? buf_str(&answer) : STR(""), STR("Status: "));
	buf_free(&answer);
	return code;
}

enum exitcode
health_probe_run(const struct config *c, const char *path, const char *socket_path)
{
	union address address;
	socklen_t n = socket_path != NULL ? socket_address(socket_path, &address) : public_address(c, &address);
	struct asker a = { .fd = -1, .deadline = clock_mono() + ANSWER_TIME };
	enum exitcode code;

	buf_init(&a.sent, ANSWER_MAX);
	buf_init(&a.got, ANSWER_MAX);
	if (n > 0)
		a.fd = socket(address.any.sa_family, SOCK_STREAM | SOCK_CLOEXEC, 0);
	if (a.fd < 0 || !set_time_left(&a) || connect(a.fd, &address.any, n) < 0)
		code = tell_failure("cannot connect");
	else
		code = ask_connected(&a, path, socket_path != NULL);
	if (a.fd >= 0)
		(void)close(a.fd);
	buf_free(&a.sent);
	buf_free(&a.got);
	return code;
}
