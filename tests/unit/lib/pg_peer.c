/* SPDX-License-Identifier: EPL-2.0 */
#include "lib/pg_peer.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <poll.h>
#include <pthread.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "lib/tap.h"

/* PostgreSQL manual, "Frontend/Backend Protocol", Message Formats. */
#define SSL_REQUEST     80877103
#define GSSENC_REQUEST  80877104
#define PROCESS_ID      42
#define QUIET_MS        100 /* an ENDING peer ends a session that asks nothing for so long */
#define MESSAGE_MAX     65536
#define TEXT_MAX_LENGTH 512
#define QUERY_MAX       4096

struct session {
	struct pg_peer *peer;
	int fd;
	unsigned number;       /* of the peer's connections, from 1 */
	char query[QUERY_MAX]; /* the last one that was parsed */
};

struct message {
	unsigned char b[TEXT_MAX_LENGTH];
	size_t n;
};

static void
put(struct message *m, const void *p, size_t n)
{
	if (m->n + n > sizeof(m->b))
		tap_bail("a message of the peer is too long");
	memcpy(m->b + m->n, p, n);
	m->n += n;
}

static void
put_text(struct message *m, const char *text)
{
	put(m, text, strlen(text) + 1);
}

static void
put_int(struct message *m, uint32_t value)
{
	value = htonl(value);
	put(m, &value, sizeof(value));
}

static void
put_short(struct message *m, uint16_t value)
{
	value = htons(value);
	put(m, &value, sizeof(value));
}

static void
send_message(int fd, char type, const struct message *m)
{
	struct message whole = { .n = 0 };

	put(&whole, &type, 1);
	put_int(&whole, (uint32_t)m->n + 4);
	put(&whole, m->b, m->n);
	(void)send(fd, whole.b, whole.n, MSG_NOSIGNAL);
}

static void
send_parameter(int fd, const char *name, const char *value)
{
	struct message m = { .n = 0 };

	put_text(&m, name);
	put_text(&m, value);
	send_message(fd, 'S', &m);
}

static void
send_fatal(int fd, const char *code, const char *text)
{
	static const char fields[] = "SVCM";
	const char *const values[] = { "FATAL", "FATAL", code, text };
	struct message m = { .n = 0 };

	for (size_t i = 0; i < 4; i++) {
		put(&m, &fields[i], 1);
		put_text(&m, values[i]);
	}
	put(&m, "", 1);
	send_message(fd, 'E', &m);
}

static void
send_ready(int fd)
{
	send_message(fd, 'Z', &(struct message){ .b = "I", .n = 1 });
}

static bool
receive(int fd, void *p, size_t n)
{
	return n == 0 || recv(fd, p, n, MSG_WAITALL) == (ssize_t)n;
}

/* The startup message; requests for encryption before it are denied. */
static bool
take_startup(int fd)
{
	unsigned char rest[MESSAGE_MAX];
	uint32_t head[2];

	while (receive(fd, head, sizeof(head))) {
		if (ntohl(head[1]) == SSL_REQUEST || ntohl(head[1]) == GSSENC_REQUEST) {
			(void)send(fd, "N", 1, MSG_NOSIGNAL);
			continue;
		}
		return ntohl(head[0]) <= sizeof(rest) && receive(fd, rest, ntohl(head[0]) - sizeof(head));
	}
	return false;
}

static void
greet(const struct session *s)
{
	struct message m = { .n = 0 };
	const char *standby = s->peer->kind == PG_PEER_STANDBY ? "on" : "off";

	put_int(&m, 0);
	send_message(s->fd, 'R', &m);
	send_parameter(s->fd, "server_version", "15.0");
	send_parameter(s->fd, "in_hot_standby", standby);
	send_parameter(s->fd, "default_transaction_read_only", "off");
	if (s->peer->encoding != NULL)
		send_parameter(s->fd, "server_encoding", s->peer->encoding);
	m.n = 0;
	put_int(&m, PROCESS_ID);
	put_int(&m, 0);
	send_message(s->fd, 'K', &m);
	send_ready(s->fd);
}

static const char *
row_for(const struct session *s)
{
	for (const struct pg_peer_answer *a = s->peer->answers; a != NULL && a->part != NULL; a++)
		if (strstr(s->query, a->part) != NULL)
			return a->row;
	return s->peer->value;
}

static uint16_t
count_fields(const char *row)
{
	uint16_t n = 1;

	while ((row = strchr(row, '|')) != NULL) {
		row++;
		n++;
	}
	return n;
}

/* Every field is of type text. */
static void
describe_row(const struct session *s)
{
	uint16_t fields = count_fields(row_for(s));
	struct message m = { .n = 0 };

	put_short(&m, fields);
	for (uint16_t i = 0; i < fields; i++) {
		put_text(&m, "value");
		put_int(&m, 0);
		put_short(&m, 0);
		put_int(&m, 25);
		put_short(&m, (uint16_t)-1);
		put_int(&m, (uint32_t)-1);
		put_short(&m, 0);
	}
	send_message(s->fd, 'T', &m);
}

static void
send_row(const struct session *s)
{
	const char *at = row_for(s);
	uint16_t fields = count_fields(at);
	struct message m = { .n = 0 };

	put_short(&m, fields);
	for (uint16_t i = 0; i < fields; i++, at++) {
		size_t n = strcspn(at, "|");

		put_int(&m, n > 0 || fields == 1 ? (uint32_t)n : (uint32_t)-1);
		put(&m, at, n);
		at += n;
	}
	send_message(s->fd, 'D', &m);
	m.n = 0;
	put_text(&m, "SELECT 1");
	send_message(s->fd, 'C', &m);
}

/* Of a Parse: the query, which stands behind the name of the statement. */
static void
take_query(struct session *s, const unsigned char *body, size_t n)
{
	const unsigned char *name_end = memchr(body, '\0', n);

	s->query[0] = '\0';
	if (name_end != NULL && memchr(name_end + 1, '\0', n - (size_t)(name_end + 1 - body)) != NULL)
		(void)snprintf(s->query, sizeof(s->query), "%s", (const char *)name_end + 1);
}

/* Of a Bind: two names, the formats of the parameters, how many there are, and the first one's length. */
static void
keep_parameter(const struct session *s, const unsigned char *body, size_t n)
{
	const unsigned char *at = body, *end = body + n;
	uint16_t formats;
	uint32_t length;

	if (s->peer->kept_part == NULL || strstr(s->query, s->peer->kept_part) == NULL)
		return;
	for (int names = 0; names < 2 && at != NULL; names++)
		at = (at = memchr(at, '\0', (size_t)(end - at))) != NULL ? at + 1 : NULL;
	if (at == NULL)
		return;
	memcpy(&formats, at, sizeof(formats));
	at += sizeof(formats) + 2 * (size_t)ntohs(formats) + 2;
	memcpy(&length, at, sizeof(length));
	(void)snprintf(
	    s->peer->kept, sizeof(s->peer->kept), "%.*s", (int)ntohl(length), (const char *)at + sizeof(length));
}

static void
wait_while_late(const struct session *s)
{
	while (s->peer->late && s->peer->late_part != NULL && strstr(s->query, s->peer->late_part) != NULL)
		(void)usleep(1000);
}

static void
answer_message(struct session *s, unsigned char type, const unsigned char *body, size_t n)
{
	static const struct message empty = { .n = 0 };

	switch (type) {
	case 'P':
		take_query(s, body, n);
		send_message(s->fd, '1', &empty);
		break;
	case 'B':
		keep_parameter(s, body, n);
		send_message(s->fd, '2', &empty);
		break;
	case 'D':
		describe_row(s);
		break;
	case 'E':
		wait_while_late(s);
		send_row(s);
		break;
	case 'S':
		send_ready(s->fd);
		break;
	default:
		break;
	}
}

static void
answer_messages(struct session *s)
{
	unsigned char type, body[MESSAGE_MAX];
	uint32_t length;

	for (;;) {
		struct pollfd fd = { .fd = s->fd, .events = POLLIN };

		if (poll(&fd, 1, s->peer->kind == PG_PEER_ENDING ? QUIET_MS : -1) == 0) {
			send_fatal(s->fd, "57P01", "the operator ends it");
			return;
		}
		if (!receive(s->fd, &type, 1) || !receive(s->fd, &length, 4) || ntohl(length) > sizeof(body) ||
		    !receive(s->fd, body, ntohl(length) - 4))
			return;
		answer_message(s, type, body, ntohl(length) - 4);
	}
}

static void
wait_while_held(const struct session *s)
{
	while (s->peer->held)
		(void)usleep(1000);
}

static void *
serve(void *arg)
{
	struct session *s = arg;
	enum pg_peer_kind kind = s->peer->kind;

	if (kind == PG_PEER_LATE)
		kind = s->number <= 2 ? PG_PEER_FULL : PG_PEER_PRIMARY;
	if (kind != PG_PEER_CLOSING && take_startup(s->fd)) {
		wait_while_held(s);
		if (kind == PG_PEER_FULL) {
			send_fatal(s->fd, "53300", "too many");
		} else {
			greet(s);
			answer_messages(s);
		}
	}
	(void)close(s->fd);
	s->peer->open--;
	free(s);
	return NULL;
}

static void *
accept_all(void *arg)
{
	struct pg_peer *p = arg;

	for (;;) {
		struct session *s = malloc(sizeof(*s));
		pthread_t thread;

		if (s == NULL)
			tap_bail("no memory");
		*s = (struct session){ .peer = p, .fd = accept(p->listener, NULL, NULL) };
		p->open++;
		s->number = ++p->connections;
		if (s->fd < 0 || pthread_create(&thread, NULL, serve, s) != 0)
			tap_bail("the peer cannot accept");
		(void)pthread_detach(thread);
	}
	return NULL;
}

void
pg_peer_start(struct pg_peer *p)
{
	struct sockaddr_in address = { .sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
	socklen_t size = sizeof(address);
	pthread_t thread;

	p->listener = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	if (p->listener < 0 || bind(p->listener, (struct sockaddr *)&address, size) != 0 ||
	    listen(p->listener, 100) != 0 || getsockname(p->listener, (struct sockaddr *)&address, &size) != 0)
		tap_bail("no socket for a peer");
	p->port = ntohs(address.sin_port);
	if (p->kind != PG_PEER_SILENT && pthread_create(&thread, NULL, accept_all, p) == 0)
		(void)pthread_detach(thread);
}
