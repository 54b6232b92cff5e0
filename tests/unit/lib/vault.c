/* SPDX-License-Identifier: EPL-2.0 */
#include "lib/vault.h"

#include <stdio.h>

struct store_mem mem;
struct store *sealed;
const struct uuid vault_workspace = { { 7 } };
struct vault_owner owner;

void
vault_on_done(struct store_ticket *t, struct store_result *r)
{
	if (t != &owner.ticket)
		tap_bail("another ticket");
	owner.done++;
	owner.result = *r;
	if (r->value.p != NULL) {
		memcpy(owner.value, r->value.p, r->value.n);
		owner.result.value.p = owner.value;
	}
}

static const struct store_client client = { .done = vault_on_done };

/* The keys in force, and those that the store has been told of. */
static struct keyring *newest, *known;

void
vault_renew(void *unused)
{
	(void)unused;
	if (known == newest)
		return;
	if (sealed != NULL)
		store_sealed_change(sealed, newest);
	keyring_free(known);
	known = newest;
}

void
vault_publish(struct keyring *keys)
{
	if (newest != known)
		keyring_free(newest);
	newest = keys;
}

void
vault_open(enum seal_mode mode, const char *namespaces)
{
	vault_renew(NULL);

	const struct store_sealed_options options = { mode, str_of(namespaces), known, vault_renew, NULL };

	sealed = store_sealed_new(&mem.store, &options);
	if (sealed == NULL)
		tap_bail("store_sealed_new");
}

void
vault_close(void)
{
	if (store_sealed_free(sealed) != &mem.store)
		tap_bail("not the inner store");
	sealed = NULL;
}

void
vault_use(const char *ids)
{
	vault_publish(ids != NULL ? keys_new(ids) : NULL);
}

struct store_op
vault_op(enum store_kind kind, const char *ns, const char *key)
{
	return (struct store_op){ .kind = kind, .workspace = vault_workspace, .ns = str_of(ns), .key = str_of(key) };
}

void
vault_submit(struct store_op o)
{
	owner.ticket.op = o;
	owner.ticket.client = &client;
	owner.done = 0;
	sealed->calls->submit(sealed, &owner.ticket);
}

enum store_outcome
vault_run(struct store_op o)
{
	vault_submit(o);
	if (owner.done != 1 || owner.ticket.op.kind != o.kind || owner.ticket.client != &client)
		tap_bail("the ticket did not come back as it was");
	return owner.result.outcome;
}

struct md5
vault_md5(struct str value)
{
	struct md5 md5;

	if (!digest_md5(value, &md5))
		tap_bail("digest_md5");
	return md5;
}

struct store_op
vault_put(const char *ns, const char *key, struct str value)
{
	struct store_op o = vault_op(STORE_PUT, ns, key);

	o.value = value;
	o.md5 = vault_md5(value);
	return o;
}

struct store_op
vault_if_match(struct store_op o, const struct md5 *tag, size_t n)
{
	o.condition = STORE_IF_MATCH;
	o.tags = tag;
	o.tag_count = n;
	return o;
}

struct str
vault_stored(const char *ns, const char *key)
{
	return store_mem_get(&mem, &vault_workspace, str_of(ns), str_of(key));
}

bool
vault_reads(const char *ns, const char *key, struct str value)
{
	struct md5 md5 = vault_md5(value);

	return vault_run(vault_op(STORE_GET, ns, key)) == STORE_DONE && str_eq(owner.result.value, value) &&
	    owner.result.length == value.n && memcmp(owner.result.md5.b, md5.b, sizeof(md5.b)) == 0;
}

void
vault_begin(const char *ids, enum seal_mode mode, const char *namespaces)
{
	store_mem_init(&mem);
	vault_use(ids);
	vault_open(mode, namespaces);
}

void
vault_end(void)
{
	vault_close();
	tap_int(mem.lent, 0, "nothing was kept");
	store_mem_free(&mem);
}

void
vault_set_up(void)
{
	if (freopen("/dev/null", "w", stderr) == NULL)
		tap_bail("freopen");
}

void
vault_tear_down(void)
{
	vault_publish(NULL);
	vault_renew(NULL);
	digest_thread_end();
}
