/* SPDX-License-Identifier: EPL-2.0 */
#include "server/cgi.h"

#include <errno.h>
#include <stddef.h>
#include <stdlib.h>
#include <unistd.h>

#include "api/listing.h"
#include "base/base.h"
#include "base/clock.h"
#include "base/log.h"
#include "server/request_log.h"

struct cgi {
	struct server *server;
	struct loop loop;
	struct store *store;
	struct snapshot_holder settings;
	struct policy policy; /* borrows from the settings */
	struct arena arena;
	struct request request;
	struct call call;
	struct response response;
	struct buf body;
	struct store_ticket ticket;
	struct request_log log;
	struct request_log_entry entry;
	bool broken; /* standard output cannot be written, or the answer is incomplete */
};

static void
write_all(struct cgi *c, struct str s)
{
	while (s.n > 0 && !c->broken) {
		ssize_t n = write(STDOUT_FILENO, s.p, s.n);

		if (n >= 0)
			s = str_skip(s, (size_t)n);
		else
			c->broken = errno != EINTR;
	}
}

static void
write_head(struct cgi *c)
{
	struct buf head;

	buf_init(&head, API_ARENA_MAX);
	response_put_head(&c->response, &c->request, &head);
	c->broken |= !buf_ok(&head);
	write_all(c, buf_str(&head));
	buf_free(&head);
}

static void
write_answer(struct cgi *c)
{
	struct str content = response_content(&c->response, &c->request);

	write_head(c);
	write_all(c, content);
	c->entry.bytes = content.n;
}

static enum refusal
read_body(struct cgi *c)
{
	size_t want = (size_t)c->request.content_length;
	char *space;

	/* Some web servers pass a chunked body on like this, without CONTENT_LENGTH. */
	if (c->request.length == LENGTH_ABSENT && c->request.transfer_encoding.n > 0)
		return REFUSAL_BAD_CONTENT_LENGTH;
	buf_init(&c->body, want);
	space = buf_reserve(&c->body, want);
	if (space == NULL && want > 0)
		return REFUSAL_BUSY;
	while (c->body.n < want) {
		ssize_t n = read(STDIN_FILENO, c->body.p + c->body.n, want - c->body.n);

		if (n > 0)
			buf_grew(&c->body, (size_t)n);
		else if (n == 0 || errno != EINTR)
			break;
	}
	return c->body.n == want ? REFUSAL_NONE : REFUSAL_BAD_CONTENT_LENGTH;
}

static struct cgi *
cgi_of_ticket(struct store_ticket *t)
{
	return container_of(t, struct cgi, ticket);
}

static void
write_rows(struct cgi *c)
{
	struct key_list *l = &c->call.key_list;

	if (!l->begun) {
		listing_finish(&c->call, true, &c->response);
		write_head(c);
		key_list_begin(l);
	}
	c->broken |= !buf_ok(&l->out);
	if (c->request.method != METHOD_HEAD) {
		write_all(c, buf_str(&l->out));
		c->entry.bytes += l->out.n;
	}
	buf_clear(&l->out);
}

static void
on_cgi_row(struct store_ticket *t, struct store_row *row)
{
	struct cgi *c = cgi_of_ticket(t);

	listing_row(&c->call, row);
	if (key_list_is_full(&c->call.key_list))
		write_rows(c);
}

/* Gives call.op to the store. */
static void
submit_to_store(struct cgi *c)
{
	int64_t now = clock_mono();

	request_log_store(&c->entry, now);
	store_submit(c->store, &c->ticket, &c->call.op, now + c->server->request_timeout);
}

/* The last page of a list has ended, or the list failed. */
static void
finish_list_answer(struct cgi *c, struct store_result *r)
{
	struct key_list *l = &c->call.key_list;

	if (r->outcome == STORE_DONE)
		key_list_end(l);
	if (l->begun && r->outcome == STORE_DONE) {
		write_rows(c);
	} else if (l->begun) {
		c->broken = true; /* the exit status tells the web server that the answer is incomplete */
		c->entry.reason = "the database failed while a list was being sent";
		response_empty(&c->response, 500);
	} else {
		if (r->outcome != STORE_DONE)
			api_finish(&c->call, r, &c->response);
		else if (buf_ok(&l->out))
			listing_finish(&c->call, false, &c->response);
		else
			api_refuse(&c->call, REFUSAL_INTERNAL, &c->response);
		write_answer(c);
	}
}

static void
on_cgi_done(struct store_ticket *t, struct store_result *r)
{
	struct cgi *c = cgi_of_ticket(t);

	request_log_stored(&c->log, &c->entry, c->store, t, r->outcome);
	if (t->op.kind == STORE_LIST && listing_next_page(&c->call, r)) {
		submit_to_store(c);
		return;
	}
	loop_stop(&c->loop);
	if (t->op.kind == STORE_LIST) {
		finish_list_answer(c, r);
	} else {
		api_finish(&c->call, r, &c->response);
		write_answer(c);
	}
}

static void
execute_operation(struct cgi *c)
{
	static const struct store_client client = { on_cgi_done, on_cgi_row };

	c->ticket.client = &client;
	submit_to_store(c);
	loop_run(&c->loop);
}

static void
serve_one(struct cgi *c)
{
	enum api_step step;
	enum refusal refusal = REFUSAL_NONE;

	request_read(&c->request, environ);
	request_log_begin(&c->log, &c->entry, &c->request, clock_mono());
	step = api_begin(c->server->api, &c->policy, clock_wall(), &c->call, &c->request, &c->arena, &c->response);
	if (step == API_BODY) {
		step = API_ANSWER;
		refusal = read_body(c);
		if (refusal == REFUSAL_NONE)
			step = api_body(&c->call, buf_str(&c->body), &c->response);
		else
			api_refuse(&c->call, refusal, &c->response);
	}
	if (step == API_STORE)
		execute_operation(c);
	else
		write_answer(c);
	request_log_end(&c->log, &c->entry, &c->call, &c->response);
}

enum exitcode
cgi_serve(struct server *server, const struct worker_store *kind)
{
	struct cgi c = { .server = server };
	enum exitcode code = EXIT_INTERNAL;
	bool able, has_policy;

	arena_init(&c.arena, API_ARENA_MAX);
	request_log_open(&c.log, NULL);
	buf_init(&c.body, 0);
	able = loop_init(&c.loop);
	snapshot_holder_init(&c.settings, &server->settings, NULL);
	request_log_settings(&c.log, c.settings.held->access_log, c.settings.held->log_client_address);
	has_policy = policy_init(&c.policy, &c.settings.held->secrets, c.settings.held->rules);
	c.store = kind->make(kind->ctx, &c.loop, &c.settings);
	if (able && has_policy && c.store != NULL) {
		serve_one(&c);
		code = c.broken ? EXIT_INTERNAL : EXIT_OK;
	} else {
		log_event(LOG_ERROR, "cannot serve: the system gives no memory or descriptors");
	}
	api_end(&c.call);
	kind->free(c.store);
	policy_free(&c.policy);
	snapshot_release(&c.settings);
	buf_free(&c.body);
	arena_free(&c.arena);
	request_log_close(&c.log);
	loop_close(&c.loop);
	digest_thread_end();
	return code;
}
