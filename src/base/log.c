#include "base/log.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdatomic.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/logline.h"

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))

static const char *const level_names[] = {
#define X(level, name) [level] = name,
	LOG_LEVELS(X)
#undef X
};

static const char *const format_names[] = {
#define X(format, name) [format] = name,
	LOG_FORMATS(X)
#undef X
};

static atomic_int log_threshold = LOG_INFO, log_format = LOG_LOGFMT;
static atomic_uint_fast64_t lost;       /* lines */
static atomic_uint_fast64_t lost_untold; /* of them, nothing stands in the log */

/* Set by log_never_wait(). */
static int log_fd = STDERR_FILENO;
static bool is_socket, looks_first;

void
log_set_threshold(enum log_level threshold)
{
	atomic_store_explicit(&log_threshold, (int)threshold, memory_order_relaxed);
}

bool
log_enabled(enum log_level level)
{
	return (int)level <= atomic_load_explicit(&log_threshold, memory_order_relaxed);
}

void
log_set_format(enum log_format format)
{
	atomic_store_explicit(&log_format, (int)format, memory_order_relaxed);
}

static bool
find(struct str name, const char *const *names, size_t n, size_t *found)
{
	for (*found = 0; *found < n; ++*found)
		if (str_eq(name, str_of(names[*found])))
			return true;
	return false;
}

bool
log_level_parse(struct str name, enum log_level *level)
{
	size_t i;

	if (!find(name, level_names, COUNT(level_names), &i))
		return false;
	*level = (enum log_level)i;
	return true;
}

struct str
log_level_name(enum log_level level)
{
	return str_of(level_names[level]);
}

bool
log_format_parse(struct str name, enum log_format *format)
{
	size_t i;

	if (!find(name, format_names, COUNT(format_names), &i))
		return false;
	*format = (enum log_format)i;
	return true;
}

struct str
log_format_name(enum log_format format)
{
	return str_of(format_names[format]);
}

/* A pipe that is ready takes a piece (PIPE_BUF), unless another writer comes in between. */
static bool
is_full(void)
{
	struct pollfd p = { .fd = log_fd, .events = POLLOUT };

	return poll(&p, 1, 0) == 0;
}

/* A pipe takes this much whole or not at all, and so does a socket. */
static bool
write_piece(struct str s)
{
	ssize_t n;

	if (looks_first && is_full())
		return false;
	do
		n = is_socket ? send(log_fd, s.p, s.n, MSG_DONTWAIT | MSG_NOSIGNAL) : write(log_fd, s.p, s.n);
	while (n < 0 && errno == EINTR);
	return n >= 0;
}

/* Says how many lines were lost, as soon as there is room again. */
static void
tell_lost(void)
{
	uint64_t n = atomic_exchange(&lost_untold, 0);
	struct log_field fields[] = { log_number("lines", (int64_t)n), { .kind = LOG_END } };
	struct buf line;

	if (n == 0)
		return;
	buf_init(&line, LOGLINE_SIZE);
	logline_put(&line, (enum log_format)atomic_load(&log_format), LOG_WARN, "lines of the log were lost", fields);
	if (!write_piece(buf_str(&line)))
		(void)atomic_fetch_add(&lost_untold, n);
	buf_free(&line);
}

static void
count_lost(struct str piece)
{
	uint64_t n = 0;

	for (size_t i = 0; i < piece.n; i++)
		n += piece.p[i] == '\n';
	(void)atomic_fetch_add(&lost, n);
	(void)atomic_fetch_add(&lost_untold, n);
}

/* As many whole lines as are surely written in one piece. */
static struct str
first_piece(struct str lines)
{
	struct str piece = str_first(lines, LOGLINE_SIZE);
	const char *newline = memrchr(piece.p, '\n', piece.n);

	return newline != NULL ? str_first(piece, (size_t)(newline - piece.p) + 1) : piece;
}

void
log_send(struct buf *lines)
{
	struct str left = buf_str(lines);
	int saved = errno;

	while (left.n > 0) {
		struct str piece = first_piece(left);

		if (atomic_load_explicit(&lost_untold, memory_order_relaxed) > 0)
			tell_lost();
		if (!write_piece(piece))
			count_lost(piece);
		left = str_skip(left, piece.n);
	}
	buf_clear(lines);
	errno = saved;
}

void
log_gather(struct buf *lines, enum log_level level, const char *msg, const struct log_field *fields)
{
	enum log_format format = (enum log_format)atomic_load_explicit(&log_format, memory_order_relaxed);

	logline_put(lines, format, level, msg, fields);
}

void
log_write(enum log_level level, const char *msg, const struct log_field *fields)
{
	struct buf line;

	if (!log_enabled(level))
		return;
	buf_init(&line, LOGLINE_SIZE);
	log_gather(&line, level, msg, fields);
	log_send(&line);
	buf_free(&line);
}

/*
 * A pipe is opened a second time, since O_NONBLOCK on the first would be everybody's who shares it.  Where it
 * belongs to another user than ours, that is refused.
 */
void
log_never_wait(void)
{
	struct stat st;
	int fd;

	if (fstat(STDERR_FILENO, &st) != 0)
		return;
	is_socket = S_ISSOCK(st.st_mode);
	if (!S_ISFIFO(st.st_mode))
		return;
	fd = open("/proc/self/fd/2", O_WRONLY | O_NONBLOCK | O_CLOEXEC);
	if (fd >= 0)
		log_fd = fd;
	looks_first = fd < 0;
}

uint64_t
log_lost(void)
{
	return atomic_load(&lost);
}
