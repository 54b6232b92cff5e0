/* SPDX-License-Identifier: EPL-2.0 */
#include "config/config.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stddef.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/base.h"
#include "base/digest.h"
#include "base/textfile.h"
#include "codec/toml.h"

#define ARENA_MAX \
	(2 * \
	    TEXTFILE_MAX) /* bytes; decoded texts are no longer than the file, and the arena needs some memory of its own */

extern char **environ;

/* When a setting is read, as settings.h has it. */
enum config_reading { CONFIG_START, CONFIG_HUP };

struct setting {
	const char *member, *name, *def, *help;
	enum config_reading when;
	size_t offset; /* in struct config */
	const struct setting_type *type;
};

static const struct setting settings[] = {
#define X(member, type, when, name, def, help) \
	{ #member, name, def, help, CONFIG_##when, offsetof(struct config, member), &setting_type_##type },
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

/* Which name of a setting a source uses: that of the file or that of the environment. */
enum naming { MEMBER, VARIABLE };

struct given {
	struct str value;
	struct config_origin origin;
};

struct sources {
	struct config *config;
	struct given given[CONFIG_COUNT];
	struct given path[CONFIG_COUNT]; /* of NAME_FILE; the default is none */
	struct buf secret[CONFIG_COUNT]; /* what is in that file */
	struct buf file;                 /* the whole settings file; overwritten when all settings are read */
	struct arena arena;
	struct buf *error;
	bool failed;
};

/* Overwrites a value that came from the file: it may be a secret. */
static void
forget_value(struct given *given)
{
	if (given->origin.line > 0)
		digest_cleanse((char *)given->value.p, given->value.n);
}

static void
sources_init(struct sources *s, struct config *c, struct buf *error)
{
	for (size_t i = 0; i < CONFIG_COUNT; i++) {
		s->given[i] = (struct given){ str_of(settings[i].def), { CONFIG_DEFAULT, 0 } };
		s->path[i] = (struct given){ STR(""), { CONFIG_DEFAULT, 0 } };
		buf_init(&s->secret[i], TEXTFILE_MAX);
	}
	buf_init(&s->file, TEXTFILE_MAX);
	arena_init(&s->arena, ARENA_MAX);
	s->config = c;
	s->error = error;
	s->failed = false;
}

static void
sources_free(struct sources *s)
{
	for (size_t i = 0; i < CONFIG_COUNT; i++) {
		forget_value(&s->given[i]);
		textfile_forget(&s->secret[i]);
	}
	textfile_forget(&s->file);
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

/* Where the value of that name belongs: a setting, or the path of its file (NAME_FILE).  NULL: there is no such setting. */
static struct given *
find_setting(struct sources *s, struct str name, enum naming naming)
{
	struct str suffix = naming == MEMBER ? STR("_file") : STR("_FILE");

	for (size_t i = 0; i < CONFIG_COUNT; i++) {
		struct str known = str_of(naming == MEMBER ? settings[i].member : settings[i].name);

		if (!str_starts(name, known))
			continue;
		if (name.n == known.n)
			return &s->given[i];
		if (setting_type_is_secret(settings[i].type) && str_eq(str_skip(name, known.n), suffix))
			return &s->path[i];
	}
	return NULL;
}

static bool
on_pair(void *ctx, struct str key, struct str value, unsigned line)
{
	struct sources *s = ctx;
	struct given *given = find_setting(s, key, MEMBER);

	if (given == NULL) {
		take_unknown(s->config, key, line);
	} else if (given->origin.line > 0) {
		buf_printf(s->error, SETTINGS_FILE ":%u: %.*s: set twice", line, STR_FMT(key));
		s->failed = true;
	} else {
		*given = (struct given){ value, { CONFIG_FROM_FILE, line } };
	}
	return !s->failed;
}

/* Where a directory may not be entered, it is named: whether the file in it exists is not known. */
static void
put_unreadable(struct buf *error, const char *wrong)
{
	char directory[PATH_MAX];
	bool denied = errno == EACCES;

	if (denied && faccessat(AT_FDCWD, ".", X_OK, AT_EACCESS) != 0)
		buf_printf(error,
		    "%s: the program's user may not enter this working directory, which may hold " SETTINGS_FILE,
		    getcwd(directory, sizeof(directory)) != NULL ? directory : ".");
	else if (denied && faccessat(AT_FDCWD, "etc", X_OK, AT_EACCESS) != 0)
		buf_printf(
		    error, "etc: the program's user may not enter this directory, which may hold " SETTINGS_FILE);
	else
		buf_printf(error, SETTINGS_FILE ": %s", wrong);
}

static bool
take_file(struct sources *s)
{
	const char *wrong = textfile_read(SETTINGS_FILE, TEXTFILE_OPEN, &s->file);

	if (wrong != NULL && (errno == ENOENT || errno == ENOTDIR))
		return true;
	if (wrong != NULL) {
		put_unreadable(s->error, wrong);
		return false;
	}
	s->config->has_file = s->file.n > 0;
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
	struct given *given = find_setting(s, name, VARIABLE);

	if (given == NULL) {
		take_unknown(s->config, name, 0);
		return;
	}
	forget_value(given);
	*given = (struct given){ value, { source, 0 } };
}

static bool
is_opentelemetry(const char *name)
{
	return str_starts(str_of(name), STR("OTEL_"));
}

/* DIFFERS: names are in upper case; the original accepts any case. */
static void
take_environment(struct sources *s)
{
	struct str name, value;

	for (char **p = environ; p != NULL && *p != NULL; p++) {
		struct str variable = str_of(*p);
		bool ours = str_starts(variable, STR("HULY_")) || is_opentelemetry(*p);

		if (ours && str_cut(variable, '=', &name, &value))
			take_value(s, name, value, CONFIG_FROM_ENVIRONMENT);
	}
}

/* Appends "HULY_NAME: " or "etc/config.toml:3: name: "; file: for NAME_FILE. */
static void
put_setting(struct buf *error, const struct setting *setting, const struct given *given, bool file)
{
	if (given->origin.line > 0)
		buf_printf(
		    error, SETTINGS_FILE ":%u: %s%s: ", given->origin.line, setting->member, file ? "_file" : "");
	else
		buf_printf(error, "%s%s: ", setting->name, file ? "_FILE" : "");
}

/* NULL, or what is wrong. */
static const char *
remember_path(struct config *c, size_t i, struct str path)
{
	c->secret_file[i] = strndup(path.p, path.n);
	return c->secret_file[i] != NULL ? NULL : "out of memory";
}

/* Reads the file of a secret, if the reader of the settings needs it. */
static bool
take_secret(struct sources *s, size_t i)
{
	const struct given *path = &s->path[i];
	const char *wrong;

	if (s->given[i].origin.source != CONFIG_DEFAULT) {
		put_setting(s->error, &settings[i], &s->given[i], false);
		buf_printf(s->error, "%s_FILE is set too", settings[i].name);
		return false;
	}
	s->given[i].origin = path->origin;
	wrong = remember_path(s->config, i, path->value);
	if (wrong == NULL && s->config->reader == CONFIG_WITHOUT_SECRETS)
		return true;
	if (wrong == NULL)
		wrong = textfile_read(s->config->secret_file[i], TEXTFILE_SECRET, &s->secret[i]);
	s->given[i].value = buf_str(&s->secret[i]);
	/* An empty file of the previous secret ends a rotation: HUP reads files again, but cannot remove a variable. */
	if (wrong == NULL && s->secret[i].n == 0 && settings[i].type != &setting_type_SPARE)
		wrong = "empty";
	if (wrong == NULL)
		return true;
	put_setting(s->error, &settings[i], path, true);
	buf_printf(s->error, "%.*s: %s", STR_FMT(path->value), wrong);
	return false;
}

static bool
take_secrets(struct sources *s, enum config_reader reader)
{
	for (size_t i = 0; i < CONFIG_COUNT; i++) {
		bool wanted = i == CONFIG_other_db_connection ? reader == CONFIG_MIGRATION
							      : reader != CONFIG_MIGRATION || i == CONFIG_db_connection;

		if (wanted && s->path[i].value.n > 0 && !take_secret(s, i))
			return false;
	}
	return true;
}

/* NULL, or what is wrong with it. */
static const char *
parse_value(const struct setting *setting, struct str value, struct config *c)
{
	if (value.n > 0 && memchr(value.p, '\0', value.n) != NULL)
		return "holds a NUL";
	return setting->type->parse(value, member_of(c, setting));
}

static bool
apply_value(const struct setting *setting, const struct given *given, struct config *c, struct buf *error)
{
	const char *wrong = parse_value(setting, given->value, c);

	if (wrong == NULL)
		return true;
	put_setting(error, setting, given, false);
	buf_puts(error, str_of(wrong));
	return false;
}

static bool
is_default_secret(const char *secret)
{
	return strcmp(secret, settings[CONFIG_token_secret].def) == 0;
}

/* RFC 7518 3.2: a key for HS256 is as long as the hash, or longer. */
static bool
check_strength(const struct config *c, struct buf *error)
{
	static const enum config_setting secrets[] = { CONFIG_token_secret, CONFIG_token_secret_previous };

	for (size_t i = 0; c->require_strong_secret && i < ARRAY_SIZE(secrets); i++) {
		const char *secret = *(char *const *)const_member_of(c, &settings[secrets[i]]);
		size_t n = strlen(secret);

		if (n >= CONFIG_STRONG_SECRET || (n == 0 && secrets[i] == CONFIG_token_secret_previous))
			continue;
		buf_printf(error, "%s: %s, and HULY_REQUIRE_STRONG_SECRET is on", settings[secrets[i]].name,
		    is_default_secret(secret) ? "the default that everybody knows" : "shorter than 32 bytes");
		return false;
	}
	return true;
}

/* The OpenTelemetry specification: an empty variable is none, and a wrong one is ignored. */
static bool
apply_or_ignore(struct config *c, size_t i, struct str value, struct buf *error)
{
	if (value.n > 0) {
		c->ignored[i] = parse_value(&settings[i], value, c);
		if (c->ignored[i] == NULL)
			return true;
	}
	c->origin[i] = (struct config_origin){ CONFIG_DEFAULT, 0 };
	return apply_value(&settings[i], &(struct given){ .value = str_of(settings[i].def) }, c, error);
}

/* While OpenTelemetry is off, unknown OTEL_* variables are for other programs, and no warning is needed. */
static bool
is_odd_name(const struct config *c, const struct config_unknown *u)
{
	return c->otel_mode != OTELENV_OFF || !is_opentelemetry(u->name);
}

void
config_warn(const struct config *c)
{
	for (const struct config_unknown *u = c->unknown; u < c->unknown + c->unknown_n; u++)
		if (is_odd_name(c, u))
			log_event(LOG_WARN, "no such setting", log_text("name", str_of(u->name)),
			    u->line > 0 ? log_number("line", u->line) : log_nothing());
	for (size_t i = 0; i < CONFIG_COUNT; i++)
		if (c->ignored[i] != NULL)
			log_event(LOG_WARN, "setting ignored, the default is taken",
			    log_text("setting", str_of(settings[i].name)), log_text("why", str_of(c->ignored[i])));
	if (c->reader == CONFIG_SERVICE && is_default_secret(c->token_secret))
		log_event(LOG_WARN,
		    "HULY_TOKEN_SECRET is the default that everybody knows: "
		    "anyone can forge a token for every workspace; set a secret of your own");
}

bool
config_load(struct config *c, enum config_reader reader, const struct config_override *overrides, struct buf *error)
{
	struct sources s;
	bool ok;

	memset(c, 0, sizeof(*c));
	c->reader = reader;
	sources_init(&s, c, error);
	ok = take_file(&s);
	if (ok)
		take_environment(&s);
	for (; ok && overrides != NULL && overrides->name != NULL; overrides++)
		take_value(&s, str_of(overrides->name), str_of(overrides->value), CONFIG_FROM_COMMAND_LINE);
	ok = ok && take_secrets(&s, reader);
	for (size_t i = 0; ok && i < CONFIG_COUNT; i++) {
		c->origin[i] = s.given[i].origin;
		ok = is_opentelemetry(settings[i].name) ? apply_or_ignore(c, i, s.given[i].value, error)
							: apply_value(&settings[i], &s.given[i], c, error);
	}
	if (ok && reader == CONFIG_SERVICE)
		ok = check_strength(c, error);
	sources_free(&s);
	return ok;
}

void
config_free(struct config *c)
{
	for (size_t i = 0; i < CONFIG_COUNT; i++) {
		free(c->secret_file[i]);
		c->secret_file[i] = NULL;
		if (settings[i].type->release != NULL)
			settings[i].type->release(member_of(c, &settings[i]));
	}
}

void
config_print_help(FILE *out)
{
	for (size_t i = 0; i < CONFIG_COUNT; i++)
		(void)fprintf(out, "%s (%s): %s\n", settings[i].name,
		    *settings[i].def != '\0' ? settings[i].def : "empty", settings[i].help);
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
		buf_puts(out, str_of(settings[i].name));
		if (c->secret_file[i] != NULL) {
			buf_printf(out, "_FILE=%s", c->secret_file[i]);
		} else {
			buf_putc(out, '=');
			settings[i].type->print(const_member_of(c, &settings[i]), out);
		}
		buf_puts(out, STR("  # "));
		put_origin(out, &c->origin[i]);
		if (settings[i].when == CONFIG_HUP)
			buf_puts(out, STR("; HUP reads it again"));
		buf_putc(out, '\n');
	}
}

/* Between single quotes no character but the quote itself has a meaning. */
static void
put_quoted(struct buf *out, struct str value)
{
	buf_putc(out, '\'');
	for (size_t i = 0; i < value.n; i++) {
		if (value.p[i] == '\'')
			buf_puts(out, STR("'\\'"));
		buf_putc(out, value.p[i]);
	}
	buf_puts(out, STR("'\n"));
}

void
config_put_shell(const struct config *c, struct buf *out)
{
	struct buf value;

	buf_init(&value, TEXTFILE_MAX);
	for (size_t i = 0; i < CONFIG_COUNT; i++) {
		if (c->secret_file[i] != NULL) {
			buf_printf(out, "%s_FILE=", settings[i].name);
			put_quoted(out, str_of(c->secret_file[i]));
		} else if (!setting_type_is_secret(settings[i].type)) {
			buf_clear(&value);
			settings[i].type->print(const_member_of(c, &settings[i]), &value);
			buf_printf(out, "%s=", settings[i].name);
			put_quoted(out, buf_str(&value));
		}
	}
	buf_free(&value);
}

void
config_each_file(const struct config *c, void (*file)(void *ctx, const char *path), void *ctx)
{
	for (size_t i = 0; i < CONFIG_COUNT; i++) {
		char *const *path = const_member_of(c, &settings[i]);

		if (settings[i].type == &setting_type_FILE && !setting_is_off(*path))
			file(ctx, *path);
		if (c->secret_file[i] != NULL)
			file(ctx, c->secret_file[i]);
	}
}

const char *
config_name(enum config_setting setting)
{
	return settings[setting].name;
}

bool
config_is_reread(enum config_setting setting)
{
	return settings[setting].when == CONFIG_HUP;
}

void
config_swap(struct config *a, struct config *b, enum config_setting setting)
{
	const struct setting *s = &settings[setting];
	const struct config_origin origin = a->origin[setting];
	char *file = a->secret_file[setting];

	setting_type_swap(s->type, member_of(a, s), member_of(b, s));
	a->origin[setting] = b->origin[setting];
	b->origin[setting] = origin;
	a->secret_file[setting] = b->secret_file[setting];
	b->secret_file[setting] = file;
}

bool
config_same(const struct config *a, const struct config *b, enum config_setting setting)
{
	const struct setting *s = &settings[setting];

	return setting_type_same(s->type, const_member_of(a, s), const_member_of(b, s));
}
