/* SPDX-License-Identifier: EPL-2.0 */
#include "server/conn.h"

#include <stdlib.h>
#include <sys/epoll.h>
#include <unistd.h>

#include "base/base.h"
#include "base/clock.h"
#include "base/log.h"

#define NEVER          INT64_MAX
#define CLOSING_TIME   (5 * CLOCK_S) /* for a peer to read an early answer and close */
#define FRESH_TIME     (1 * CLOCK_S)
#define WRITER_TIME    (5 * CLOCK_S)
#define STREAM_BACKLOG ((size_t)64 * 1024) /* bytes of a list that the peer has not taken, until it has to wait */

struct conn {
	struct watch watch; /* first */
	struct conn_host *host;
	struct fcgi_conn *fcgi;
	struct conn *previous, *next;
	enum conn_state state;
	int64_t deadline; /* to move on */
	bool reading;     /* read_on() is at work */
	bool watched;     /* the loop knows it */
	bool writing;     /* … and tells when the socket takes more */
	bool paused;      /* the list waits for the peer */
	/* The request. */
	struct arena arena;
	struct request request;
	struct call call;
	struct response response;
	struct request_log_entry observed;
	enum api_step step;
	struct buf body;
	size_t reserved;  /* of the body budget */
	uint64_t dropped; /* bytes of an unwanted body */
	int64_t began;    /* before the first one: when the connection was accepted */
	bool served;      /* it is not the first one */
	bool wrote;       /* nor the first that writes */
	struct store_ticket ticket;
	void *memory; /* the store's, with the value that is being sent */
};

static struct conn *
conn_of_ticket(struct store_ticket *t)
{
	return container_of(t, struct conn, ticket);
}

/* The one way a connection ends; closing it, in conn_bury(), takes it off the loop. */
static void
kill_conn(struct conn *c)
{
	struct conn_host *host = c->host;

	if (c->state == CONN_DEAD)
		return;
	if (c->state == CONN_STREAMING)
		host->store->calls->cancel(host->store, &c->ticket);
	c->state = CONN_DEAD;
	if (c->previous != NULL)
		c->previous->next = c->next;
	else
		host->first = c->next;
	if (c->next != NULL)
		c->next->previous = c->previous;
	host->count--;
	c->next = host->dead;
	host->dead = c;
}

/* The answer is complete. */
static void
note_answer(struct conn *c)
{
	request_log_end(&c->host->observer, &c->observed, &c->call, &c->response);
}

/* The request ends without one, or with half of one. */
static void
note_failure(struct conn *c, unsigned status)
{
	if (!c->observed.open)
		return;
	response_empty(&c->response, status);
	note_answer(c);
}

/* Gives back all that the request took. */
static void
end_request(struct conn *c)
{
	if (c->call.op.kind == STORE_LIST)
		key_list_free(&c->call.listing);
	buf_free(&c->body);
	if (c->reserved > 0)
		(void)atomic_fetch_sub(&c->host->server->body_bytes, c->reserved);
	c->reserved = 0;
	c->call = (struct call){ .refusal = REFUSAL_NONE };
	arena_reset(&c->arena);
}

/* The socket has all of the value. */
static void
release_memory(struct conn *c)
{
	if (c->memory != NULL)
		c->host->store->calls->release(c->host->store, c->memory);
	c->memory = NULL;
}

void
conn_bury(struct conn_host *host)
{
	while (host->dead != NULL) {
		struct conn *c = host->dead;

		host->dead = c->next;
		note_failure(c, TRACE_GONE);
		end_request(c);
		release_memory(c);
		arena_free(&c->arena);
		fcgi_conn_free(c->fcgi);
		free(c);
	}
}

/*
 * From here on the loop looks at the connection.  Not before it has to: a
 * write's connection often comes, is served, and goes within a turn or two.
 */
static void
watch(struct conn *c, bool writing)
{
	if (!c->watched && !loop_watch(c->host->loop, &c->watch, LOOP_EDGE)) {
		kill_conn(c);
		return;
	}
	c->watched = true;
	if (c->writing != writing)
		loop_want(c->host->loop, &c->watch, true, writing);
	c->writing = writing;
}

/* The answer is on its way; what becomes of the connection? */
static void
wait_for_request(struct conn *c)
{
	if (fcgi_conn_backlog(c->fcgi) > 0) {
		c->state = CONN_WRITING;
		c->deadline = clock_mono() + c->host->server->request_timeout;
		watch(c, true);
		return;
	}
	release_memory(c);
	if (!fcgi_conn_keeps(c->fcgi)) {
		kill_conn(c);
		return;
	}
	c->state = CONN_WAITING;
	c->served = true;
	c->wrote |= !request_method_is_safe(c->request.method);
	c->deadline = NEVER;
}

static void
put_response_head(struct conn *c)
{
	struct buf *head = &c->host->head;

	buf_clear(head);
	response_put_head(&c->response, &c->request, head);
	if (buf_ok(head))
		fcgi_conn_put(c->fcgi, buf_str(head));
	else
		fcgi_conn_break(c->fcgi);
}

static void
put_answer(struct conn *c)
{
	struct str content = response_content(&c->response, &c->request);

	put_response_head(c);
	fcgi_conn_lend(c->fcgi, content);
	c->observed.bytes = content.n;
	note_answer(c); /* before the variables go, with the request's name */
	fcgi_conn_finish(c->fcgi);
	if (c->memory == NULL)
		fcgi_conn_own(c->fcgi);
	end_request(c);
}

/* The request was read to its end, so that the next one begins cleanly. */
static void
answer_request(struct conn *c)
{
	put_answer(c);
	wait_for_request(c);
}

/* Too much of an unwanted body is still to come: answers, and reads no request on this connection any more. */
static void
answer_early(struct conn *c)
{
	put_answer(c);
	fcgi_conn_shut(c->fcgi);
	c->state = CONN_CLOSING;
	c->deadline = clock_mono() + CLOSING_TIME;
}

static void
refuse_request(struct conn *c, enum refusal refusal)
{
	api_refuse(&c->call, refusal, &c->response);
	c->step = API_ANSWER;
	buf_free(&c->body);
}

/* Room for the body, within what all bodies together may take. */
static void
reserve_body(struct conn *c)
{
	struct server *server = c->host->server;
	size_t n = (size_t)c->request.content_length;

	buf_init(&c->body, n);
	if (n == 0)
		return;
	if (atomic_fetch_add(&server->body_bytes, n) + n > server->body_budget) {
		(void)atomic_fetch_sub(&server->body_bytes, n);
		refuse_request(c, REFUSAL_BUSY);
		return;
	}
	c->reserved = n;
	if (buf_reserve(&c->body, n) == NULL)
		refuse_request(c, REFUSAL_BUSY);
}

static void
start_request(struct conn *c)
{
	struct server *server = c->host->server;

	c->began = clock_mono();
	c->dropped = 0;
	c->state = CONN_READING;
	c->deadline = c->began + server->request_timeout;
	request_read(&c->request, fcgi_conn_variables(c->fcgi));
	request_log_begin(&c->host->observer, &c->observed, &c->request, c->began);
	c->step =
	    api_begin(server->api, &c->host->policy, clock_wall(), &c->call, &c->request, &c->arena, &c->response);
	if (c->step == API_BODY)
		reserve_body(c);
}

static void
take_body(struct conn *c)
{
	struct str content = fcgi_conn_content(c->fcgi);

	c->deadline = clock_mono() + c->host->server->request_timeout;
	if (c->step == API_BODY && content.n <= c->request.content_length - c->body.n) {
		buf_puts(&c->body, content);
		return;
	}
	if (c->step == API_BODY)
		refuse_request(c, REFUSAL_BAD_CONTENT_LENGTH);
	c->dropped += content.n;
	if (c->dropped > CONN_DROP_MAX)
		answer_early(c);
}

static void
submit_operation(struct conn *c)
{
	int64_t now = clock_mono();

	request_log_store(&c->observed, now);
	c->ticket.op = c->call.op;
	c->ticket.group = 0;
	c->ticket.sqlstate[0] = '\0';
	c->ticket.deadline = now + c->host->server->request_timeout;
	c->state = c->call.op.kind == STORE_LIST ? CONN_STREAMING : CONN_STORING;
	c->paused = false;
	c->deadline = NEVER;
	c->host->store->calls->submit(c->host->store, &c->ticket);
}

/* All of the request is here. */
static void
complete(struct conn *c)
{
	if (c->step == API_BODY) {
		if (c->body.n == c->request.content_length)
			c->step = api_body(&c->call, buf_str(&c->body), &c->response);
		else
			refuse_request(c, REFUSAL_BAD_CONTENT_LENGTH);
	}
	if (c->step == API_STORE)
		submit_operation(c);
	else
		answer_request(c);
}

/* Nothing more has arrived: half a header has its time, an idle connection has all of it. */
static void
await(struct conn *c)
{
	if (c->state != CONN_WAITING)
		return;
	if (fcgi_conn_is_idle(c->fcgi))
		c->deadline = NEVER;
	else if (c->deadline == NEVER)
		c->deadline = clock_mono() + c->host->server->request_timeout;
}

static void
read_on(struct conn *c)
{
	c->reading = true;
	while (c->state == CONN_WAITING || c->state == CONN_READING || c->state == CONN_CLOSING) {
		enum fcgi_conn_event event = fcgi_conn_next(c->fcgi);

		if (event == FCGI_CONN_WAIT) {
			await(c);
			break;
		}
		switch (event) {
		case FCGI_CONN_REQUEST:
			start_request(c);
			break;
		case FCGI_CONN_CONTENT:
			take_body(c);
			break;
		case FCGI_CONN_COMPLETE:
			complete(c);
			break;
		case FCGI_CONN_GONE:
		case FCGI_CONN_WAIT:
			kill_conn(c);
			break;
		}
	}
	c->reading = false;
	if (!c->watched && c->state != CONN_STORING && c->state != CONN_DEAD)
		watch(c, false);
}

/* Puts what there is of a list, where there is anybody to read it. */
static void
put_keys(struct conn *c)
{
	if (c->request.method == METHOD_HEAD)
		return;
	fcgi_conn_put(c->fcgi, buf_str(&c->call.listing.out));
	c->observed.bytes += c->call.listing.out.n;
}

static void
done_list(struct conn *c, struct store_result *r)
{
	struct key_list *l = &c->call.listing;

	if (r->outcome == STORE_DONE)
		key_list_end(l);
	if (r->outcome == STORE_DONE && buf_ok(&l->out)) {
		if (!l->begun) {
			api_finish_list(&c->call, false, &c->response);
			answer_request(c);
			return;
		}
		put_keys(c);
		note_answer(c);
		fcgi_conn_finish(c->fcgi);
		end_request(c);
		wait_for_request(c);
	} else if (l->begun) {
		note_failure(c, 500);
		kill_conn(c); /* half an answer: only the end of the connection tells the peer */
	} else {
		if (r->outcome == STORE_DONE)
			r->outcome = STORE_FAULT;
		api_finish(&c->call, r, &c->response);
		answer_request(c);
	}
}

static void
on_conn_done(struct store_ticket *t, struct store_result *r)
{
	struct conn *c = conn_of_ticket(t);

	request_log_stored(&c->observed, c->host->store, t, r->outcome);
	c->state = CONN_WRITING; /* the ticket is ours again: nothing to cancel */
	if (t->op.kind == STORE_LIST) {
		done_list(c, r);
	} else {
		api_finish(&c->call, r, &c->response);
		if (r->value.n >= FCGI_CONN_LEND_MIN) {
			c->memory = r->memory;
			r->memory = NULL;
		}
		answer_request(c);
	}
	if (!c->reading)
		read_on(c);
}

/* Sends the piece of a list that is there. */
static void
put_piece(struct conn *c)
{
	struct key_list *l = &c->call.listing;

	if (!l->begun) {
		api_finish_list(&c->call, true, &c->response);
		put_response_head(c);
		key_list_begin(l);
	}
	if (!buf_ok(&l->out))
		return; /* and stays so until the list's end, see done_list() */
	put_keys(c);
	fcgi_conn_flush_put(c->fcgi);
	buf_clear(&l->out);
}

static bool
on_conn_key(struct store_ticket *t, struct str key)
{
	struct conn *c = conn_of_ticket(t);
	struct key_list *l = &c->call.listing;

	/* HEAD shows how a long list would begin; its keys are of no use. */
	if (c->request.method == METHOD_HEAD && l->begun)
		return true;
	key_list_put(l, key);
	if (!key_list_is_full(l))
		return true;
	put_piece(c);
	if (fcgi_conn_backlog(c->fcgi) <= STREAM_BACKLOG)
		return true;
	c->paused = true;
	c->deadline = clock_mono() + c->host->server->request_timeout;
	watch(c, true);
	return false;
}

static void
on_writable(struct conn *c)
{
	fcgi_conn_write(c->fcgi);
	c->deadline = clock_mono() + c->host->server->request_timeout;
	if (fcgi_conn_backlog(c->fcgi) > 0)
		return;
	watch(c, false);
	if (c->state == CONN_WRITING) {
		wait_for_request(c);
	} else if (c->state == CONN_STREAMING && c->paused) {
		c->paused = false;
		c->deadline = NEVER;
		c->host->store->calls->resume(c->host->store, &c->ticket);
	}
}

static void
on_conn_ready(struct watch *w, uint32_t events)
{
	struct conn *c = (struct conn *)w;

	if (c->state == CONN_DEAD)
		return;
	if ((events & (EPOLLIN | EPOLLRDHUP | EPOLLHUP | EPOLLERR)) != 0)
		fcgi_conn_readable(c->fcgi, (events & (EPOLLRDHUP | EPOLLHUP)) != 0);
	if ((events & (EPOLLHUP | EPOLLERR)) != 0 && (c->state == CONN_STREAMING || c->state == CONN_WRITING)) {
		kill_conn(c); /* nobody is there to read the rest */
		return;
	}
	if ((events & EPOLLOUT) != 0)
		on_writable(c);
	read_on(c);
}

static const struct store_client client = { on_conn_done, on_conn_key };

void
conn_open(struct conn_host *host, int fd)
{
	struct conn *c = calloc(1, sizeof(*c));

	if (c == NULL) {
		(void)close(fd);
		return;
	}
	c->fcgi = fcgi_conn_new(fd);
	if (c->fcgi == NULL) {
		free(c);
		return;
	}
	c->host = host;
	c->began = clock_mono();
	c->deadline = NEVER;
	c->ticket.client = &client;
	c->watch = (struct watch){ .fd = fd, .ready = on_conn_ready };
	arena_init(&c->arena, API_ARENA_MAX);
	c->next = host->first;
	if (host->first != NULL)
		host->first->previous = c;
	host->first = c;
	host->count++;
	read_on(c);
}

/* How long an idle connection has for another request while the program drains. */
static int64_t
grace(const struct conn *c)
{
	if (c->wrote)
		return WRITER_TIME;
	return c->served ? 0 : FRESH_TIME;
}

/*
 * The last look at a connection without a request before the program ends.  A
 * write must not run into the end of a connection, since the web server could
 * not repeat it.  A new connection has a moment for its request to arrive: it
 * was made because there is one.  One that has carried writes is left to the
 * web server to close, see deploy/nginx/hulykvs.conf.
 */
static void
drop_body(struct conn *c, int64_t now)
{
	fcgi_conn_readable(c->fcgi, false);
	read_on(c);
	if (c->state != CONN_WAITING)
		return;
	if (fcgi_conn_is_idle(c->fcgi) ? now - c->began >= grace(c) : c->deadline <= now)
		kill_conn(c);
}

void
conn_sweep(struct conn_host *host, int64_t now, bool draining)
{
	for (struct conn *c = host->first, *next; c != NULL; c = next) {
		next = c->next;
		if (draining && c->state == CONN_WAITING)
			drop_body(c, now);
		else if (c->deadline <= now)
			kill_conn(c);
	}
}
