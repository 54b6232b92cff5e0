/* SPDX-License-Identifier: EPL-2.0 */
/*
 * snapshot: the settings that a running program can exchange (those marked HUP
 * in settings.h), with what their files hold: token secrets, access rules,
 * encryption keys, and how to log.
 *
 * One snapshot is made from each reading of the settings and never changes.
 * The main thread publishes it once; each worker holds one, and exchanges it
 * for the newest when it is told to (worker_wake()) and before each operation
 * on sealed values, both between two steps of a request.  So each step (the
 * check of token and rules, the sealing of a value) uses one snapshot as a
 * whole, and none takes a lock; two steps of one request may use different
 * ones.  The last one that lets a snapshot go overwrites its secrets and keys
 * and frees it.
 *
 * It is in config, which is later than auth and store in the order of folders:
 * it is made of parts of both.  api and server, which use it, are later still.
 */
#ifndef HULYKVS_SNAPSHOT_H
#define HULYKVS_SNAPSHOT_H

#include <pthread.h>
#include <stdatomic.h>

#include "auth/rules.h"
#include "auth/token.h"
#include "config/config.h"
#include "store/keyring.h"

struct snapshot {
	struct token_secrets secrets;
	struct rules *rules;  /* NULL: there are none, every namespace is open to every token */
	struct keyring *keys; /* NULL: no encryption keys */
	enum log_level log_level;
	enum log_format log_format;
	bool access_log;
	bool log_client_address;
	_Atomic unsigned holders;
};

/*
 * Returns new, held once; copies from the config, takes rules and keys (also
 * when it fails).  NULL: no memory.
 */
struct snapshot *snapshot_new(const struct config *c, struct rules *rules, struct keyring *keys)
    __attribute__((warn_unused_result));

/* Ends a hold.  NULL is fine. */
void snapshot_drop(struct snapshot *s);

/* Where the newest one is found.  One in a program; any thread may use it. */
struct snapshot_publisher {
	pthread_mutex_t lock;
	pthread_cond_t taken;
	struct snapshot *newest;
	unsigned takers;         /* holders that have taken the newest */
	_Atomic unsigned number; /* of the newest, from 1 */
};

void snapshot_publisher_init(struct snapshot_publisher *p);

/* Ends the publisher's hold.  All holders have been released. */
void snapshot_publisher_free(struct snapshot_publisher *p);

/* Takes the caller's hold; ends that on the one before. */
void snapshot_publish(struct snapshot_publisher *p, struct snapshot *s);

/* Waits until so many holders have taken the newest one.  False: they have not within the time (nanoseconds). */
bool snapshot_wait(struct snapshot_publisher *p, unsigned holders, int64_t time);

/* What one thread holds. */
struct snapshot_holder {
	struct snapshot_publisher *publisher;
	struct snapshot *held;
	unsigned number;
	/* Called by snapshot_renew() with the next one, while the one before still lives; NULL: nobody is told. */
	void (*exchange)(struct snapshot_holder *h, const struct snapshot *next);
};

/* Takes the newest, without a call of exchange.  Something has been published; borrows the publisher. */
void snapshot_holder_init(struct snapshot_holder *h, struct snapshot_publisher *p,
    void (*exchange)(struct snapshot_holder *h, const struct snapshot *next));

/* Exchanges the held one where there is a newer one; costs one load where there is none. */
void snapshot_renew(struct snapshot_holder *h);

/* Ends the hold; fine for a holder of zero bytes. */
void snapshot_release(struct snapshot_holder *h);

#endif
