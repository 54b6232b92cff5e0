/* SPDX-License-Identifier: EPL-2.0 */
/*
 * conninfo: reads a connection string into libpq's parameters.  For dbconn and
 * connect_race.
 *
 * The string is a URL or key=value pairs, as in the PostgreSQL manual,
 * "Connection Strings".  It is read here and not by libpq, because libpq's
 * messages quote the part that it could not read, which may be a piece of the
 * password.  No message of this module quotes anything of the string.
 *
 * COMPAT: the original reads it with tokio-postgres.  keepalives_retries is
 * libpq's keepalives_count; a tcp_user_timeout below 1000 is in seconds;
 * load_balance_hosts is known, though libpq 15 does not have it; a % that is
 * not followed by two hexadecimal digits stands for itself.
 * DIFFERS: a / in user or password is refused: libpq would read what follows it
 * as a port or a database, and its messages would quote that part of the
 * password.
 */
#ifndef HULYKVS_CONNINFO_H
#define HULYKVS_CONNINFO_H

#include "base/buf.h"

#define CONNINFO_MAX 64

struct conninfo {
	const char *name[CONNINFO_MAX + 1]; /* libpq's keywords; ends with NULL, as PQconnectStartParams() takes it */
	const char *value[CONNINFO_MAX + 1];
	size_t n;
	bool shuffle; /* load_balance_hosts=random */
	char *memory; /* of names and values; owned */
	size_t size;
};

/* Reads it; false: one sentence in *why.  conninfo_free() is due in either case. */
bool conninfo_parse(struct conninfo *c, const char *text, struct buf *why) __attribute__((warn_unused_result));

/* Overwrites all values, and frees. */
void conninfo_free(struct conninfo *c);

/* Sets a parameter that the string does not have; borrows both.  Does nothing if there are CONNINFO_MAX already. */
void conninfo_default(struct conninfo *c, const char *name, const char *value);

/* Borrowed; NULL: the string does not have it. */
const char *conninfo_get(const struct conninfo *c, const char *name);

#endif
