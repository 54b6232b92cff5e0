/*
 * config: reads the settings and checks every one of them.
 *
 * Sources, later ones win: the defaults of settings.h; etc/config.toml in the
 * working directory, if there is one (flat `name = value` lines; the file of
 * the original serves as it is); the environment.  The result never changes
 * after config_load() and may be read by any thread.
 *
 * Values of SECRET settings (connection string, token secret) are never
 * printed by this or any other room.
 */
#ifndef HULYKVS_CONFIG_H
#define HULYKVS_CONFIG_H

#include <stdint.h>
#include <stdio.h>

#include "buf.h"
#include "log.h"
#include "settings.h"
#include "uuid.h"

/* How each TYPE of settings.h is kept. */
#define CONFIG_C_IDENTIFIER char *    /* owned; 1 to 63 bytes of UTF-8, no control characters */
#define CONFIG_C_ADDRESS    char *    /* owned; IPv4 or IPv6, no host name */
#define CONFIG_C_SECRET     char *    /* owned; not empty */
#define CONFIG_C_PORT       uint16_t  /* 1 to 65535 */
#define CONFIG_C_COUNT      unsigned  /* 1 to 64 */
#define CONFIG_C_SIZE       size_t    /* bytes, 0 to 1 GiB */
#define CONFIG_C_SECONDS    int64_t   /* nanoseconds; written as seconds, decimals allowed, 0.1 to 3600 */
#define CONFIG_C_UUID       struct uuid
#define CONFIG_C_SWITCH     bool      /* on/off, true/false, 1/0 */
#define CONFIG_C_LEVEL      enum log_level

struct config {
#define X(member, type, name, def, help) CONFIG_C_##type member;
	SETTINGS(X)
#undef X
};

/*
 * Fills *c.  False: *error holds one line that names the setting and says
 * what is wrong with it, never its value where that is a secret.  Logs a
 * warning for a HULY_* name or a file key that no setting has, and a loud one
 * for the default token secret.  Release with config_free() in either case.
 */
bool config_load(struct config *c, struct buf *error) __attribute__((warn_unused_result));

/* Frees what config_load() took; overwrites the secrets first. */
void config_free(struct config *c);

/* "NAME (default): help", a setting a line, for --help. */
void config_print_help(FILE *out);

/* "2Mb", "512 KiB", "1.5 megabytes", "1000" to bytes, rounded down; no signs, no exponents. */
bool config_parse_size(struct str s, size_t *bytes) __attribute__((warn_unused_result));

/* "5", "0.25" to nanoseconds; no signs, no exponents. */
bool config_parse_seconds(struct str s, int64_t *ns) __attribute__((warn_unused_result));

#endif
