/* SPDX-License-Identifier: EPL-2.0 */
#include "http/fcgi_conn.h"

#include <assert.h>
#include <errno.h>
#include <fcgiapp.h>
#include <fcgios.h>
#include <limits.h>
#include <linux/sockios.h>
#include <stdint.h>
#include <stdlib.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <sys/uio.h>
#include <unistd.h>

#include "base/buf.h"
#include "http/fcgi_record.h"

#define READ_SIZE    65536             /* bytes read at once */
#define READ_MOST    (4 * READ_SIZE)   /* bytes read in a row, while other connections wait */
#define OUT_MAX      ((size_t)1 << 31) /* bytes of an answer that the peer has not taken */
#define HELD_MAX     65536             /* bytes of a next request that arrives before this one is answered */
#define NO_SOCKET    INT_MAX /* what libfcgi gets as the descriptor; it only hands it to OS_Read and OS_Write */
#define LENT_CONTENT 65528   /* bytes of a lent value in one record: 64 KiB with its header */
#define LENT_RECORD  (FCGI_RECORD_HEADER + LENT_CONTENT)
enum { FEED_MAX = 4, SEND_RECORDS = 33 };

struct fcgi_conn {
	FCGX_Request request;
	int fd;
	struct fcgi_record record;
	struct str feed[FEED_MAX]; /* what OS_Read gives to libfcgi next */
	size_t feed_n, feed_at;
	unsigned char feed_header[2][FCGI_RECORD_HEADER], feed_begin[2 * FCGI_RECORD_HEADER];
	struct str in;         /* read and not yet parsed; in bytes_read or in held */
	struct buf held;       /* the beginning of a next request */
	struct buf out;        /* written, and not taken by the socket yet */
	struct str lent;       /* a value that is sent after `out` */
	size_t lent_sent;      /* bytes of its records that the socket has taken */
	struct buf owned;      /* a copy of it, see fcgi_conn_own() */
	struct buf after_lent; /* written after the value */
	bool broken;           /* nothing can be sent any more */
	bool socket_empty;     /* there is nothing to read until the loop reports it */
	size_t in_a_row;       /* bytes that were read since the loop reported it */
	bool peer_ended;       /* the peer sends no more: after its last bytes recv(2) returns 0 */
	bool complete;         /* the request has been read; nothing is read until it is answered */
	bool holding;          /* more is written at once: keep it, and send it together */
	bool shut;             /* fcgi_conn_shut() was called */
};

/* One buffer for all connections of a thread: what is read is parsed at once, and rarely has to be kept. */
static _Thread_local char bytes_read[READ_SIZE];

/* The connection that libfcgi reads and writes now, since OS_Read and OS_Write get no pointer. */
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

/* One sendmsg(2) that does not wait; returns the number of bytes sent. */
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
	struct buf *kept = f->lent.n > 0 ? &f->after_lent : &f->out;
	size_t sent = 0;

	if (f->lent.n == 0 && f->out.n == 0 && !f->holding)
		sent = send_pieces(f, &(struct iovec){ (void *)(uintptr_t)p, n }, 1);
	if (f->broken || sent == n)
		return;
	buf_put(kept, p + sent, n - sent);
	f->broken |= !buf_ok(kept);
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
	fcgi_record_init(&f->record);
	buf_init(&f->held, HELD_MAX);
	buf_init(&f->out, OUT_MAX);
	buf_init(&f->owned, OUT_MAX);
	buf_init(&f->after_lent, OUT_MAX);
	(void)FCGX_InitRequest(&f->request, -1, 0);
	return f;
}

void
fcgi_conn_free(struct fcgi_conn *f)
{
	if (f == NULL)
		return;
	FCGX_Free(&f->request, 0);
	fcgi_record_free(&f->record);
	buf_free(&f->held);
	buf_free(&f->out);
	buf_free(&f->owned);
	buf_free(&f->after_lent);
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
	fcgi_record_put_header(f->feed_header[slot], type, f->record.id, content, 0);
	feed(f, str_from((const char *)f->feed_header[slot], FCGI_RECORD_HEADER));
}

static void
feed_clear(struct fcgi_conn *f)
{
	f->feed_n = f->feed_at = 0;
}

/* Lets libfcgi parse BEGIN_REQUEST and the parameters, as three complete records. */
static enum fcgi_conn_event
begin_request(struct fcgi_conn *f)
{
	/* libfcgi always sees FCGI_KEEP_CONN, so that it never closes; the owner does that. */
	const unsigned char body[FCGI_RECORD_HEADER] = { 0, (unsigned char)f->record.role, 1 };

	feed_clear(f);
	fcgi_record_put_header(f->feed_begin, FCGI_BEGIN_REQUEST, f->record.id, FCGI_RECORD_HEADER, 0);
	memcpy(f->feed_begin + FCGI_RECORD_HEADER, body, FCGI_RECORD_HEADER);
	feed(f, str_from((const char *)f->feed_begin, sizeof(f->feed_begin)));
	if (f->record.params.n > 0) {
		feed_header(f, 0, FCGI_PARAMS, f->record.params.n);
		feed(f, buf_str(&f->record.params));
	}
	feed_header(f, 1, FCGI_PARAMS, 0);
	current = f;
	f->request.ipcFd = NO_SOCKET;
	f->request.keepConnection = 1;
	if (FCGX_Accept_r(&f->request) != 0)
		return FCGI_CONN_GONE;
	return FCGI_CONN_REQUEST;
}

/* The request is complete; what was read after it is kept until it is answered. */
static void
keep_next_request(struct fcgi_conn *f)
{
	struct str next = f->in;

	f->complete = true;
	f->in = STR_ABSENT;
	if (f->held.n > 0) /* then f->in is the end of it */
		buf_drop(&f->held, f->held.n - next.n);
	else if (next.n > 0)
		buf_puts(&f->held, next);
	f->broken |= !buf_ok(&f->held);
}

/* Reads from the socket; false: nothing to read, or the connection is lost (then broken is set). */
static bool
read_more(struct fcgi_conn *f)
{
	ssize_t n;

	if (f->socket_empty || f->in_a_row >= READ_MOST)
		return false;
	do
		n = recv(f->fd, bytes_read, sizeof(bytes_read), MSG_DONTWAIT);
	while (n < 0 && errno == EINTR);
	/* Less than was asked for: there is no more to read (epoll(7), Q9). */
	f->socket_empty = n < (ssize_t)sizeof(bytes_read) && !f->peer_ended;
	if (n == 0 || (n < 0 && errno != EAGAIN))
		f->broken = true;
	if (n <= 0)
		return false;
	f->in_a_row += (size_t)n;
	f->in = str_from(bytes_read, f->shut ? 0 : (size_t)n);
	return true;
}

enum fcgi_conn_event
fcgi_conn_next(struct fcgi_conn *f)
{
	for (;;) {
		enum fcgi_record_event event;

		if (f->complete)
			return FCGI_CONN_WAIT;
		event = fcgi_record_feed(&f->record, &f->in);
		switch (event) {
		case FCGI_RECORD_BEGIN:
			return begin_request(f);
		case FCGI_RECORD_CONTENT:
			return FCGI_CONN_CONTENT;
		case FCGI_RECORD_END:
			keep_next_request(f);
			return f->broken ? FCGI_CONN_GONE : FCGI_CONN_COMPLETE;
		case FCGI_RECORD_REPLY:
			send_or_keep(f, (const char *)f->record.reply, sizeof(f->record.reply));
			if (fcgi_conn_backlog(f) > 0)
				return FCGI_CONN_GONE; /* a peer that sends such records and does not read the replies */
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
	f->socket_empty = false;
	f->in_a_row = 0;
	f->peer_ended |= ended;
}

bool
fcgi_conn_has_more(const struct fcgi_conn *f)
{
	return !f->socket_empty && f->in_a_row >= READ_MOST;
}

char *const *
fcgi_conn_variables(const struct fcgi_conn *f)
{
	return f->request.envp;
}

struct str
fcgi_conn_content(const struct fcgi_conn *f)
{
	return f->record.content;
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
	f->holding = true;
	fcgi_conn_flush_put(f); /* what was put is sent before it */
	f->holding = false;
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
	fcgi_record_next(&f->record);
	f->complete = false;
	f->in = buf_str(&f->held);
}

/* Bytes of the lent value's records, with their headers. */
static size_t
lent_size(const struct fcgi_conn *f)
{
	return f->lent.n + (f->lent.n + LENT_CONTENT - 1) / LENT_CONTENT * FCGI_RECORD_HEADER;
}

/* The next records of the lent value, from the first byte that was not sent; returns the number of pieces. */
static size_t
lent_pieces(struct fcgi_conn *f, unsigned char header[SEND_RECORDS][FCGI_RECORD_HEADER], struct iovec *pieces)
{
	size_t record = f->lent_sent / LENT_RECORD, skip = f->lent_sent % LENT_RECORD, n = 0;

	for (size_t i = 0; i < SEND_RECORDS; i++, record++) {
		struct str content = str_first(str_skip(f->lent, record * LENT_CONTENT), LENT_CONTENT);

		if (content.n == 0)
			break;
		fcgi_record_put_header(header[i], FCGI_STDOUT, f->record.id, content.n, 0);
		if (skip < FCGI_RECORD_HEADER)
			pieces[n++] = (struct iovec){ header[i] + skip, FCGI_RECORD_HEADER - skip };
		content = str_skip(content, skip > FCGI_RECORD_HEADER ? skip - FCGI_RECORD_HEADER : 0);
		pieces[n++] = (struct iovec){ (void *)(uintptr_t)content.p, content.n };
		skip = 0;
	}
	if (record * LENT_CONTENT >= f->lent.n && f->after_lent.n > 0)
		pieces[n++] = (struct iovec){ f->after_lent.p, f->after_lent.n };
	return n;
}

/* The lent value was sent; what was written after it is next. */
static void
end_lending(struct fcgi_conn *f)
{
	buf_free(&f->out);
	buf_free(&f->owned);
	f->lent = STR_ABSENT;
	f->lent_sent = 0;
	f->out = f->after_lent;
	buf_init(&f->after_lent, OUT_MAX);
}

/* Removes `sent` bytes from what is to be sent: out, then the lent value, then after_lent. */
static void
drop_sent(struct fcgi_conn *f, size_t sent)
{
	size_t from_out = sent < f->out.n ? sent : f->out.n, left = lent_size(f) - f->lent_sent;

	buf_drop(&f->out, from_out);
	sent -= from_out;
	f->lent_sent += sent < left ? sent : left;
	if (f->out.n > 0 || f->lent_sent < lent_size(f))
		return;
	end_lending(f);
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
		drop_sent(f, sent);
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

void
fcgi_conn_take(struct fcgi_conn *f, struct buf *b)
{
	if (f->lent.n == 0 || f->broken)
		return;
	assert(f->lent.p == b->p);
	f->owned = *b;
	buf_init(b, b->max);
}

size_t
fcgi_conn_backlog(const struct fcgi_conn *f)
{
	return f->broken ? 0 : f->out.n + lent_size(f) - f->lent_sent + f->after_lent.n;
}

size_t
fcgi_conn_unread(const struct fcgi_conn *f)
{
	int n = 0;

	return ioctl(f->fd, SIOCOUTQ, &n) == 0 && n > 0 ? (size_t)n : 0;
}

bool
fcgi_conn_keeps(const struct fcgi_conn *f)
{
	return f->record.keep && !f->broken;
}

bool
fcgi_conn_is_idle(const struct fcgi_conn *f)
{
	return f->record.state == FCGI_RECORD_IDLE && f->record.header_n == 0 && f->in.n == 0;
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
