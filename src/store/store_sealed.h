/* SPDX-License-Identifier: EPL-2.0 */
/*
 * store_sealed: a store in front of another one, in which values are sealed.
 *
 * What is written to the namespaces of the setting is sealed; what is read is
 * opened, wherever it stands, if it is sealed.  The owner of a ticket notices
 * nothing: tags are MD5s of values, lengths are those of values.  HEAD reads
 * the value as GET does, since it tells neither while it is sealed.  A write
 * holds its value twice until it ends.
 *
 * If-Match names MD5s.  Each is looked for in every form that the column md5
 * may have it in: one for each key of the ring and, where plain values may
 * be, itself.  That the database would also match a form which the client
 * sends instead of the MD5 harms nobody: to know it is to have read the
 * database, and a condition binds only the one who sends it.
 *
 * Nothing is sealed before the current key has proved itself: a row of our
 * own (see seal_proof_place()), sealed by the first program that used a
 * key of this id, has to open.  So a wrong key under a known id cannot leave
 * values behind that nobody can open, and /readyz tells.
 *
 * The keys may be exchanged in a running program; its owner is asked before
 * each operation whether they were.  Without keys everything is handed on as
 * it is.
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

/* The inner store, which is the caller's to free; no ticket may be left.  NULL is fine. */
struct store *store_sealed_free(struct store *s) __attribute__((warn_unused_result));

/* Borrowed. */
struct store *store_sealed_inner(const struct store *s);

#endif
