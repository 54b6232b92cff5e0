/* SPDX-License-Identifier: EPL-2.0 */
#include "server/cgi.h"

#include <errno.h>
#include <stddef.h>
#include <stdlib.h>
#include <unistd.h>

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
	struct request_log observer;
	struct request_log_entry observed;
	bool broken; /* standard output is gone, or half an answer is all there is */
};

static void
write_all(struct cgi *g, struct str s)
{
	while (s.n > 0 && !g->broken) {
		ssize_t n = write(STDOUT_FILENO, s.p, s.n);

		if (n >= 0)
			s = str_skip(s, (size_t)n);
		else
			g->broken = errno != EINTR;
	}
}

static void
write_head(struct cgi *g)
{
	struct buf head;

	buf_init(&head, API_ARENA_MAX);
	response_put_head(&g->response, &g->request, &head);
	g->broken |= !buf_ok(&head);
	write_all(g, buf_str(&head));
	buf_free(&head);
}

static void
write_answer(struct cgi *g)
{
	struct str content = response_content(&g->response, &g->request);

	write_head(g);
	write_all(g, content);
	g->observed.bytes = content.n;
}

static enum refusal
read_body(struct cgi *g)
{
	size_t want = (size_t)g->request.content_length;
	char *room;

	/* A body whose length nobody tells, as some web servers hand on a chunked one. */
	if (g->request.length == LENGTH_ABSENT && g->request.transfer_encoding.n > 0)
		return REFUSAL_BAD_CONTENT_LENGTH;
	buf_init(&g->body, want);
	room = buf_reserve(&g->body, want);
	if (room == NULL && want > 0)
		return REFUSAL_BUSY;
	while (g->body.n < want) {
		ssize_t n = read(STDIN_FILENO, g->body.p + g->body.n, want - g->body.n);

		if (n > 0)
			buf_grew(&g->body, (size_t)n);
		else if (n == 0 || errno != EINTR)
			break;
	}
	return g->body.n == want ? REFUSAL_NONE : REFUSAL_BAD_CONTENT_LENGTH;
}

static struct cgi *
cgi_of_ticket(struct store_ticket *t)
{
	return container_of(t, struct cgi, ticket);
}

static void
write_keys(struct cgi *g)
{
	struct key_list *l = &g->call.listing;

	if (!l->begun) {
		api_finish_list(&g->call, true, &g->response);
		write_head(g);
		key_list_begin(l);
	}
	g->broken |= !buf_ok(&l->out);
	if (g->request.method != METHOD_HEAD) {
		write_all(g, buf_str(&l->out));
		g->observed.bytes += l->out.n;
	}
	buf_clear(&l->out);
}

static bool
on_cgi_key(struct store_ticket *t, struct str key)
{
	struct cgi *g = cgi_of_ticket(t);

	key_list_put(&g->call.listing, key);
	if (key_list_is_full(&g->call.listing))
		write_keys(g);
	return true;
}

static void
on_cgi_done(struct store_ticket *t, struct store_result *r)
{
	struct cgi *g = cgi_of_ticket(t);
	struct key_list *l = &g->call.listing;

	loop_stop(&g->loop);
	if (t->op.kind != STORE_LIST || r->outcome != STORE_DONE) {
		if (t->op.kind == STORE_LIST && l->begun) {
			g->broken = true; /* the program's exit status tells the web server */
			response_empty(&g->response, 500);
			return;
		}
		api_finish(&g->call, r, &g->response);
		write_answer(g);
		return;
	}
	key_list_end(l);
	if (l->begun) {
		write_keys(g);
		return;
	}
	if (buf_ok(&l->out))
		api_finish_list(&g->call, false, &g->response);
	else
		api_refuse(&g->call, REFUSAL_INTERNAL, &g->response);
	write_answer(g);
}

static void
run_store(struct cgi *g)
{
	static const struct store_client client = { on_cgi_done, on_cgi_key };

	g->ticket.op = g->call.op;
	g->ticket.client = &client;
	g->ticket.deadline = clock_mono() + g->server->request_timeout;
	g->store->calls->submit(g->store, &g->ticket);
	loop_run(&g->loop);
}

static void
serve_one(struct cgi *g)
{
	enum api_step step;
	enum refusal refusal = REFUSAL_NONE;

	request_read(&g->request, environ);
	request_log_begin(&g->observer, &g->observed, &g->request, clock_mono());
	step = api_begin(g->server->api, &g->policy, clock_wall(), &g->call, &g->request, &g->arena, &g->response);
	if (step == API_BODY) {
		step = API_ANSWER;
		refusal = read_body(g);
		if (refusal == REFUSAL_NONE)
			step = api_body(&g->call, buf_str(&g->body), &g->response);
		else
			api_refuse(&g->call, refusal, &g->response);
	}
	if (step == API_STORE)
		run_store(g);
	else
		write_answer(g);
	request_log_end(&g->observer, &g->observed, &g->call, &g->response);
}

enum exitcode
cgi_serve(struct server *server, const struct worker_store *kind)
{
	struct cgi g = { .server = server };
	enum exitcode code = EXIT_INTERNAL;
	bool able, has_policy;

	arena_init(&g.arena, API_ARENA_MAX);
	request_log_open(&g.observer, NULL);
	buf_init(&g.body, 0);
	able = loop_init(&g.loop);
	snapshot_holder_init(&g.settings, &server->settings, NULL);
	g.observer.access_log = g.settings.held->access_log;
	has_policy = policy_init(&g.policy, &g.settings.held->secrets, g.settings.held->rules);
	g.store = kind->make(kind->ctx, &g.loop, &g.settings);
	if (able && has_policy && g.store != NULL) {
		serve_one(&g);
		code = g.broken ? EXIT_INTERNAL : EXIT_OK;
	} else {
		log_event(LOG_ERROR, "cannot serve: the system gives no memory or descriptors");
	}
	if (g.call.op.kind == STORE_LIST)
		key_list_free(&g.call.listing);
	kind->free(g.store);
	policy_free(&g.policy);
	snapshot_release(&g.settings);
	buf_free(&g.body);
	arena_free(&g.arena);
	request_log_close(&g.observer);
	loop_close(&g.loop);
	digest_thread_end();
	return code;
}
