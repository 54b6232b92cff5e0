/* SPDX-License-Identifier: EPL-2.0 */
/*
 * reload: reads the settings, at the start and again in a running program.
 *
 * A running program goes on with the config that it started with, which its
 * threads share and never lock.  What may change nevertheless (SETTINGS_LIVE)
 * has a place of its own: the log's settings one that any thread may read,
 * secrets and access rules the policy, which threads take over whole.
 */
#ifndef HULYKVS_RELOAD_H
#define HULYKVS_RELOAD_H

#include "auth/policy.h"
#include "config/config.h"
#include "store/keyring.h"

/*
 * Settings, and all that they name: config_load(), what only libpq can tell,
 * and the files of secrets, rules and keys.  *policy and *keys are new; there
 * are no keys (NULL) where no file is set.  running: what the program has been
 * started with, NULL while it starts.  Release the config with
 * config_free() in either case.
 */
bool reload_read(struct config *c, const struct config *running, const struct config_override *overrides,
    struct policy **policy, struct keyring **keys, struct buf *error) __attribute__((warn_unused_result));

/* Puts the log's settings and the keys (taken) into force, warns of what is odd, and says which rules there are. */
void reload_apply(const struct config *c, const struct policy *policy, struct keyring *keys);

/*
 * HUP: reads all again.  Returns the new policy, and *running has the live
 * settings that go with it; NULL where anything is wrong: that is logged, and
 * nothing has changed.
 */
struct policy *reload_again(struct config *running, const struct config_override *overrides)
    __attribute__((warn_unused_result));

#endif
