/* SPDX-License-Identifier: EPL-2.0 */
#include "lib/keys.h"

#include "base/secret.h"
#include "lib/tap.h"

struct keyring *
keys_new(const char *ids)
{
	struct keyring *r = secret_new(sizeof(*r));

	if (r == NULL)
		tap_bail("no memory for keys");
	for (; *ids != '\0'; ids++) {
		struct keyring_key *key = &r->key[r->n++];

		key->id_text[0] = *ids;
		key->id_n = 1;
		memset(key->secret, *ids, sizeof(key->secret));
	}
	return r;
}

struct keyring *
keys_new_wrong(const char *ids)
{
	struct keyring *r = keys_new(ids);

	r->key[0].secret[0] ^= 1;
	return r;
}
