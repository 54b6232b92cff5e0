/* SPDX-License-Identifier: EPL-2.0 */
/*
 * store_sealed: a store in front of another one, in which values are sealed.
 *
 * What is written to the namespaces of the setting is sealed.  What is read is
 * opened if it is sealed, in every namespace.  The owner of a ticket notices
 * nothing: tags are MD5s of values, and lengths are those of values.  HEAD
 * reads the value as GET does, since a sealed value tells neither.  A write
 * holds its value twice until it ends.
 *
 * Where values are sealed, a value that begins as a sealed one does and does
 * not open is never given out: GET and HEAD end with STORE_FAULT.
 *
 * If-Match names MD5s.  Each is looked for in every form in which the column
 * md5 may have it: one for each key of the ring and, where plain values may be,
 * the MD5 itself.  A client that sends such a form instead of an MD5 gains
 * nothing: it must have read the database to know it, and a condition binds
 * only the client that sends it.  If none matches, the row is read before
 * anybody is told that the condition does not hold: it may be sealed with a key
 * that this program does not have yet (STORE_UNAVAILABLE).
 *
 * Nothing is sealed before the current key has been proved to be the right one;
 * and without keys, nothing is written to the namespaces of the setting while
 * the database holds sealed values: see key_proof.
 *
 * The keys may be exchanged in a running program; its owner is asked before
 * each operation whether they were.
 */
#ifndef HULYKVS_STORE_SEALED_H
#define HULYKVS_STORE_SEALED_H

#include "store/seal.h"
#include "store/store.h"

struct store_sealed_options {
	enum seal_mode mode;
	struct str namespaces; /* see seal_covers(); borrowed */
	const struct keyring
	    *keys; /* borrowed, until store_sealed_change(); NULL: none, only where the mode is SEAL_OFF */
	/* Called before each operation: calls store_sealed_change() where there are newer keys.  NULL: there never are. */
	void (*renew)(void *ctx);
	void *ctx;
};

/* Borrows the inner store.  NULL: no memory. */
struct store *store_sealed_new(struct store *inner, const struct store_sealed_options *options)
    __attribute__((warn_unused_result));

/* Borrows these keys from now on, instead of the ones before. */
void store_sealed_change(struct store *s, const struct keyring *keys);

/* Without keys: asks the database whether it holds sealed values, and warns if it does.  deadline: monotonic. */
void store_sealed_look(struct store *s, int64_t deadline);

/* The inner store, which is the caller's to free; no ticket may be left.  NULL is fine. */
struct store *store_sealed_free(struct store *s) __attribute__((warn_unused_result));

/* Borrowed. */
struct store *store_sealed_inner(const struct store *s);

#endif
