#include "fcgi.h"

#include <errno.h>
#include <fcgiapp.h>
#include <fcgios.h>
#include <limits.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

#include "buf.h"
#include "gate.h"

#define READ_SIZE   65536             /* bytes read at once */
#define OUT_MAX     ((size_t)1 << 31) /* an answer that a slow peer makes us keep */
#define HELD_MAX    65536             /* of a next request that comes before its time */
#define NO_SOCKET   INT_MAX           /* what libfcgi believes to be the descriptor */
#define CONTENT_MAX 65528             /* of one record that libfcgi is given */
enum { FEED_MAX = 4 };

struct fcgi {
	FCGX_Request request;
	int fd;
	struct gate gate;
	struct str feed[FEED_MAX]; /* what OS_Read has for libfcgi */
	size_t feed_n, feed_at;
	unsigned char feed_header[3][GATE_HEADER], feed_begin[2 * GATE_HEADER];
	struct str in;   /* read and not yet looked at; in the thread's buffer or in held */
	struct buf held; /* the begin of a next request */
	struct buf out;  /* written and not yet taken by the socket */
	bool broken;     /* the socket takes no more */
	bool drained;    /* the kernel has no more for us until it says so */
	bool complete;   /* the request has been read; nothing is read until it is answered */
	bool shut;
};

/* One buffer for all connections of a thread: a request is nearly always read in one piece and gone at once. */
static _Thread_local char arrivals[READ_SIZE];

/* Whose turn it is to be read and written by libfcgi. */
static _Thread_local struct fcgi *current;

int
OS_Read(int fd, char *buf, size_t len)
{
	struct fcgi *f = current;
	struct str piece;

	(void)fd;
	while (f->feed_at < f->feed_n && f->feed[f->feed_at].n == 0)
		f->feed_at++;
	if (f->feed_at == f->feed_n)
		return 0;
	piece = str_first(f->feed[f->feed_at], len);
	memcpy(buf, piece.p, piece.n);
	f->feed[f->feed_at] = str_skip(f->feed[f->feed_at], piece.n);
	return (int)piece.n;
}

/* Sends what it can; true: all of it, or nobody is there to take it. */
static size_t
send_some(struct fcgi *f, const char *p, size_t n)
{
	size_t sent = 0;

	while (sent < n && !f->broken) {
		ssize_t rc = send(f->fd, p + sent, n - sent, MSG_DONTWAIT | MSG_NOSIGNAL);

		if (rc >= 0)
			sent += (size_t)rc;
		else if (errno == EAGAIN)
			break;
		else if (errno != EINTR)
			f->broken = true;
	}
	return sent;
}

static void
send_or_keep(struct fcgi *f, const char *p, size_t n)
{
	size_t sent = f->out.n == 0 ? send_some(f, p, n) : 0;

	if (f->broken)
		return;
	buf_put(&f->out, p + sent, n - sent);
	f->broken = !buf_ok(&f->out);
}

int
OS_Write(int fd, char *buf, size_t len)
{
	(void)fd;
	send_or_keep(current, buf, len);
	return (int)len;
}

bool
fcgi_init(void)
{
	return FCGX_Init() == 0;
}

struct fcgi *
fcgi_new(int fd)
{
	struct fcgi *f = calloc(1, sizeof(*f));

	if (f == NULL) {
		(void)close(fd);
		return NULL;
	}
	f->fd = fd;
	gate_init(&f->gate);
	buf_init(&f->held, HELD_MAX);
	buf_init(&f->out, OUT_MAX);
	(void)FCGX_InitRequest(&f->request, -1, 0);
	return f;
}

void
fcgi_free(struct fcgi *f)
{
	if (f == NULL)
		return;
	FCGX_Free(&f->request, 0);
	gate_free(&f->gate);
	buf_free(&f->held);
	buf_free(&f->out);
	(void)close(f->fd);
	free(f);
}

static void
feed(struct fcgi *f, struct str s)
{
	f->feed[f->feed_n++] = s;
}

static void
feed_header(struct fcgi *f, size_t slot, enum gate_type type, size_t content)
{
	gate_put_header(f->feed_header[slot], type, f->gate.id, content, 0);
	feed(f, str_from((const char *)f->feed_header[slot], GATE_HEADER));
}

static void
feed_clear(struct fcgi *f)
{
	f->feed_n = f->feed_at = 0;
}

/* Lets libfcgi read BEGIN_REQUEST and the parameters, as three whole records. */
static enum fcgi_event
begin_request(struct fcgi *f)
{
	static const unsigned char responder_keep[GATE_HEADER] = { 0, 1, 1 };

	feed_clear(f);
	gate_put_header(f->feed_begin, GATE_TYPE_BEGIN_REQUEST, f->gate.id, GATE_HEADER, 0);
	/* To libfcgi every connection is kept: closing, and waiting for that, is ours. */
	memcpy(f->feed_begin + GATE_HEADER, responder_keep, GATE_HEADER);
	feed(f, str_from((const char *)f->feed_begin, sizeof(f->feed_begin)));
	if (f->gate.params.n > 0) {
		feed_header(f, 0, GATE_TYPE_PARAMS, f->gate.params.n);
		feed(f, buf_str(&f->gate.params));
	}
	feed_header(f, 1, GATE_TYPE_PARAMS, 0);
	current = f;
	f->request.ipcFd = NO_SOCKET;
	f->request.keepConnection = 1;
	if (FCGX_Accept_r(&f->request) != 0)
		return FCGI_GONE;
	return FCGI_REQUEST;
}

/* What came behind the request's end waits for its turn. */
static void
keep_rest(struct fcgi *f)
{
	struct str rest = f->in;

	f->complete = true;
	f->in = STR_ABSENT;
	if (f->held.n > 0) /* then rest is its end */
		buf_drop(&f->held, f->held.n - rest.n);
	else if (rest.n > 0)
		buf_puts(&f->held, rest);
	f->broken |= !buf_ok(&f->held);
}

/* Reads from the socket; false: nothing there, or it is gone (see broken). */
static bool
read_more(struct fcgi *f)
{
	ssize_t n;

	if (f->drained)
		return false;
	do
		n = recv(f->fd, arrivals, sizeof(arrivals), MSG_DONTWAIT);
	while (n < 0 && errno == EINTR);
	/* Less than was asked for: a stream socket has no more (epoll(7)). */
	f->drained = n < (ssize_t)sizeof(arrivals);
	if (n == 0 || (n < 0 && errno != EAGAIN))
		f->broken = true;
	if (n <= 0)
		return false;
	f->in = str_from(arrivals, f->shut ? 0 : (size_t)n);
	return true;
}

enum fcgi_event
fcgi_next(struct fcgi *f)
{
	for (;;) {
		enum gate_event event;

		if (f->complete)
			return FCGI_WAIT;
		event = gate_feed(&f->gate, &f->in);
		switch (event) {
		case GATE_BEGIN:
			return begin_request(f);
		case GATE_CONTENT:
			return FCGI_CONTENT;
		case GATE_END:
			keep_rest(f);
			return f->broken ? FCGI_GONE : FCGI_COMPLETE;
		case GATE_REPLY:
			send_or_keep(f, (const char *)f->gate.reply, sizeof(f->gate.reply));
			continue;
		case GATE_BROKEN:
			return FCGI_GONE;
		case GATE_NEED:
			break;
		}
		buf_clear(&f->held);
		if (!read_more(f))
			return f->broken ? FCGI_GONE : FCGI_WAIT;
	}
}

void
fcgi_readable(struct fcgi *f)
{
	f->drained = false;
}

char *const *
fcgi_variables(const struct fcgi *f)
{
	return f->request.envp;
}

size_t
fcgi_content_size(const struct fcgi *f)
{
	return f->gate.content.n;
}

bool
fcgi_take(struct fcgi *f, char *out)
{
	struct str left = f->gate.content;

	current = f;
	while (left.n > 0) {
		struct str piece = str_first(left, CONTENT_MAX);

		feed_clear(f);
		feed_header(f, 0, GATE_TYPE_STDIN, piece.n);
		feed(f, piece);
		if (FCGX_GetStr(out, (int)piece.n, f->request.in) != (int)piece.n)
			return false;
		out += piece.n;
		left = str_skip(left, piece.n);
	}
	return true;
}

void
fcgi_put(struct fcgi *f, struct str s)
{
	current = f;
	while (s.n > 0) {
		struct str piece = str_first(s, INT_MAX);

		(void)FCGX_PutStr(piece.p, (int)piece.n, f->request.out);
		s = str_skip(s, piece.n);
	}
}

void
fcgi_flush_put(struct fcgi *f)
{
	current = f;
	(void)FCGX_FFlush(f->request.out);
}

void
fcgi_finish(struct fcgi *f)
{
	current = f;
	FCGX_Finish_r(&f->request);
	gate_next(&f->gate);
	f->complete = false;
	f->in = buf_str(&f->held);
}

void
fcgi_write(struct fcgi *f)
{
	size_t sent = send_some(f, f->out.p, f->out.n);

	if (sent == f->out.n)
		buf_free(&f->out);
	else
		buf_drop(&f->out, sent);
}

size_t
fcgi_backlog(const struct fcgi *f)
{
	return f->broken ? 0 : f->out.n;
}

bool
fcgi_keeps(const struct fcgi *f)
{
	return f->gate.keep && !f->broken;
}

bool
fcgi_is_idle(const struct fcgi *f)
{
	return f->gate.phase == GATE_IDLE && f->gate.header_n == 0 && f->in.n == 0;
}

void
fcgi_shut(struct fcgi *f)
{
	f->shut = true;
	f->complete = false;
	(void)shutdown(f->fd, SHUT_WR);
}
