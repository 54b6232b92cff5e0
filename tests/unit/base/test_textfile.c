/* SPDX-License-Identifier: EPL-2.0 */
#include "base/textfile.h"

#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "lib/tap.h"

#define US   65534 /* whom the program runs as in this test, with a group of that number */
#define THEM 65533

static char path[64];

static void
must(bool ok, const char *what)
{
	if (!ok)
		tap_bail(what);
}

static void
write_file(struct str text, uid_t owner, mode_t mode)
{
	FILE *f = fopen(path, "w");

	must(f != NULL && fwrite(text.p, 1, text.n, f) == text.n && fclose(f) == 0, "write");
	must(chown(path, owner, US) == 0 && chmod(path, mode) == 0, "chown, chmod");
}

#define WRITABLE "others than its owner can write it: chmod o-w"
#define FOREIGN  "belongs neither to root nor to the user that the program runs as: chown"
#define SHARED   "open to others than its owner: chmod 600"

static const struct {
	enum textfile_kind kind;
	uid_t owner;
	mode_t mode;
	const char *wrong;
} rows[] = {
	/* As Kubernetes mounts a secret with fsGroup, and as a package installs it. */
	{ TEXTFILE_SECRET, 0, 0440, NULL },
	{ TEXTFILE_PRIVATE, 0, 0640, NULL },
	{ TEXTFILE_SECRET, US, 0600, NULL },
	{ TEXTFILE_SECRET, US, 0400, NULL },
	{ TEXTFILE_SECRET, US, 0440, SHARED },
	{ TEXTFILE_PRIVATE, US, 0640, SHARED },
	{ TEXTFILE_SECRET, 0, 0444, SHARED },
	{ TEXTFILE_SECRET, 0, 0660, SHARED },
	{ TEXTFILE_SECRET, US, 0620, SHARED },
	{ TEXTFILE_SECRET, THEM, 0640, FOREIGN },
	{ TEXTFILE_PRIVATE, THEM, 0440, FOREIGN },
	{ TEXTFILE_OPEN, 0, 0644, NULL },
	{ TEXTFILE_OPEN, US, 0664, NULL },
	{ TEXTFILE_OPEN, US, 0646, WRITABLE },
	{ TEXTFILE_OPEN, 0, 0666, WRITABLE },
	{ TEXTFILE_OPEN, THEM, 0644, FOREIGN },
};

static void
test_access(void)
{
	if (geteuid() != 0) {
		tap_ok(true, "owners # SKIP only root can give a file away");
		return;
	}
	for (size_t i = 0; i < COUNT(rows); i++) {
		const char *wrong;
		struct buf text;

		write_file(STR("text\n"), rows[i].owner, rows[i].mode);
		must(setegid(US) == 0 && seteuid(US) == 0, "seteuid");
		wrong = textfile_read(path, rows[i].kind, &text);
		must(seteuid(0) == 0 && setegid(0) == 0, "seteuid");
		tap_text(str_of(wrong), str_of(rows[i].wrong), "kind %d, owner %d, mode %04o", (int)rows[i].kind,
		    (int)rows[i].owner, (unsigned)rows[i].mode);
		textfile_forget(&text);
	}
}

static void
test_lines(void)
{
	struct str text = STR("\xef\xbb\xbf"
			      "a\r\n\nb\r\xef\xbb\xbf");

	tap_text(textfile_next_line(&text, 1), STR("a"), "without byte order mark and CRLF");
	tap_text(textfile_next_line(&text, 2), STR(""), "an empty line");
	tap_text(textfile_next_line(&text, 3), STR("b\r\xef\xbb\xbf"), "neither within a line");
	tap_ok(text.p == NULL, "there is no other line");
}

int
main(void)
{
	(void)snprintf(path, sizeof(path), "/tmp/hkv-textfile.%ld", (long)getpid());
	test_access();
	test_lines();
	(void)unlink(path);
	return tap_end();
}
