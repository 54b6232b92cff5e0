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
#include "os/heartbeat.h"
#include "server/conn.h"
#include "telemetry/metrics.h"

#define ACCEPTS_PER_TURN 16 /* then the other workers have their chance */
#define SWEEP_EVERY      (1 * CLOCK_S)
#define ACCEPT_REST      (100 * CLOCK_MS) /* after EMFILE */
#define SETTLE_EVERY     (5 * CLOCK_MS)
#define SEND_BUFFER      (1024 * 1024)  /* bytes; the kernel's own choice is a fifth of it */
#define STRANGERS_EVERY  (10 * CLOCK_S) /* a line in the log at most */

struct worker {
	struct loop loop;
	struct conn_host host;
	const struct worker_store *kind;
	unsigned number;
	pthread_t thread;
	struct watch listener, wake;
	bool listening;
	struct timer settle, sweep, rest;
	int64_t strangers_told; /* when the log last said so */
	int64_t strangers;      /* connections closed since */
	struct hook drain, end;
};

static void
listen_again(struct worker *w)
{
	w->listening = loop_watch(&w->loop, &w->listener, LOOP_LISTENER);
	if (!w->listening)
		w->rest.due = clock_mono() + ACCEPT_REST;
}

static void
stop_listening(struct worker *w)
{
	if (w->listening)
		loop_unwatch(&w->loop, &w->listener);
	w->listening = false;
	w->settle.due = w->rest.due = TIMER_OFF;
}

/* No descriptor left: idle connections have to go, as when draining.  Where none can, waits for others to end. */
static void
make_room_for_connection(struct worker *w)
{
	int64_t now = clock_mono();

	conn_sweep(&w->host, now, true);
	if (w->host.dead != NULL)
		return; /* closed at the end of the turn */
	log_event(LOG_WARN, "no descriptors left, resting");
	stop_listening(w);
	w->rest.due = now + ACCEPT_REST;
}

/* By the user that connected; one who tries again and again does not fill the log. */
static bool
is_welcome(struct worker *w, int fd)
{
	uid_t uid;
	int64_t now;

	if (peer_users_may(&w->host.server->peers, fd, &uid))
		return true;
	metrics_add(METRICS_PEERS_REFUSED, 1);
	w->strangers++;
	now = clock_mono();
	if (now - w->strangers_told >= STRANGERS_EVERY) {
		log_event(LOG_WARN, "connection closed: its user may not connect", log_number("uid", (int64_t)uid),
		    log_number("connections", w->strangers));
		w->strangers_told = now;
		w->strangers = 0;
	}
	return false;
}

/* So that a large value goes out at once: each further piece costs both sides a wake-up. */
static void
widen(int fd)
{
	int size = SEND_BUFFER;

	(void)setsockopt(fd, SOL_SOCKET, SO_SNDBUF, &size, sizeof(size));
}

static void
on_accept(struct watch *watch, uint32_t events)
{
	struct worker *w = container_of(watch, struct worker, listener);

	(void)events;
	for (int i = 0; i < ACCEPTS_PER_TURN; i++) {
		int fd = accept4(watch->fd, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC);

		if (fd >= 0) {
			if (is_welcome(w, fd)) {
				widen(fd);
				conn_open(&w->host, fd);
			} else {
				(void)close(fd);
			}
			continue;
		}
		if (errno == EMFILE || errno == ENFILE || errno == ENOBUFS || errno == ENOMEM)
			make_room_for_connection(w);
		return;
	}
}

static void
on_rest(struct timer *t)
{
	listen_again(container_of(t, struct worker, rest));
}

/* Accepts as soon as it is known whether the database is there. */
static void
on_settle(struct timer *t)
{
	struct worker *w = container_of(t, struct worker, settle);

	if (w->kind->is_settled(w->host.store))
		listen_again(w);
	else
		t->due = clock_mono() + SETTLE_EVERY;
}

static void
on_sweep(struct timer *t)
{
	struct worker *w = container_of(t, struct worker, sweep);
	int64_t now = clock_mono();

	conn_sweep(&w->host, now, false);
	heartbeat_beat(w->host.server->health, w->number, now);
	t->due = now + SWEEP_EVERY;
}

static void
on_wake(struct watch *watch, uint32_t events)
{
	struct worker *w = container_of(watch, struct worker, wake);
	uint64_t count;

	(void)events;
	if (read(watch->fd, &count, sizeof(count)) > 0)
		snapshot_renew(&w->host.settings);
}

static bool
is_draining(const struct worker *w)
{
	return atomic_load_explicit(&w->host.server->draining, memory_order_relaxed);
}

/* Before the store sends what has come in this turn: a last look may find a request. */
static void
drain_connections(struct hook *h)
{
	struct worker *w = container_of(h, struct worker, drain);

	if (!is_draining(w))
		return;
	stop_listening(w);
	conn_sweep(&w->host, clock_mono(), true);
}

static void
worker_end_of_iteration(struct hook *h)
{
	struct worker *w = container_of(h, struct worker, end);
	bool room;

	if (is_draining(w) && w->host.count == 0)
		loop_stop(&w->loop);
	room = w->host.dead != NULL;
	conn_bury(&w->host);
	if (room && w->rest.due != TIMER_OFF) {
		w->rest.due = TIMER_OFF;
		listen_again(w);
	}
	request_log_flush(&w->host.observer);
}

static void *
worker_main(void *arg)
{
	struct worker *w = arg;
	char name[16];

	(void)snprintf(name, sizeof(name), "worker %u", w->number % 1000);
	(void)pthread_setname_np(pthread_self(), name);
	metrics_attach(w->host.server->metrics, w->number);
	loop_run(&w->loop);
	heartbeat_end(w->host.server->health, w->number);
	digest_thread_end();
	return NULL;
}

static void
worker_free(struct worker *w)
{
	w->kind->free(w->host.store);
	policy_free(&w->host.policy);
	snapshot_release(&w->host.settings);
	buf_free(&w->host.head);
	request_log_close(&w->host.observer);
	if (w->wake.fd >= 0)
		(void)close(w->wake.fd);
	loop_close(&w->loop);
	free(w);
}

/* Between two steps of a request; whatever was borrowed from the settings before is borrowed anew. */
static void
exchange_settings(struct snapshot_holder *h, const struct snapshot *next)
{
	struct worker *w = container_of(h, struct worker, host.settings);

	policy_change(&w->host.policy, &next->secrets, next->rules);
	w->kind->change(w->host.store, next);
	w->host.observer.access_log = next->access_log;
}

static bool
set_up_worker(struct worker *w)
{
	struct server *server = w->host.server;

	w->wake = (struct watch){ .fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK), .ready = on_wake };
	w->listener = (struct watch){ .fd = server->listener, .ready = on_accept };
	if (!loop_init(&w->loop) || w->wake.fd < 0 || !loop_watch(&w->loop, &w->wake, LOOP_LEVEL))
		return false;
	w->settle = (struct timer){ .due = 0, .fire = on_settle };
	w->sweep = (struct timer){ .due = clock_mono() + SWEEP_EVERY, .fire = on_sweep };
	w->rest = (struct timer){ .due = TIMER_OFF, .fire = on_rest };
	loop_add_timer(&w->loop, &w->settle);
	loop_add_timer(&w->loop, &w->sweep);
	loop_add_timer(&w->loop, &w->rest);
	w->drain.run = drain_connections;
	w->end.run = worker_end_of_iteration;
	loop_add_hook(&w->loop, &w->end);
	w->host.loop = &w->loop;
	buf_init(&w->host.head, API_ARENA_MAX);
	request_log_open(&w->host.observer, trace_ring(server->trace, w->number));
	snapshot_holder_init(&w->host.settings, &server->settings, exchange_settings);
	w->host.observer.access_log = w->host.settings.held->access_log;
	if (!policy_init(&w->host.policy, &w->host.settings.held->secrets, w->host.settings.held->rules))
		return false;
	w->host.store = w->kind->make(w->kind->ctx, &w->loop, &w->host.settings);
	if (w->host.store == NULL)
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
	w->strangers_told = -STRANGERS_EVERY;
	w->host.server = server;
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

	/* Fails only when the counter is full, and then the worker is awake. */
	if (write(w->wake.fd, &one, sizeof(one)) < 0)
		return;
}

void
worker_join(struct worker *w)
{
	(void)pthread_join(w->thread, NULL);
	worker_free(w);
}
