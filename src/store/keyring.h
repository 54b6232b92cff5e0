/* SPDX-License-Identifier: EPL-2.0 */
/*
 * keyring: the keys that values are sealed with.
 *
 * A file of lines `id key`: the id is 1 to 16 letters, digits and ._-, the key
 * 32 bytes in base64 (RFC 4648 4).  The first key seals, all of them open.
 * Empty lines and lines that begin with # do not count.  Who may have access
 * to the file, see TEXTFILE_SECRET.
 *
 * A ring never changes, and lives as long as somebody holds it.  Any thread.
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
	_Atomic unsigned holders;
	struct keyring_key key[KEYRING_KEYS];
};

/* Returns new, held once.  NULL: *error says why, with the path and the line; it quotes no key. */
struct keyring *keyring_load(const char *path, struct buf *error) __attribute__((warn_unused_result));

/* Holds it once more; each hold ends with keyring_drop(), the last one overwrites the keys.  NULL is fine there. */
struct keyring *keyring_hold(struct keyring *r);
void keyring_drop(struct keyring *r);

static inline struct str
keyring_id(const struct keyring *r, size_t i)
{
	return str_from(r->key[i].id_text, r->key[i].id_n);
}

/* The key of that id: its number to *i.  False: there is none. */
bool keyring_find(const struct keyring *r, struct str id, size_t *i) __attribute__((warn_unused_result));

/*
 * The ring that is in force in this process.  keyring_publish() takes the caller's hold; keyring_current() gives a
 * new one, NULL while there is no ring.  The turn is another number after each publication.
 */
void keyring_publish(struct keyring *r);
struct keyring *keyring_current(void) __attribute__((warn_unused_result));
unsigned keyring_turn(void);

#endif
