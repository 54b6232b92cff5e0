/* SPDX-License-Identifier: EPL-2.0 */
#include "base/loop.h"

#include <assert.h>
#include <errno.h>
#include <sched.h>
#include <sys/epoll.h>
#include <unistd.h>

#include "base/clock.h"

#define EVENTS_PER_ITERATION 256

bool
loop_init(struct loop *l)
{
	*l = (struct loop){ .epoll = epoll_create1(EPOLL_CLOEXEC) };
	return l->epoll >= 0;
}

void
loop_close(struct loop *l)
{
	if (l->epoll >= 0)
		(void)close(l->epoll);
	l->epoll = -1;
}

static struct epoll_event
event_of(struct watch *w, bool reading, bool writing)
{
	struct epoll_event e = { .events = w->trigger, .data.ptr = w };

	if (reading)
		e.events |= EPOLLIN;
	/* An exclusive watch takes no EPOLLRDHUP, and a listener has none. */
	if (reading && (w->trigger & EPOLLEXCLUSIVE) == 0)
		e.events |= EPOLLRDHUP;
	if (writing)
		e.events |= EPOLLOUT;
	return e;
}

bool
loop_watch(struct loop *l, struct watch *w, enum loop_trigger trigger)
{
	struct epoll_event e;

	switch (trigger) {
	case LOOP_EDGE:
		w->trigger = EPOLLET;
		break;
	case LOOP_LEVEL:
		w->trigger = 0;
		break;
	case LOOP_LISTENER:
		w->trigger = EPOLLEXCLUSIVE;
		break;
	}
	e = event_of(w, true, false);
	return epoll_ctl(l->epoll, EPOLL_CTL_ADD, w->fd, &e) == 0;
}

void
loop_want(struct loop *l, struct watch *w, bool reading, bool writing)
{
	struct epoll_event e = event_of(w, reading, writing);

	(void)epoll_ctl(l->epoll, EPOLL_CTL_MOD, w->fd, &e);
}

void
loop_unwatch(struct loop *l, struct watch *w)
{
	(void)epoll_ctl(l->epoll, EPOLL_CTL_DEL, w->fd, NULL);
}

void
loop_add_timer(struct loop *l, struct timer *t)
{
	t->next = l->timers;
	l->timers = t;
}

void
loop_add_hook(struct loop *l, struct hook *h)
{
	h->next = l->hooks;
	l->hooks = h;
}

/* Milliseconds until the next timer, rounded up so that it is due when the wait ends. */
static int
wait_time(const struct loop *l)
{
	int64_t due = TIMER_OFF, left;

	for (const struct timer *t = l->timers; t != NULL; t = t->next)
		if (t->due < due)
			due = t->due;
	if (due == TIMER_OFF)
		return -1;
	left = due - clock_mono();
	if (left <= 0)
		return 0;
	return left > 60 * CLOCK_S ? 60000 : (int)((left + CLOCK_MS - 1) / CLOCK_MS);
}

static void
fire_timers(struct loop *l)
{
	int64_t now = clock_mono();

	for (struct timer *t = l->timers; t != NULL; t = t->next) {
		if (t->due > now)
			continue;
		t->due = TIMER_OFF;
		t->fire(t);
	}
}

void
loop_stay_awake(struct loop *l, bool wakeful)
{
	l->wakeful = wakeful;
}

static int
wait_for_events(const struct loop *l, struct epoll_event *events)
{
	int64_t end;
	int n;

	if (!l->wakeful)
		return epoll_wait(l->epoll, events, EVENTS_PER_ITERATION, wait_time(l));
	end = clock_mono() + LOOP_WAKEFUL;
	while ((n = epoll_wait(l->epoll, events, EVENTS_PER_ITERATION, 0)) == 0 && clock_mono() < end)
		(void)sched_yield();
	return n != 0 ? n : epoll_wait(l->epoll, events, EVENTS_PER_ITERATION, wait_time(l));
}

static void
iterate(struct loop *l)
{
	struct epoll_event events[EVENTS_PER_ITERATION];
	int n = wait_for_events(l, events);

	assert(n >= 0 || errno == EINTR);
	for (int i = 0; i < n; i++) {
		struct watch *w = events[i].data.ptr;

		w->ready(w, events[i].events);
	}
	fire_timers(l);
	for (struct hook *h = l->hooks; h != NULL; h = h->next)
		h->run(h);
}

void
loop_run(struct loop *l)
{
	while (!l->stopped)
		iterate(l);
}

void
loop_stop(struct loop *l)
{
	l->stopped = true;
}
