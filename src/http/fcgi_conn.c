/* SPDX-License-Identifier: EPL-2.0 */
#include "http/fcgi_conn.h"

#include <errno.h>
#include <fcgiapp.h>
#include <fcgios.h>
#include <limits.h>
#include <stdint.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <sys/uio.h>
#include <unistd.h>

#include "base/buf.h"
#include "http/fcgi_record.h"

#define READ_SIZE    65536             /* bytes read at once */
#define OUT_MAX      ((size_t)1 << 31) /* an answer that a slow peer makes us keep */
#define HELD_MAX     65536             /* of a next request that comes before its time */
#define NO_SOCKET    INT_MAX           /* what libfcgi believes to be the descriptor */
#define LENT_CONTENT 65528             /* of one record of a lent value: with its header, 64 KiB */
#define LENT_RECORD  (FCGI_RECORD_HEADER + LENT_CONTENT)
enum { FEED_MAX = 4, SEND_RECORDS = 33 };

struct fcgi_conn {
	FCGX_Request request;
	int fd;
	struct fcgi_record gate;
	struct str feed[FEED_MAX]; /* what OS_Read has for libfcgi */
	size_t feed_n, feed_at;
	unsigned char feed_header[2][FCGI_RECORD_HEADER], feed_begin[2 * FCGI_RECORD_HEADER];
	struct str in;     /* read and not yet looked at; in the thread's buffer or in held */
	struct buf held;   /* the begin of a next request */
	struct buf out;    /* written and not yet taken by the socket */
	struct str lent;   /* the value that goes behind it */
	size_t lent_sent;  /* bytes of its records that the socket has taken */
	struct buf owned;  /* a copy of it, where its memory is not lent for long */
	struct buf behind; /* written behind the value */
	bool broken;       /* the socket takes no more */
	bool drained;      /* the kernel has no more for us until it says so */
	bool ended;        /* what it has, ends with the end */
	bool complete;     /* the request has been read; nothing is read until it is answered */
	bool corked;       /* more comes at once: keep what is written */
	bool shut;
};

/* One buffer for all connections of a thread: a request is nearly always read in one piece and gone at once. */
static _Thread_local char arrivals[READ_SIZE];

/* Whose turn it is to be read and written by libfcgi. */
static _Thread_local struct fcgi_conn *current;

int
OS_Read(int fd, char *buf, size_t len)
{
	struct fcgi_conn *f = current;
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

/* One sendmsg(2) that does not wait; the number of bytes taken. */
static size_t
send_pieces(struct fcgi_conn *f, struct iovec *pieces, size_t n)
{
	struct msghdr message = { .msg_iov = pieces, .msg_iovlen = n };
	ssize_t sent;

	if (f->broken)
		return 0;
	do
		sent = sendmsg(f->fd, &message, MSG_DONTWAIT | MSG_NOSIGNAL);
	while (sent < 0 && errno == EINTR);
	if (sent < 0 && errno != EAGAIN)
		f->broken = true;
	return sent > 0 ? (size_t)sent : 0;
}

static void
send_or_keep(struct fcgi_conn *f, const char *p, size_t n)
{
	struct buf *rest = f->lent.n > 0 ? &f->behind : &f->out;
	size_t sent = 0;

	if (f->lent.n == 0 && f->out.n == 0 && !f->corked)
		sent = send_pieces(f, &(struct iovec){ (void *)(uintptr_t)p, n }, 1);
	if (f->broken || sent == n)
		return;
	buf_put(rest, p + sent, n - sent);
	f->broken |= !buf_ok(rest);
}

int
OS_Write(int fd, char *buf, size_t len)
{
	(void)fd;
	send_or_keep(current, buf, len);
	return (int)len;
}

bool
fcgi_conn_init(void)
{
	return FCGX_Init() == 0;
}

struct fcgi_conn *
fcgi_conn_new(int fd)
{
	struct fcgi_conn *f = calloc(1, sizeof(*f));

	if (f == NULL) {
		(void)close(fd);
		return NULL;
	}
	f->fd = fd;
	fcgi_record_init(&f->gate);
	buf_init(&f->held, HELD_MAX);
	buf_init(&f->out, OUT_MAX);
	buf_init(&f->owned, OUT_MAX);
	buf_init(&f->behind, OUT_MAX);
	(void)FCGX_InitRequest(&f->request, -1, 0);
	return f;
}

void
fcgi_conn_free(struct fcgi_conn *f)
{
	if (f == NULL)
		return;
	FCGX_Free(&f->request, 0);
	fcgi_record_free(&f->gate);
	buf_free(&f->held);
	buf_free(&f->out);
	buf_free(&f->owned);
	buf_free(&f->behind);
	(void)close(f->fd);
	free(f);
}

static void
feed(struct fcgi_conn *f, struct str s)
{
	f->feed[f->feed_n++] = s;
}

static void
feed_header(struct fcgi_conn *f, size_t slot, enum fcgi_record_type type, size_t content)
{
	fcgi_record_put_header(f->feed_header[slot], type, f->gate.id, content, 0);
	feed(f, str_from((const char *)f->feed_header[slot], FCGI_RECORD_HEADER));
}

static void
feed_clear(struct fcgi_conn *f)
{
	f->feed_n = f->feed_at = 0;
}

/* Lets libfcgi read BEGIN_REQUEST and the parameters, as three whole records. */
static enum fcgi_conn_event
begin_request(struct fcgi_conn *f)
{
	static const unsigned char responder_keep[FCGI_RECORD_HEADER] = { 0, 1, 1 };

	feed_clear(f);
	fcgi_record_put_header(f->feed_begin, FCGI_BEGIN_REQUEST, f->gate.id, FCGI_RECORD_HEADER, 0);
	/* To libfcgi every connection is kept: closing, and waiting for that, is ours. */
	memcpy(f->feed_begin + FCGI_RECORD_HEADER, responder_keep, FCGI_RECORD_HEADER);
	feed(f, str_from((const char *)f->feed_begin, sizeof(f->feed_begin)));
	if (f->gate.params.n > 0) {
		feed_header(f, 0, FCGI_PARAMS, f->gate.params.n);
		feed(f, buf_str(&f->gate.params));
	}
	feed_header(f, 1, FCGI_PARAMS, 0);
	current = f;
	f->request.ipcFd = NO_SOCKET;
	f->request.keepConnection = 1;
	if (FCGX_Accept_r(&f->request) != 0)
		return FCGI_CONN_GONE;
	return FCGI_CONN_REQUEST;
}

/* What came behind the request's end waits for its turn. */
static void
keep_rest(struct fcgi_conn *f)
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
read_more(struct fcgi_conn *f)
{
	ssize_t n;

	if (f->drained)
		return false;
	do
		n = recv(f->fd, arrivals, sizeof(arrivals), MSG_DONTWAIT);
	while (n < 0 && errno == EINTR);
	/* Less than was asked for: a stream socket has no more (epoll(7)). */
	f->drained = n < (ssize_t)sizeof(arrivals) && !f->ended;
	if (n == 0 || (n < 0 && errno != EAGAIN))
		f->broken = true;
	if (n <= 0)
		return false;
	f->in = str_from(arrivals, f->shut ? 0 : (size_t)n);
	return true;
}

enum fcgi_conn_event
fcgi_conn_next(struct fcgi_conn *f)
{
	for (;;) {
		enum fcgi_record_event event;

		if (f->complete)
			return FCGI_CONN_WAIT;
		event = fcgi_record_feed(&f->gate, &f->in);
		switch (event) {
		case FCGI_RECORD_BEGIN:
			return begin_request(f);
		case FCGI_RECORD_CONTENT:
			return FCGI_CONN_CONTENT;
		case FCGI_RECORD_END:
			keep_rest(f);
			return f->broken ? FCGI_CONN_GONE : FCGI_CONN_COMPLETE;
		case FCGI_RECORD_REPLY:
			send_or_keep(f, (const char *)f->gate.reply, sizeof(f->gate.reply));
			if (fcgi_conn_backlog(f) > 0)
				return FCGI_CONN_GONE; /* it asks without reading the answers */
			continue;
		case FCGI_RECORD_BROKEN:
			return FCGI_CONN_GONE;
		case FCGI_RECORD_NEED:
			break;
		}
		buf_clear(&f->held);
		if (!read_more(f))
			return f->broken ? FCGI_CONN_GONE : FCGI_CONN_WAIT;
	}
}

void
fcgi_conn_readable(struct fcgi_conn *f, bool ended)
{
	f->drained = false;
	f->ended |= ended;
}

char *const *
fcgi_conn_variables(const struct fcgi_conn *f)
{
	return f->request.envp;
}

struct str
fcgi_conn_content(const struct fcgi_conn *f)
{
	return f->gate.content;
}

void
fcgi_conn_put(struct fcgi_conn *f, struct str s)
{
	current = f;
	while (s.n > 0) {
		struct str piece = str_first(s, INT_MAX);

		f->broken |= FCGX_PutStr(piece.p, (int)piece.n, f->request.out) < 0;
		s = str_skip(s, piece.n);
	}
}

void
fcgi_conn_lend(struct fcgi_conn *f, struct str s)
{
	if (s.n < FCGI_CONN_LEND_MIN) {
		fcgi_conn_put(f, s);
		return;
	}
	f->corked = true;
	fcgi_conn_flush_put(f); /* what was put goes in front of it */
	f->corked = false;
	f->lent = s;
	f->lent_sent = 0;
}

void
fcgi_conn_flush_put(struct fcgi_conn *f)
{
	current = f;
	f->broken |= FCGX_FFlush(f->request.out) < 0;
}

void
fcgi_conn_finish(struct fcgi_conn *f)
{
	current = f;
	FCGX_Finish_r(&f->request);
	if (f->lent.n > 0)
		fcgi_conn_write(f);
	fcgi_record_next(&f->gate);
	f->complete = false;
	f->in = buf_str(&f->held);
}

/* All bytes of the lent value's records. */
static size_t
lent_size(const struct fcgi_conn *f)
{
	return f->lent.n + (f->lent.n + LENT_CONTENT - 1) / LENT_CONTENT * FCGI_RECORD_HEADER;
}

/* The next records of the lent value, from where the socket stopped taking; the number of pieces. */
static size_t
lent_pieces(struct fcgi_conn *f, unsigned char header[SEND_RECORDS][FCGI_RECORD_HEADER], struct iovec *pieces)
{
	size_t record = f->lent_sent / LENT_RECORD, skip = f->lent_sent % LENT_RECORD, n = 0;

	for (size_t i = 0; i < SEND_RECORDS; i++, record++) {
		struct str content = str_first(str_skip(f->lent, record * LENT_CONTENT), LENT_CONTENT);

		if (content.n == 0)
			break;
		fcgi_record_put_header(header[i], FCGI_STDOUT, f->gate.id, content.n, 0);
		if (skip < FCGI_RECORD_HEADER)
			pieces[n++] = (struct iovec){ header[i] + skip, FCGI_RECORD_HEADER - skip };
		content = str_skip(content, skip > FCGI_RECORD_HEADER ? skip - FCGI_RECORD_HEADER : 0);
		pieces[n++] = (struct iovec){ (void *)(uintptr_t)content.p, content.n };
		skip = 0;
	}
	if (record * LENT_CONTENT >= f->lent.n && f->behind.n > 0)
		pieces[n++] = (struct iovec){ f->behind.p, f->behind.n };
	return n;
}

/* The lent value is gone; what is behind it moves up. */
static void
move_up(struct fcgi_conn *f)
{
	buf_free(&f->out);
	buf_free(&f->owned);
	f->lent = STR_ABSENT;
	f->lent_sent = 0;
	f->out = f->behind;
	buf_init(&f->behind, OUT_MAX);
}

/* Takes `sent` bytes off what waits: out, then the lent value, then what is behind it. */
static void
take_off(struct fcgi_conn *f, size_t sent)
{
	size_t from_out = sent < f->out.n ? sent : f->out.n, left = lent_size(f) - f->lent_sent;

	buf_drop(&f->out, from_out);
	sent -= from_out;
	f->lent_sent += sent < left ? sent : left;
	if (f->out.n > 0 || f->lent_sent < lent_size(f))
		return;
	move_up(f);
	buf_drop(&f->out, sent - left);
}

void
fcgi_conn_write(struct fcgi_conn *f)
{
	size_t sent, wanted;

	do {
		unsigned char header[SEND_RECORDS][FCGI_RECORD_HEADER];
		struct iovec pieces[2 + 2 * SEND_RECORDS];
		size_t n = 0;

		if (f->out.n > 0)
			pieces[n++] = (struct iovec){ f->out.p, f->out.n };
		n += lent_pieces(f, header, pieces + n);
		if (n == 0)
			return;
		wanted = 0;
		for (size_t i = 0; i < n; i++)
			wanted += pieces[i].iov_len;
		sent = send_pieces(f, pieces, n);
		take_off(f, sent);
	} while (sent == wanted);
}

void
fcgi_conn_own(struct fcgi_conn *f)
{
	if (f->lent.n == 0 || f->broken)
		return;
	buf_puts(&f->owned, f->lent);
	f->broken |= !buf_ok(&f->owned);
	f->lent = buf_str(&f->owned);
}

size_t
fcgi_conn_backlog(const struct fcgi_conn *f)
{
	return f->broken ? 0 : f->out.n + lent_size(f) - f->lent_sent + f->behind.n;
}

bool
fcgi_conn_keeps(const struct fcgi_conn *f)
{
	return f->gate.keep && !f->broken;
}

bool
fcgi_conn_is_idle(const struct fcgi_conn *f)
{
	return f->gate.phase == FCGI_RECORD_IDLE && f->gate.header_n == 0 && f->in.n == 0;
}

void
fcgi_conn_break(struct fcgi_conn *f)
{
	f->broken = true;
}

void
fcgi_conn_shut(struct fcgi_conn *f)
{
	f->shut = true;
	f->complete = false;
	(void)shutdown(f->fd, SHUT_WR);
}
