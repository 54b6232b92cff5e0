#include "config.h"

#include <errno.h>
#include <fcntl.h>
#include <stddef.h>
#include <unistd.h>

#include "digest.h"
#include "toml.h"

#define FILE_MAX    65536
#define ARENA_MAX   (2 * FILE_MAX) /* decoded texts are no longer than the file; the rest is for the chunks */

extern char **environ;

struct setting {
	const char *member, *name, *def, *help;
	size_t offset; /* in struct config */
	const struct setting_type *type;
};

static const struct setting settings[] = {
#define X(member, type, name, def, help) \
	{ #member, name, def, help, offsetof(struct config, member), &setting_type_##type },
	SETTINGS(X)
#undef X
};

static void *
member_of(struct config *c, const struct setting *setting)
{
	return (char *)c + setting->offset;
}

static const void *
const_member_of(const struct config *c, const struct setting *setting)
{
	return (const char *)c + setting->offset;
}

struct given {
	struct str value;
	struct config_origin origin;
};

struct sources {
	struct config *config;
	struct given given[CONFIG_COUNT];
	struct buf file; /* whole, so that it can be overwritten */
	struct arena arena;
	struct buf *error;
	bool failed;
};

/* Overwrites a value that came from the file: it may be a secret. */
static void
forget(struct given *given)
{
	if (given->origin.line > 0)
		digest_cleanse((char *)given->value.p, given->value.n);
}

static void
sources_init(struct sources *s, struct config *c, struct buf *error)
{
	for (size_t i = 0; i < CONFIG_COUNT; i++)
		s->given[i] = (struct given){ str_of(settings[i].def), { CONFIG_DEFAULT, 0 } };
	buf_init(&s->file, FILE_MAX);
	arena_init(&s->arena, ARENA_MAX);
	s->config = c;
	s->error = error;
	s->failed = false;
}

static void
sources_free(struct sources *s)
{
	for (size_t i = 0; i < CONFIG_COUNT; i++)
		forget(&s->given[i]);
	digest_cleanse(s->file.p, s->file.n);
	buf_free(&s->file);
	arena_free(&s->arena);
}

static void
take_unknown(struct config *c, struct str name, unsigned line)
{
	struct config_unknown *u = &c->unknown[c->unknown_n];

	if (c->unknown_n == CONFIG_UNKNOWN_MAX)
		return;
	c->unknown_n++;
	u->line = line;
	name = str_first(name, sizeof(u->name) - 1);
	memcpy(u->name, name.p, name.n); /* *c was all zeros */
}

static bool
on_pair(void *ctx, struct str key, struct str value, unsigned line)
{
	struct sources *s = ctx;

	for (size_t i = 0; i < CONFIG_COUNT; i++) {
		if (!str_eq(key, str_of(settings[i].member)))
			continue;
		if (s->given[i].origin.line > 0) {
			buf_printf(s->error, SETTINGS_FILE ":%u: %s: set twice", line, settings[i].member);
			s->failed = true;
			return false;
		}
		s->given[i] = (struct given){ value, { CONFIG_FROM_FILE, line } };
		return true;
	}
	take_unknown(s->config, key, line);
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
	int fd = open(SETTINGS_FILE, O_RDONLY | O_CLOEXEC);

	if (fd < 0 && (errno == ENOENT || errno == ENOTDIR))
		return true;
	bool ok = fd >= 0 && slurp(fd, file);
	if (!ok)
		buf_printf(error, SETTINGS_FILE ": %s", strerror(errno));
	if (ok && file->n == FILE_MAX) {
		buf_printf(error, SETTINGS_FILE ": longer than 64 KiB");
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
		buf_printf(s->error, SETTINGS_FILE ":%u: not a line of the form: name = value", line);
		s->failed = true;
	}
	return !s->failed;
}

static void
take_value(struct sources *s, struct str name, struct str value, enum config_source source)
{
	for (size_t i = 0; i < CONFIG_COUNT; i++) {
		if (str_eq(name, str_of(settings[i].name))) {
			forget(&s->given[i]);
			s->given[i] = (struct given){ value, { source, 0 } };
			return;
		}
	}
	take_unknown(s->config, name, 0);
}

/* DIFFERS: names are upper case; the original takes them in any. */
static void
take_environment(struct sources *s)
{
	struct str name, value;

	for (char **p = environ; p != NULL && *p != NULL; p++) {
		struct str variable = str_of(*p);
		if (str_starts(variable, STR("HULY_")) && str_cut(variable, '=', &name, &value))
			take_value(s, name, value, CONFIG_FROM_ENVIRONMENT);
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
	if (given->origin.line > 0)
		buf_printf(error, SETTINGS_FILE ":%u: %s: %s", given->origin.line, setting->member, wrong);
	else
		buf_printf(error, "%s: %s", setting->name, wrong);
	return false;
}

void
config_warn(const struct config *c)
{
	for (unsigned i = 0; i < c->unknown_n; i++)
		log_event(LOG_WARN, "no such setting", log_text("name", str_of(c->unknown[i].name)),
		    c->unknown[i].line > 0 ? log_number("line", c->unknown[i].line) : log_nothing());
	if (strcmp(c->token_secret, settings[CONFIG_token_secret].def) == 0)
		log_event(LOG_WARN, "HULY_TOKEN_SECRET is the default that everybody knows: "
		    "anyone can forge a token for every workspace; set a secret of your own");
}

bool
config_load(struct config *c, const struct config_override *overrides, struct buf *error)
{
	struct sources s;
	bool ok;

	memset(c, 0, sizeof(*c));
	sources_init(&s, c, error);
	ok = take_file(&s);
	if (ok)
		take_environment(&s);
	for (; ok && overrides != NULL && overrides->name != NULL; overrides++)
		take_value(&s, str_of(overrides->name), str_of(overrides->value), CONFIG_FROM_COMMAND_LINE);
	for (size_t i = 0; ok && i < CONFIG_COUNT; i++) {
		ok = apply(&settings[i], &s.given[i], c, error);
		c->origin[i] = s.given[i].origin;
	}
	sources_free(&s);
	return ok;
}

void
config_free(struct config *c)
{
	for (size_t i = 0; i < CONFIG_COUNT; i++)
		if (settings[i].type->release != NULL)
			settings[i].type->release(member_of(c, &settings[i]));
}

void
config_print_help(FILE *out)
{
	for (size_t i = 0; i < CONFIG_COUNT; i++)
		(void)fprintf(out, "%s (%s): %s\n", settings[i].name, settings[i].def, settings[i].help);
}

static void
put_origin(struct buf *out, const struct config_origin *origin)
{
	switch (origin->source) {
	case CONFIG_DEFAULT:
		buf_puts(out, STR("default"));
		break;
	case CONFIG_FROM_FILE:
		buf_printf(out, SETTINGS_FILE ":%u", origin->line);
		break;
	case CONFIG_FROM_ENVIRONMENT:
		buf_puts(out, STR("environment"));
		break;
	case CONFIG_FROM_COMMAND_LINE:
		buf_puts(out, STR("command line"));
		break;
	}
}

void
config_put(const struct config *c, struct buf *out)
{
	for (size_t i = 0; i < CONFIG_COUNT; i++) {
		buf_printf(out, "%s=", settings[i].name);
		settings[i].type->print(const_member_of(c, &settings[i]), out);
		buf_puts(out, STR("  # "));
		put_origin(out, &c->origin[i]);
		buf_putc(out, '\n');
	}
}

const char *
config_name(enum config_setting setting)
{
	return settings[setting].name;
}

bool
config_same(const struct config *a, const struct config *b, enum config_setting setting)
{
	const struct setting *s = &settings[setting];

	return setting_same(s->type, const_member_of(a, s), const_member_of(b, s));
}
