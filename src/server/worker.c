/* SPDX-License-Identifier: EPL-2.0 */
#include "server/worker.h"

#include <errno.h>
#include <pthread.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/base.h"
#include "base/clock.h"
#include "base/log.h"
#include "base/log_repeat.h"
#include "os/heartbeat.h"
#include "server/conn.h"
#include "telemetry/metrics.h"

#define ACCEPTS_PER_ITERATION 16 /* so that other workers can accept too, and requests are not delayed */
#define CHECK_EVERY           (1 * CLOCK_S)
#define ACCEPT_PAUSE          (100 * CLOCK_MS) /* after EMFILE, before the next try */
#define SETTLE_EVERY          (5 * CLOCK_MS)
#define SEND_BUFFER           (1024 * 1024)  /* bytes; five times the kernel's default */
#define REFUSED_EVERY         (10 * CLOCK_S) /* at most one line in the log */
#define FULL_EVERY            (10 * CLOCK_S) /* a line in the log at most */

struct worker {
	struct loop loop;
	struct conn_context context;
	const struct worker_store *kind;
	unsigned number;
	pthread_t thread;
	struct watch listener, wake;
	bool listening;
	struct timer settle, check, accept_again;
	struct log_repeat refused_log; /* of connections refused for their user */
	int64_t refused;               /* connections refused since the last line */
	struct log_repeat full_log;    /* of descriptors that are missing */
	struct hook drain, end;
};

static void
listen_again(struct worker *w)
{
	w->listening = loop_watch(&w->loop, &w->listener, LOOP_LISTENER);
	if (!w->listening)
		w->accept_again.due = clock_mono() + ACCEPT_PAUSE;
}

static void
stop_listening(struct worker *w)
{
	if (w->listening)
		loop_unwatch(&w->loop, &w->listener);
	w->listening = false;
	w->settle.due = w->accept_again.due = TIMER_OFF;
}

/* Closes idle connections, as when draining.  False: there are none. */
static bool
close_idle(struct worker *w)
{
	conn_check_deadlines(&w->context, clock_mono(), true);
	return !LIST_EMPTY(&w->context.closed); /* their descriptors are closed at the end of this iteration */
}

/* No descriptor left for a connection: closes idle ones.  If there are none, pauses accepting. */
static void
free_descriptors(struct worker *w)
{
	int64_t now = clock_mono();

	if (close_idle(w))
		return;
	if (log_repeat_allows(&w->full_log, now, FULL_EVERY))
		log_event(LOG_WARN,
		    "no file descriptors left for connections: raise the limit (ulimit -n, LimitNOFILE)",
		    log_number("connections", (int64_t)w->context.count));
	stop_listening(w);
	w->accept_again.due = now + ACCEPT_PAUSE;
}

/* Whether the user of the peer may connect.  Refusals are logged at most once in REFUSED_EVERY. */
static bool
may_connect(struct worker *w, int fd)
{
	uid_t uid;

	if (peer_users_may(&w->context.server->peers, fd, &uid))
		return true;
	metrics_add(METRICS_PEERS_REFUSED, 1);
	w->refused++;
	if (log_repeat_allows(&w->refused_log, clock_mono(), REFUSED_EVERY)) {
		log_event(LOG_WARN, "connection closed: its user may not connect", log_number("uid", (int64_t)uid),
		    log_number("connections", w->refused));
		w->refused = 0;
	}
	return false;
}

/* So that a large value is sent in one piece: each further piece wakes both processes once more. */
static void
enlarge_send_buffer(int fd)
{
	int size = SEND_BUFFER;

	(void)setsockopt(fd, SOL_SOCKET, SO_SNDBUF, &size, sizeof(size));
}

/* Whether another connection may be accepted; while the database hangs a few more, for probes. */
static bool
may_accept(const struct worker *w)
{
	const struct server *s = w->context.server;

	return w->context.count < s->conn_max ||
	    (conn_is_overloaded(&w->context) && w->context.count < s->conn_max + s->conn_spare);
}

static void
on_accept(struct watch *watch, uint32_t events)
{
	struct worker *w = container_of(watch, struct worker, listener);

	(void)events;
	for (int i = 0; i < ACCEPTS_PER_ITERATION; i++) {
		int fd;

		if (!may_accept(w)) {
			free_descriptors(w);
			return;
		}
		fd = accept4(watch->fd, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC);
		if (fd >= 0) {
			if (may_connect(w, fd)) {
				enlarge_send_buffer(fd);
				conn_open(&w->context, fd);
			} else {
				(void)close(fd);
			}
			continue;
		}
		if (errno == EMFILE || errno == ENFILE || errno == ENOBUFS || errno == ENOMEM)
			free_descriptors(w);
		return;
	}
}

static void
on_accept_again(struct timer *t)
{
	listen_again(container_of(t, struct worker, accept_again));
}

/* Begins to accept when it is known whether the database can be reached. */
static void
on_settle(struct timer *t)
{
	struct worker *w = container_of(t, struct worker, settle);

	if (w->kind->is_settled(w->context.store))
		listen_again(w);
	else
		t->due = clock_mono() + SETTLE_EVERY;
}

static void
on_every_second(struct timer *t)
{
	struct worker *w = container_of(t, struct worker, check);
	int64_t now = clock_mono();

	conn_check_deadlines(&w->context, now, false);
	heartbeat_beat(w->context.server->health, w->number, now);
	t->due = now + CHECK_EVERY;
}

static void
on_wake(struct watch *watch, uint32_t events)
{
	struct worker *w = container_of(watch, struct worker, wake);
	uint64_t count;

	(void)events;
	if (read(watch->fd, &count, sizeof(count)) > 0)
		snapshot_renew(&w->context.settings);
}

static bool
is_draining(const struct worker *w)
{
	return atomic_load_explicit(&w->context.server->draining, memory_order_relaxed);
}

/* Runs before the store sends the operations of this iteration, since this may find requests that have just arrived. */
static void
drain_connections(struct hook *h)
{
	struct worker *w = container_of(h, struct worker, drain);

	if (!is_draining(w))
		return;
	stop_listening(w);
	if (w->context.drains_since == 0)
		w->context.drains_since = clock_mono();
	conn_check_deadlines(&w->context, clock_mono(), true);
}

static void
worker_end_of_iteration(struct hook *h)
{
	struct worker *w = container_of(h, struct worker, end);
	bool freed = !LIST_EMPTY(&w->context.closed);

	if (is_draining(w) && w->context.count == 0 && w->kind->is_idle(w->context.store))
		loop_stop(&w->loop);
	conn_free_closed(&w->context);
	if (freed && w->accept_again.due != TIMER_OFF) {
		w->accept_again.due = TIMER_OFF;
		listen_again(w);
	}
	request_log_flush(&w->context.log);
}

static void *
worker_main(void *arg)
{
	struct worker *w = arg;
	char name[16];

	(void)snprintf(name, sizeof(name), "worker %u", w->number % 1000);
	(void)pthread_setname_np(pthread_self(), name);
	metrics_attach(w->context.server->metrics, w->number);
	w->kind->begin(w->kind->ctx, w->context.store);
	loop_run(&w->loop);
	heartbeat_end(w->context.server->health, w->number);
	digest_thread_end();
	return NULL;
}

static void
worker_free(struct worker *w)
{
	w->kind->free(w->context.store);
	policy_free(&w->context.policy);
	snapshot_release(&w->context.settings);
	buf_free(&w->context.head);
	request_log_close(&w->context.log);
	if (w->wake.fd >= 0)
		(void)close(w->wake.fd);
	loop_close(&w->loop);
	free(w);
}

/* Called between two steps of requests: all that borrows from the settings borrows from the new ones now. */
static void
exchange_settings(struct snapshot_holder *h, const struct snapshot *next)
{
	struct worker *w = container_of(h, struct worker, context.settings);

	policy_change(&w->context.policy, &next->secrets, next->rules);
	w->kind->change(w->context.store, next);
	request_log_settings(&w->context.log, next->access_log, next->log_client_address);
}

static bool
set_up_worker(struct worker *w)
{
	struct server *server = w->context.server;

	w->wake = (struct watch){ .fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK), .ready = on_wake };
	w->listener = (struct watch){ .fd = server->listener, .ready = on_accept };
	if (!loop_init(&w->loop) || w->wake.fd < 0 || !loop_watch(&w->loop, &w->wake, LOOP_LEVEL))
		return false;
	w->settle = (struct timer){ .due = 0, .fire = on_settle };
	w->check = (struct timer){ .due = clock_mono() + CHECK_EVERY, .fire = on_every_second };
	w->accept_again = (struct timer){ .due = TIMER_OFF, .fire = on_accept_again };
	loop_add_timer(&w->loop, &w->settle);
	loop_add_timer(&w->loop, &w->check);
	loop_add_timer(&w->loop, &w->accept_again);
	w->drain.run = drain_connections;
	w->end.run = worker_end_of_iteration;
	loop_add_hook(&w->loop, &w->end);
	w->context.loop = &w->loop;
	buf_init(&w->context.head, API_ARENA_MAX);
	request_log_open(&w->context.log, trace_ring(server->trace, w->number));
	snapshot_holder_init(&w->context.settings, &server->settings, exchange_settings);
	request_log_settings(
	    &w->context.log, w->context.settings.held->access_log, w->context.settings.held->log_client_address);
	if (!policy_init(&w->context.policy, &w->context.settings.held->secrets, w->context.settings.held->rules))
		return false;
	w->context.store = w->kind->make(w->kind->ctx, &w->loop, &w->context.settings);
	if (w->context.store == NULL)
		return false;
	loop_add_hook(&w->loop, &w->drain);
	return true;
}

struct worker *
worker_start(struct server *server, unsigned number, const struct worker_store *kind)
{
	struct worker *w = calloc(1, sizeof(*w));

	if (w == NULL)
		return NULL;
	w->kind = kind;
	w->number = number;
	w->context.server = server;
	w->wake.fd = w->loop.epoll = -1;
	if (set_up_worker(w) && pthread_create(&w->thread, NULL, worker_main, w) == 0)
		return w;
	worker_free(w);
	return NULL;
}

void
worker_wake(struct worker *w)
{
	uint64_t one = 1;

	/* This fails only if the counter is full; then the worker has been notified already. */
	if (write(w->wake.fd, &one, sizeof(one)) < 0)
		return;
}

void
worker_join(struct worker *w)
{
	(void)pthread_join(w->thread, NULL);
	worker_free(w);
}
