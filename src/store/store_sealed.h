/* SPDX-License-Identifier: EPL-2.0 */
/*
 * store_sealed: a store in front of another one, in which values are sealed.
 *
 * What is written to the namespaces of the setting is sealed.  What is read is
 * opened if it is sealed, in every namespace.  For the owner of a ticket there is
 * no difference: tags and lengths are those of the plain values.  HEAD reads the
 * whole value, as GET does, since neither can be seen from a sealed value.  A
 * write needs memory for its value twice until it ends.
 *
 * With keys, a value that begins like a sealed one but does not open is never
 * returned: GET and HEAD end with STORE_FAULT, and the row of a list has
 * looks_sealed.
 *
 * The tags of If-Match are MD5s.  For each of them the statement compares every
 * form that the column md5 may have: one for each key of the ring and, where
 * there may be plain values, the MD5 itself.  A client that sends such a form
 * instead of an MD5 gains nothing: it can know it only from the database, and the
 * condition is only about its own write.  If none matches, the row is read
 * before the answer is STORE_MISMATCH: it may be sealed with a key that this
 * program does not have yet (STORE_UNAVAILABLE).
 *
 * Nothing is sealed before it is proved that the current key is the right one.
 * Without keys, nothing is written to the namespaces of the setting while the
 * database has sealed values.  See key_proof.
 *
 * The keys may be changed in a running program: before each operation renew()
 * is called, which may set new ones.
 */
#ifndef HULYKVS_STORE_SEALED_H
#define HULYKVS_STORE_SEALED_H

#include "store/seal.h"
#include "store/store.h"

struct store_sealed_options {
	enum seal_mode mode;
	struct str namespaces;      /* see seal_covers(); borrowed */
	const struct keyring *keys; /* borrowed, until store_sealed_change(); NULL: none, then the mode is SEAL_OFF */
	/* Called before each operation: calls store_sealed_change() if there are newer keys.  NULL: keys never change. */
	void (*renew)(void *ctx);
	void *ctx;
};

/* Borrows the inner store.  NULL: no memory. */
struct store *store_sealed_new(struct store *inner, const struct store_sealed_options *options)
    __attribute__((warn_unused_result));

/* Borrows these keys from now on. */
void store_sealed_change(struct store *s, const struct keyring *keys);

/* Without keys: asks the database whether it holds sealed values, and warns if it does.  deadline: monotonic. */
void store_sealed_warn_if_keys_missing(struct store *s, int64_t deadline);

/* Whether the store itself asks the database nothing; it does after the call above, without any client's ticket. */
bool store_sealed_is_idle(const struct store *s);

/* Frees the store, which is idle, and returns the inner one, which the caller frees; no ticket may be left.  NULL is fine. */
struct store *store_sealed_free(struct store *s) __attribute__((warn_unused_result));

/* The store given to store_sealed_new(); borrowed. */
struct store *store_sealed_inner(const struct store *s);

#endif
