/* SPDX-License-Identifier: EPL-2.0 */
#include "pg/connect_thread.h"

#include <assert.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/eventfd.h>
#include <time.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/jitter.h"
#include "base/log.h"
#include "base/log_repeat.h"
#include "pg/reconnect_delay.h"
#include "pg/sql.h"
#include "pg/sqlstate.h"

#define BACKOFF_MIN   (50 * CLOCK_MS)
#define OUTAGE_EVERY  (60 * CLOCK_S) /* a line in the log */
#define BACKOFF_MAX   (5 * CLOCK_S)
#define BACKOFF_NUDGE (100 * CLOCK_MS)
#define END_TIME      1 /* seconds for an attempt to end by itself */
#define ALONE_TRIES   10
#define ALONE_AGAIN   (50 * CLOCK_MS)
#define OWN_MAX       4096 /* bytes of `own` */

struct connect_thread {
	const struct config *config;
	const struct statement_set *set;
	pthread_t thread;
	pthread_mutex_t lock; /* of all below, and of the orders' own fields */
	pthread_cond_t work;
	struct connect_thread_order *orders; /* not answered yet, oldest first */
	struct connect_thread_order *trying; /* during an attempt, the first of them; NULL if its channel was freed */
	bool stopping;
	struct log_repeat outage;    /* no connection can be made */
	struct log_repeat no_writes; /* connections can be made, but the database takes no writes */
	/* Used by the thread only. */
	bool reached;   /* in the last attempt the database answered, with another schema than expected */
	bool read_only; /* in the last attempt it took no writes */
	struct connect_race_memory last;
	char encryption[32]; /* of the last connection, as it was logged */
	int64_t writes_from; /* see statement_set; 0: writes need not wait */
	unsigned alone_tries;
	/* While writes_from is not 0: the process IDs of the connections to the last server, "{1,2", and which server it is. */
	struct buf own;
	char own_server[320];
	int64_t backoff, last_try, next_try;
	struct reconnect_delay delay;
};

struct connect_thread_channel {
	struct watch watch;
	struct connect_thread *thread;
	struct loop *loop;
	struct connect_thread_order *answered;
};

static void
append(struct connect_thread_order **list, struct connect_thread_order *o)
{
	while (*list != NULL)
		list = &(*list)->next;
	o->next = NULL;
	*list = o;
}

/* Whether the schema is the one that the statements are written for. */
static bool
check_schema(struct connect_thread *c, PGconn *conn, enum dbconn_server server, struct buf *why)
{
	const char *schema = c->set->schema.p;
	const char *query = statement_text(c->set, server, STATEMENT_CHECK);
	PGresult *res = dbconn_result(conn, PQsendQueryParams(conn, query, 1, NULL, &schema, NULL, NULL, 0));
	struct str fault = STR_ABSENT;
	bool ok = PQresultStatus(res) == PGRES_TUPLES_OK;

	if (!ok)
		dbconn_put_message(why, PQerrorMessage(conn));
	else if ((fault = statement_schema_fault(res)).p != NULL)
		buf_puts(why, fault);
	c->reached = fault.p != NULL;
	PQclear(res);
	return ok && fault.p == NULL;
}

/* Whether the database is one for us: its encoding, and its schema. */
static bool
check_database(struct connect_thread *c, PGconn *conn, enum dbconn_server server, struct buf *why)
{
	if (server == DBCONN_POSTGRESQL && !dbconn_is_utf8(conn, why)) {
		c->reached = true;
		return false;
	}
	return check_schema(c, conn, server, why);
}

#define LOCK_SHARE 5 /* lock_timeout is this part of statement_timeout: a fifth */

/* A new connection, and what the thread finds out about it. */
struct made {
	PGconn *conn;
	enum dbconn_server server;
	bool pooled;
	struct db_clock clock;
};

/*
 * Sets statement_timeout, so that a statement that hangs ends in the database too, and lock_timeout, so that an
 * operation on a locked value soon stops holding up others; not for lists, which run as long as their receiver reads.
 * Behind a pooler nothing is set, because others use the session too.
 */
static bool
set_up_session(struct connect_thread *c, const struct made *m, enum statement_role role, struct buf *why)
{
	struct str query = sql_text(
	    m->server == DBCONN_POSTGRESQL ? "statements/session_postgresql" : "statements/session_cockroachdb");
	char ms[24], lock_ms[24];
	const char *values[] = { ms, role == STATEMENT_ROLE_LIST ? NULL : lock_ms };
	PGresult *res;
	bool ok;

	if (!c->set->prepared || m->pooled)
		return true;
	(void)snprintf(ms, sizeof(ms), "%lld",
	    role == STATEMENT_ROLE_LIST ? 0LL : (long long)(c->config->statement_timeout / CLOCK_MS));
	(void)snprintf(
	    lock_ms, sizeof(lock_ms), "%lld", (long long)(c->config->statement_timeout / LOCK_SHARE / CLOCK_MS));
	res = dbconn_result(m->conn, PQsendQueryParams(m->conn, query.p, 2, NULL, values, NULL, NULL, 0));
	ok = PQresultStatus(res) == PGRES_TUPLES_OK;
	if (!ok)
		dbconn_put_message(why, PQerrorMessage(m->conn));
	PQclear(res);
	return ok;
}

/* A process ID means something on its own server only; to forget one is safe: its session counts as an old one then. */
static void
note_server(struct connect_thread *c, PGconn *conn)
{
	const char *host = PQhost(conn), *address = PQhostaddr(conn), *port = PQport(conn);
	char server[sizeof(c->own_server)];

	(void)snprintf(server, sizeof(server), "%s %s %s", host != NULL ? host : "", address != NULL ? address : "",
	    port != NULL ? port : "");
	if (strcmp(server, c->own_server) == 0)
		return;
	buf_clear(&c->own);
	memcpy(c->own_server, server, sizeof(server));
}

/* While it matters, notes which sessions are ours. */
static void
note_session(struct connect_thread *c, PGconn *conn)
{
	if (c->writes_from != 0 && clock_mono() >= c->writes_from)
		c->writes_from = 0;
	if (c->writes_from == 0)
		return;
	note_server(c, conn);
	buf_printf(&c->own, "%s%d", c->own.n == 0 ? "{" : ",", PQbackendPID(conn));
}

/*
 * The writes of a program that crashed need not be waited for when none of its sessions is left: what a session has not
 * taken from its connection when it ends is never done.  Sessions end soon after their program; so it is asked for again,
 * for half a second in all, because reads wait meanwhile.
 */
static void
look_for_old_sessions(struct connect_thread *c, PGconn *conn)
{
	struct buf own;

	if (c->writes_from == 0)
		return;
	buf_init(&own, OWN_MAX + 2);
	buf_puts(&own, buf_str(&c->own));
	buf_put(&own, "}", sizeof("}"));
	while (!own.failed && c->writes_from != 0 && c->alone_tries < ALONE_TRIES) {
		if (c->alone_tries++ > 0)
			(void)nanosleep(&(struct timespec){ .tv_nsec = ALONE_AGAIN }, NULL);
		if (dbconn_alone(conn, own.p)) {
			c->writes_from = 0;
			log_event(LOG_INFO, "no session of the program that crashed is left: writes need not wait");
		}
	}
	buf_free(&own);
}

/* What a connection for writes needs: a database that takes them, and its time. */
static bool
prepare_writes(struct connect_thread *c, struct made *m, struct buf *why)
{
	bool one_server = m->server == DBCONN_POSTGRESQL && !m->pooled;

	if (!dbconn_read_only(m->conn, &c->read_only, why))
		return false;
	if (c->read_only) {
		buf_puts(
		    why, STR("the database takes no writes: it is a standby, or default_transaction_read_only is on"));
		return false;
	}
	if (one_server)
		look_for_old_sessions(c, m->conn);
	return dbconn_clock(m->conn, one_server ? DB_CLOCK_MARGIN : DB_CLOCK_MARGIN_ANY, &m->clock, why);
}

/* Logs how connections are encrypted, the first time and whenever it changes. */
static void
log_encryption(struct connect_thread *c, PGconn *conn)
{
	const char *encryption = dbconn_encryption(conn);
	bool open = strcmp(encryption, "none") == 0 && dbconn_is_remote(conn);

	if (strcmp(c->encryption, encryption) == 0)
		return;
	(void)snprintf(c->encryption, sizeof(c->encryption), "%s", encryption);
	if (open)
		log_event(LOG_WARN,
		    "the connection to the database is not encrypted: sslmode=verify-full in the "
		    "connection string, and TLS on the server, protect it");
	else
		log_event(LOG_INFO, "connected to the database", log_text("encryption", str_of(encryption)));
}

/* Makes a new connection ready for its role. */
static bool
prepare_connection(struct connect_thread *c, struct made *m, enum statement_role role, struct buf *why)
{
	if (!dbconn_server(m->conn, &m->server, why) ||
	    (m->server == DBCONN_POSTGRESQL && !dbconn_pooled(m->conn, &m->pooled, why)) ||
	    !check_database(c, m->conn, m->server, why) || !set_up_session(c, m, role, why) ||
	    !statement_prepare(c->set, m->conn, m->server, role, why) ||
	    (role == STATEMENT_ROLE_WRITE && !prepare_writes(c, m, why)))
		return false;
	log_encryption(c, m->conn);
	if (PQsetnonblocking(m->conn, 1) == 0 && (role == STATEMENT_ROLE_LIST || PQenterPipelineMode(m->conn) == 1))
		return true;
	dbconn_put_message(why, PQerrorMessage(m->conn));
	return false;
}

/* Makes a connection that is ready for its role.  Its conn is NULL: there is none, reason in *why. */
static struct made
make(struct connect_thread *c, enum statement_role role, struct buf *why)
{
	struct made m = { .conn = dbconn_connect(c->config, "hulykvs", &c->last, why) };

	c->reached = c->read_only = false;
	if (m.conn != NULL)
		note_session(c, m.conn);
	if (m.conn != NULL && !prepare_connection(c, &m, role, why)) {
		PQfinish(m.conn);
		m.conn = NULL;
	}
	return m;
}

/* Waits for half to all of the back-off before the next attempt, and doubles the back-off. */
static void
back_off(struct connect_thread *c)
{
	c->next_try = clock_mono() + c->backoff / 2 + jitter_up_to(c->backoff / 2);
	c->backoff = 2 * c->backoff < BACKOFF_MAX ? 2 * c->backoff : BACKOFF_MAX;
}

/* With the lock: gives the order back through its channel. */
static void
answer_order(struct connect_thread_order *o)
{
	uint64_t one = 1;

	append(&o->channel->answered, o);
	/* This fails only if the counter is full; then the worker has been notified already. */
	if (write(o->channel->watch.fd, &one, sizeof(one)) < 0)
		return;
}

/* Logs why there is no connection, at once and then every minute. */
static void
log_no_connection(struct connect_thread *c, struct str why)
{
	int64_t now = clock_mono(), lasts;

	if (c->read_only && log_repeat_is_due(&c->no_writes, now, OUTAGE_EVERY, &lasts))
		log_event(LOG_WARN, "the database takes no writes", log_text("sqlstate", STR(SQLSTATE_READ_ONLY)),
		    log_text("reason", why), log_number("for_seconds", lasts / CLOCK_S));
	else if (!c->read_only && log_repeat_is_due(&c->outage, now, OUTAGE_EVERY, &lasts))
		log_event(LOG_ERROR, "database unavailable", log_text("reason", why),
		    log_number("for_seconds", lasts / CLOCK_S));
}

/* With the lock: answers all orders without a connection; if the database takes no writes, only those for writes. */
static void
answer_all(struct connect_thread *c, struct str why)
{
	struct connect_thread_order **at = &c->orders;

	log_no_connection(c, why);
	back_off(c);
	while (*at != NULL) {
		struct connect_thread_order *o = *at;

		if (c->read_only && o->role != STATEMENT_ROLE_WRITE) {
			at = &o->next;
			continue;
		}
		*at = o->next;
		(void)snprintf(o->reason, sizeof(o->reason), "%.*s", STR_FMT(why));
		o->reached = c->reached;
		o->read_only = c->read_only;
		answer_order(o);
	}
}

/* With the lock: answers the order with the connection. */
static void
hand_over(struct connect_thread *c, struct connect_thread_order *o, const struct made *m)
{
	int64_t now = clock_mono(), lasted;

	if (log_repeat_end(&c->outage, now, &lasted))
		log_event(LOG_INFO, "database available", log_number("after_seconds", lasted / CLOCK_S));
	if (o->role == STATEMENT_ROLE_WRITE && log_repeat_end(&c->no_writes, now, &lasted))
		log_event(LOG_INFO, "the database takes writes again", log_number("after_seconds", lasted / CLOCK_S));
	c->backoff = BACKOFF_MIN;
	c->next_try = c->delay.until;
	c->orders = o->next;
	o->conn = m->conn;
	o->server = m->server;
	o->pooled = m->pooled;
	o->clock = m->clock;
	o->writes_from = c->writes_from;
	answer_order(o);
}

static void
attempt(struct connect_thread *c)
{
	struct connect_thread_order *o = c->orders;
	enum statement_role role = o->role;
	struct buf why;
	struct made m;

	c->trying = o;
	(void)pthread_mutex_unlock(&c->lock);
	buf_init(&why, CONNECT_THREAD_REASON_SIZE - 1);
	m = make(c, role, &why);
	(void)pthread_mutex_lock(&c->lock);
	c->last_try = clock_mono();
	if (m.conn == NULL) {
		answer_all(c, buf_str(&why));
	} else if (c->trying == NULL) {
		PQfinish(m.conn); /* the channel was freed meanwhile */
	} else {
		hand_over(c, o, &m);
	}
	c->trying = NULL;
	buf_free(&why);
}

static void *
connect_thread_main(void *arg)
{
	struct connect_thread *c = arg;

	(void)pthread_mutex_lock(&c->lock);
	while (!c->stopping) {
		if (c->orders == NULL) {
			(void)pthread_cond_wait(&c->work, &c->lock);
		} else if (clock_mono() < c->next_try) {
			struct timespec until = { c->next_try / CLOCK_S, c->next_try % CLOCK_S };

			(void)pthread_cond_timedwait(&c->work, &c->lock, &until);
		} else {
			attempt(c);
		}
	}
	(void)pthread_mutex_unlock(&c->lock);
	return NULL;
}

struct connect_thread *
connect_thread_new(const struct config *config, const struct statement_set *set)
{
	struct connect_thread *c = calloc(1, sizeof(*c));
	pthread_condattr_t attr;

	if (c == NULL)
		return NULL;
	c->config = config;
	c->set = set;
	c->backoff = BACKOFF_MIN;
	c->writes_from = set->writes_from;
	buf_init(&c->own, OWN_MAX);
	if (pthread_mutex_init(&c->lock, NULL) != 0)
		goto out;
	(void)pthread_condattr_init(&attr);
	(void)pthread_condattr_setclock(&attr, CLOCK_MONOTONIC);
	if (pthread_cond_init(&c->work, &attr) != 0)
		goto out;
	if (pthread_create(&c->thread, NULL, connect_thread_main, c) != 0)
		goto out;
	return c;
out:
	free(c);
	return NULL;
}

bool
connect_thread_free(struct connect_thread *c)
{
	struct timespec until;

	if (c == NULL)
		return true;
	(void)pthread_mutex_lock(&c->lock);
	c->stopping = true;
	(void)pthread_cond_signal(&c->work);
	(void)pthread_mutex_unlock(&c->lock);
	(void)clock_gettime(CLOCK_REALTIME, &until);
	until.tv_sec += END_TIME;
	if (pthread_timedjoin_np(c->thread, NULL, &until) != 0)
		return false;
	(void)pthread_cond_destroy(&c->work);
	(void)pthread_mutex_destroy(&c->lock);
	buf_free(&c->own);
	free(c);
	return true;
}

static void
deliver_answers(struct watch *w, uint32_t events)
{
	struct connect_thread_channel *channel = (struct connect_thread_channel *)w;
	struct connect_thread_order *o, *next;
	uint64_t count;

	(void)events;
	if (read(w->fd, &count, sizeof(count)) < 0)
		return;
	(void)pthread_mutex_lock(&channel->thread->lock);
	o = channel->answered;
	channel->answered = NULL;
	(void)pthread_mutex_unlock(&channel->thread->lock);
	for (; o != NULL; o = next) {
		PGconn *conn = o->conn;

		next = o->next;
		o->conn = NULL;
		o->placed = false;
		o->ready(o, conn, o->server);
	}
}

struct connect_thread_channel *
connect_thread_channel_new(struct connect_thread *c, struct loop *loop)
{
	struct connect_thread_channel *channel = calloc(1, sizeof(*channel));

	if (channel == NULL)
		return NULL;
	*channel = (struct connect_thread_channel){ .thread = c, .loop = loop };
	channel->watch = (struct watch){ .fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK), .ready = deliver_answers };
	if (channel->watch.fd >= 0 && loop_watch(loop, &channel->watch, LOOP_EDGE))
		return channel;
	if (channel->watch.fd >= 0)
		(void)close(channel->watch.fd);
	free(channel);
	return NULL;
}

void
connect_thread_channel_free(struct connect_thread_channel *channel)
{
	struct connect_thread *c;

	if (channel == NULL)
		return;
	c = channel->thread;
	(void)pthread_mutex_lock(&c->lock);
	for (struct connect_thread_order **o = &c->orders; *o != NULL;) {
		if ((*o)->channel != channel) {
			o = &(*o)->next;
			continue;
		}
		if (*o == c->trying)
			c->trying = NULL;
		*o = (*o)->next;
	}
	for (struct connect_thread_order *o = channel->answered; o != NULL; o = o->next)
		PQfinish(o->conn);
	(void)pthread_mutex_unlock(&c->lock);
	loop_unwatch(channel->loop, &channel->watch);
	(void)close(channel->watch.fd);
	free(channel);
}

void
connect_thread_place(struct connect_thread_channel *channel, struct connect_thread_order *o)
{
	struct connect_thread *c = channel->thread;

	assert(!o->placed);
	o->placed = true;
	(void)pthread_mutex_lock(&c->lock);
	o->channel = channel;
	o->conn = NULL;
	append(&c->orders, o);
	(void)pthread_cond_signal(&c->work);
	(void)pthread_mutex_unlock(&c->lock);
}

void
connect_thread_note_end(struct connect_thread_channel *channel, bool useful, bool delays)
{
	struct connect_thread *c = channel->thread;

	(void)pthread_mutex_lock(&c->lock);
	reconnect_delay_note(&c->delay, clock_mono(), useful, delays);
	if (c->next_try < c->delay.until)
		c->next_try = c->delay.until;
	(void)pthread_mutex_unlock(&c->lock);
}

void
connect_thread_nudge(struct connect_thread_channel *channel)
{
	struct connect_thread *c = channel->thread;

	(void)pthread_mutex_lock(&c->lock);
	if (c->next_try > c->last_try + BACKOFF_NUDGE) {
		c->next_try = c->last_try + BACKOFF_NUDGE;
		(void)pthread_cond_signal(&c->work);
	}
	(void)pthread_mutex_unlock(&c->lock);
}
