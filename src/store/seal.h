/* SPDX-License-Identifier: EPL-2.0 */
/*
 * seal: the stored form of values that are encrypted, so that somebody who
 * reads the database does not learn them.  store_sealed, key_proof and
 * migrate/seal seal and open; api, pg and config use the sizes and the types.
 *
 * Stored form:
 *
 *   magic      8  89 'H' 'K' 'V' 'S' 'E' 'A' 'L'
 *   algorithm  1  1: XAES-256-GCM, keys and additional data as said here
 *   length     1  of the key's id
 *   id         1 to 16
 *   nonce     24  random
 *   text          encrypted: the value's MD5 (16), the value
 *   tag       16
 *
 * Additional data (authenticated, not encrypted): everything before the nonce,
 * the column md5, workspace, length of the namespace (4, big-endian),
 * namespace, key.  So a row does not open if a single bit of it was changed, or
 * if it was moved to another place.
 *
 * The column md5 holds the first half of an HMAC-SHA256 over workspace, length
 * of the namespace, namespace, key and the value's MD5.  So the database can
 * compare it for If-Match, and who reads the database learns no more from it
 * than whether the same value is written to the same row again.
 *
 * Each workspace has its own keys for XAES and HMAC: HKDF-SHA256 of a key of
 * the key ring, with "hulykvs value 1" or "hulykvs md5 1" and the workspace as
 * info.
 *
 * A row is sealed if it opens; otherwise it is plain if the column md5 holds
 * its value's MD5; otherwise it is refused.  The column md5 is part of the
 * additional data, so nothing that a client stores can be taken for a sealed
 * value, not even a copy of one.
 *
 * One thread for each struct seal.
 */
#ifndef HULYKVS_SEAL_H
#define HULYKVS_SEAL_H

#include "base/digest.h"
#include "codec/uuid.h"
#include "store/keyring.h"

#define SEAL_MAGIC       "\x89HKVSEAL"
#define SEAL_MAGIC_SIZE  8
#define SEAL_HEADER_SIZE (SEAL_MAGIC_SIZE + 2 + KEYRING_ID_MAX) /* at most */

/* The setting HULY_ENCRYPTION_MODE. */
#define SEAL_MODES(X) \
	X(SEAL_OFF, "off")           /* sealed values are opened, none is sealed */ \
	X(SEAL_ON, "on")             /* what is written is sealed */ \
	X(SEAL_REQUIRED, "required") /* as on; and values that are not sealed are refused */

enum seal_mode {
#define X(mode, name) mode,
	SEAL_MODES(X)
#undef X
};

/* Whether a list of namespaces, "all" or names with commas and no blanks between them, has this one. */
bool seal_covers(struct str namespaces, struct str ns);

struct seal;

/* The row of a value; borrows. */
struct seal_place {
	struct uuid workspace;
	struct str ns, key;
};

/* Borrows the ring.  NULL: no memory, or an OpenSSL without AES. */
struct seal *seal_new(const struct keyring *ring) __attribute__((warn_unused_result));
void seal_free(struct seal *s);

/* Borrows another ring from now on; forgets the keys that were derived. */
void seal_change(struct seal *s, const struct keyring *ring);

/* Borrowed until the next change. */
const struct keyring *seal_ring(const struct seal *s);

/* Bytes that a value of n bytes takes when it is sealed. */
size_t seal_size(const struct seal *s, size_t n);

/* Writes the stored form to out (seal_size() bytes), and what goes into the column md5 to *column. */
bool seal_value(struct seal *s, const struct seal_place *place, struct str value, const struct md5 *md5, char *out,
    struct md5 *column) __attribute__((warn_unused_result));

/* What the column md5 holds where a value with this MD5 was sealed with key number i of the ring. */
bool seal_column(struct seal *s, size_t i, const struct seal_place *place, const struct md5 *md5, struct md5 *column)
    __attribute__((warn_unused_result));

enum seal_verdict {
	SEAL_OPENED,
	SEAL_PLAIN,  /* never sealed */
	SEAL_NO_KEY, /* sealed, with a key that the ring does not hold */
	SEAL_BROKEN, /* changed, moved here from another place, or sealed with another key of that id */
};

/*
 * Opens n bytes as they are stored, in place.  Sets *value (a part of these bytes) and *md5, also if the value is plain.
 * If the verdict is not SEAL_OPENED, the bytes are unchanged.
 */
enum seal_verdict seal_open(struct seal *s, const struct seal_place *place, const struct md5 *column, char *stored,
    size_t n, struct str *value, struct md5 *md5) __attribute__((warn_unused_result));

/* Logs why a value is refused, with the id of the key, but without the row or anything of the value. */
void seal_log_refusal(enum seal_verdict verdict, struct str stored);

/*
 * The row of a key's proof, see key_proof.h.  Its workspace is all zeros, which nobody has; api refuses requests to it.
 */
#define SEAL_PROOF_NS "hulykvs-keys"
struct seal_place seal_proof_place(struct str key_id);
bool seal_is_proof(const struct seal_place *place);

/* As seal_value(), for the value of a proof, which is empty: out has seal_size(s, 0) bytes. */
bool seal_proof(struct seal *s, const struct seal_place *place, char *out, struct md5 *column)
    __attribute__((warn_unused_result));

/*
 * Whether n bytes, as they are stored in the row of a proof, are a proof: they were sealed with the key whose id is the
 * key of the row, and they open.  Opens them in place.
 */
bool seal_proves(struct seal *s, const struct seal_place *place, const struct md5 *column, char *stored, size_t n)
    __attribute__((warn_unused_result));

/* Whether it begins as a sealed value does. */
bool seal_has_magic(struct str stored);

/* Whether it begins like that and is no plain value: its MD5 is not in the column md5 (NULL: the column has no MD5). */
bool seal_looks_sealed(struct str stored, const struct md5 *column);

/* Writes the header of values that are sealed with the key of this id, at most SEAL_HEADER_SIZE bytes; borrows out. */
struct str seal_put_header(char *out, struct str id);

/* Whether the column md5 holds the MD5 of what is stored. */
bool seal_is_plain(struct str stored, const struct md5 *column);

/* The id of the key that a value is sealed with, if it is one: from its first SEAL_HEADER_SIZE bytes. */
bool seal_key_id(struct str stored, struct str *id) __attribute__((warn_unused_result));

#endif
