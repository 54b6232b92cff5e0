/* SPDX-License-Identifier: EPL-2.0 */
#include "server/conn.h"

#include <assert.h>
#include <stdlib.h>
#include <sys/epoll.h>
#include <unistd.h>

#include "api/listing.h"
#include "base/base.h"
#include "base/clock.h"
#include "base/log.h"

/*
 * To read this file, begin at its end.  The loop calls on_conn_ready(), which reads (read_requests) and writes
 * (on_writable).  A request goes through start_request(), take_body() and execute_request(); the store answers
 * with on_conn_row() and on_conn_done(); answer_request() sends the response, and end_answer() waits until it was
 * read.  conn_check_deadlines() closes what takes too long.
 */

#define NEVER        INT64_MAX
#define CLOSING_TIME (5 * CLOCK_S) /* for the peer to read an early answer and close the connection */
#define NO_PROGRESS  (1 * CLOCK_S) /* without the end of an operation, while all connections are in use */
#define FRESH_TIME   (1 * CLOCK_S) /* for the first request of a connection, while the program drains */
#define WRITER_TIME  (5 * CLOCK_S) /* for the web server to close one that had writes, while the program drains */
#define STREAM_BACKLOG \
	((size_t)64 * 1024) /* bytes of a list that the socket has not taken: above that the next page waits */

static struct conn *
conn_of_ticket(struct store_ticket *t)
{
	return container_of(t, struct conn, ticket);
}

/* The answer is complete: log, metrics and spans. */
static void
note_answer(struct conn *c)
{
	request_log_end(&c->context->log, &c->entry, &c->call, &c->response);
}

/* The request ends without an answer, or with a part of one. */
static void
note_failure(struct conn *c, unsigned status)
{
	if (!c->entry.open)
		return;
	c->entry.reason = conn_state_reason(c);
	response_empty(&c->response, status);
	note_answer(c);
}

/* Frees all that the request used. */
static void
end_request(struct conn *c)
{
	api_end(&c->call);
	buf_free(&c->body);
	server_give_back(c->context->server, &c->reserved);
	c->call = (struct call){ .refusal = REFUSAL_NONE };
	arena_reset(&c->arena);
}

/* All of the answer was sent. */
static void
release_memory(struct conn *c)
{
	server_give_back(c->context->server, &c->answer);
	if (c->memory != NULL)
		c->context->store->calls->release(c->context->store, c->memory);
	c->memory = NULL;
}

void
conn_free_closed(struct conn_context *context)
{
	while (!LIST_EMPTY(&context->closed)) {
		struct conn *c = LIST_FIRST(&context->closed);

		LIST_REMOVE(c, link);
		note_failure(c, c->reason == CONN_LIST ? 500 : TRACE_GONE);
		end_request(c);
		release_memory(c);
		arena_free(&c->arena);
		fcgi_conn_free(c->fcgi);
		free(c);
	}
}

/*
 * Adds the connection to the loop, which tells from now on when it is readable,
 * and if `writing`, when it is writable.  Called as late as possible, because it
 * costs a system call: nginx opens a connection for each write, and most of these
 * are answered and closed without the loop.
 */
static void
watch(struct conn *c, bool writing)
{
	if (!c->watched && !loop_watch(c->context->loop, &c->watch, LOOP_EDGE)) {
		conn_state_close(c, CONN_SYSTEM);
		return;
	}
	c->watched = true;
	if (c->writing != writing)
		loop_want(c->context->loop, &c->watch, true, writing);
	c->writing = writing;
}

/* Sets the time until which the peer has to read some of the answer. */
static void
set_read_deadline(struct conn *c)
{
	c->deadline = clock_mono() + c->context->server->request_timeout;
	c->unread = fcgi_conn_unread(c->fcgi);
}

/* The answer is complete.  When the peer has read it, waits for the next request or closes. */
static void
end_answer(struct conn *c)
{
	assert(c->state == CONN_WRITING);
	if (fcgi_conn_backlog(c->fcgi) > 0) {
		set_read_deadline(c);
		watch(c, true);
		return;
	}
	release_memory(c);
	if (!fcgi_conn_keeps(c->fcgi)) {
		conn_state_close(c, CONN_NOT_KEPT);
		return;
	}
	conn_state_set(c, CONN_WAITING);
	c->idle_since = clock_mono();
	c->served = true;
	c->wrote |= !request_method_is_safe(c->request.method);
	c->deadline = NEVER;
}

static void
put_response_head(struct conn *c)
{
	struct buf *head = &c->context->head;

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
	c->entry.bytes = content.n;
	note_answer(c); /* before fcgi_conn_finish(), which frees the variables that the request borrows */
	fcgi_conn_finish(c->fcgi);
	if (c->answer > 0)
		fcgi_conn_take(c->fcgi, &c->call.batch.out);
	else if (c->memory == NULL)
		fcgi_conn_own(c->fcgi);
	end_request(c);
}

/* Answers a request that was read to its end. */
static void
answer_request(struct conn *c)
{
	put_answer(c);
	end_answer(c);
}

/* Answers before the body has been read, which is too long to be dropped.  No further request is read then. */
static void
answer_early(struct conn *c)
{
	put_answer(c);
	fcgi_conn_shut(c->fcgi);
	conn_state_set(c, CONN_CLOSING);
	c->deadline = clock_mono() + CLOSING_TIME;
}

static void
refuse_request(struct conn *c, enum refusal refusal)
{
	api_refuse(&c->call, refusal, &c->response);
	c->step = API_ANSWER;
	buf_free(&c->body);
}

/* Allocates memory for the body, within the budget of all bodies. */
static void
reserve_body(struct conn *c)
{
	size_t length = (size_t)c->request.content_length, n = api_body_memory(&c->call);

	buf_init(&c->body, length);
	if (n == 0)
		return;
	c->reserved = server_take_budget(c->context->server, n, false);
	if (c->reserved == 0 || buf_reserve(&c->body, length) == NULL)
		refuse_request(c, REFUSAL_BUSY);
}

bool
conn_is_overloaded(const struct conn_context *context)
{
	return context->count >= context->server->conn_max && clock_mono() - context->progress >= NO_PROGRESS;
}

/* Whether the request waits for the database, and is no probe. */
static bool
is_parked(const struct conn *c)
{
	return (c->step == API_BODY || c->step == API_STORE) && c->call.op.kind != STORE_CHECK &&
	    !c->request.is_preliminary;
}

static void
start_request(struct conn *c)
{
	struct server *server = c->context->server;
	int64_t now = clock_mono();

	c->dropped = 0;
	conn_state_set(c, CONN_READING);
	c->deadline = now + server->request_timeout;
	request_read(&c->request, fcgi_conn_variables(c->fcgi));
	request_log_begin(&c->context->log, &c->entry, &c->request, now);
	c->step =
	    api_begin(server->api, &c->context->policy, clock_wall(), &c->call, &c->request, &c->arena, &c->response);
	if (is_parked(c) && c->context->count > server->conn_max && conn_is_overloaded(c->context))
		refuse_request(c, REFUSAL_OVERLOADED);
	if (c->step == API_BODY)
		reserve_body(c);
}

static void
take_body(struct conn *c)
{
	struct str content = fcgi_conn_content(c->fcgi);

	c->deadline = clock_mono() + c->context->server->request_timeout;
	if (c->step == API_BODY && content.n <= c->request.content_length - c->body.n) {
		buf_puts(&c->body, content);
		return;
	}
	if (c->step == API_BODY)
		refuse_request(c, REFUSAL_BAD_CONTENT_LENGTH);
	c->dropped += content.n;
	if (c->dropped > (refusal_is_anonymous(c->call.refusal) ? CONN_DROP_ANONYMOUS : CONN_DROP_MAX))
		answer_early(c);
}

/* Gives call.op to the store. */
static void
submit_operation(struct conn *c)
{
	int64_t now = clock_mono();

	assert(c->state == CONN_STORING || c->state == CONN_STREAMING);
	request_log_store(&c->entry, now);
	c->deadline = NEVER;
	store_submit(c->context->store, &c->ticket, &c->call.op, now + c->context->server->request_timeout);
}

/* The last byte of the request was read. */
static void
execute_request(struct conn *c)
{
	if (c->step == API_BODY) {
		if (c->body.n == c->request.content_length)
			c->step = api_body(&c->call, buf_str(&c->body), &c->response);
		else
			refuse_request(c, REFUSAL_BAD_CONTENT_LENGTH);
	}
	if (c->step == API_STORE) {
		conn_state_set(c, c->call.op.kind == STORE_LIST ? CONN_STREAMING : CONN_STORING);
		submit_operation(c);
		return;
	}
	conn_state_set(c, CONN_WRITING);
	answer_request(c);
}

/* All bytes that have arrived were read.  A request that has begun to arrive has a deadline, an idle connection none. */
static void
set_idle_deadline(struct conn *c)
{
	if (c->state != CONN_WAITING)
		return;
	if (fcgi_conn_is_idle(c->fcgi))
		c->deadline = NEVER;
	else if (c->deadline == NEVER)
		c->deadline = clock_mono() + c->context->server->request_timeout;
}

/* Reads, and executes, the requests that have arrived. */
static void
read_requests(struct conn *c)
{
	c->reading = true;
	while (c->state == CONN_WAITING || c->state == CONN_READING || c->state == CONN_CLOSING) {
		enum fcgi_conn_event event = fcgi_conn_next(c->fcgi);

		if (event == FCGI_CONN_WAIT) {
			set_idle_deadline(c);
			if (c->watched && fcgi_conn_has_more(c->fcgi))
				loop_want(c->context->loop, &c->watch, true, c->writing); /* it is reported again */
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
			execute_request(c);
			break;
		case FCGI_CONN_GONE:
		case FCGI_CONN_WAIT:
			conn_state_close(c, CONN_PEER);
			break;
		}
	}
	c->reading = false;
	if (!c->watched && c->state != CONN_STORING && c->state != CONN_CLOSED)
		watch(c, false);
	conn_state_check(c);
}

/* Puts the rows that are there; HEAD has no body. */
static void
put_rows(struct conn *c)
{
	if (c->request.method == METHOD_HEAD)
		return;
	fcgi_conn_put(c->fcgi, buf_str(&c->call.key_list.out));
	c->entry.bytes += c->call.key_list.out.n;
}

/* Sends the rows that are there, with the header before the first ones. */
static void
put_piece(struct conn *c)
{
	struct key_list *l = &c->call.key_list;

	if (!l->begun) {
		listing_finish(&c->call, true, &c->response);
		put_response_head(c);
		key_list_begin(l);
	}
	if (!buf_ok(&l->out))
		return; /* done_list() ends the list for it */
	put_rows(c);
	fcgi_conn_flush_put(c->fcgi);
	buf_clear(&l->out);
}

/* The list has ended, or failed. */
static void
done_list(struct conn *c, struct store_result *r)
{
	struct key_list *l = &c->call.key_list;

	conn_state_set(c, CONN_WRITING);
	if (r->outcome == STORE_DONE)
		key_list_end(l);
	if (r->outcome == STORE_DONE && buf_ok(&l->out)) {
		if (!l->begun) {
			listing_finish(&c->call, false, &c->response);
			answer_request(c);
			return;
		}
		put_rows(c);
		note_answer(c);
		fcgi_conn_finish(c->fcgi);
		end_request(c);
		end_answer(c);
	} else if (l->begun) {
		/* Without its last record the web server knows that the answer is incomplete. */
		conn_state_close(c, CONN_LIST);
	} else {
		if (r->outcome == STORE_DONE)
			r->outcome = STORE_FAULT;
		api_finish(&c->call, r, &c->response);
		answer_request(c);
	}
}

/* A page of a list has ended.  A slow client gets the next page only when it has read this one. */
static void
done_page(struct conn *c, struct store_result *r)
{
	if (!listing_next_page(&c->call, r)) {
		done_list(c, r);
	} else if (fcgi_conn_backlog(c->fcgi) > STREAM_BACKLOG) {
		conn_state_set(c, CONN_PAUSED);
		set_read_deadline(c);
		watch(c, true);
	} else {
		submit_operation(c);
	}
}

/*
 * The answer of a batch, which may be many times as long as its body, is in memory until the web server has read it: it
 * takes the place of the body in the budget.  One that has written has happened, so it is answered in any case.
 */
static void
reserve_answer(struct conn *c)
{
	size_t n = response_content(&c->response, &c->request).n;

	if (n < FCGI_CONN_LEND_MIN)
		return;
	server_give_back(c->context->server, &c->reserved);
	c->answer = server_take_budget(c->context->server, n, c->call.op.parts_write);
	if (c->answer == 0)
		api_refuse(&c->call, REFUSAL_BUSY, &c->response);
}

static void
on_conn_done(struct store_ticket *t, struct store_result *r)
{
	struct conn *c = conn_of_ticket(t);

	c->context->progress = clock_mono();
	request_log_stored(&c->context->log, &c->entry, c->context->store, t, r->outcome);
	if (t->op.kind == STORE_LIST) {
		done_page(c, r);
	} else {
		conn_state_set(c, CONN_WRITING);
		api_finish(&c->call, r, &c->response);
		if (r->value.n >= FCGI_CONN_LEND_MIN) {
			c->memory = r->memory;
			r->memory = NULL;
		}
		if (t->op.kind == STORE_BATCH)
			reserve_answer(c);
		answer_request(c);
	}
	if (!c->reading)
		read_requests(c);
}

static void
on_conn_row(struct store_ticket *t, struct store_row *row)
{
	struct conn *c = conn_of_ticket(t);

	listing_row(&c->call, row);
	if (key_list_is_full(&c->call.key_list))
		put_piece(c);
}

static void
on_writable(struct conn *c)
{
	fcgi_conn_write(c->fcgi);
	if (fcgi_conn_backlog(c->fcgi) > 0) {
		if (c->state == CONN_WRITING || c->state == CONN_PAUSED)
			set_read_deadline(c);
		return;
	}
	watch(c, false);
	if (c->state == CONN_WRITING) {
		end_answer(c);
	} else if (c->state == CONN_PAUSED) {
		conn_state_set(c, CONN_STREAMING);
		submit_operation(c);
	}
}

static void
on_conn_ready(struct watch *w, uint32_t events)
{
	struct conn *c = container_of(w, struct conn, watch);

	if (c->state == CONN_CLOSED)
		return;
	if ((events & (EPOLLIN | EPOLLRDHUP | EPOLLHUP | EPOLLERR)) != 0)
		fcgi_conn_readable(c->fcgi, (events & (EPOLLRDHUP | EPOLLHUP)) != 0);
	if ((events & (EPOLLHUP | EPOLLERR)) != 0 &&
	    (c->state == CONN_STREAMING || c->state == CONN_PAUSED || c->state == CONN_WRITING)) {
		conn_state_close(c, CONN_PEER);
		return;
	}
	if ((events & EPOLLOUT) != 0)
		on_writable(c);
	read_requests(c);
}

static const struct store_client client = { on_conn_done, on_conn_row };

void
conn_open(struct conn_context *context, int fd)
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
	c->context = context;
	c->idle_since = clock_mono();
	c->deadline = NEVER;
	c->ticket.client = &client;
	c->watch = (struct watch){ .fd = fd, .ready = on_conn_ready };
	arena_init(&c->arena, API_ARENA_MAX);
	LIST_INSERT_HEAD(&context->open, c, link);
	context->count++;
	read_requests(c);
}

/* How long an idle connection stays open for a next request while the program drains, from when it is idle or drains. */
static int64_t
drain_time(const struct conn *c)
{
	if (c->wrote)
		return WRITER_TIME;
	return c->served ? 0 : FRESH_TIME;
}

/*
 * Closes a connection that waits for a request, after a last look whether one
 * has arrived.  A write must not arrive when the connection is being closed,
 * since the web server could not know whether it may repeat it.  So a new
 * connection stays open for a moment, because a request is about to arrive, and
 * one that has carried writes stays until the web server closes it (see
 * deploy/nginx/hulykvs.conf) or WRITER_TIME is over.
 */
static void
close_if_idle(struct conn *c, int64_t now)
{
	int64_t since;

	fcgi_conn_readable(c->fcgi, false);
	read_requests(c);
	if (c->state != CONN_WAITING)
		return;
	since = c->idle_since > c->context->drains_since ? c->idle_since : c->context->drains_since;
	if (fcgi_conn_is_idle(c->fcgi) ? now - since >= drain_time(c) : c->deadline <= now)
		conn_state_close(c, CONN_DRAINING);
}

/* The deadline is over: closes the connection, unless the peer has read something since it was set. */
static void
check_progress(struct conn *c)
{
	bool has_answer = c->state == CONN_WRITING || c->state == CONN_PAUSED;

	if (has_answer && fcgi_conn_unread(c->fcgi) < c->unread)
		set_read_deadline(c);
	else
		conn_state_close(c, has_answer ? CONN_READ_TIMEOUT : CONN_SEND_TIMEOUT);
}

void
conn_check_deadlines(struct conn_context *context, int64_t now, bool draining)
{
	for (struct conn *c = LIST_FIRST(&context->open), *next; c != NULL; c = next) {
		next = LIST_NEXT(c, link);
		conn_state_check(c);
		if (draining && c->state == CONN_WAITING)
			close_if_idle(c, now);
		else if (c->deadline <= now)
			check_progress(c);
	}
}
