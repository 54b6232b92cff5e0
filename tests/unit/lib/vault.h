/* SPDX-License-Identifier: EPL-2.0 */
/*
 * vault: what the tests of store_sealed share: such a store over one
 * in memory, the keys that it is told of, and one ticket for its operations.
 * All rows are in one workspace.
 */
#ifndef HULYKVS_VAULT_H
#define HULYKVS_VAULT_H

#include "lib/keys.h"
#include "lib/store_mem.h"
#include "lib/tap.h"
#include "store/store_sealed.h"

extern struct store_mem mem; /* the inner store */
extern struct store *sealed;
extern const struct uuid vault_workspace;

/* What the owner of the one ticket was told last. */
struct vault_owner {
	struct store_ticket ticket;
	unsigned done;
	struct store_result result;
	char value[4096];
};
extern struct vault_owner owner;

/* Once in a program. */
void vault_set_up(void);
void vault_tear_down(void);

/* For one test.  ids: see keys_new(); NULL: no keys. */
void vault_begin(const char *ids, enum seal_mode mode, const char *namespaces);
void vault_end(void);

/* The same rows in another program. */
void vault_open(enum seal_mode mode, const char *namespaces);
void vault_close(void);

/* The keys in force from now on, which the store is told of when it asks, or by renew(). */
void vault_use(const char *ids);
void vault_publish(struct keyring *keys); /* takes them */
void vault_renew(void *unused);

struct md5 vault_md5(struct str value);
struct store_op vault_op(enum store_kind kind, const char *ns, const char *key);
struct store_op vault_put(const char *ns, const char *key, struct str value);
struct store_op vault_if_match(struct store_op o, const struct md5 *tag, size_t n);

/* Submits the ticket; its client's done(). */
void vault_submit(struct store_op o);
void vault_on_done(struct store_ticket *t, struct store_result *r);

/* Submits one that ends at once. */
enum store_outcome vault_run(struct store_op o);

/* As it stands in the inner store. */
struct str vault_stored(const char *ns, const char *key);

/* Whether a GET finds this value, with its length and MD5. */
bool vault_reads(const char *ns, const char *key, struct str value);

#endif
