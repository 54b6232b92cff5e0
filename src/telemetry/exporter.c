/* SPDX-License-Identifier: EPL-2.0 */
#include "telemetry/exporter.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/digest.h"
#include "base/log.h"
#include "base/log_repeat.h"
#include "codec/kvlist.h"
#include "telemetry/http_client.h"
#include "telemetry/otlp.h"

#define BATCH_MAX      512                   /* requests; the default of OTEL_BSP_MAX_EXPORT_BATCH_SIZE */
#define BATCH_BYTES    ((size_t)1024 * 1024) /* a batch that reaches this size is sent */
#define TEXT_MAX       ((size_t)8 * 1024 * 1024)
#define PAUSE_FIRST    (1 * CLOCK_S)
#define COMPLAIN_EVERY (60 * CLOCK_S)
#define PIECE          ((size_t)4096) /* PIPE_BUF: bytes that a pipe takes without waiting after poll(2) */

enum signal { SPANS, METRICS, SIGNALS };

struct exporter {
	int64_t timeout, spans_every, metrics_every; /* as in the options */
	size_t enough;                               /* requests that wait: then they are sent at once */
	struct trace *trace;
	struct metrics *metrics;
	unsigned block;
	pthread_t thread;
	_Atomic int64_t end;        /* when the thread has to end; INT64_MAX: not asked for yet */
	struct http_client *client; /* NULL: to out */
	int out;
	struct buf url[SIGNALS]; /* NUL-terminated */
	struct buf resource, text;
	int64_t began;
	struct log_repeat complaint_log;
};

void
exporter_keep_stdout(void)
{
	if (fcntl(STDOUT_FILENO, F_GETFD) < 0)
		(void)dup2(STDERR_FILENO, STDOUT_FILENO);
}

/* Standard output, or standard error where a web server started us with its socket as standard output. */
static int
output(void)
{
	int listening = 0;
	socklen_t size = sizeof(listening);

	if (getsockopt(STDOUT_FILENO, SOL_SOCKET, SO_ACCEPTCONN, &listening, &size) == 0 && listening != 0)
		return STDERR_FILENO;
	return STDOUT_FILENO;
}

static bool
is_ending(const struct exporter *e)
{
	return atomic_load(&e->end) != INT64_MAX;
}

/* Until `due`, or until trace_wake(). */
static void
sleep_until(struct exporter *e, int64_t due)
{
	struct pollfd fd = { .fd = trace_descriptor(e->trace), .events = POLLIN };
	int64_t left = due - clock_mono();
	uint64_t count;

	if (left > 0 && poll(&fd, 1, (int)(left / CLOCK_MS) + 1) > 0 && read(fd.fd, &count, sizeof(count)) < 0)
		return;
}

/* Writes e->text without blocking; false: the reader has closed the pipe, or the time is up. */
static bool
write_line(struct exporter *e)
{
	struct str left_text = buf_str(&e->text);
	struct stat st;
	bool is_file = fstat(e->out, &st) == 0 && S_ISREG(st.st_mode);

	while (left_text.n > 0) {
		struct pollfd fd = { .fd = e->out, .events = POLLOUT };
		int64_t end = atomic_load(&e->end), left = end == INT64_MAX ? CLOCK_S : end - clock_mono();
		ssize_t n;

		if (left <= 0)
			return false;
		if (poll(&fd, 1, (int)(left / CLOCK_MS) + 1) <= 0)
			continue;
		n = write(e->out, left_text.p, is_file || left_text.n < PIECE ? left_text.n : PIECE);
		if (n >= 0)
			left_text = str_skip(left_text, (size_t)n);
		else if (errno != EAGAIN && errno != EINTR)
			return false;
	}
	return true;
}

/* Logs a failure once a minute at most. */
static void
complain(struct exporter *e, const char *what, struct str why)
{
	if (log_repeat_allows(&e->complaint_log, clock_mono(), COMPLAIN_EVERY))
		log_event(LOG_WARN, what, log_text("reason", why));
}

static void
take_http_answer(struct exporter *e, enum signal signal, struct str answer, unsigned spans)
{
	uint64_t refused = otlp_refused(answer);

	if (signal != SPANS)
		return;
	if (refused > spans)
		refused = spans;
	metrics_add(METRICS_SPANS_EXPORTED, spans - refused);
	metrics_add(METRICS_SPANS_DROPPED + METRICS_DROP_REFUSED, refused);
	if (refused > 0)
		complain(e, "the OpenTelemetry collector refused some spans", STR("partial success"));
}

static void
lose(struct exporter *e, const struct http_client_result *r, unsigned spans)
{
	enum metrics_drop why = r->may_repeat ? METRICS_DROP_UNREACHABLE : METRICS_DROP_REFUSED;

	metrics_add(METRICS_SPANS_DROPPED + why, spans);
	complain(e, "cannot send to the OpenTelemetry collector", str_of(r->reason));
}

/* The time before another try, with jitter, so that programs that failed together do not all try at once. */
static int64_t
pause_of(const struct http_client_result *r, int64_t pause)
{
	return r->pause > 0 ? r->pause : pause / 2 + clock_mono() % (pause / 2);
}

/* Sends e->text, which holds `spans` spans, until its time is up. */
static void
send_text(struct exporter *e, enum signal signal, unsigned spans)
{
	int64_t due = clock_mono() + e->timeout;
	struct http_client_result r;

	for (int64_t pause = PAUSE_FIRST;; pause *= 2) {
		int64_t again;

		http_client_post(e->client, e->url[signal].p, buf_str(&e->text), due, &r);
		if (r.ok) {
			take_http_answer(e, signal, r.answer, spans);
			return;
		}
		again = clock_mono() + pause_of(&r, pause);
		if (!r.may_repeat || again >= due)
			break;
		while (!is_ending(e) && clock_mono() < again)
			sleep_until(e, again);
		if (is_ending(e))
			break;
	}
	lose(e, &r, spans);
}

/* Sends or writes e->text, which is complete. */
static void
deliver_batch(struct exporter *e, enum signal signal, unsigned spans)
{
	struct http_client_result no_memory = { .may_repeat = true, .reason = "no memory or no reader" };

	if (buf_ok(&e->text) && e->client != NULL) {
		send_text(e, signal, spans);
		return;
	}
	buf_putc(&e->text, '\n');
	if (buf_ok(&e->text) && write_line(e))
		take_http_answer(e, signal, STR("{}"), spans);
	else
		lose(e, &no_memory, spans);
}

/* Times of spans are monotonic: what has to be added for the time since the epoch, by the present clock. */
static otlp_epoch
epoch(void)
{
	struct timespec t;

	(void)clock_gettime(CLOCK_REALTIME, &t);
	return t.tv_sec * CLOCK_S + t.tv_nsec - clock_mono();
}

/* Sends a batch; returns how many requests were in it. */
static size_t
send_batch(struct exporter *e, size_t most)
{
	otlp_epoch now = epoch();
	struct trace_span s;
	unsigned spans = 0;
	size_t n = 0;

	buf_clear(&e->text);
	otlp_begin_spans(&e->text, buf_str(&e->resource));
	for (; n < most && n < BATCH_MAX && e->text.n < BATCH_BYTES && trace_take(e->trace, &s); n++) {
		otlp_put_span(&e->text, &s, now);
		spans += otlp_span_count(&s);
	}
	otlp_end_spans(&e->text);
	if (n > 0)
		deliver_batch(e, SPANS, spans);
	return n;
}

/* Sends the spans that wait now; those that come meanwhile are sent the next time, as whole batches. */
static void
send_spans(struct exporter *e)
{
	size_t waiting = trace_waiting(e->trace);

	while (waiting > 0)
		waiting -= send_batch(e, waiting);
}

static void
send_metrics(struct exporter *e)
{
	buf_clear(&e->text);
	otlp_put_metrics(&e->text, buf_str(&e->resource), e->metrics, e->began, clock_mono(), epoch());
	deliver_batch(e, METRICS, 0);
}

static void *
exporter_main(void *arg)
{
	struct exporter *e = arg;
	int64_t spans_due = clock_mono() + e->spans_every;
	int64_t metrics_due = clock_mono() + e->metrics_every;
	bool ending;

	(void)pthread_setname_np(pthread_self(), "exporter");
	metrics_attach(e->metrics, e->block);
	do {
		if (trace_waiting(e->trace) < e->enough && !is_ending(e))
			sleep_until(e, spans_due < metrics_due ? spans_due : metrics_due);
		ending = is_ending(e);
		send_spans(e);
		spans_due = clock_mono() + e->spans_every;
		if (ending || clock_mono() >= metrics_due) {
			send_metrics(e);
			metrics_due = clock_mono() + e->metrics_every;
		}
	} while (!ending);
	digest_thread_end();
	return NULL;
}

static void
make_resource(struct exporter *e, const struct exporter_options *o)
{
	struct random_id ids;
	char instance[RANDOM_ID_SIZE];

	random_id_init(&ids);
	random_id_make(&ids, instance);
	otlp_put_resource(&e->resource, o->service_name, o->attributes, str_from(instance, sizeof(instance)));
}

static void
copy_url(struct buf *to, struct str url)
{
	buf_puts(to, url);
	buf_putc(to, '\0');
}

/* Where batches go to. */
static bool
make_client(struct exporter *e, const struct exporter_options *o)
{
	if (o->to_stdout)
		return true;
	copy_url(&e->url[SPANS], o->traces_url);
	copy_url(&e->url[METRICS], o->metrics_url);
	if (!buf_ok(&e->url[SPANS]) || !buf_ok(&e->url[METRICS]) || !http_client_init())
		return false;
	e->client = http_client_new(o->headers, &e->end, trace_descriptor(e->trace));
	return e->client != NULL;
}

static void
exporter_free(struct exporter *e)
{
	http_client_free(e->client);
	for (enum signal s = 0; s < SIGNALS; s++)
		buf_free(&e->url[s]);
	buf_free(&e->resource);
	buf_free(&e->text);
	free(e);
}

struct exporter *
exporter_new(const struct exporter_options *o, struct trace *t, struct metrics *m, unsigned block)
{
	struct exporter *e = calloc(1, sizeof(*e));

	if (e == NULL)
		return NULL;
	*e = (struct exporter){ .timeout = o->timeout,
		.spans_every = o->spans_every,
		.metrics_every = o->metrics_every,
		.enough = (o->queue_size + 1) / 2,
		.trace = t,
		.metrics = m,
		.block = block,
		.end = INT64_MAX,
		.out = output(),
		.began = clock_mono() };
	for (enum signal s = 0; s < SIGNALS; s++)
		buf_init(&e->url[s], TEXT_MAX);
	buf_init(&e->resource, TEXT_MAX);
	buf_init(&e->text, TEXT_MAX);
	make_resource(e, o);
	if (buf_ok(&e->resource) && make_client(e, o) && pthread_create(&e->thread, NULL, exporter_main, e) == 0)
		return e;
	exporter_free(e);
	return NULL;
}

void
exporter_stop(struct exporter *e, int64_t end)
{
	if (e == NULL)
		return;
	atomic_store(&e->end, end);
	trace_wake(e->trace);
	(void)pthread_join(e->thread, NULL);
	exporter_free(e);
}
