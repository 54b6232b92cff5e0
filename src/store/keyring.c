/* SPDX-License-Identifier: EPL-2.0 */
#include "store/keyring.h"

#include <pthread.h>
#include <stdatomic.h>

#include "base/random_id.h"
#include "base/secret.h"
#include "base/textfile.h"
#include "codec/base64url.h"

#define KEY_DIGITS 44 /* of base64, with the padding */

static struct {
	pthread_mutex_t lock;
	struct keyring *ring;
	_Atomic unsigned turn;
} current = { .lock = PTHREAD_MUTEX_INITIALIZER };

struct keyring *
keyring_hold(struct keyring *r)
{
	(void)atomic_fetch_add_explicit(&r->holders, 1, memory_order_relaxed);
	return r;
}

void
keyring_drop(struct keyring *r)
{
	if (r != NULL && atomic_fetch_sub_explicit(&r->holders, 1, memory_order_acq_rel) == 1)
		secret_free(r, sizeof(*r));
}

bool
keyring_find(const struct keyring *r, struct str id, size_t *i)
{
	for (*i = 0; *i < r->n; (*i)++)
		if (str_eq(keyring_id(r, *i), id))
			return true;
	return false;
}

void
keyring_publish(struct keyring *r)
{
	struct keyring *old;

	(void)pthread_mutex_lock(&current.lock);
	old = current.ring;
	current.ring = r;
	(void)pthread_mutex_unlock(&current.lock);
	(void)atomic_fetch_add(&current.turn, 1);
	keyring_drop(old);
}

struct keyring *
keyring_current(void)
{
	struct keyring *r;

	(void)pthread_mutex_lock(&current.lock);
	r = current.ring != NULL ? keyring_hold(current.ring) : NULL;
	(void)pthread_mutex_unlock(&current.lock);
	return r;
}

unsigned
keyring_turn(void)
{
	return atomic_load_explicit(&current.turn, memory_order_acquire);
}

/* RFC 4648 4 into RFC 4648 5, which there is a room for. */
static bool
decode_key(struct str text, unsigned char out[KEYRING_KEY_SIZE])
{
	char digits[KEY_DIGITS - 1];
	size_t n = 0;
	bool ok = text.n == KEY_DIGITS && text.p[KEY_DIGITS - 1] == '=';

	for (size_t i = 0; ok && i < sizeof(digits); i++) {
		char c = text.p[i];

		ok = c != '-' && c != '_';
		digits[i] = c == '+' ? '-' : c == '/' ? '_' : c;
	}
	ok = ok && base64url_decode(str_from(digits, sizeof(digits)), out, KEYRING_KEY_SIZE, &n) &&
	    n == KEYRING_KEY_SIZE;
	explicit_bzero(digits, sizeof(digits));
	return ok;
}

/* One line; what is wrong with it, NULL: nothing. */
static const char *
take_key_line(struct keyring *r, struct str line)
{
	struct keyring_key *key = &r->key[r->n];
	struct str id;
	size_t n = 0, same;

	line = str_trim(line);
	if (line.n == 0 || line.p[0] == '#')
		return NULL;
	if (r->n == KEYRING_KEYS)
		return "more than 16 keys";
	while (n < line.n && line.p[n] != ' ' && line.p[n] != '\t')
		n++;
	if (n == line.n)
		return "not a line of the form: id key";
	id = str_first(line, n);
	if (!random_id_ok(id) || id.n > KEYRING_ID_MAX)
		return "an id is 1 to 16 letters, digits and ._-";
	if (keyring_find(r, id, &same))
		return "an id that stands above already";
	if (!decode_key(str_trim(str_skip(line, n)), key->secret))
		return "a key is 32 bytes in base64";
	memcpy(key->id_text, id.p, id.n);
	key->id_n = id.n;
	r->n++;
	return NULL;
}

static bool
take_key_lines(struct keyring *r, struct str text, struct buf *error)
{
	struct str line;

	for (unsigned number = 1; text.p != NULL; number++) {
		(void)str_cut(text, '\n', &line, &text);
		const char *wrong = take_key_line(r, line);
		if (wrong != NULL) {
			buf_printf(error, "line %u: %s", number, wrong);
			return false;
		}
	}
	if (r->n == 0)
		buf_puts(error, STR("holds no key"));
	return r->n > 0;
}

struct keyring *
keyring_load(const char *path, struct buf *error)
{
	struct keyring *r = secret_new(sizeof(*r));
	struct buf text;
	const char *wrong = textfile_read(path, TEXTFILE_SECRET, &text);
	bool ok;

	buf_printf(error, "%s: ", path);
	ok = r != NULL && wrong == NULL && take_key_lines(r, buf_str(&text), error);
	if (r == NULL || wrong != NULL)
		buf_puts(error, wrong != NULL ? str_of(wrong) : STR("out of memory"));
	textfile_forget(&text);
	if (ok)
		return keyring_hold(r);
	secret_free(r, sizeof(*r));
	return NULL;
}
