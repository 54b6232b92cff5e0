#include "config.h"

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <stddef.h>
#include <stdlib.h>
#include <unistd.h>

#include "clock.h"
#include "digest.h"
#include "toml.h"
#include "utf8.h"

#define CONFIG_FILE "etc/config.toml"
#define FILE_MAX    65536
#define ARENA_MAX   (2 * FILE_MAX) /* decoded texts are no longer than the file; the rest is for the chunks */
#define PREFIX      "HULY_"

#define IDENTIFIER_MAX 63 /* PostgreSQL cuts longer ones */
#define COUNT_MAX      64
#define SIZE_MAX_BYTES ((size_t)1 << 30)
#define SECONDS_MIN    (CLOCK_S / 10)
#define SECONDS_MAX    (3600 * CLOCK_S)

/* Ten digits times a unit of up to 2^30 fit in 64 bits; nine decimals of that unit as well. */
#define WHOLE_MAX UINT64_C(9999999999)
#define DECIMALS  9

extern char **environ;

static bool
is_digit(char c)
{
	return c >= '0' && c <= '9';
}

static bool
is_digits(struct str s)
{
	for (size_t i = 0; i < s.n; i++)
		if (!is_digit(s.p[i]))
			return false;
	return true;
}

/* The number that digits are; any one above WHOLE_MAX where they are more than that. */
static uint64_t
value_of(struct str digits)
{
	uint64_t n = 0;

	for (size_t i = 0; i < digits.n && n <= WHOLE_MAX; i++)
		n = n * 10 + (uint64_t)(digits.p[i] - '0');
	return n;
}

static bool
parse_whole(struct str s, uint64_t min, uint64_t max, uint64_t *n)
{
	if (s.n == 0 || !is_digits(s))
		return false;
	*n = value_of(s);
	return *n >= min && *n <= max;
}

/* "12", "1.5", ".5" or "5.", times unit and rounded down; decimals past the ninth do not count. */
static bool
parse_decimal(struct str s, uint64_t unit, uint64_t *product)
{
	struct str before, after;
	uint64_t scale = 1;

	(void)str_cut(s, '.', &before, &after);
	if (before.n + after.n == 0 || !is_digits(before) || !is_digits(after))
		return false;
	if (value_of(before) > WHOLE_MAX)
		return false;
	after = str_first(after, DECIMALS);
	for (size_t i = 0; i < after.n; i++)
		scale *= 10;
	*product = value_of(before) * unit + value_of(after) * unit / scale;
	return true;
}

bool
config_parse_seconds(struct str s, int64_t *ns)
{
	uint64_t product;

	if (!parse_decimal(s, (uint64_t)CLOCK_S, &product) || product > INT64_MAX)
		return false;
	*ns = (int64_t)product;
	return true;
}

/* COMPAT: the units of the original, in any case and with an s behind them, up to what a size can be. */
static bool
unit_of(struct str name, uint64_t *unit)
{
	static const struct {
		const char *name;
		uint64_t bytes;
	} units[] = {
		{ "", 1 }, { "b", 1 }, { "byte", 1 },
		{ "kb", 1000 }, { "kilobyte", 1000 },
		{ "mb", 1000 * 1000 }, { "megabyte", 1000 * 1000 },
		{ "gb", 1000 * 1000 * 1000 }, { "gigabyte", 1000 * 1000 * 1000 },
		{ "kib", 1 << 10 }, { "kibibyte", 1 << 10 },
		{ "mib", 1 << 20 }, { "mebibyte", 1 << 20 },
		{ "gib", 1 << 30 }, { "gibibyte", 1 << 30 },
	};

	if (name.n > 1 && (name.p[name.n - 1] == 's' || name.p[name.n - 1] == 'S'))
		name.n--;
	for (size_t i = 0; i < sizeof(units) / sizeof(units[0]); i++) {
		if (str_eq_nocase(name, str_of(units[i].name))) {
			*unit = units[i].bytes;
			return true;
		}
	}
	return false;
}

bool
config_parse_size(struct str s, size_t *bytes)
{
	uint64_t unit, product;
	size_t n = 0;

	s = str_trim(s);
	while (n < s.n && (is_digit(s.p[n]) || s.p[n] == '.'))
		n++;
	if (!unit_of(str_trim(str_skip(s, n)), &unit) || !parse_decimal(str_first(s, n), unit, &product))
		return false;
	*bytes = product;
	return true;
}

/*
 * The types of settings.h.  A parser fills *out, whose type config.h names,
 * and returns NULL; or returns what is wrong, without quoting s.
 */

static const char out_of_memory[] = "out of memory";

static const char *
copy(struct str s, char **out)
{
	*out = strndup(s.p, s.n);
	return *out != NULL ? NULL : out_of_memory;
}

static const char *
parse_secret(struct str s, void *out)
{
	return s.n > 0 ? copy(s, out) : "empty"; /* DIFFERS: an empty key would let everybody sign */
}

static void
release_secret(void *member)
{
	char **secret = member;

	if (*secret != NULL)
		digest_cleanse(*secret, strlen(*secret));
	free(*secret);
	*secret = NULL;
}

static void
release_text(void *member)
{
	char **text = member;

	free(*text);
	*text = NULL;
}

static const char *
parse_identifier(struct str s, void *out)
{
	bool ok = s.n > 0 && s.n <= IDENTIFIER_MAX && utf8_is_text(s);

	for (size_t i = 0; ok && i < s.n; i++)
		ok = (unsigned char)s.p[i] >= 0x20 && s.p[i] != 0x7f;
	return ok ? copy(s, out) : "not a name of 1 to 63 bytes without control characters";
}

static bool
is_address(struct str s)
{
	char text[INET6_ADDRSTRLEN];
	struct in6_addr address;

	if (s.n >= sizeof(text))
		return false;
	memcpy(text, s.p, s.n);
	text[s.n] = '\0';
	return inet_pton(AF_INET, text, &address) == 1 || inet_pton(AF_INET6, text, &address) == 1;
}

static const char *
parse_address(struct str s, void *out)
{
	return is_address(s) ? copy(s, out) : "not an IPv4 or IPv6 address (a host name will not do)";
}

static const char *
parse_port(struct str s, void *out)
{
	uint64_t n;

	if (!parse_whole(s, 1, UINT16_MAX, &n))
		return "not a port number (1 to 65535)";
	*(uint16_t *)out = (uint16_t)n;
	return NULL;
}

static const char *
parse_count(struct str s, void *out)
{
	uint64_t n;

	if (!parse_whole(s, 1, COUNT_MAX, &n))
		return "not a number from 1 to 64";
	*(unsigned *)out = (unsigned)n;
	return NULL;
}

static const char *
parse_size(struct str s, void *out)
{
	size_t *bytes = out;

	return config_parse_size(s, bytes) && *bytes <= SIZE_MAX_BYTES ? NULL :
	    "not a size up to 1 GiB (such as 2Mb, 512 KiB or 1000)";
}

static const char *
parse_seconds(struct str s, void *out)
{
	int64_t *ns = out;

	return config_parse_seconds(s, ns) && *ns >= SECONDS_MIN && *ns <= SECONDS_MAX ? NULL :
	    "not a number of seconds from 0.1 to 3600";
}

static const char *
parse_uuid(struct str s, void *out)
{
	return uuid_parse(s, out) ? NULL : "not a UUID";
}

static const char *
parse_switch(struct str s, void *out)
{
	bool on = str_eq_nocase(s, STR("on")) || str_eq_nocase(s, STR("true")) || str_eq(s, STR("1"));
	bool off = str_eq_nocase(s, STR("off")) || str_eq_nocase(s, STR("false")) || str_eq(s, STR("0"));

	*(bool *)out = on;
	return on || off ? NULL : "neither on nor off";
}

static const char *
parse_level(struct str s, void *out)
{
	return log_level_parse(s, out) ? NULL : "not a log level (error, warn, info or debug)";
}

struct type {
	const char *(*parse)(struct str s, void *out);
	void (*release)(void *member); /* NULL: nothing to free; a member of zero bytes is fine */
};

static const struct type
    type_IDENTIFIER = { parse_identifier, release_text },
    type_ADDRESS = { parse_address, release_text },
    type_SECRET = { parse_secret, release_secret },
    type_PORT = { parse_port, NULL },
    type_COUNT = { parse_count, NULL },
    type_SIZE = { parse_size, NULL },
    type_SECONDS = { parse_seconds, NULL },
    type_UUID = { parse_uuid, NULL },
    type_SWITCH = { parse_switch, NULL },
    type_LEVEL = { parse_level, NULL };

struct setting {
	const char *member, *name, *def, *help;
	size_t offset; /* in struct config */
	const struct type *type;
};

static const struct setting settings[] = {
#define X(member, type, name, def, help) \
	{ #member, name, def, help, offsetof(struct config, member), &type_##type },
	SETTINGS(X)
#undef X
};

enum {
#define X(member, type, name, def, help) SETTING_##member,
	SETTINGS(X)
#undef X
	SETTING_COUNT
};

static void *
member_of(struct config *c, const struct setting *setting)
{
	return (char *)c + setting->offset;
}

/* What a setting is set to, as text, and where that stands. */
struct given {
	struct str value;
	unsigned line; /* of the file; 0: in the environment, or the default */
};

struct sources {
	struct given given[SETTING_COUNT];
	struct buf file; /* whole, so that it can be overwritten */
	struct arena arena;
	struct buf *error;
	bool failed;
};

/* Overwrites a value that came from the file: it may be a secret. */
static void
forget(struct given *given)
{
	if (given->line > 0)
		digest_cleanse((char *)given->value.p, given->value.n);
}

static void
sources_init(struct sources *s, struct buf *error)
{
	for (size_t i = 0; i < SETTING_COUNT; i++)
		s->given[i] = (struct given){ str_of(settings[i].def), 0 };
	buf_init(&s->file, FILE_MAX);
	arena_init(&s->arena, ARENA_MAX);
	s->error = error;
	s->failed = false;
}

static void
sources_free(struct sources *s)
{
	for (size_t i = 0; i < SETTING_COUNT; i++)
		forget(&s->given[i]);
	digest_cleanse(s->file.p, s->file.n);
	buf_free(&s->file);
	arena_free(&s->arena);
}

static bool
on_pair(void *ctx, struct str key, struct str value, unsigned line)
{
	struct sources *s = ctx;

	for (size_t i = 0; i < SETTING_COUNT; i++) {
		if (!str_eq(key, str_of(settings[i].member)))
			continue;
		if (s->given[i].line > 0) {
			buf_printf(s->error, CONFIG_FILE ":%u: %s: set twice", line, settings[i].member);
			s->failed = true;
			return false;
		}
		s->given[i] = (struct given){ value, line };
		return true;
	}
	log_event(LOG_WARN, "no such setting in " CONFIG_FILE, log_text("name", key),
	    log_number("line", line));
	return true;
}

/* One allocation, so that no copy of the text stays behind in freed memory. */
static bool
slurp(int fd, struct buf *file)
{
	char *p = buf_reserve(file, FILE_MAX);
	ssize_t n;

	if (p == NULL)
		return false;
	while ((n = read(fd, p + file->n, FILE_MAX - file->n)) > 0)
		buf_grew(file, (size_t)n);
	return n == 0;
}

/* true without a file, too. */
static bool
read_file(struct buf *file, struct buf *error)
{
	int fd = open(CONFIG_FILE, O_RDONLY | O_CLOEXEC);

	if (fd < 0 && (errno == ENOENT || errno == ENOTDIR))
		return true;
	bool ok = fd >= 0 && slurp(fd, file);
	if (!ok)
		buf_printf(error, CONFIG_FILE ": %s", strerror(errno));
	if (ok && file->n == FILE_MAX) {
		buf_printf(error, CONFIG_FILE ": longer than 64 KiB");
		ok = false;
	}
	if (fd >= 0)
		(void)close(fd);
	return ok;
}

static bool
take_file(struct sources *s)
{
	if (!read_file(&s->file, s->error))
		return false;
	unsigned line = toml_read(buf_str(&s->file), &s->arena, on_pair, s);
	if (line > 0) {
		buf_printf(s->error, CONFIG_FILE ":%u: not a line of the form: name = value", line);
		s->failed = true;
	}
	return !s->failed;
}

static void
take_variable(struct sources *s, struct str name, struct str value)
{
	for (size_t i = 0; i < SETTING_COUNT; i++) {
		if (str_eq(name, str_of(settings[i].name))) {
			forget(&s->given[i]);
			s->given[i] = (struct given){ value, 0 };
			return;
		}
	}
	log_event(LOG_WARN, "no such setting in the environment", log_text("name", name));
}

/* DIFFERS: names are upper case; the original takes them in any. */
static void
take_environment(struct sources *s)
{
	struct str name, value;

	for (char **p = environ; p != NULL && *p != NULL; p++) {
		struct str variable = str_of(*p);
		if (str_starts(variable, STR(PREFIX)) && str_cut(variable, '=', &name, &value))
			take_variable(s, name, value);
	}
}

static bool
apply(const struct setting *setting, const struct given *given, struct config *c, struct buf *error)
{
	struct str value = given->value;
	const char *wrong = "holds a NUL";

	if (value.n == 0 || memchr(value.p, '\0', value.n) == NULL)
		wrong = setting->type->parse(value, member_of(c, setting));
	if (wrong == NULL)
		return true;
	if (given->line > 0)
		buf_printf(error, CONFIG_FILE ":%u: %s: %s", given->line, setting->member, wrong);
	else
		buf_printf(error, "%s: %s", setting->name, wrong);
	return false;
}

static void
warn_of_default_secret(const struct config *c)
{
	if (strcmp(c->token_secret, settings[SETTING_token_secret].def) == 0)
		log_event(LOG_WARN, "HULY_TOKEN_SECRET is the default that everybody knows: "
		    "anyone can forge a token for every workspace; set a secret of your own");
}

bool
config_load(struct config *c, struct buf *error)
{
	struct sources s;
	bool ok;

	memset(c, 0, sizeof(*c));
	sources_init(&s, error);
	ok = take_file(&s);
	if (ok)
		take_environment(&s);
	for (size_t i = 0; ok && i < SETTING_COUNT; i++)
		ok = apply(&settings[i], &s.given[i], c, error);
	if (ok)
		warn_of_default_secret(c);
	sources_free(&s);
	return ok;
}

void
config_free(struct config *c)
{
	for (size_t i = 0; i < SETTING_COUNT; i++)
		if (settings[i].type->release != NULL)
			settings[i].type->release(member_of(c, &settings[i]));
}

void
config_print_help(FILE *out)
{
	for (size_t i = 0; i < SETTING_COUNT; i++)
		(void)fprintf(out, "%s (%s): %s\n", settings[i].name, settings[i].def, settings[i].help);
}
