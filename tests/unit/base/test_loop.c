/* SPDX-License-Identifier: EPL-2.0 */
#include "base/loop.h"

#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/clock.h"
#include "lib/tap.h"

#define STUCK 30 /* seconds, after which a loop that does not wake up is given up */

static struct loop loop;

/* Ends the loop at the end of the turn; counts the turns. */
static unsigned turns;

static void
end_turn(struct hook *h)
{
	(void)h;
	turns++;
	loop_stop(&loop);
}

static struct hook stopper = { .run = end_turn };
static struct timer at_once;

static void
do_nothing(struct timer *t)
{
	(void)t;
}

static void
open_loop(void)
{
	if (!loop_init(&loop))
		tap_bail("loop_init");
	at_once = (struct timer){ .due = TIMER_OFF, .fire = do_nothing };
	loop_add_timer(&loop, &at_once);
	loop_add_hook(&loop, &stopper);
	turns = 0;
}

static void
turn_waiting(void)
{
	loop.stopped = false;
	loop_run(&loop);
}

/* A turn that does not wait. */
static void
turn(void)
{
	at_once.due = 0;
	turn_waiting();
}

/* A watch that counts its calls. */
struct counter {
	struct watch watch;
	unsigned calls;
	uint32_t events;
};

static void
count(struct watch *w, uint32_t events)
{
	struct counter *c = (struct counter *)w;

	c->calls++;
	c->events = events;
}

static void
watch(struct counter *c, int fd, enum loop_trigger trigger)
{
	*c = (struct counter){ .watch = { .fd = fd, .ready = count } };
	if (!loop_watch(&loop, &c->watch, trigger))
		tap_bail("loop_watch");
}

static unsigned
calls(struct counter *c)
{
	unsigned n;

	c->calls = 0;
	turn();
	n = c->calls;
	c->calls = 0;
	return n;
}

static void
send_byte(int fd)
{
	if (write(fd, "x", 1) != 1)
		tap_bail("write");
}

static void
read_byte(int fd)
{
	char c;

	if (read(fd, &c, 1) != 1)
		tap_bail("read");
}

static void
triggers(void)
{
	int level[2], edge[2];
	struct counter on_level, on_edge;

	open_loop();
	if (socketpair(AF_UNIX, SOCK_STREAM, 0, level) != 0 || socketpair(AF_UNIX, SOCK_STREAM, 0, edge) != 0)
		tap_bail("socketpair");
	watch(&on_level, level[0], LOOP_LEVEL);
	watch(&on_edge, edge[0], LOOP_EDGE);
	tap_ok(calls(&on_level) == 0 && calls(&on_edge) == 0, "nothing to read: not called");
	send_byte(level[1]);
	send_byte(edge[1]);
	tap_int(calls(&on_level), 1, "level: called");
	tap_int(on_level.events, EPOLLIN, "level: for reading");
	tap_int(on_edge.events, EPOLLIN, "edge: called for reading");
	tap_int(calls(&on_level), 1, "level: called as long as there is something");
	tap_int(calls(&on_edge), 0, "edge: called once");
	send_byte(edge[1]);
	tap_int(calls(&on_edge), 1, "edge: called for more");
	read_byte(level[0]);
	tap_int(calls(&on_level), 0, "level: emptied");
	(void)shutdown(edge[1], SHUT_WR);
	tap_int(calls(&on_edge), 1, "edge: called for the end");
	tap_ok((on_edge.events & EPOLLRDHUP) != 0, "edge: which is told");
	for (int i = 0; i < 2; i++) {
		(void)close(level[i]);
		(void)close(edge[i]);
	}
	loop_close(&loop);
}

static void
wants(void)
{
	int fd[2];
	struct counter c;

	open_loop();
	if (socketpair(AF_UNIX, SOCK_STREAM, 0, fd) != 0)
		tap_bail("socketpair");
	watch(&c, fd[0], LOOP_LEVEL);
	loop_want(&loop, &c.watch, true, true);
	tap_ok(calls(&c) == 1 && c.events == EPOLLOUT, "wants to write: can");
	loop_want(&loop, &c.watch, false, false);
	send_byte(fd[1]);
	tap_int(calls(&c), 0, "wants nothing: not called");
	loop_want(&loop, &c.watch, true, false);
	tap_ok(calls(&c) == 1 && c.events == EPOLLIN, "wants to read: what came meanwhile");
	loop_want(&loop, &c.watch, false, false);
	(void)close(fd[1]);
	tap_int(calls(&c), 1, "wants nothing: a hang-up is told all the same");
	tap_ok((c.events & EPOLLHUP) != 0, "as such");
	loop_unwatch(&loop, &c.watch);
	tap_int(calls(&c), 0, "unwatched: not called");
	(void)close(fd[0]);
	tap_ok(!loop_watch(&loop, &c.watch, LOOP_LEVEL), "a closed descriptor cannot be watched");
	loop_close(&loop);
}

/* Listeners are shared by loops, and stay readable until somebody accepts. */
static void
listeners(void)
{
	int fd = eventfd(1, EFD_NONBLOCK);
	struct counter c;

	open_loop();
	watch(&c, fd, LOOP_LISTENER);
	tap_int(calls(&c), 1, "listener: called");
	tap_int(calls(&c), 1, "listener: and again");
	loop_unwatch(&loop, &c.watch);
	tap_int(calls(&c), 0, "listener: unwatched");
	(void)close(fd);
	loop_close(&loop);
}

struct alarm_clock {
	struct timer timer;
	unsigned fired;
	int64_t again; /* what it sets itself to */
};

static void
ring(struct timer *t)
{
	struct alarm_clock *a = (struct alarm_clock *)t;

	a->fired++;
	t->due = a->again;
}

static void
timers(void)
{
	struct alarm_clock past = { .timer = { .due = 1, .fire = ring }, .again = TIMER_OFF };
	struct alarm_clock off = { .timer = { .due = TIMER_OFF, .fire = ring }, .again = TIMER_OFF };
	struct alarm_clock far = { .timer = { .due = clock_mono() + 3600 * CLOCK_S, .fire = ring },
		.again = TIMER_OFF };
	struct alarm_clock always = { .timer = { .due = 1, .fire = ring }, .again = 1 };

	open_loop();
	loop_add_timer(&loop, &past.timer);
	loop_add_timer(&loop, &off.timer);
	loop_add_timer(&loop, &far.timer);
	turn();
	tap_int(past.fired, 1, "due: fires");
	tap_int(off.fired, 0, "off: does not");
	tap_int(far.fired, 0, "in an hour: does not");
	turn();
	tap_int(past.fired, 1, "fires once");
	past.timer.due = 1;
	loop_add_timer(&loop, &always.timer);
	turn();
	tap_int(past.fired, 2, "set again: fires again");
	tap_int(always.fired, 1, "one that sets itself fires once a turn");
	turn();
	tap_int(always.fired, 2, "and in the next turn again");
	loop_close(&loop);
}

/* The loop wakes up for a timer, and not before it is due. */
static void
waits(void)
{
	struct alarm_clock soon = { .timer = { .fire = ring }, .again = TIMER_OFF };
	int64_t due;

	open_loop();
	loop_add_timer(&loop, &soon.timer);
	for (int i = 0; i < 20; i++) {
		due = soon.timer.due = clock_mono() + i * CLOCK_MS / 3;
		turns = 0;
		while (soon.timer.due != TIMER_OFF)
			turn_waiting();
		if (clock_mono() < due || turns > 2)
			break;
	}
	tap_int(soon.fired, 20, "wakes up for timers, without turning round before");
	loop_close(&loop);
}

static char order[16];

static void
note(char c)
{
	size_t n = strlen(order);

	if (n + 1 < sizeof(order))
		order[n] = c;
}

static void
note_watch(struct watch *w, uint32_t events)
{
	(void)w;
	(void)events;
	note('w');
}

static void
note_timer(struct timer *t)
{
	(void)t;
	note('t');
}

static void
note_hook(struct hook *h)
{
	(void)h;
	note('h');
}

static void
in_order(void)
{
	struct watch w = { .fd = eventfd(1, 0), .ready = note_watch };
	struct timer t = { .due = 1, .fire = note_timer };
	struct hook first = { .run = note_hook }, second = { .run = note_hook };

	open_loop();
	loop_add_hook(&loop, &first);
	loop_add_hook(&loop, &second);
	loop_add_timer(&loop, &t);
	if (!loop_watch(&loop, &w, LOOP_LEVEL))
		tap_bail("loop_watch");
	turn();
	tap_text(str_of(order), STR("wthh"), "watches, timers, all hooks");
	turn();
	tap_text(str_of(order), STR("wthhwhh"), "hooks in every turn");
	(void)close(w.fd);
	loop_close(&loop);
}

static void
stops(void)
{
	open_loop();
	loop_stop(&loop);
	loop_run(&loop);
	tap_int(turns, 0, "a stopped loop does not turn");
	loop_close(&loop);
}

int
main(void)
{
	(void)alarm(STUCK);
	triggers();
	wants();
	listeners();
	timers();
	waits();
	in_order();
	stops();
	return tap_end();
}
