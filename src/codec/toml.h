/* SPDX-License-Identifier: EPL-2.0 */
/*
 * toml: the part of TOML 1.0 that etc/config.toml needs: comments and
 * `key = value` lines, where a value is a basic "…" or literal '…' string, a
 * decimal number or a boolean.  Debian has no TOML library for C.  Everything
 * else (tables, arrays, dates, multi-line strings, dotted keys, hexadecimal
 * numbers, exponents) is refused with its line number.  For config.
 */
#ifndef HULYKVS_TOML_H
#define HULYKVS_TOML_H

#include "base/arena.h"

/*
 * Called for each pair, in order; a string is decoded, a number comes without
 * underscores, a boolean as written.  false stops the reading.  A key that comes
 * twice is not refused here.
 */
typedef bool toml_pair_fn(void *ctx, struct str key, struct str value, unsigned line);

/*
 * Reads all of text.  0: done, or the callback stopped it; else the number of
 * the first line that cannot be read, counted from 1.  Keys and values borrow
 * text, or the arena where something had to be decoded.
 */
unsigned toml_read(struct str text, struct arena *a, toml_pair_fn *pair, void *ctx);

#endif
