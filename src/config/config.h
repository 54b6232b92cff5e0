/* SPDX-License-Identifier: EPL-2.0 */
/*
 * config: reads the settings and checks every one of them.
 *
 * Sources, later ones win: the defaults of settings.h; etc/config.toml in the
 * working directory, if there is one (flat `name = value` lines; the file of
 * the original serves as it is); the environment; the command line.  The
 * result never changes after config_load() and may be read by any thread: to
 * read the settings again is to load another one.
 *
 * Values of SECRET settings (connection string, token secret) are never
 * printed by this or any other room.  Each may come from a file of its own,
 * which NAME_FILE names.
 */
#ifndef HULYKVS_CONFIG_H
#define HULYKVS_CONFIG_H

#include <stdio.h>

#include "config/setting.h"
#include "config/settings.h"

enum config_setting {
#define X(member, type, when, name, def, help) CONFIG_##member,
	SETTINGS(X)
#undef X
	    CONFIG_COUNT,
};

enum config_source {
	CONFIG_DEFAULT,
	CONFIG_FROM_FILE,
	CONFIG_FROM_ENVIRONMENT,
	CONFIG_FROM_COMMAND_LINE,
};

struct config_origin {
	enum config_source source;
	unsigned line; /* of the file; else 0 */
};

/* A HULY_* or OTEL_* variable (line 0) or a name in the file that is no setting. */
#define CONFIG_UNKNOWN_MAX 16
struct config_unknown {
	char name[64]; /* cut */
	unsigned line;
};

/* Who reads; a migration has no use for token secrets, and does not open their files. */
enum config_reader {
	CONFIG_SERVICE,
	CONFIG_MIGRATION,
	CONFIG_PROBE, /* needs addresses only: opens no file of a secret */
};

struct config {
	enum config_reader reader;
#define X(member, type, when, name, def, help) SETTING_C_##type member;
	SETTINGS(X)
#undef X
	struct config_origin origin[CONFIG_COUNT];
	char *secret_file[CONFIG_COUNT]; /* owned; where it came from a file of its own, that one's path */
	const char
	    *ignored[CONFIG_COUNT]; /* what was wrong with a value that the default was taken for; NULL: nothing */
	struct config_unknown unknown[CONFIG_UNKNOWN_MAX];
	unsigned unknown_n;
};

/* What the command line says; an array of them ends with a NULL name. */
struct config_override {
	const char *name; /* "HULY_…" */
	const char *value;
};

#define CONFIG_STRONG_SECRET 32 /* bytes: RFC 7518 3.2, a key as long as the hash */

/*
 * Fills *c.  False: *error holds one line that names the setting and says
 * what is wrong with it, never its value where that is a secret.  Release with
 * config_free() in either case.  overrides: NULL for none.
 */
bool config_load(struct config *c, enum config_reader reader, const struct config_override *overrides,
    struct buf *error) __attribute__((warn_unused_result));

/*
 * Logs what is not wrong but odd: unknown names, values that were ignored, and
 * the default token secret.
 * To be called when the log's own settings are in force.
 */
void config_warn(const struct config *c);

/* Frees what config_load() took; overwrites the secrets first. */
void config_free(struct config *c);

/* "NAME (default): help", a setting a line, for --help. */
void config_print_help(FILE *out);

/* "NAME=value  # where it comes from; whether HUP reads it again", a setting a line; secrets as asterisks. */
void config_put(const struct config *c, struct buf *out);

/*
 * NAME='value' for a POSIX shell, a setting a line, without secrets: NAME_FILE='path' where a secret comes from a file
 * of its own.
 */
void config_put_shell(const struct config *c, struct buf *out);

/* Calls back with each file that a setting names, or that holds one. */
void config_each_file(const struct config *c, void (*file)(void *ctx, const char *path), void *ctx);

/* The environment variable. */
const char *config_name(enum config_setting setting);

/* Whether a running program reads it again. */
bool config_is_reread(enum config_setting setting);

/* Exchanges the values there. */
void config_swap(struct config *a, struct config *b, enum config_setting setting);

/* Whether both have the same value there. */
bool config_same(const struct config *a, const struct config *b, enum config_setting setting);

#endif
