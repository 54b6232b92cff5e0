/* SPDX-License-Identifier: EPL-2.0 */
/*
 * keys: key rings for tests, without a file.
 */
#ifndef HULYKVS_TEST_KEYS_H
#define HULYKVS_TEST_KEYS_H

#include "store/keyring.h"

/* New, held once: a key for each letter of ids, whose bytes are all that letter. */
struct keyring *keys_new(const char *ids);

/* The same, but the first key is another than its letter says. */
struct keyring *keys_new_wrong(const char *ids);

#endif
