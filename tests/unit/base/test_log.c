/* SPDX-License-Identifier: EPL-2.0 */
#include "base/log.h"

#include <errno.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/utf8.h"
#include "lib/tap.h"

#define LINE_LIMIT 4096

/* Each write(2) to this stderr arrives as one packet. */
static int stderr_saved, lines_fd;

static void
catch_stderr(void)
{
	int pair[2];

	if (socketpair(AF_UNIX, SOCK_SEQPACKET, 0, pair) != 0)
		tap_bail("socketpair");
	stderr_saved = dup(STDERR_FILENO);
	if (stderr_saved < 0 || dup2(pair[1], STDERR_FILENO) < 0)
		tap_bail("dup");
	close(pair[1]);
	lines_fd = pair[0];
}

static void
release_stderr(void)
{
	dup2(stderr_saved, STDERR_FILENO);
	close(stderr_saved);
	close(lines_fd);
}

/* The next line, borrowed until the next call; absent: none was written. */
static struct str
next_line(void)
{
	static char line[2 * LINE_LIMIT];
	ssize_t n = recv(lines_fd, line, sizeof(line), MSG_DONTWAIT);

	return n >= 0 ? str_from(line, (size_t)n) : STR_ABSENT;
}

/* ts=2026-01-02T03:04:05.678Z and a space. */
static bool
has_time(struct str line)
{
	static const char form[] = "ts=dddd-dd-ddTdd:dd:dd.dddZ ";

	for (size_t i = 0; i < sizeof(form) - 1; i++) {
		char c = i < line.n ? line.p[i] : '\0';
		if (form[i] == 'd' ? c < '0' || c > '9' : c != form[i])
			return false;
	}
	return true;
}

/* The next line behind its time. */
static struct str
next_event(void)
{
	struct str line = next_line();

	return has_time(line) ? str_skip(line, 28) : STR_ABSENT;
}

static void
events(void)
{
	log_event(LOG_INFO, "started");
	struct str line = next_line();
	tap_ok(has_time(line), "starts with the time: %s", tap_show(line));
	tap_text(str_skip(line, 28), STR("level=info msg=\"started\"\n"), "no fields");
	log_event(LOG_ERROR, "m", log_number("n", 0));
	tap_text(next_event(), STR("level=error msg=\"m\" n=0\n"), "a number");
	log_event(LOG_WARN, "m", log_number("a", INT64_MIN), log_number("b", INT64_MAX));
	tap_text(next_event(), STR("level=warn msg=\"m\" a=-9223372036854775808 b=9223372036854775807\n"),
	    "the least and the largest number");
	log_event(LOG_INFO, "a \"b\"\n", log_text("x", STR("y z")), log_number("n", -1));
	tap_text(next_event(), STR("level=info msg=\"a \\\"b\\\"\\n\" x=\"y z\" n=-1\n"), "the message is escaped too");
	tap_text(next_line(), STR_ABSENT, "one write for each event");
}

static void
escapes(void)
{
	static const struct {
		struct str text, want;
	} rows[] = {
		{ TEXT(""), TEXT("") },
		{ { NULL, 0 }, TEXT("") },
		{ TEXT("plain = ' text"), TEXT("plain = ' text") },
		{ TEXT("\""), TEXT("\\\"") },
		{ TEXT("\\"), TEXT("\\\\") },
		{ TEXT("\\n"), TEXT("\\\\n") },
		{ TEXT("a\nlevel=error msg=\"forged\"\n"), TEXT("a\\nlevel=error msg=\\\"forged\\\"\\n") },
		{ TEXT("\r\n\t"), TEXT("\\r\\n\\t") },
		{ TEXT("\0"), TEXT("\\x00") },
		{ TEXT("\x01\x1f\x1b[0m"), TEXT("\\x01\\x1f\\x1b[0m") },
		{ TEXT("\x7f"), TEXT("\\x7f") },
		{ TEXT("\x7e "), TEXT("~ ") },
		{ TEXT("\xc3\xa4\xe2\x82\xac\xf0\x9f\x98\x80"), TEXT("\xc3\xa4\xe2\x82\xac\xf0\x9f\x98\x80") },
		{ TEXT("\xc2\x9b"
		       "1m"),
		    TEXT("\\xc2\\x9b1m") },
		{ TEXT("\xc2\x80\xc2\x9f\xc2\xa0"), TEXT("\\xc2\\x80\\xc2\\x9f\xc2\xa0") },
		{ TEXT("\x80"), TEXT("\\x80") },
		{ TEXT("\xc3"), TEXT("\\xc3") },
		{ TEXT("\xc2"), TEXT("\\xc2") },
		{ TEXT("\xc3("), TEXT("\\xc3(") },
		{ TEXT("\xc0\xaf"), TEXT("\\xc0\\xaf") },
		{ TEXT("\xed\xa0\x80"), TEXT("\\xed\\xa0\\x80") },
		{ TEXT("\xf0\x9f\x98"), TEXT("\\xf0\\x9f\\x98") },
		{ TEXT("\xff\xfe"), TEXT("\\xff\\xfe") },
	};

	for (size_t i = 0; i < COUNT(rows); i++) {
		char want[256];
		int n = snprintf(want, sizeof(want), "level=info msg=\"m\" t=\"%.*s\"\n", STR_FMT(rows[i].want));
		log_event(LOG_INFO, "m", log_text("t", tap_edge(rows[i].text)));
		tap_text(next_event(), str_from(want, (size_t)n), "escapes %s", tap_show(rows[i].text));
	}
}

static bool
ends_with(struct str s, struct str end)
{
	return s.n >= end.n && str_eq(str_skip(s, s.n - end.n), end);
}

static void
long_lines(void)
{
	static char text[20001];
	struct str s = str_from(text, sizeof(text));

	memset(text, 'x', sizeof(text));
	log_event(LOG_INFO, "m", log_text("t", s), log_number("n", 7));
	struct str line = next_line();
	tap_ok(line.n <= LINE_LIMIT, "a long text: within the limit");
	tap_ok(ends_with(line, STR("xxx...\" n=7\n")), "a long text: marked as cut, the next field is there");

	memset(text, '\n', sizeof(text));
	log_event(LOG_INFO, "m", log_text("t", s), log_number("n", 7));
	tap_ok(ends_with(next_line(), STR("\\n\\n...\" n=7\n")), "not cut inside an escape");

	/* 'x', then characters of two bytes: one of the two parities would cut a character. */
	for (size_t i = 0; i < sizeof(text); i++)
		text[i] = i == 0 ? 'x' : i % 2 == 1 ? '\xc3' : '\xa4';
	for (size_t skip = 0; skip < 2; skip++) {
		log_event(LOG_INFO, "m", log_text("t", str_skip(s, skip)), log_number("n", 7));
		line = next_line();
		tap_ok(utf8_valid(line) && ends_with(line, STR("\xc3\xa4...\" n=7\n")), "not cut inside a character");
	}

	memset(text, 'x', sizeof(text));
	log_event(LOG_INFO, "m", log_text("a", s), log_text("b", s), log_text("c", s), log_text("d", s),
	    log_text("e", s), log_number("n", 7));
	line = next_line();
	tap_ok(line.n > LINE_LIMIT / 2 && line.n <= LINE_LIMIT, "many long texts: within the limit");
	tap_ok(ends_with(line, STR("xxx...\" n=7\n")), "many long texts: what fits is there, whole");
	text[sizeof(text) - 1] = '\0';
	log_event(LOG_INFO, text, log_number("n", 7));
	tap_ok(ends_with(next_line(), STR("xxx...\" n=7\n")), "a long message");
}

/* The newline is there at every length up to and over the limit. */
static void
line_ends(void)
{
	static char text[1024];
	bool pass = true, full = false;

	memset(text, 'x', sizeof(text));
	struct str s = str_from(text, sizeof(text));
	for (size_t n = 0; n <= sizeof(text); n++) {
		log_event(LOG_INFO, "m", log_text("a", s), log_text("b", s), log_text("c", s),
		    log_text("d", str_first(s, n)), log_number("n", 7));
		struct str line = next_line();
		const char *newline = line.n > 0 ? memchr(line.p, '\n', line.n) : NULL;
		pass = pass && newline == line.p + line.n - 1 && line.n <= LINE_LIMIT;
		full = full || line.n == LINE_LIMIT;
	}
	tap_ok(full, "a line may be as long as the limit");
	tap_ok(pass, "every line ends with its only newline");
}

static void
thresholds(void)
{
	static const enum log_level levels[] = { LOG_ERROR, LOG_WARN, LOG_INFO, LOG_DEBUG };

	tap_ok(log_enabled(LOG_INFO) && !log_enabled(LOG_DEBUG), "info until set");
	for (size_t i = 0; i < COUNT(levels); i++) {
		log_set_threshold(levels[i]);
		for (size_t j = 0; j < COUNT(levels); j++) {
			log_event(levels[j], "m");
			bool written = next_line().p != NULL;
			tap_ok(written == (j <= i) && log_enabled(levels[j]) == (j <= i), "threshold %zu, level %zu", i,
			    j);
		}
	}
	log_set_threshold(LOG_INFO);
}

static void
names(void)
{
	static const struct {
		struct str name;
		bool ok;
		enum log_level level;
	} rows[] = {
		{ TEXT("error"), true, LOG_ERROR },
		{ TEXT("warn"), true, LOG_WARN },
		{ TEXT("info"), true, LOG_INFO },
		{ TEXT("debug"), true, LOG_DEBUG },
		{ TEXT(""), false, LOG_ERROR },
		{ { NULL, 0 }, false, LOG_ERROR },
		{ TEXT("Info"), false, LOG_ERROR },
		{ TEXT("inf"), false, LOG_ERROR },
		{ TEXT("infos"), false, LOG_ERROR },
		{ TEXT("info\0"), false, LOG_ERROR },
		{ TEXT("trace"), false, LOG_ERROR },
	};

	for (size_t i = 0; i < COUNT(rows); i++) {
		enum log_level level = LOG_ERROR;
		tap_int(log_level_parse(rows[i].name, &level), rows[i].ok, "level %s", tap_show(rows[i].name));
		tap_int(level, rows[i].level, "level %s: value", tap_show(rows[i].name));
	}
}

/* A field of each kind, as JSON (RFC 8259 7). */
static void
json(void)
{
	static const struct {
		struct str text, want;
	} rows[] = {
		{ TEXT(""), TEXT("") },
		{ TEXT("plain = ' text/"), TEXT("plain = ' text/") },
		{ TEXT("\"\\"), TEXT("\\\"\\\\") },
		{ TEXT("\r\n\t"), TEXT("\\r\\n\\t") },
		{ TEXT("\0\x1f\x7f"), TEXT("\\u0000\\u001f\\u007f") },
		{ TEXT("\xc3\xa4\xf0\x9f\x98\x80"), TEXT("\xc3\xa4\xf0\x9f\x98\x80") },
		{ TEXT("\xff"), TEXT("\\ufffd") },
		{ TEXT("\xc2\x9b"), TEXT("\\ufffd\\ufffd") },
		{ TEXT("x\",\"level\":\"error"), TEXT("x\\\",\\\"level\\\":\\\"error") },
	};

	log_set_format(LOG_JSON);
	log_event(LOG_WARN, "m", log_number("n", -7), log_millis("ms", INT64_C(1234567)), log_nothing(),
	    log_word("w", STR("GET")));
	struct str line = next_line();
	tap_ok(str_starts(line, STR("{\"ts\":\"2")), "JSON starts with the time");
	tap_text(str_skip(line, 32), STR(",\"level\":\"warn\",\"msg\":\"m\",\"n\":-7,\"ms\":1.234,\"w\":\"GET\"}\n"),
	    "its fields");
	for (size_t i = 0; i < COUNT(rows); i++) {
		char want[256];
		int n = snprintf(want, sizeof(want), "\"t\":\"%.*s\"}\n", STR_FMT(rows[i].want));

		log_event(LOG_INFO, "m", log_text("t", tap_edge(rows[i].text)));
		tap_ok(ends_with(next_line(), str_from(want, (size_t)n)), "JSON escapes %s", tap_show(rows[i].text));
	}
	log_set_format(LOG_LOGFMT);
}

/* The end of a line has its place at every length. */
static void
json_ends(void)
{
	static char text[1024];
	bool pass = true, full = false;

	memset(text, 'x', sizeof(text));
	struct str s = str_from(text, sizeof(text));
	log_set_format(LOG_JSON);
	for (size_t n = 0; n <= sizeof(text); n++) {
		log_event(LOG_INFO, "m", log_text("a", s), log_text("b", s), log_text("c", s),
		    log_text("d", str_first(s, n)));
		struct str line = next_line();
		pass = pass && line.n <= LINE_LIMIT && ends_with(line, STR("\"}\n"));
		full = full || line.n == LINE_LIMIT;
	}
	log_set_format(LOG_LOGFMT);
	tap_ok(full && pass, "every line of JSON is whole, up to the limit");
}

static void
millis(void)
{
	static const struct {
		int64_t ns;
		const char *want;
	} rows[] = { { 0, "0.000" }, { 999, "0.000" }, { 1000, "0.001" }, { 50000, "0.050" }, { 999999, "0.999" },
		{ 1000000, "1.000" }, { INT64_C(12345678901), "12345.678" } };

	for (size_t i = 0; i < COUNT(rows); i++) {
		char want[64];
		int n = snprintf(want, sizeof(want), "level=info msg=\"m\" d=%s\n", rows[i].want);

		log_event(LOG_INFO, "m", log_millis("d", rows[i].ns));
		tap_text(next_event(), str_from(want, (size_t)n), "milliseconds");
	}
}

/* Gathered lines arrive in pieces of whole lines, each small enough for a pipe. */
static void
gathers(void)
{
	const struct log_field fields[] = { log_word("w", STR("x")), { .kind = LOG_END } };
	unsigned lines = 0, pieces = 0;
	bool pass = true;
	struct buf b;

	buf_init(&b, 65536);
	for (int i = 0; i < 200; i++)
		log_gather(&b, LOG_INFO, "m", fields);
	tap_text(next_line(), STR_ABSENT, "what is gathered is not sent");
	log_send(&b);
	tap_int(b.n, 0, "what was sent is gone");
	for (struct str piece; (piece = next_line()).p != NULL; pieces++) {
		pass = pass && piece.n <= LINE_LIMIT && ends_with(piece, STR(" w=\"x\"\n"));
		for (size_t i = 0; i < piece.n; i++)
			lines += piece.p[i] == '\n';
	}
	tap_ok(pass && lines == 200 && pieces > 1 && pieces < 20, "%u lines in %u pieces", lines, pieces);
	buf_free(&b);
}

/* On a pipe that nobody empties. */
static void
loses(void)
{
	char text[1000], got[65536];
	int fds[2], kept = dup(STDERR_FILENO);
	ssize_t n;

	memset(text, 'x', sizeof(text));
	if (kept < 0 || pipe(fds) != 0 || dup2(fds[1], STDERR_FILENO) < 0)
		tap_bail("pipe");
	log_never_wait();
	for (int i = 0; i < 100; i++)
		log_event(LOG_INFO, "m", log_text("t", str_from(text, sizeof(text))));
	uint64_t lost = log_lost();
	tap_ok(lost > 30 && lost < 100, "a full pipe costs lines (%d of 100), not time", (int)lost);
	while ((n = read(fds[0], got, sizeof(got))) == (ssize_t)sizeof(got))
		;
	log_event(LOG_INFO, "m");
	n = read(fds[0], got, sizeof(got) - 1);
	got[n > 0 ? n : 0] = '\0';
	tap_ok(strstr(got, "level=warn msg=\"lines of the log were lost\" lines=") != NULL,
	    "it is said when there is room: %s", tap_show(str_of(got)));
	log_event(LOG_INFO, "m");
	n = read(fds[0], got, sizeof(got) - 1);
	got[n > 0 ? n : 0] = '\0';
	tap_ok(strstr(got, "lost") == NULL, "and said once");
	if (dup2(kept, STDERR_FILENO) < 0)
		tap_bail("dup2");
	close(kept);
	close(fds[0]);
	close(fds[1]);
}

#define THREADS 4
#define EACH    20

static void *
log_some(void *arg)
{
	for (int i = 0; i < EACH; i++)
		log_event(LOG_INFO, "m", log_number("n", *(const int *)arg));
	return NULL;
}

static void
threads(void)
{
	int number[THREADS], seen[THREADS] = { 0 };
	pthread_t thread[THREADS];
	bool pass = true;

	for (int i = 0; i < THREADS; i++) {
		number[i] = i;
		if (pthread_create(&thread[i], NULL, log_some, &number[i]) != 0)
			tap_bail("pthread_create");
	}
	log_set_threshold(LOG_DEBUG);
	log_set_threshold(LOG_INFO);
	for (int i = 0; i < THREADS; i++)
		pthread_join(thread[i], NULL);
	for (struct str line; (line = next_event()).p != NULL;) {
		int n = line.n > 2 ? line.p[line.n - 2] - '0' : -1;
		pass = pass && n >= 0 && n < THREADS && str_starts(line, STR("level=info msg=\"m\" n="));
		if (pass)
			seen[n]++;
	}
	for (int i = 0; i < THREADS; i++)
		pass = pass && seen[i] == EACH;
	tap_ok(pass, "lines of several threads are all there, whole");
}

static void
keeps_errno(void)
{
	errno = ENOENT;
	log_event(LOG_INFO, "m");
	tap_int(errno, ENOENT, "errno is kept");
	(void)next_line();
	close(STDERR_FILENO);
	log_event(LOG_INFO, "m");
	tap_int(errno, ENOENT, "errno is kept where the write fails");
}

static void
set_file_limit(rlim_t size)
{
	struct rlimit limit;

	(void)getrlimit(RLIMIT_FSIZE, &limit);
	limit.rlim_cur = size < limit.rlim_max ? size : limit.rlim_max;
	if (setrlimit(RLIMIT_FSIZE, &limit) != 0)
		tap_bail("setrlimit");
}

/* What the file has, borrowed until the next call; the times of its lines are left out. */
static const char *
written(int fd)
{
	static char text[LINE_LIMIT], got[LINE_LIMIT];
	ssize_t n = pread(fd, text, sizeof(text) - 1, 0);
	size_t at = 0;

	for (struct str s = str_from(text, n > 0 ? (size_t)n : 0); s.n > 0;) {
		const char *newline = memchr(s.p, '\n', s.n);
		struct str line = str_first(s, newline != NULL ? (size_t)(newline - s.p) + 1 : s.n);

		s = str_skip(s, line.n);
		line = str_skip(line, has_time(line) ? 28 : 0);
		memcpy(got + at, line.p, line.n);
		at += line.n;
	}
	got[at] = '\0';
	return got;
}

/* stderr is a file on a disk that is full: a line of which it takes a part is lost, and the next one begins anew. */
static void
torn_line(void)
{
	FILE *file = tmpfile();
	uint64_t lost = log_lost();
	struct buf lines;
	int fd = file != NULL ? fileno(file) : -1, saved = dup(STDERR_FILENO);
	size_t line;

	if (fd < 0 || saved < 0 || dup2(fd, STDERR_FILENO) < 0)
		tap_bail("no file");
	log_event(LOG_INFO, "what was lost before is said first");
	if (ftruncate(fd, 0) != 0 || lseek(fd, 0, SEEK_SET) != 0)
		tap_bail("no empty file");
	(void)fflush(stdout); /* which may be a file, too */
	(void)signal(SIGXFSZ, SIG_IGN);
	buf_init(&lines, 2 * LINE_LIMIT);
	log_gather(&lines, LOG_INFO, "a", (struct log_field[]){ { .kind = LOG_END } });
	line = lines.n;
	log_gather(&lines, LOG_INFO, "b", (struct log_field[]){ { .kind = LOG_END } });
	set_file_limit(line + 3);
	log_send(&lines);
	uint64_t torn = log_lost() - lost;
	log_event(LOG_INFO, "c");
	set_file_limit(line + 4); /* space for the end of the torn line, and for nothing else */
	log_event(LOG_INFO, "d");
	set_file_limit(RLIM_INFINITY);
	log_event(LOG_INFO, "e");
	log_event(LOG_INFO, "f");
	(void)dup2(saved, STDERR_FILENO);
	(void)close(saved);
	tap_int((int64_t)torn, 1, "of two lines the one that does not fit whole is lost");
	tap_int((int64_t)(log_lost() - lost), 3, "and those behind it");
	tap_text(str_of(written(fd)),
	    STR("level=info msg=\"a\"\n"
		"ts=\n"
		"level=warn msg=\"lines of the log were lost\" lines=3\n"
		"level=info msg=\"e\"\n"
		"level=info msg=\"f\"\n"),
	    "a torn line is ended, then comes how many were lost");
	buf_free(&lines);
	(void)fclose(file);
}

int
main(void)
{
	catch_stderr();
	thresholds();
	events();
	escapes();
	long_lines();
	line_ends();
	threads();
	json();
	json_ends();
	millis();
	gathers();
	keeps_errno();
	release_stderr();
	names();
	torn_line();
	loses();
	return tap_end();
}
