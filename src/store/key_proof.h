/* SPDX-License-Identifier: EPL-2.0 */
/*
 * key_proof: whether values may be written with the keys that a program has.
 * Used by store_sealed only.
 *
 * With keys: the first program that seals with a key writes a proof of it to the
 * database: an empty value that is sealed with that key, in a row whose key is
 * the id of the key (see seal_proof_place()).  Every other program must be able
 * to open the proof before it seals.  So if a key file has a wrong key for a
 * known id, no values are written that nobody can open.
 *
 * Without keys: a database that holds any proof holds sealed values, so keys
 * are missing here.  `hulykvs-migrate decrypt` removes the proofs with the last
 * sealed value, and `hulykvs-migrate forget-keys` without it.
 *
 * At most one question is being asked of the database at a time.  For one thread.
 */
#ifndef HULYKVS_KEY_PROOF_H
#define HULYKVS_KEY_PROOF_H

#include "store/seal.h"
#include "store/store.h"

enum key_proof_state {
	KEY_PROOF_UNKNOWN, /* the database has not been asked since the keys changed, or did not answer */
	KEY_PROOF_GOOD,
	KEY_PROOF_WRONG,   /* the current key is not the one that has sealed under its id until now */
	KEY_PROOF_MISSING, /* there are no keys, but sealed values */
};

struct key_proof {
	struct store *inner; /* borrowed */
	bool seals;          /* this program seals values, so it writes a proof that is missing */
	struct seal *seal;   /* borrowed; NULL: there are no keys */
	enum key_proof_state state;
	/*
	 * Called at the end of each question, with STORE_DONE or why there was no answer.  If the state is UNKNOWN after
	 * STORE_DONE, the keys have changed meanwhile.
	 */
	void (*answered)(struct key_proof *p, enum store_outcome outcome);

	/* Private. */
	bool asking;
	bool changed;            /* the keys have changed since the question was sent */
	char id[KEYRING_ID_MAX]; /* of the key that was asked about; the ring may no longer have it */
	void *memory;            /* of the proof that is being written */
	struct store_ticket ticket;
};

void key_proof_init(struct key_proof *p, struct store *inner, bool seals,
    void (*answered)(struct key_proof *p, enum store_outcome outcome));

/* Sets other keys, borrowed.  The state is UNKNOWN again. */
void key_proof_set_keys(struct key_proof *p, struct seal *seal);

/*
 * Asks the database, unless it is being asked; answered() may be called before this returns.  deadline: monotonic.
 */
void key_proof_ask(struct key_proof *p, int64_t deadline);

/* Whether the database is being asked. */
static inline bool
key_proof_is_asking(const struct key_proof *p)
{
	return p->asking;
}

#endif
