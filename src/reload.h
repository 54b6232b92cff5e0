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
#include "keyring.h"

/*
 * config_load(), what only libpq can tell, and *keys, the caller's hold on the key ring: NULL where no file is set.
 * Release with config_free() in either case.
 */
bool reload_read(struct config *c, struct keyring **keys, const struct config_override *overrides, struct buf *error)
    __attribute__((warn_unused_result));

/* Puts the live settings and the keys (it takes the hold) into force, and warns of what is odd. */
void reload_apply(const struct config *c, struct keyring *keys);

/*
 * HUP: reads all again, the file of the keys included, and puts the live ones into force; where anything is wrong,
 * logs it and changes nothing.
 */
void reload_again(const struct config *running, const struct config_override *overrides);

#endif
