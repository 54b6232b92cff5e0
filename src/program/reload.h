/* SPDX-License-Identifier: EPL-2.0 */
/*
 * reload: reads the settings, at the start and again in a running program.  For
 * main.
 *
 * A running program goes on with the config that it started with, which its
 * threads share and never lock.  The settings that HUP exchanges (settings.h)
 * are handed to the threads as a snapshot, see config/snapshot.
 */
#ifndef HULYKVS_RELOAD_H
#define HULYKVS_RELOAD_H

#include "config/snapshot.h"

/*
 * Settings, and all that they name: config_load(), what only libpq can tell,
 * and the files of secrets, rules and keys.  Returns new; NULL: *error holds a
 * line that names the setting.  running: what is in force, NULL while the
 * program starts.  It is an error if etc/config.toml was there and is missing or
 * empty, or if a setting that protects something falls back to its default.
 * Release the config with config_free() in either case.
 */
struct snapshot *reload_read(struct config *c, const struct config *running, const struct config_override *overrides,
    struct buf *error) __attribute__((warn_unused_result));

/*
 * Puts the log's settings into force, warns of what is odd, says which access
 * rules there are, and publishes the snapshot (taken).
 */
void reload_apply(const struct config *c, struct snapshot *snapshot, struct snapshot_publisher *publisher);

/*
 * HUP: reads all again and publishes it; *running has the new values of what
 * HUP exchanges.  False: something is wrong, which is logged, and nothing has
 * changed.
 */
bool reload_again(struct config *running, const struct config_override *overrides, struct snapshot_publisher *publisher)
    __attribute__((warn_unused_result));

#endif
