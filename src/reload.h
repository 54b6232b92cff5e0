/*
 * reload: reads the settings, at the start and again in a running program.
 *
 * A running program goes on with the config that it started with, which its
 * threads share and never lock.  What may change nevertheless (SETTINGS_LIVE)
 * has a place of its own that any thread may read, and is copied there from
 * each config that was loaded without fault.
 */
#ifndef HULYKVS_RELOAD_H
#define HULYKVS_RELOAD_H

#include "config.h"

/* config_load(), and what only libpq can tell.  Release with config_free() in either case. */
bool reload_read(struct config *c, const struct config_override *overrides, struct buf *error)
    __attribute__((warn_unused_result));

/* Puts the live settings into force, and warns of what is odd. */
void reload_apply(const struct config *c);

/* HUP: reads all again and puts the live ones into force; where anything is wrong, logs it and changes nothing. */
void reload_again(const struct config *running, const struct config_override *overrides);

#endif
