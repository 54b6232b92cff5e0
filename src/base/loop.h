/* SPDX-License-Identifier: EPL-2.0 */
/*
 * loop: the one place where a worker waits.  epoll, watches on descriptors,
 * and a few timers.
 *
 * A turn waits for descriptors, calls the watches that are ready, then the
 * timers that are due, then every hook: whatever a turn has gathered is sent
 * at its end.  One thread; nothing here allocates.
 */
#ifndef HULYKVS_LOOP_H
#define HULYKVS_LOOP_H

#include <stdbool.h>
#include <stdint.h>

struct watch {
	int fd;
	uint32_t trigger;                                /* the loop's own */
	void (*ready)(struct watch *w, uint32_t events); /* EPOLL* bits */
};

#define TIMER_OFF INT64_MAX

struct timer {
	int64_t due; /* monotonic, or TIMER_OFF */
	void (*fire)(struct timer *t);
	struct timer *next;
};

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
	LOOP_EDGE,     /* reading, when the kernel has news: be sure to empty it */
	LOOP_LEVEL,    /* reading, as long as there is something */
	LOOP_LISTENER, /* reading, one of the loops that share the descriptor */
};
bool loop_watch(struct loop *l, struct watch *w, enum loop_trigger trigger) __attribute__((warn_unused_result));
void loop_unwatch(struct loop *l, struct watch *w);

/* What to be called for from now on; a hang-up always is. */
void loop_want(struct loop *l, struct watch *w, bool reading, bool writing);

/* The timer stays known until the loop is closed; it fires once per setting of due. */
void loop_add_timer(struct loop *l, struct timer *t);
/* Runs at the end of every turn, in front of those that were added before it. */
void loop_add_hook(struct loop *l, struct hook *h);

/*
 * Until it is said otherwise: an answer is due within microseconds.  The loop
 * looks out for it for LOOP_WAKEFUL before it sleeps, since an idle processor
 * needs as long to fall asleep and be woken; whoever else is ready to run has the
 * processor meanwhile.
 */
#define LOOP_WAKEFUL INT64_C(60000) /* nanoseconds */
void loop_stay_awake(struct loop *l, bool wakeful);

/* Turns until loop_stop(). */
void loop_run(struct loop *l);
void loop_stop(struct loop *l);

#endif
