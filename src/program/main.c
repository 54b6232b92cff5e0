/* SPDX-License-Identifier: EPL-2.0 */
/*
 * main: starts and ends hulykvs: reads the settings, starts the workers, and
 * handles signals.
 */
#include <errno.h>
#include <fcntl.h>
#include <malloc.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/signalfd.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/exitcode.h"
#include "base/log.h"
#include "base/loop.h"
#include "config/environment_file.h"
#include "config_build.h"
#include "http/fcgi_conn.h"
#include "os/fd_limit.h"
#include "os/heartbeat.h"
#include "os/listen_fd.h"
#include "os/notify.h"
#include "os/proc_stats.h"
#include "pg/connect_thread.h"
#include "pg/store_pg.h"
#include "program/access_check.h"
#include "program/health_probe.h"
#include "program/options.h"
#include "program/reload.h"
#include "program/sandbox.h"
#include "program/telemetry_setup.h"
#include "server/cgi.h"
#include "server/worker.h"
#include "store/store_sealed.h"
#include "telemetry/exporter.h"
#include "telemetry/metrics.h"

#define FLUSH_TIME  (3 * CLOCK_S) /* for the exporter, after the workers have ended */
#define DRAIN_SLACK (4 * CLOCK_S) /* on top of the requests' own time limit */

/* File descriptors. */
#define KEPT_FOR_WORKER  4  /* its event loop, and files that are open for a moment */
#define KEPT_FOR_PROGRAM 14 /* standard ones, listener, signals, the thread that connects, name lookups, exporter */
#define KEPT_FOR_PROBES  4  /* of a worker: connections while the database hangs and all others wait for it */
#define CONN_LEAST       2  /* of a worker, however low the limit is */

struct program {
	struct options options;
	struct config config;
	struct statement_set statements;
	struct connect_thread *connector;
	struct api api;
	struct server server;
	struct worker_store store;
	struct worker *worker[SETTING_COUNT_MAX];
	unsigned workers;
	struct exporter *exporter;
};

static void
print_how_to_run(void)
{
	(void)fprintf(stderr,
	    "hulykvs: neither descriptor 0 nor one of systemd's is a listening socket, and this is no CGI request.\n"
	    "Run it behind a web server, for example:\n"
	    "  spawn-fcgi -n -s /run/hulykvs/hulykvs.sock -M 0660 -b 4096 -- hulykvs\n"
	    "See hulykvs --help.\n");
}

static enum exitcode
cannot_start(void)
{
	(void)fprintf(stderr, "hulykvs: cannot start: the system gives no memory, threads or descriptors\n");
	return EXIT_INTERNAL;
}

/* False: one line on standard error names the wrong setting. */
static bool
read_settings(struct program *p)
{
	struct snapshot *settings = NULL;
	struct buf error;

	buf_init(&error, 1024);
	if (p->options.environment_file == NULL || environment_file_load(p->options.environment_file, &error))
		settings = reload_read(&p->config, NULL, p->options.overrides, &error);
	if (settings != NULL)
		reload_apply(&p->config, settings, &p->server.settings);
	else
		(void)fprintf(stderr, "hulykvs: %.*s\n", STR_FMT(buf_str(&error)));
	buf_free(&error);
	return settings != NULL;
}

static bool
know_peers(struct program *p)
{
	struct buf why;
	bool ok;

	buf_init(&why, 1024);
	ok = peer_users_read(&p->server.peers, str_of(p->config.allowed_peers), p->server.listener, &why);
	if (!ok)
		(void)fprintf(stderr, "hulykvs: HULY_ALLOWED_PEERS: %.*s\n", STR_FMT(buf_str(&why)));
	buf_free(&why);
	return ok;
}

/* To be called before any other thread exists.  A CGI program says at level debug what holds: each request is a start. */
static bool
confine_service(const struct program *p)
{
	struct buf why;
	bool ok;

	buf_init(&why, 1024);
	ok = sandbox_enter(&p->config, p->server.listener >= 0 ? LOG_INFO : LOG_DEBUG, &why);
	if (!ok)
		(void)fprintf(stderr, "hulykvs: HULY_SANDBOX: %.*s\n", STR_FMT(buf_str(&why)));
	buf_free(&why);
	return ok;
}

static void
print_settings(const struct config *c, bool for_shell)
{
	struct buf out;

	buf_init(&out, 65536);
	if (for_shell)
		config_put_shell(c, &out);
	else
		config_put(c, &out);
	(void)printf("%.*s", STR_FMT(buf_str(&out)));
	buf_free(&out);
}

static void
renew_settings(void *holder)
{
	snapshot_renew(holder);
}

/* The database, behind a store that seals where there are keys. */
static struct store *
make_store(void *ctx, struct loop *loop, struct snapshot_holder *settings)
{
	struct program *p = ctx;
	const struct store_sealed_options options = { p->config.encryption_mode,
		str_of(p->config.encryption_namespaces), settings->held->keys, renew_settings, settings };
	struct store *inner = store_pg_new(&p->config, &p->statements, p->connector, loop);
	struct store *sealed = inner != NULL ? store_sealed_new(inner, &options) : NULL;

	if (sealed == NULL)
		store_pg_free(inner);
	return sealed;
}

static void
begin_store(void *ctx, struct store *s)
{
	const struct program *p = ctx;

	store_sealed_warn_if_keys_missing(s, clock_mono() + p->config.request_timeout);
}

static void
change_store(struct store *s, const struct snapshot *settings)
{
	store_sealed_change(s, settings->keys);
}

static void
free_store(struct store *s)
{
	store_pg_free(store_sealed_free(s));
}

static bool
store_is_settled(const struct store *s)
{
	return store_pg_is_settled(store_sealed_inner(s));
}

/*
 * Writes that a program before this one had sent when it crashed may begin until their deadline: ours wait for that,
 * so that none of them is overwritten by an older one.
 */
static int64_t
first_write(const struct statement_set *set)
{
	const char *crashed = getenv("HULYKVS_AFTER_CRASH"); /* see hulykvs-spawn */

	return crashed != NULL && *crashed != '\0' ? clock_mono() + set->write_time + 2 * DB_CLOCK_MARGIN_ANY : 0;
}

/*
 * How many connections of web servers each worker may have.  The other
 * descriptors are kept for the database, which has to be reached also while
 * clients hold all that they can get, and for files and the exporter.
 */
static void
divide_descriptors(const struct config *c, unsigned limit, struct server *server)
{
	unsigned for_database = c->db_list_connections + c->db_connections + 2 /* that take the place of others */;
	unsigned each = limit / c->workers, kept = KEPT_FOR_WORKER + for_database + KEPT_FOR_PROGRAM / c->workers;
	unsigned connections = each > kept + CONN_LEAST ? each - kept : CONN_LEAST;

	server->conn_spare = connections > 2 * KEPT_FOR_PROBES ? KEPT_FOR_PROBES : 0;
	server->conn_max = connections - server->conn_spare;
}

/* Makes what FastCGI and CGI both need.  clean_up() frees it, also after a failure. */
static bool
set_up_service(struct program *p)
{
	const struct config *c = &p->config;

	p->api = (struct api){ .payload_limit = c->payload_size_limit, .default_workspace = c->default_workspace_uuid };
	p->server.api = &p->api;
	p->server.request_timeout = c->request_timeout;
	divide_descriptors(c, fd_limit_raise(), &p->server);
	/* With a budget smaller than one body, that body would always be refused. */
	p->server.body_budget = c->body_budget > c->payload_size_limit ? c->body_budget : c->payload_size_limit;
	if (!telemetry_setup_metrics(c, &p->server))
		return false;
	if (!setting_is_off(c->metrics_bind))
		p->api.metrics = p->server.metrics;
	p->store = (struct worker_store){ make_store, begin_store, change_store, free_store, store_is_settled,
		store_sealed_is_idle, p };
	if (!statement_set_init(&p->statements, str_of(c->db_scheme), c->db_prepared, c->statement_timeout))
		return false;
	p->statements.writes_from = first_write(&p->statements);
	p->server.health = heartbeat_new(c->workers, clock_mono());
	p->api.health = p->server.health;
	if (p->server.health == NULL)
		return false;
	p->connector = connect_thread_new(c, &p->statements);
	return p->connector != NULL;
}

static void
clean_up(struct program *p, enum exitcode code)
{
	if (!connect_thread_free(p->connector))
		_exit(code);
	statement_set_free(&p->statements);
	trace_free(p->server.trace);
	metrics_free(p->server.metrics);
	heartbeat_free(p->server.health);
	snapshot_publisher_free(&p->server.settings);
	config_free(&p->config);
}

/* SIGHUP: reads the settings again. */
static void
take_settings(struct program *p)
{
	char state[64];

	(void)snprintf(state, sizeof(state), "RELOADING=1\nMONOTONIC_USEC=%lld", (long long)(clock_mono() / 1000));
	notify_send(state);
	if (reload_again(&p->config, p->options.overrides, &p->server.settings)) {
		for (unsigned i = 0; i < p->workers; i++)
			worker_wake(p->worker[i]);
		/* This line is logged only when no worker uses the old settings any more. */
		if (snapshot_wait(&p->server.settings, p->workers, HEARTBEAT_SILENCE))
			log_event(LOG_INFO, "settings read again");
		else
			log_event(
			    LOG_ERROR, "settings read again, but a worker does not answer and still uses the old ones");
	}
	notify_send("READY=1");
}

/* The watchdog of the service manager: how often it is told that the program is alive, and when next (TIMER_OFF: never). */
struct watchdog {
	int64_t every, due;
};

/* Tells the watchdog that the program is alive, while every worker's event loop iterates. */
static void
feed_watchdog(const struct program *p, struct watchdog *w)
{
	int64_t now = clock_mono(), silence;
	unsigned worker;

	if (w->due == TIMER_OFF)
		return;
	w->due = now + w->every;
	if (!heartbeat_find_stuck(p->server.health, now, &worker, &silence))
		notify_send("WATCHDOG=1");
	else
		log_event(LOG_ERROR, "the event loop of a worker hangs", log_number("worker", worker));
}

/* Waits for a signal until the watchdog is due; false: none came. */
static bool
wait_for_signal(int signals, const struct watchdog *w, struct signalfd_siginfo *info)
{
	struct pollfd fd = { .fd = signals, .events = POLLIN };
	int64_t left = w->due - clock_mono();
	int wait = w->due == TIMER_OFF ? -1 : left > 0 ? (int)(left / CLOCK_MS) + 1 : 0;

	return poll(&fd, 1, wait) > 0 && read(signals, info, sizeof(*info)) == sizeof(*info);
}

/* Returns on TERM or INT.  Handles HUP and the watchdog until then. */
static void
wait_for_end(struct program *p, int signals)
{
	struct watchdog w = { notify_watchdog() / 2, TIMER_OFF };
	struct signalfd_siginfo info;

	if (w.every > 0)
		w.due = clock_mono() + w.every;
	for (;;) {
		bool signaled = wait_for_signal(signals, &w, &info);

		if (signaled && info.ssi_signo != SIGHUP)
			return;
		/* Before a HUP, too: the workers may need some time to take the settings. */
		if (signaled || clock_mono() >= w.due)
			feed_watchdog(p, &w);
		if (signaled)
			take_settings(p);
	}
}

/* To be called after the workers have ended.  Sends their last spans, with a time limit for a collector that hangs. */
static void
stop_exporter(struct program *p, int64_t drain_end)
{
	int64_t end = clock_mono() + FLUSH_TIME;

	exporter_stop(p->exporter, end < drain_end ? end : drain_end);
}

/* Lets the workers finish what they have. */
static void
drain_workers(struct program *p)
{
	int64_t end = clock_mono() + p->config.request_timeout + DRAIN_SLACK;

	log_event(LOG_INFO, "shutting down: finishing requests");
	notify_send("STOPPING=1\nSTATUS=Finishing what has begun");
	heartbeat_drain(p->server.health);
	atomic_store(&p->server.draining, true);
	/* If something hangs nevertheless, SIGALRM ends the program.  A second TERM changes nothing: Ctrl-C often sends two. */
	(void)signal(SIGALRM, SIG_DFL);
	(void)alarm((unsigned)((p->config.request_timeout + DRAIN_SLACK) / CLOCK_S) + 1);
	for (unsigned i = 0; i < p->workers; i++)
		worker_wake(p->worker[i]);
	for (unsigned i = 0; i < p->workers; i++)
		worker_join(p->worker[i]);
	stop_exporter(p, end);
}

static enum exitcode
serve_workers(struct program *p)
{
	sigset_t set;
	int signals;

	exporter_keep_stdout();
	(void)sigemptyset(&set);
	(void)sigaddset(&set, SIGTERM);
	(void)sigaddset(&set, SIGINT);
	(void)sigaddset(&set, SIGHUP);
	(void)pthread_sigmask(SIG_BLOCK, &set, NULL);
	signals = signalfd(-1, &set, SFD_CLOEXEC | SFD_NONBLOCK);
	if (signals < 0 || fcntl(p->server.listener, F_SETFL, fcntl(p->server.listener, F_GETFL) | O_NONBLOCK) < 0 ||
	    !fcgi_conn_init())
		return cannot_start();
	log_never_wait(); /* opens stderr again, which the sandbox would not allow */
	if (!confine_service(p))
		return EXIT_CONFIG;
	if (!set_up_service(p) || !telemetry_setup_exporter(&p->config, &p->server, &p->exporter))
		return cannot_start();
	log_event(
	    LOG_INFO, "started", log_text("version", STR(PACKAGE_VERSION)), log_number("workers", p->config.workers));
	for (; p->workers < p->config.workers; p->workers++) {
		p->worker[p->workers] = worker_start(&p->server, p->workers, &p->store);
		if (p->worker[p->workers] == NULL)
			_exit(cannot_start()); /* the workers that have started have no request yet */
	}
	notify_send("READY=1\nSTATUS=Serving");
	wait_for_end(p, signals);
	drain_workers(p);
	(void)close(signals);
	log_event(LOG_INFO, "stopped");
	return EXIT_OK;
}

/* --probe and --print-config=shell: their user needs no access to the secrets. */
static enum exitcode
run_without_secrets(struct program *p)
{
	enum exitcode code = EXIT_OK;
	struct buf error;

	buf_init(&error, 1024);
	if ((p->options.environment_file != NULL && !environment_file_load(p->options.environment_file, &error)) ||
	    !config_load(&p->config, CONFIG_WITHOUT_SECRETS, p->options.overrides, &error)) {
		(void)fprintf(stderr, "hulykvs: %.*s\n", STR_FMT(buf_str(&error)));
		code = EXIT_CONFIG;
	} else if (p->options.task == OPTIONS_PRINT_CONFIG) {
		print_settings(&p->config, true);
	} else {
		code = health_probe_run(&p->config, p->options.probe_path, p->options.probe_socket);
	}
	buf_free(&error);
	config_free(&p->config);
	return code;
}

static enum exitcode
run_service(struct program *p)
{
	int listener = listen_fd_find();
	bool fastcgi = listener >= 0;
	bool cgi = !fastcgi && getenv("GATEWAY_INTERFACE") != NULL;

	p->server.listener = listener;
	snapshot_publisher_init(&p->server.settings);
	if (p->options.task == OPTIONS_SERVE && !fastcgi && !cgi) {
		print_how_to_run();
		return EXIT_USAGE;
	}
	if (!read_settings(p) || !know_peers(p))
		return EXIT_CONFIG;
	if (!p->config.core_dumps)
		proc_stats_hide();
	if (p->options.task == OPTIONS_CHECK_CONFIG) {
		(void)printf("hulykvs: settings are fine\n");
		return EXIT_OK;
	}
	if (p->options.task == OPTIONS_PRINT_CONFIG) {
		print_settings(&p->config, false);
		return EXIT_OK;
	}
	if (p->options.task == OPTIONS_ACCESS_CHECK)
		return access_check_run(&p->config, p->server.settings.newest, p->options.asked);
	(void)signal(SIGPIPE, SIG_IGN);
	if (fastcgi)
		return serve_workers(p);
	if (!confine_service(p))
		return EXIT_CONFIG;
	return set_up_service(p) ? cgi_serve(&p->server, &p->store) : cannot_start();
}

/*
 * Blocks of a megabyte and more go back to the system when they are freed;
 * smaller ones are kept for the next request.  No fastbins: malloc would search
 * them for each block of 8 KiB, and libfcgi allocates two of these for each
 * request.
 */
static void
tune_malloc(void)
{
	(void)mallopt(M_MMAP_THRESHOLD, 1024 * 1024);
	(void)mallopt(M_MXFAST, 0);
	(void)mallopt(M_TRIM_THRESHOLD, 4 * 1024 * 1024);
}

int
main(int argc, char **argv)
{
	static struct program program;
	enum exitcode code = options_read(&program.options, argc, argv);

	tune_malloc();
	if (code == EXIT_OK && (program.options.task == OPTIONS_PROBE || program.options.for_shell)) {
		code = run_without_secrets(&program);
	} else if (code == EXIT_OK && program.options.task != OPTIONS_NOTHING) {
		code = run_service(&program);
		clean_up(&program, code);
	}
	if ((code == EXIT_OK || code == EXIT_REFUSED) && fflush(stdout) != 0)
		code = EXIT_INTERNAL;
	return code;
}
