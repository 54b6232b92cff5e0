/* SPDX-License-Identifier: EPL-2.0 */
/*
 * config: reads the settings and checks every one of them.
 *
 * Sources, of which a later one wins: the defaults of settings.h;
 * etc/config.toml in the working directory, if it exists (lines of
 * `name = value`; the original's file can be used as it is); the environment;
 * the command line.  After config_load() a config does not change, and any
 * thread may read it.  To read the settings again, another one is loaded.
 *
 * Values of SECRET settings (connection string, token secrets) are never
 * printed, by no module.  Each may come from a file of its own, whose path is
 * in NAME_FILE.
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

/* A name that is no setting: a HULY_* or OTEL_* variable (line 0), or a name in the file. */
#define CONFIG_UNKNOWN_MAX 16
struct config_unknown {
	char name[64]; /* the beginning of a longer one */
	unsigned line;
};

/* Who reads the settings: a file of a secret that the reader does not need is not opened. */
enum config_reader {
	CONFIG_SERVICE,
	CONFIG_MIGRATION,       /* does not need the token secrets */
	CONFIG_WITHOUT_SECRETS, /* needs addresses and the like only; knows the paths of the files */
};

struct config {
	enum config_reader reader;
	bool has_file; /* etc/config.toml is there and not empty */
#define X(member, type, when, name, def, help) SETTING_C_##type member;
	SETTINGS(X)
#undef X
	struct config_origin origin[CONFIG_COUNT];
	char *secret_file[CONFIG_COUNT];   /* owned; path of the secret's file; NULL: none, or not needed */
	const char *ignored[CONFIG_COUNT]; /* what is wrong with a value that was ignored; NULL: it was not */
	struct config_unknown unknown[CONFIG_UNKNOWN_MAX];
	unsigned unknown_n;
};

/* A setting from the command line.  An array of them ends with a NULL name. */
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
 * Logs warnings: unknown names, values that were ignored, and the default token
 * secret.  To be called when the log has its own settings.
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

/* Calls file() for each path in a setting, and for each file that a secret came from. */
void config_each_file(const struct config *c, void (*file)(void *ctx, const char *path), void *ctx);

/* The name of its environment variable. */
const char *config_name(enum config_setting setting);

/* Whether a running program reads it again. */
bool config_is_reread(enum config_setting setting);

/* Exchanges the values of the setting between a and b. */
void config_swap(struct config *a, struct config *b, enum config_setting setting);

/* Whether a and b have the same value of the setting. */
bool config_same(const struct config *a, const struct config *b, enum config_setting setting);

#endif
