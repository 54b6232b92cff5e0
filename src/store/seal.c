/* SPDX-License-Identifier: EPL-2.0 */
#include "store/seal.h"

#include <arpa/inet.h>
#include <assert.h>
#include <stdlib.h>

#include "base/log.h"
#include "base/random_id.h"
#include "base/secret.h"
#include "store/xaes.h"

#define ALGORITHM 1
#define SLOTS     512 /* how many derived keys are cached */
#define TEXT_MAX  ((size_t)1024 * 1024)
#define PREFIX    ((size_t)SEAL_MAGIC_SIZE + 2)

/* The keys of a workspace that are derived from key number i of the ring. */
struct keys {
	bool used;
	size_t i;
	struct uuid workspace;
	struct xaes_key value;
	struct sha256 column;
};

struct seal {
	const struct keyring *ring;
	struct xaes *xaes;
	struct keys *slot; /* the cache, SLOTS of them; each key of each workspace has one slot */
	struct buf text;   /* for HMAC */
};

bool
seal_covers(struct str namespaces, struct str ns)
{
	struct str name;

	if (str_eq(namespaces, STR("all")))
		return true;
	while (namespaces.p != NULL) {
		(void)str_cut(namespaces, ',', &name, &namespaces);
		if (str_eq(name, ns))
			return true;
	}
	return false;
}

struct seal *
seal_new(const struct keyring *ring)
{
	struct seal *s = calloc(1, sizeof(*s));

	if (s == NULL)
		return NULL;
	buf_init(&s->text, TEXT_MAX);
	s->ring = ring;
	s->xaes = xaes_new();
	s->slot = secret_new(SLOTS * sizeof(*s->slot));
	if (s->xaes != NULL && s->slot != NULL)
		return s;
	seal_free(s);
	return NULL;
}

void
seal_free(struct seal *s)
{
	if (s == NULL)
		return;
	xaes_free(s->xaes);
	secret_free(s->slot, SLOTS * sizeof(*s->slot));
	buf_free(&s->text);
	free(s);
}

void
seal_change(struct seal *s, const struct keyring *ring)
{
	digest_cleanse(s->slot, SLOTS * sizeof(*s->slot));
	s->ring = ring;
}

const struct keyring *
seal_ring(const struct seal *s)
{
	return s->ring;
}

static struct str
bytes(const void *p, size_t n)
{
	return str_from(p, n);
}

static bool
derive(const struct keyring_key *key, const char *purpose, const struct uuid *workspace, struct sha256 *out)
{
	char info[64];
	size_t n = strlen(purpose);

	assert(n + sizeof(workspace->b) <= sizeof(info));
	memcpy(info, purpose, n);
	memcpy(info + n, workspace->b, sizeof(workspace->b));
	return digest_hkdf_sha256(bytes(key->secret, sizeof(key->secret)), bytes(info, n + sizeof(workspace->b)), out);
}

static bool
fill(struct seal *s, struct keys *k, size_t i, const struct uuid *workspace)
{
	const struct keyring_key *key = &s->ring->key[i];
	struct sha256 value;

	k->i = i;
	k->workspace = *workspace;
	k->used = derive(key, "hulykvs value 1", workspace, &value) &&
	    derive(key, "hulykvs md5 1", workspace, &k->column) && xaes_prepare(s->xaes, value.b, &k->value);
	digest_cleanse(&value, sizeof(value));
	return k->used;
}

/* The keys of a workspace.  NULL: OpenSSL failed. */
static const struct keys *
find_keys(struct seal *s, size_t i, const struct uuid *workspace)
{
	uint32_t bits;
	struct keys *k;

	memcpy(&bits, workspace->b, sizeof(bits));
	k = &s->slot[(bits * 31 + i) % SLOTS];
	if (k->used && k->i == i && memcmp(k->workspace.b, workspace->b, sizeof(workspace->b)) == 0)
		return k;
	return fill(s, k, i, workspace) ? k : NULL;
}

/* The column md5.  With the length of the namespace, ("ab", "c") and ("a", "bc") give different results. */
static bool
column_of(
    struct seal *s, const struct keys *k, const struct seal_place *place, const struct md5 *md5, struct md5 *column)
{
	uint32_t length = htonl((uint32_t)place->ns.n);
	struct sha256 mac;

	buf_clear(&s->text);
	buf_put(&s->text, place->workspace.b, sizeof(place->workspace.b));
	buf_put(&s->text, &length, sizeof(length));
	buf_puts(&s->text, place->ns);
	buf_puts(&s->text, place->key);
	buf_put(&s->text, md5->b, sizeof(md5->b));
	if (!buf_ok(&s->text) || !digest_hmac_sha256(bytes(k->column.b, sizeof(k->column.b)), buf_str(&s->text), &mac))
		return false;
	memcpy(column->b, mac.b, sizeof(column->b));
	return true;
}

bool
seal_column(struct seal *s, size_t i, const struct seal_place *place, const struct md5 *md5, struct md5 *column)
{
	const struct keys *k = find_keys(s, i, &place->workspace);

	return k != NULL && column_of(s, k, place, md5, column);
}

/* The additional data, which the tag authenticates too. */
struct additional {
	uint32_t length;
	struct str part[6];
};

static struct xaes_text
additional_of(struct additional *a, struct str header, const struct seal_place *place, const struct md5 *column)
{
	a->length = htonl((uint32_t)place->ns.n);
	a->part[0] = header;
	a->part[1] = bytes(column->b, sizeof(column->b));
	a->part[2] = bytes(place->workspace.b, sizeof(place->workspace.b));
	a->part[3] = bytes(&a->length, sizeof(a->length));
	a->part[4] = place->ns;
	a->part[5] = place->key;
	return (struct xaes_text){ a->part, sizeof(a->part) / sizeof(a->part[0]) };
}

static size_t
header_size(size_t id_n)
{
	return PREFIX + id_n;
}

size_t
seal_size(const struct seal *s, size_t n)
{
	return header_size(s->ring->key[0].id_n) + XAES_NONCE_SIZE + sizeof(struct md5) + n + XAES_TAG_SIZE;
}

struct str
seal_put_header(char *out, struct str id)
{
	memcpy(out, SEAL_MAGIC, SEAL_MAGIC_SIZE);
	out[SEAL_MAGIC_SIZE] = ALGORITHM;
	out[SEAL_MAGIC_SIZE + 1] = (char)id.n;
	memcpy(out + PREFIX, id.p, id.n);
	return bytes(out, header_size(id.n));
}

bool
seal_value(struct seal *s, const struct seal_place *place, struct str value, const struct md5 *md5, char *out,
    struct md5 *column)
{
	const struct keys *k = find_keys(s, 0, &place->workspace);
	struct str header = seal_put_header(out, keyring_id(s->ring, 0));
	unsigned char *nonce = (unsigned char *)out + header.n;
	const struct str text[] = { bytes(md5->b, sizeof(md5->b)), value };
	struct additional a;

	return k != NULL && column_of(s, k, place, md5, column) && xaes_nonce(s->xaes, nonce) &&
	    xaes_seal(s->xaes, &k->value, nonce, additional_of(&a, header, place, column),
		(struct xaes_text){ text, 2 }, nonce + XAES_NONCE_SIZE);
}

struct seal_place
seal_proof_place(struct str key_id)
{
	return (struct seal_place){ { { 0 } }, STR(SEAL_PROOF_NS), key_id };
}

bool
seal_is_proof(const struct seal_place *place)
{
	static const struct uuid zeros;

	return memcmp(place->workspace.b, zeros.b, sizeof(zeros.b)) == 0 && str_eq(place->ns, STR(SEAL_PROOF_NS));
}

bool
seal_proof(struct seal *s, const struct seal_place *place, char *out, struct md5 *column)
{
	struct md5 md5;

	return digest_md5(STR(""), &md5) && seal_value(s, place, STR(""), &md5, out, column);
}

bool
seal_proves(struct seal *s, const struct seal_place *place, const struct md5 *column, char *stored, size_t n)
{
	struct str id, value;
	struct md5 md5;

	return seal_key_id(bytes(stored, n), &id) && str_eq(id, place->key) &&
	    seal_open(s, place, column, stored, n, &value, &md5) == SEAL_OPENED;
}

bool
seal_has_magic(struct str stored)
{
	return stored.n >= SEAL_MAGIC_SIZE && memcmp(stored.p, SEAL_MAGIC, SEAL_MAGIC_SIZE) == 0;
}

bool
seal_key_id(struct str stored, struct str *id)
{
	if (!seal_has_magic(stored) || stored.n < PREFIX || stored.p[SEAL_MAGIC_SIZE] != ALGORITHM)
		return false;
	*id = str_first(str_skip(stored, PREFIX), (unsigned char)stored.p[SEAL_MAGIC_SIZE + 1]);
	return id->n == (unsigned char)stored.p[SEAL_MAGIC_SIZE + 1] && id->n <= KEYRING_ID_MAX && random_id_ok(*id);
}

bool
seal_is_plain(struct str stored, const struct md5 *column)
{
	struct md5 md5;

	return digest_md5(stored, &md5) && memcmp(md5.b, column->b, sizeof(md5.b)) == 0;
}

bool
seal_looks_sealed(struct str stored, const struct md5 *column)
{
	return seal_has_magic(stored) && (column == NULL || !seal_is_plain(stored, column));
}

/* Opens a value that begins with the magic. */
static enum seal_verdict
open_sealed(struct seal *s, const struct seal_place *place, const struct md5 *column, char *stored, size_t n,
    struct str *value, struct md5 *md5)
{
	const size_t inner = XAES_NONCE_SIZE + sizeof(*md5) + XAES_TAG_SIZE;
	const struct keys *k;
	struct additional a;
	struct str id, header;
	size_t i;

	if (!seal_key_id(bytes(stored, n), &id))
		return SEAL_BROKEN;
	header = bytes(stored, header_size(id.n));
	if (n < header.n + inner)
		return SEAL_BROKEN;
	if (!keyring_find(s->ring, id, &i))
		return SEAL_NO_KEY;
	k = find_keys(s, i, &place->workspace);
	unsigned char *nonce = (unsigned char *)stored + header.n, *text = nonce + XAES_NONCE_SIZE;
	n -= header.n + XAES_NONCE_SIZE + XAES_TAG_SIZE;
	if (k == NULL || !xaes_open(s->xaes, &k->value, nonce, additional_of(&a, header, place, column), text, n))
		return SEAL_BROKEN;
	memcpy(md5->b, text, sizeof(md5->b));
	*value = bytes(text + sizeof(md5->b), n - sizeof(md5->b));
	return SEAL_OPENED;
}

enum seal_verdict
seal_open(struct seal *s, const struct seal_place *place, const struct md5 *column, char *stored, size_t n,
    struct str *value, struct md5 *md5)
{
	enum seal_verdict verdict = SEAL_BROKEN;

	if (seal_has_magic(bytes(stored, n)))
		verdict = open_sealed(s, place, column, stored, n, value, md5);
	if (verdict == SEAL_OPENED)
		return verdict;
	*value = bytes(stored, n);
	*md5 = *column;
	return seal_is_plain(*value, column) ? SEAL_PLAIN : verdict;
}

void
seal_log_refusal(enum seal_verdict verdict, struct str stored)
{
	struct str id;
	struct log_field key = seal_key_id(stored, &id) ? log_text("key_id", id) : log_nothing();

	switch (verdict) {
	case SEAL_OPENED:
		break;
	case SEAL_PLAIN:
		if (seal_has_magic(stored))
			log_event(
			    LOG_ERROR, "a value begins like a sealed one but cannot be opened; it was not sent", key);
		else
			log_event(LOG_ERROR, "a value is not sealed, which HULY_ENCRYPTION_MODE requires");
		break;
	case SEAL_NO_KEY:
		log_event(LOG_ERROR, "a value is sealed with a key that the key ring does not hold", key);
		break;
	case SEAL_BROKEN:
		log_event(LOG_ERROR,
		    "a value does not open: it was changed or moved in the database, or sealed with "
		    "another key of that id",
		    key);
		break;
	}
}
