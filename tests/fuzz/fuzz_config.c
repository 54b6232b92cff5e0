/* SPDX-License-Identifier: EPL-2.0 */
/*
 * Settings.  The first byte says what follows: a value for every type of
 * setting, the text of etc/config.toml for the reader or for all of config, or
 * a connection string.
 */
#include <sys/stat.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/log.h"
#include "codec/toml.h"
#include "config/config.h"
#include "fuzz.h"
#include "pg/dbconn.h"

#define CAP  ((size_t)1 << 20)
#define HUSH "hushhush" /* the password of the seeds */

static char directory[] = "/tmp/hkv-fuzz.XXXXXX";

static void
remove_directory(void)
{
	(void)unlink(SETTINGS_FILE);
	(void)rmdir("etc");
	(void)rmdir(directory);
}

int
LLVMFuzzerInitialize(int *argc, char ***argv)
{
	(void)argc;
	(void)argv;
	CHECK(mkdtemp(directory) != NULL);
	log_set_threshold(LOG_ERROR);
	return 0;
}

static bool
near(long double a, long double b)
{
	long double difference = a > b ? a - b : b - a;

	return difference <= 1e-3L + a * 1e-12L;
}

/* Beside what strtold(3) makes of the number. */
static void
check_numbers(struct str s)
{
	char *text = fuzz_text("", s);
	size_t bytes;
	int64_t ns;

	s = str_of(text);
	if (setting_parse_seconds(s, &ns)) {
		CHECK(ns >= 0);
		CHECK(s.n > 40 || near((long double)ns / CLOCK_S, strtold(text, NULL)));
	}
	if (setting_parse_size(s, &bytes) && s.n > 0 && s.n < 40 && text[s.n - 1] >= '0' && text[s.n - 1] <= '9')
		CHECK(bytes == (size_t)strtold(text, NULL));
	free(text);
}

/* What is taken is printed so that it is taken again, as the same. */
static void
check_type(const struct setting_type *type, struct str s)
{
	union {
		char *text;
		struct uuid uuid;
		int64_t number;
	} one = { .text = NULL }, two = { .text = NULL };
	struct buf out;

	if (type->parse(s, &one) != NULL)
		return;
	buf_init(&out, CAP);
	type->print(&one, &out);
	CHECK(buf_ok(&out));
	if (!setting_type_is_secret(type)) {
		CHECK(type->parse(buf_str(&out), &two) == NULL);
		CHECK(setting_type_same(type, &one, &two));
		if (type->release != NULL)
			type->release(&two);
	}
	if (type->release != NULL)
		type->release(&one);
	buf_free(&out);
}

static void
check_value(struct str s)
{
	check_numbers(s);
	if (s.n > 0 && memchr(s.p, '\0', s.n) != NULL)
		return; /* config does not hand these on */
#define X(type) check_type(&setting_type_##type, s);
	SETTING_TYPES(X)
#undef X
}

struct reading {
	size_t n;
	unsigned line, sum;
};

static bool
on_pair(void *ctx, struct str key, struct str value, unsigned line)
{
	struct reading *r = ctx;

	CHECK(value.p != NULL && line > r->line && key.n + value.n <= r->n);
	for (size_t i = 0; i < value.n; i++)
		r->sum += (unsigned char)value.p[i]; /* every byte can be read */
	r->line = line;
	return true;
}

static void
check_toml(struct str text)
{
	struct reading r = { .n = text.n };
	struct arena a;
	unsigned line, lines = 1;

	for (size_t i = 0; i < text.n; i++)
		lines += text.p[i] == '\n';
	arena_init(&a, CAP);
	line = toml_read(text, &a, on_pair, &r);
	CHECK(line <= lines && r.line <= lines && (line == 0 || line > r.line));
	arena_free(&a);
}

static void
check_connection(struct str s)
{
	char *text = fuzz_text("", s);
	struct buf why;

	buf_init(&why, CAP);
	if (!dbconn_string_ok(text, &why))
		CHECK(why.n > 0 && memmem(why.p, why.n, HUSH, sizeof(HUSH) - 1) == NULL);
	buf_free(&why);
	free(text);
}

static void
check_file(struct str text)
{
	static bool ready;
	struct config c;
	struct buf out;
	FILE *f;

	if (!ready) {
		CHECK(chdir(directory) == 0 && mkdir("etc", 0700) == 0 && atexit(remove_directory) == 0);
		ready = true;
	}
	f = fopen(SETTINGS_FILE, "w");
	CHECK(f != NULL && fwrite(text.p, 1, text.n, f) == text.n && fclose(f) == 0);
	buf_init(&out, CAP);
	if (config_load(&c, CONFIG_SERVICE, NULL, &out)) {
		CHECK(out.n == 0);
		config_put(&c, &out);
		CHECK(buf_ok(&out));
		CHECK(c.request_timeout >= CLOCK_S / 10 && c.workers >= 1 && c.bind_port >= 1);
	} else {
		CHECK(out.n > 0 && memchr(out.p, '\n', out.n) == NULL);
	}
	config_free(&c);
	buf_free(&out);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static void (*const checks[])(struct str) = { check_value, check_toml, check_connection, check_file };

	if (size > 0)
		checks[data[0] % 4](str_skip(fuzz_str(data, size), 1));
	return 0;
}
