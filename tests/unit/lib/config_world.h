/* SPDX-License-Identifier: EPL-2.0 */
/*
 * config_world: an empty directory in which a test writes etc/config.toml and
 * loads it, with what this says on standard error.
 */
#ifndef HULYKVS_CONFIG_WORLD_H
#define HULYKVS_CONFIG_WORLD_H

#include <sys/types.h>

#include "config/config.h"
#include "lib/tap.h"

/* One for each test that needs one; it removes the file. */
#define SECRET_FILE "a-secret"

struct config_world_result {
	bool ok;
	struct config c;
	struct buf error, log;
};

/* Once in a program: changes to the directory, and removes it, which has to be empty but for etc. */
void config_world_open(void);
void config_world_close(void);

/* Ends the program where this was not done. */
void config_world_must(bool done, const char *what);

void config_world_write(const char *path, struct str text);

/* etc/config.toml.  NULL: there is none. */
void config_world_set(const char *text);

/* SECRET_FILE. */
void config_world_write_secret(struct str text, mode_t mode);

/* Loads what the file and the environment say.  To be released with done(). */
void config_world_load(struct config_world_result *r);
void config_world_load_over(struct config_world_result *r, const struct config_override *overrides);
void config_world_done(struct config_world_result *r);

bool config_world_says(const struct buf *b, const char *what);

#endif
