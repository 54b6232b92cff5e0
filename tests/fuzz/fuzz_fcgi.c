/* SPDX-License-Identifier: EPL-2.0 */
/*
 * A web server's whole stream of bytes, through conn and fcgi over a socket
 * pair, with a loop that is turned by hand and the store in memory.
 *
 * The first byte holds switches (below), the second the size of the pieces in
 * which the rest is sent; where that is odd, the store keeps the memory of its
 * values.  Whatever arrives: the answers are whole FastCGI
 * records, none of them a 500, and when the peer has gone nothing is left of it.
 */
#include <errno.h>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/log.h"
#include "fuzz.h"
#include "http/fcgi_record.h"
#include "lib/store_mem.h"
#include "server/conn.h"

enum {
	AUTHORIZED = 1,   /* a request is begun whose token is good; the bytes go on from there */
	SLOW = 2,         /* the store takes its time */
	UNAVAILABLE = 4,  /* the store refuses */
	TIGHT = 8,        /* a small socket buffer, read when all was sent */
	LIST_BREAKS = 16, /* lists end in the middle */
	MUCH = 32,        /* a long list and a large value are there */
	LEAVE = 64,       /* the peer goes without reading on, with operations under way */
	DRAIN = 128,      /* the program is told to end */
};

/* {"account":"1749089e-22e6-48de-af4e-165e18fbd2f9"}, signed with FUZZ_SECRET. */
#define BEARER \
	"Bearer eyJhbGciOiJIUzI1NiIsInR5cCI6IkpXVCJ9." \
	"eyJhY2NvdW50IjoiMTc0OTA4OWUtMjJlNi00OGRlLWFmNGUtMTY1ZTE4ZmJkMmY5In0." \
	"BD_YEC8NAd_Wu6mPw2F5_GqypX6Tk2zp0SoQeC-ngZE"

#define WORKSPACE   "11111111-2222-3333-4444-555555555555"
#define TURNS_MAX   10000 /* in a row; beyond them the loop is thought to spin */
#define OUTPUT_MAX  ((size_t)64 << 20)
#define KEYS        400
#define PIECES_MAX  64 /* a system call or three each */
#define LARGE       40000
#define END_REQUEST 3

static struct loop loop;
static struct store_mem store;
static struct api api = { .payload_limit = 65536 };
static struct server server = { .api = &api, .request_timeout = 10 * CLOCK_S, .body_budget = 131072 };
static struct conn_context host = { .loop = &loop, .server = &server, .store = &store.store };
static struct timer at_once;

static void
end_turn(struct hook *h)
{
	(void)h;
	conn_free_closed(&host);
	request_log_flush(&host.log);
	loop_stop(&loop);
}

static const struct token_secrets secrets = { STR_INIT(FUZZ_SECRET), STR_INIT("") };
static struct hook hook = { .run = end_turn };

static void
do_nothing(struct timer *t)
{
	(void)t;
}

int
LLVMFuzzerInitialize(int *argc, char ***argv)
{
	(void)argc;
	(void)argv;
	log_set_threshold(LOG_ERROR);
	CHECK(fcgi_conn_init() && uuid_parse(STR(WORKSPACE), &api.default_workspace));
	CHECK(policy_init(&host.policy, &secrets, NULL));
	buf_init(&host.head, API_ARENA_MAX);
	request_log_open(&host.log, NULL);
	return 0;
}

static void
pump(void)
{
	struct pollfd ready = { .fd = loop.epoll, .events = POLLIN };

	conn_free_closed(&host);
	for (int i = 0; poll(&ready, 1, 0) > 0; i++) {
		CHECK(i < TURNS_MAX);
		at_once.due = 0;
		loop.stopped = false;
		loop_run(&loop);
	}
}

/* Until neither side has more for the other. */
static void
converse(int fd, struct buf *got)
{
	ssize_t n;

	do {
		char piece[16384];

		pump();
		n = recv(fd, piece, sizeof(piece), MSG_DONTWAIT);
		if (n > 0)
			buf_put(got, piece, (size_t)n);
	} while (n > 0);
}

static void
say(int fd, struct str s, struct buf *got)
{
	while (s.n > 0) {
		ssize_t n = send(fd, s.p, s.n, MSG_NOSIGNAL | MSG_DONTWAIT);

		if (n > 0) {
			s = str_skip(s, (size_t)n);
			pump();
		} else if (n < 0 && errno == EAGAIN) {
			size_t before = got->n;

			converse(fd, got);
			if (got->n == before && send(fd, s.p, 1, MSG_NOSIGNAL | MSG_DONTWAIT) != 1)
				return;
			s = got->n == before ? str_skip(s, 1) : s;
		} else {
			return;
		}
	}
}

static void
begin_authorized(int fd, struct buf *got)
{
	static const char name[] = "HTTP_AUTHORIZATION", value[] = BEARER;
	unsigned char begin[2 * FCGI_RECORD_HEADER] = { 0 }, params[FCGI_RECORD_HEADER + 5];

	_Static_assert(sizeof(value) > 128, "its length takes four bytes");
	fcgi_record_put_header(begin, FCGI_BEGIN_REQUEST, 1, FCGI_RECORD_HEADER, 0);
	begin[FCGI_RECORD_HEADER + 1] = begin[FCGI_RECORD_HEADER + 2] = 1; /* a responder; keep the connection */
	fcgi_record_put_header(params, FCGI_PARAMS, 1, 5 + sizeof(name) - 1 + sizeof(value) - 1, 0);
	params[FCGI_RECORD_HEADER] = sizeof(name) - 1;
	params[FCGI_RECORD_HEADER + 1] = 0x80;
	params[FCGI_RECORD_HEADER + 2] = 0;
	params[FCGI_RECORD_HEADER + 3] = (unsigned char)((sizeof(value) - 1) >> 8);
	params[FCGI_RECORD_HEADER + 4] = (unsigned char)(sizeof(value) - 1);
	say(fd, str_from((const char *)begin, sizeof(begin)), got);
	say(fd, str_from((const char *)params, sizeof(params)), got);
	say(fd, str_of(name), got);
	say(fd, str_of(value), got);
}

static void
fill_store(bool much)
{
	static char large[LARGE];

	store_mem_put(&store, &api.default_workspace, STR("n"), STR("k"), STR("value"));
	if (!much)
		return;
	store_mem_put(&store, &api.default_workspace, STR("n"), STR("large"), str_from(large, LARGE));
	for (int i = 0; i < KEYS; i++) {
		char key[640];
		int n = snprintf(key, sizeof(key), "%0600d", i);

		store_mem_put(&store, &api.default_workspace, STR("n"), str_from(key, (size_t)n), STR(""));
	}
}

static void
check_status(struct str text)
{
	CHECK(!str_starts(text, STR("Status: 500")));
}

/* Records of FastCGI 1.0, each request's answer begun by its status; cut: the last one may be cut off. */
static void
check_output(struct str s, bool cut)
{
	bool fresh = true;

	while (s.n >= FCGI_RECORD_HEADER) {
		const unsigned char *p = (const unsigned char *)s.p;
		size_t content = (size_t)p[4] << 8 | p[5], whole = FCGI_RECORD_HEADER + content + p[6];

		CHECK(p[0] == 1);
		CHECK(p[1] == END_REQUEST || p[1] == FCGI_STDOUT || p[1] == FCGI_GET_VALUES_RESULT ||
		    p[1] == FCGI_UNKNOWN_TYPE);
		if (s.n < whole)
			break;
		if (p[1] == FCGI_STDOUT && fresh)
			check_status(str_first(str_skip(s, FCGI_RECORD_HEADER), content));
		fresh = p[1] == FCGI_STDOUT ? false : p[1] == END_REQUEST ? true : fresh;
		s = str_skip(s, whole);
	}
	CHECK(s.n == 0 || cut);
}

static void
set_up(unsigned switches)
{
	CHECK(loop_init(&loop));
	at_once = (struct timer){ .due = TIMER_OFF, .fire = do_nothing };
	loop_add_timer(&loop, &at_once);
	loop_add_hook(&loop, &hook);
	store_mem_init(&store);
	fill_store((switches & MUCH) != 0);
	store.slow = (switches & SLOW) != 0;
	store.outcome = (switches & UNAVAILABLE) != 0 ? STORE_UNAVAILABLE : STORE_DONE;
	store.list_breaks = (switches & LIST_BREAKS) != 0 ? 200 : 0;
}

static void
check_end(void)
{
	conn_check_deadlines(&host, clock_mono() + 3600 * CLOCK_S, true);
	while (store_mem_step(&store))
		pump();
	conn_check_deadlines(&host, INT64_MAX / 2, true);
	pump();
	CHECK(host.count == 0 && LIST_EMPTY(&host.open) && LIST_EMPTY(&host.closed));
	CHECK(atomic_load(&server.body_bytes) == 0);
	CHECK(store.waiting == NULL && store.lists == NULL && store.lent == 0);
	store_mem_free(&store);
	loop_close(&loop);
}

static void
play(int fd, unsigned switches, size_t piece, struct str bytes, struct buf *got)
{
	if (piece < bytes.n / PIECES_MAX)
		piece = bytes.n / PIECES_MAX;
	if ((switches & AUTHORIZED) != 0)
		begin_authorized(fd, got);
	while (bytes.n > 0) {
		say(fd, str_first(bytes, piece), got);
		bytes = str_skip(bytes, piece);
		if ((switches & TIGHT) == 0)
			converse(fd, got);
	}
	if ((switches & LEAVE) != 0)
		return;
	converse(fd, got);
	while (store_mem_step(&store))
		converse(fd, got);
	if ((switches & DRAIN) != 0)
		conn_check_deadlines(&host, clock_mono(), true);
	(void)shutdown(fd, SHUT_WR);
	converse(fd, got);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	unsigned switches;
	int fd[2], tight = 4096;
	struct buf got;

	if (size < 2)
		return 0;
	switches = data[0];
	set_up(switches);
	CHECK(socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0, fd) == 0);
	if ((switches & TIGHT) != 0)
		CHECK(setsockopt(fd[1], SOL_SOCKET, SO_SNDBUF, &tight, sizeof(tight)) == 0);
	buf_init(&got, OUTPUT_MAX);
	store.keeps_memory = data[1] % 2 != 0;
	conn_open(&host, fd[1]);
	play(fd[0], switches, data[1] < 255 ? data[1] + 1U : SIZE_MAX, str_skip(fuzz_str(data, size), 2), &got);
	check_output(buf_str(&got), (switches & (LEAVE | TIGHT | LIST_BREAKS)) != 0);
	CHECK(buf_ok(&got));
	(void)close(fd[0]);
	pump();
	check_end();
	buf_free(&got);
	return 0;
}
