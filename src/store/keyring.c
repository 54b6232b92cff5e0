/* SPDX-License-Identifier: EPL-2.0 */
#include "store/keyring.h"

#include "base/random_id.h"
#include "base/secret.h"
#include "base/textfile.h"
#include "codec/base64url.h"

#define KEY_DIGITS 44 /* of base64, with the padding */

void
keyring_free(struct keyring *r)
{
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

/* The alphabet of RFC 4648 4 is turned into that of RFC 4648 5, which base64url_decode() reads. */
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
	for (unsigned number = 1; text.p != NULL; number++) {
		const char *wrong = take_key_line(r, textfile_next_line(&text, number));

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
	const char *wrong = textfile_read(path, TEXTFILE_PRIVATE, &text);
	bool ok;

	buf_printf(error, "%s: ", path);
	ok = r != NULL && wrong == NULL && take_key_lines(r, buf_str(&text), error);
	if (r == NULL || wrong != NULL)
		buf_puts(error, wrong != NULL ? str_of(wrong) : STR("out of memory"));
	textfile_forget(&text);
	if (ok)
		return r;
	keyring_free(r);
	return NULL;
}
