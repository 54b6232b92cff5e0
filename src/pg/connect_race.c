/* SPDX-License-Identifier: EPL-2.0 */
#include "pg/connect_race.h"

#include <assert.h>
#include <errno.h>
#include <netdb.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>

#include "base/clock.h"
#include "base/jitter.h"
#include "pg/libpq_text.h"

enum { CANDIDATES_MAX = 64, FIELD_MAX = 256 };

/* An address to try, and the attempt. */
struct candidate {
	char host[FIELD_MAX], hostaddr[FIELD_MAX], port[16]; /* "": libpq's default */
	PGconn *conn;                                        /* NULL: the attempt has not begun, or has failed */
	PostgresPollingStatusType wants;
	int64_t due;
	bool repeated; /* it has failed before; why has been told */
};

struct race {
	const struct conninfo *info;
	const char *session_attrs; /* instead of that of the string; NULL: that of the string */
	struct candidate *candidate;
	size_t count, begun;
	int64_t timeout;
	int64_t end; /* after it no attempt is repeated; 0: not all have begun yet */
	struct buf *why;
};

/* The i-th of a list with commas; false: there is none.  An absent list has one empty element. */
static bool
list_element(const char *list, size_t i, char *out, size_t size)
{
	struct str rest = list != NULL ? str_of(list) : STR(""), element;

	do {
		if (rest.p == NULL)
			return false;
		(void)str_cut(rest, ',', &element, &rest);
	} while (i-- > 0);
	(void)snprintf(out, size, "%.*s", STR_FMT(str_trim(element)));
	return true;
}

/* A single port counts for all hosts. */
static void
find_candidates(struct race *r)
{
	const char *hosts = conninfo_get(r->info, "host"), *addresses = conninfo_get(r->info, "hostaddr");
	const char *ports = conninfo_get(r->info, "port");

	for (; r->count < CANDIDATES_MAX; r->count++) {
		struct candidate *c = &r->candidate[r->count];
		bool host = list_element(hosts, r->count, c->host, sizeof(c->host));
		bool address = list_element(addresses, r->count, c->hostaddr, sizeof(c->hostaddr));

		if (!host && !address)
			return;
		if (!list_element(ports, r->count, c->port, sizeof(c->port)))
			(void)list_element(ports, 0, c->port, sizeof(c->port));
	}
}

static void
swap(struct candidate *a, struct candidate *b)
{
	struct candidate c = *a;

	*a = *b;
	*b = c;
}

static void
shuffle_candidates(struct race *r)
{
	for (size_t i = r->count; i > 1; i--)
		swap(&r->candidate[i - 1], &r->candidate[jitter_number() % i]);
}

/* Moves the host of the last connection to the front; the order of the others stays. */
static void
prefer_last(struct race *r, const struct connect_race_memory *m)
{
	for (size_t i = 1; i < r->count; i++) {
		if (strcmp(r->candidate[i].host, m->host) != 0 || strcmp(r->candidate[i].port, m->port) != 0)
			continue;
		for (; i > 0; i--)
			swap(&r->candidate[i], &r->candidate[i - 1]);
		return;
	}
}

static void
add_reason(struct race *r, const char *message)
{
	if (r->why->n > 0)
		buf_puts(r->why, STR("; "));
	libpq_text_put(r->why, message);
}

static void
drop_candidate(struct race *r, struct candidate *c, const char *message)
{
	if (!c->repeated)
		add_reason(r, message);
	PQfinish(c->conn);
	c->conn = NULL;
	c->repeated = true;
}

/* Whether the name has to be looked up: it is no directory of a socket, and no hostaddr is given. */
static bool
needs_lookup(const struct candidate *c)
{
	return c->host[0] != '\0' && c->host[0] != '/' && c->host[0] != '@' && c->hostaddr[0] == '\0';
}

/* Inserts each further address of the name after it. */
static void
insert_address(struct race *r, size_t at, const char *address)
{
	if (r->count == CANDIDATES_MAX)
		return;
	for (size_t i = r->count++; i > at; i--)
		r->candidate[i] = r->candidate[i - 1];
	r->candidate[at] = r->candidate[at - 1];
	r->candidate[at].conn = NULL;
	(void)snprintf(r->candidate[at].hostaddr, FIELD_MAX, "%s", address);
}

/* Looks the name up; false: it has no address. */
static bool
find_addresses(struct race *r, size_t i)
{
	struct addrinfo hints = { .ai_socktype = SOCK_STREAM }, *found = NULL;
	char host[FIELD_MAX + 64], address[FIELD_MAX];
	int rc = getaddrinfo(r->candidate[i].host, NULL, &hints, &found);
	size_t n = 0;

	for (struct addrinfo *a = found; a != NULL; a = a->ai_next) {
		if (getnameinfo(a->ai_addr, a->ai_addrlen, address, sizeof(address), NULL, 0, NI_NUMERICHOST) != 0)
			continue;
		if (n == 0)
			(void)snprintf(r->candidate[i].hostaddr, FIELD_MAX, "%s", address);
		else
			insert_address(r, i + n, address);
		n++;
	}
	if (found != NULL)
		freeaddrinfo(found);
	if (n > 0)
		return true;
	(void)snprintf(host, sizeof(host), "host name \"%s\" cannot be looked up: %s", r->candidate[i].host,
	    rc != 0 ? gai_strerror(rc) : "no address");
	add_reason(r, host);
	return false;
}

/* Adds the parameter where it is set. */
static void
put_param(const char **names, const char **values, size_t *n, const char *name, const char *value)
{
	if (value == NULL || value[0] == '\0')
		return;
	names[*n] = name;
	values[(*n)++] = value;
}

/* Whether an attempt sets this parameter itself, instead of taking it from the string. */
static bool
is_own(const struct race *r, const char *name)
{
	return strcmp(name, "host") == 0 || strcmp(name, "hostaddr") == 0 || strcmp(name, "port") == 0 ||
	    (r->session_attrs != NULL && strcmp(name, "target_session_attrs") == 0);
}

static void
connect_candidate(struct race *r, struct candidate *c, int64_t due)
{
	enum { OWN = 4 };
	const char *names[CONNINFO_MAX + OWN + 1], *values[CONNINFO_MAX + OWN + 1];
	size_t n = 0;

	for (size_t i = 0; i < r->info->n; i++)
		if (!is_own(r, r->info->name[i]))
			put_param(names, values, &n, r->info->name[i], r->info->value[i]);
	put_param(names, values, &n, "host", c->host);
	put_param(names, values, &n, "hostaddr", c->hostaddr);
	put_param(names, values, &n, "port", c->port);
	put_param(names, values, &n, "target_session_attrs", r->session_attrs);
	names[n] = NULL;
	values[n] = NULL;
	c->conn = PQconnectStartParams(names, values, 0);
	c->wants = PGRES_POLLING_WRITING;
	c->due = due;
	if (c->conn == NULL)
		drop_candidate(r, c, "out of memory");
	else if (PQstatus(c->conn) == CONNECTION_BAD)
		drop_candidate(r, c, PQerrorMessage(c->conn));
}

/* Begins the next attempt; if all have begun, those that have failed again. */
static void
start_candidates(struct race *r)
{
	int64_t now = clock_mono();

	if (r->begun < r->count) {
		struct candidate *c = &r->candidate[r->begun];

		if (!needs_lookup(c) || find_addresses(r, r->begun))
			connect_candidate(r, c, now + r->timeout);
		else
			c->repeated = true;
		if (++r->begun == r->count)
			r->end = now + r->timeout;
		return;
	}
	for (size_t i = 0; i < r->count; i++)
		if (r->candidate[i].conn == NULL && !needs_lookup(&r->candidate[i]))
			connect_candidate(r, &r->candidate[i], r->end);
}

/* Lets libpq continue the attempt; true: the connection is ready. */
static bool
go_on(struct race *r, struct candidate *c)
{
	c->wants = PQconnectPoll(c->conn);
	if (c->wants == PGRES_POLLING_FAILED)
		drop_candidate(r, c, PQerrorMessage(c->conn));
	return c->wants == PGRES_POLLING_OK;
}

static void
say_timeout(struct race *r, struct candidate *c)
{
	char text[2 * FIELD_MAX + 64];

	(void)snprintf(text, sizeof(text), "host \"%s\", port %s: no answer within %d s", c->host,
	    c->port[0] != '\0' ? c->port : PQport(c->conn), (int)(r->timeout / CLOCK_S));
	drop_candidate(r, c, text);
}

/* Waits until libpq can continue an attempt, one has reached its time limit, or the next one is to begin. */
static void
wait_for_any(struct race *r, struct pollfd *fds, int64_t until)
{
	size_t n = 0;
	int64_t left;

	for (size_t i = 0; i < r->begun; i++) {
		struct candidate *c = &r->candidate[i];

		if (c->conn == NULL)
			continue;
		fds[n++] = (struct pollfd){ .fd = PQsocket(c->conn),
			.events = c->wants == PGRES_POLLING_READING ? POLLIN : POLLOUT };
		if (c->due < until)
			until = c->due;
	}
	left = until - clock_mono();
	(void)poll(fds, n, left > 0 ? (int)(left / CLOCK_MS) + 1 : 0);
}

/* The connection that is ready; NULL: none is yet. */
static struct candidate *
look_at_all(struct race *r, const struct pollfd *fds)
{
	size_t n = 0;

	for (size_t i = 0; i < r->begun; i++) {
		struct candidate *c = &r->candidate[i];

		if (c->conn == NULL)
			continue;
		if (fds[n++].revents != 0) {
			if (go_on(r, c))
				return c;
		} else if (clock_mono() >= c->due) {
			say_timeout(r, c);
		}
	}
	return NULL;
}

static size_t
count_running(const struct race *r)
{
	size_t n = 0;

	for (size_t i = 0; i < r->begun; i++)
		n += r->candidate[i].conn != NULL;
	return n;
}

/* Whether there will be another attempt, provided that one is under way by then. */
static bool
has_more(const struct race *r)
{
	return r->begun < r->count || (count_running(r) < r->count && clock_mono() < r->end);
}

/* Begins attempts and waits until one is ready or all have failed. */
static struct candidate *
run_candidates(struct race *r)
{
	struct pollfd fds[CANDIDATES_MAX];
	struct candidate *winner = NULL;
	int64_t next = 0;

	while (winner == NULL && (r->begun < r->count || count_running(r) > 0)) {
		size_t before = count_running(r);

		if (has_more(r) && (before == 0 || clock_mono() >= next)) {
			start_candidates(r);
			next = clock_mono() + (r->begun < r->count ? CONNECT_RACE_STAGGER : CONNECT_RACE_AGAIN);
			continue;
		}
		wait_for_any(r, fds, has_more(r) ? next : INT64_MAX);
		winner = look_at_all(r, fds);
		if (count_running(r) < before && r->begun < r->count)
			next = 0;
	}
	return winner;
}

static PGconn *
run_race(const struct conninfo *info, const char *session_attrs, struct connect_race_memory *m, struct buf *why)
{
	const char *timeout = conninfo_get(info, "connect_timeout");
	long seconds = timeout != NULL ? strtol(timeout, NULL, 10) : CONNECT_RACE_TIMEOUT;
	struct race r = { .info = info, .session_attrs = session_attrs, .why = why };
	struct candidate *winner;
	PGconn *conn = NULL;

	r.timeout = (seconds > 0 && seconds <= 3600 ? seconds : 3600) * CLOCK_S;
	r.candidate = calloc(CANDIDATES_MAX, sizeof(*r.candidate));
	if (r.candidate == NULL) {
		buf_puts(why, STR("out of memory"));
		return NULL;
	}
	find_candidates(&r);
	if (info->shuffle)
		shuffle_candidates(&r);
	else if (m != NULL)
		prefer_last(&r, m);
	winner = run_candidates(&r);
	if (winner != NULL) {
		conn = winner->conn;
		winner->conn = NULL;
	}
	if (winner != NULL && m != NULL) {
		memcpy(m->host, winner->host, sizeof(m->host));
		memcpy(m->port, winner->port, sizeof(m->port));
	}
	for (size_t i = 0; i < r.begun; i++)
		PQfinish(r.candidate[i].conn);
	free(r.candidate);
	return conn;
}

PGconn *
connect_race_run(const struct conninfo *c, struct connect_race_memory *m, struct buf *why)
{
	const char *attrs = conninfo_get(c, "target_session_attrs");
	PGconn *conn;

	if (attrs == NULL || strcmp(attrs, "prefer-standby") != 0)
		return run_race(c, NULL, m, why);
	conn = run_race(c, "standby", m, why);
	return conn != NULL ? conn : run_race(c, "any", m, why);
}
