/* SPDX-License-Identifier: EPL-2.0 */
/*
 * setting: the types of settings.h: how a value is written, kept and printed.
 * For config.
 *
 * SETTING_C_TYPE is the C type of a setting's member in struct config.
 */
#ifndef HULYKVS_SETTING_H
#define HULYKVS_SETTING_H

#include <stdint.h>
#include <string.h>

#include "base/buf.h"
#include "base/log.h"
#include "codec/uuid.h"
#include "config/otelenv.h"
#include "config/setting_type.h"
#include "store/seal.h"

#define SETTING_C_IDENTIFIER char *   /* owned; 1 to 63 bytes of UTF-8, no control characters */
#define SETTING_C_ADDRESS    char *   /* owned; IPv4 or IPv6, no host name */
#define SETTING_C_SECRET     char *   /* owned; not empty */
#define SETTING_C_SPARE      char *   /* owned; a secret, or empty: there is none */
#define SETTING_C_VERDICT    bool     /* true: allow; false: deny */
#define SETTING_C_PORT       uint16_t /* 1 to 65535 */
#define SETTING_C_COUNT      unsigned /* 1 to SETTING_COUNT_MAX */
#define SETTING_C_SIZE       size_t   /* bytes, 0 to 1 GiB */
#define SETTING_C_SECONDS    int64_t  /* nanoseconds; written as seconds, decimals allowed, 0.1 to 3600 */
#define SETTING_C_LIFETIME   int64_t  /* nanoseconds; "auto", "off" (0), or seconds from 1 to 86400 */
#define SETTING_C_LISTENER   char *   /* owned; IPv4:port, [IPv6]:port or "off" */
#define SETTING_C_PEERS      char *   /* owned; a list of users, see os/peer_users.h */
#define SETTING_C_PATHS      char *   /* owned; absolute paths with colons between them, or "none" */
#define SETTING_C_PORTS      char *   /* owned; port numbers with commas between them, or "none" */
#define SETTING_C_SANDBOX    enum setting_sandbox
#define SETTING_C_UUID       struct uuid
#define SETTING_C_SWITCH     bool   /* on/off, true/false, 1/0 */
#define SETTING_C_FILE       char * /* owned; a path, or "off" */
#define SETTING_C_NAMESPACES char * /* owned; see seal_covers() */
#define SETTING_C_SEALING    enum seal_mode
#define SETTING_C_COMPRESS   enum setting_compression
#define SETTING_C_LEVEL      enum log_level
#define SETTING_C_FORMAT     enum log_format

#define SETTING_TYPES(X) \
	X(IDENTIFIER) \
	X(ADDRESS) \
	X(SECRET) \
	X(SPARE) \
	X(PORT) \
	X(COUNT) \
	X(SIZE) \
	X(SECONDS) \
	X(LIFETIME) \
	X(UUID) \
	X(SWITCH) \
	X(LEVEL) \
	X(FORMAT) \
	X(LISTENER) \
	X(PEERS) \
	X(FILE) \
	X(NAMESPACES) \
	X(SEALING) \
	X(VERDICT) \
	X(PATHS) \
	X(PORTS) \
	X(SANDBOX) \
	X(COMPRESS)

/* How the database compresses large values. */
enum setting_compression {
	SETTING_COMPRESSION_DEFAULT, /* as the server does by itself */
	SETTING_COMPRESSION_LZ4,     /* if the server can */
};

enum setting_sandbox {
	SETTING_SANDBOX_OFF,
	SETTING_SANDBOX_ON,      /* as much as the kernel offers */
	SETTING_SANDBOX_REQUIRE, /* all of it; otherwise the program does not start */
	SETTING_SANDBOX_TRAP, /* like REQUIRE, and a system call that is not on the list ends the program: for tests */
};

#define SETTING_LIFETIME_AUTO (-1)

#define SETTING_COUNT_MAX 64 /* largest value of a COUNT */

/* A setting that may be "off" instead of a path or an address. */
static inline bool
setting_is_off(const char *value)
{
	return strcmp(value, "off") == 0;
}

#define X(type) extern const struct setting_type setting_type_##type;
SETTING_TYPES(X)
#undef X

/* "2Mb", "512 KiB", "1.5 megabytes", "1000" to bytes, rounded down; no signs, no exponents. */
bool setting_parse_size(struct str s, size_t *bytes) __attribute__((warn_unused_result));

/* "5", "0.25" to nanoseconds; no signs, no exponents. */
bool setting_parse_seconds(struct str s, int64_t *ns) __attribute__((warn_unused_result));

#endif
