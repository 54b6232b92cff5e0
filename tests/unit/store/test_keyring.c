/* SPDX-License-Identifier: EPL-2.0 */
#include "store/keyring.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "lib/tap.h"

#define KEY_A "AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8="
#define KEY_B "//79/Pv6+fj39vX08/Lx8O/u7ezr6uno5+bl5OPi4eA="

static char path[64];

static struct keyring *
load(const char *text, mode_t mode, struct buf *error)
{
	int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);

	if (fd < 0 || write(fd, text, strlen(text)) != (ssize_t)strlen(text) || fchmod(fd, mode) < 0 || close(fd) < 0)
		tap_bail("cannot write a key file");
	buf_clear(error);
	return keyring_load(path, error);
}

/* Every complaint begins with the path. */
static struct str
after_path(const struct buf *error)
{
	return str_starts(buf_str(error), str_of(path)) ? str_skip(buf_str(error), strlen(path) + 2) : STR_ABSENT;
}

static void
test_good(struct buf *error)
{
	static const char *const texts[] = {
		"a " KEY_A "\nb " KEY_B "\n",
		"a " KEY_A "\nb " KEY_B,
		"# keys\n\n a\t" KEY_A " \n  \n#b x\nb   " KEY_B "\n\n",
	};

	for (size_t i = 0; i < COUNT(texts); i++) {
		struct keyring *r = load(texts[i], 0600, error);
		size_t b;

		if (!tap_ok(r != NULL, "file %zu is a key ring", i))
			continue;
		tap_int(r->n, 2, "with two keys");
		tap_text(keyring_id(r, 0), STR("a"), "of which a is the first");
		tap_ok(r->key[0].secret[0] == 0 && r->key[0].secret[31] == 31, "as it was written");
		tap_ok(keyring_find(r, STR("b"), &b) && r->key[b].secret[0] == 0xff && r->key[b].secret[31] == 0xe0,
		    "and so was b");
		tap_ok(!keyring_find(r, STR("c"), &b), "there is no c");
		keyring_free(r);
	}
}

static void
test_bad(struct buf *error)
{
	static const struct {
		const char *text, *why;
	} rows[] = {
		{ "", "holds no key" },
		{ "# a " KEY_A "\n", "holds no key" },
		{ "a\n", "line 1: not a line of the form: id key" },
		{ KEY_A "\n", "line 1: not a line of the form: id key" },
		{ "\na " KEY_A "\na " KEY_B "\n", "line 3: an id that stands above already" },
		{ "12345678901234567 " KEY_A "\n", "line 1: an id is 1 to 16 letters, digits and ._-" },
		{ "a/b " KEY_A "\n", "line 1: an id is 1 to 16 letters, digits and ._-" },
		{ "a AAECAwQ=\n", "line 1: a key is 32 bytes in base64" },
		{ "a AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8\n", "line 1: a key is 32 bytes in base64" },
		{ "a AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh9=\n", "line 1: a key is 32 bytes in base64" },
		{ "a __79_Pv6-fj39vX08_Lx8O_u7ezr6uno5-bl5OPi4eA=\n", "line 1: a key is 32 bytes in base64" },
		{ "a " KEY_A " more\n", "line 1: a key is 32 bytes in base64" },
	};

	for (size_t i = 0; i < COUNT(rows); i++) {
		struct keyring *r = load(rows[i].text, 0600, error);

		tap_ok(r == NULL, "file %zu is no key ring", i);
		tap_text(after_path(error), str_of(rows[i].why), "and why");
		keyring_free(r);
	}
}

static void
test_many(struct buf *error)
{
	char text[32 * 64] = "";
	size_t n = 0;
	struct keyring *r;

	for (int i = 0; i < KEYRING_KEYS; i++)
		n += (size_t)snprintf(text + n, sizeof(text) - n, "k%d " KEY_A "\n", i);
	r = load(text, 0600, error);
	tap_ok(r != NULL && r->n == KEYRING_KEYS, "as many keys as there may be");
	keyring_free(r);
	(void)snprintf(text + n, sizeof(text) - n, "more " KEY_A "\n");
	tap_ok(load(text, 0600, error) == NULL, "one more");
	tap_text(after_path(error), STR("line 17: more than 16 keys"), "and why");
}

static void
test_access(struct buf *error)
{
	static const mode_t modes[] = { 0604, 0620, 0601, 0660 };
	struct keyring *r;

	for (size_t i = 0; i < COUNT(modes); i++) {
		tap_ok(load("a " KEY_A "\n", modes[i], error) == NULL, "mode %04o is refused", (unsigned)modes[i]);
		tap_text(after_path(error), STR("open to others than its owner: chmod 600"), "and why");
	}
	r = load("\xef\xbb\xbf"
		 "a " KEY_A "\r\n"
		 "b " KEY_B "\r\n",
	    0400, error);
	tap_ok(r != NULL && r->n == 2, "a byte order mark and line ends of another system");
	keyring_free(r);
	r = load("a " KEY_A "\n", 0400, error);
	tap_ok(r != NULL, "mode 0400 is fine");
	keyring_free(r);
	(void)setenv("CREDENTIALS_DIRECTORY", "/tmp", 1);
	r = load("a " KEY_A "\n", 0440, error);
	tap_ok(r != NULL, "a credential may be its group's");
	keyring_free(r);
	(void)unsetenv("CREDENTIALS_DIRECTORY");
	buf_clear(error);
	tap_ok(keyring_load("/nowhere/keys", error) == NULL && error->n > 0, "a file that is not there");
	tap_ok(keyring_load("/tmp", error) == NULL, "a directory");
}

int
main(void)
{
	struct buf error;

	buf_init(&error, 4096);
	(void)snprintf(path, sizeof(path), "/tmp/hkv-keyring.%ld", (long)getpid());
	test_good(&error);
	test_bad(&error);
	test_many(&error);
	test_access(&error);
	(void)unlink(path);
	buf_free(&error);
	return tap_end();
}
