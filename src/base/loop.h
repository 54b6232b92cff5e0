/* SPDX-License-Identifier: EPL-2.0 */
/*
 * loop: the event loop of a worker (epoll(7)), the only place where it waits.
 *
 * One iteration waits for descriptors, calls the watches that are ready, then
 * the timers that are due, then every hook.  So what an iteration has gathered
 * is sent at its end.  One thread; nothing here allocates.  The structs are the
 * caller's, who keeps them until loop_close(), a watch until loop_unwatch() or
 * until its descriptor is closed.
 */
#ifndef HULYKVS_LOOP_H
#define HULYKVS_LOOP_H

#include <stdbool.h>
#include <stdint.h>

struct watch {
	int fd;
	uint32_t trigger;                                /* set by loop_watch() */
	void (*ready)(struct watch *w, uint32_t events); /* EPOLL* bits */
};

#define TIMER_OFF INT64_MAX

struct timer {
	int64_t due; /* monotonic, or TIMER_OFF */
	void (*fire)(struct timer *t);
	struct timer *next;
};

/* Called at the end of each iteration. */
struct hook {
	void (*run)(struct hook *h);
	struct hook *next;
};

struct loop {
	int epoll;
	struct timer *timers;
	struct hook *hooks;
	bool wakeful;
	bool stopped;
};

bool loop_init(struct loop *l) __attribute__((warn_unused_result));
void loop_close(struct loop *l);

enum loop_trigger {
	LOOP_EDGE,     /* called once when data arrives (EPOLLET): the callee reads until there is no more */
	LOOP_LEVEL,    /* called as long as there is data to read */
	LOOP_LISTENER, /* the same for a descriptor that several loops share: one of them is called (EPOLLEXCLUSIVE) */
};
bool loop_watch(struct loop *l, struct watch *w, enum loop_trigger trigger) __attribute__((warn_unused_result));
void loop_unwatch(struct loop *l, struct watch *w);

/* Which events the watch is called for from now on; it always is for a hang-up. */
void loop_want(struct loop *l, struct watch *w, bool reading, bool writing);

/* Adds a timer for as long as the loop is open.  It fires once each time that `due` is set. */
void loop_add_timer(struct loop *l, struct timer *t);

/* The last hook added runs first. */
void loop_add_hook(struct loop *l, struct hook *h);

/*
 * wakeful: an answer of the database is expected within microseconds.  Before
 * the loop sleeps it polls for LOOP_WAKEFUL, because letting a processor sleep
 * and waking it takes as long; other threads get the processor meanwhile
 * (sched_yield(2)).
 */
#define LOOP_WAKEFUL INT64_C(60000) /* nanoseconds */
void loop_stay_awake(struct loop *l, bool wakeful);

/* Iterates until loop_stop(). */
void loop_run(struct loop *l);
void loop_stop(struct loop *l);

#endif
