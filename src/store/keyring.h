/* SPDX-License-Identifier: EPL-2.0 */
/*
 * keyring: the keys that values are sealed with.
 *
 * A file of lines `id key`: the id is 1 to 16 letters, digits and ._-, the key
 * 32 bytes in base64 (RFC 4648 4).  Values are sealed with the first key and
 * opened with any of them.  Empty lines and lines that begin with # are ignored.
 * For who may have access to the file, see TEXTFILE_PRIVATE.
 *
 * A key ring never changes, and any thread may read it.
 */
#ifndef HULYKVS_KEYRING_H
#define HULYKVS_KEYRING_H

#include "base/buf.h"

#define KEYRING_KEYS     16
#define KEYRING_ID_MAX   16
#define KEYRING_KEY_SIZE 32

struct keyring_key {
	char id_text[KEYRING_ID_MAX];
	size_t id_n;
	unsigned char secret[KEYRING_KEY_SIZE];
};

struct keyring {
	size_t n; /* at least 1 */
	struct keyring_key key[KEYRING_KEYS];
};

/* Returns new.  NULL: *error says why, with the path and the line; it quotes no key. */
struct keyring *keyring_load(const char *path, struct buf *error) __attribute__((warn_unused_result));

/* Overwrites the keys and frees.  NULL is fine. */
void keyring_free(struct keyring *r);

static inline struct str
keyring_id(const struct keyring *r, size_t i)
{
	return str_from(r->key[i].id_text, r->key[i].id_n);
}

/* The key of that id: its number to *i.  False: there is none. */
bool keyring_find(const struct keyring *r, struct str id, size_t *i) __attribute__((warn_unused_result));

#endif
