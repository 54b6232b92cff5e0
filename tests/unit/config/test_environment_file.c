/* SPDX-License-Identifier: EPL-2.0 */
#include "config/environment_file.h"

#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "lib/tap.h"

static char path[64];
static struct buf error;

static bool
load(struct str text)
{
	FILE *f = fopen(path, "w");

	if (f == NULL || fwrite(text.p, 1, text.n, f) != text.n || fclose(f) != 0)
		tap_bail("cannot write the file");
	buf_clear(&error);
	(void)unsetenv("A");
	(void)unsetenv("B");
	return environment_file_load(path, &error);
}

static void
test_values(void)
{
	static const struct {
		const char *text, *a, *b; /* NULL: not set */
	} rows[] = {
		{ "A=1\nB=2\n", "1", "2" },
		{ "A=1\r\nB=2", "1", "2" },
		{ "  A =  x y \t\nB=\n", "x y", "" },
		{ "#A=1\n;A=2\n\n", NULL, NULL },
		{ "# goes on \\\nA=1\nB=2", NULL, "2" },
		{ "A=#1;2\n", "#1;2", NULL },
		{ "A=\"x  y \" \n", "x  y ", NULL },
		{ "A='x\\\"y'\n", "x\\\"y", NULL },
		{ "A=\"x\\\"y\\$z\\n\\\nw\"\n", "x\"y$z\\nw", NULL },
		{ "A=\"x\ny\"\nB=2", "x\ny", "2" },
		{ "A='x'\"y\" 'z'\n", "xyz", NULL },
		{ "A=x'y'\n", "x'y'", NULL },
		{ "A=x\\\ny\nB=a\\ b\\ \n", "xy", "a b " },
		{ "A=1\nA=2\n", "2", NULL },
		{ "A=x=y\n", "x=y", NULL },
		{ "A=$B ${B}\n", "$B ${B}", NULL },
	};

	for (size_t i = 0; i < COUNT(rows); i++) {
		const char *shown = tap_show(str_of(rows[i].text));

		tap_ok(load(str_of(rows[i].text)), "%s", shown);
		tap_text(str_of(getenv("A")), str_of(rows[i].a), "A of it");
		tap_text(str_of(getenv("B")), str_of(rows[i].b), "B of it");
	}
}

static void
test_wrong(void)
{
	static const struct {
		struct str text;
		const char *wrong;
	} rows[] = {
		{ TEXT("A=1\nsecret\n"), ":2: a line that is not NAME=value" },
		{ TEXT("A=1\n\nsecret"), ":3: a line that is not NAME=value" },
		{ TEXT("1A=secret\n"), ":1: a name that no variable can have" },
		{ TEXT("=secret\n"), ":1: a name that no variable can have" },
		{ TEXT("export A=secret\n"), ":1: a name that no variable can have" },
		{ TEXT("A='secret\n"), ":2: a quote that does not end" },
		{ TEXT("A=\"secret\\"), ":1: a quote that does not end" },
		{ TEXT("A=sec\0ret\n"), ":1: a value that holds a NUL, or no memory" },
	};

	for (size_t i = 0; i < COUNT(rows); i++) {
		const char *shown = tap_show(rows[i].text);

		tap_ok(!load(rows[i].text), "%s", shown);
		tap_text(str_skip(buf_str(&error), strlen(path)), str_of(rows[i].wrong), "why");
	}
	(void)unlink(path);
	buf_clear(&error);
	tap_ok(!environment_file_load(path, &error) && error.n > strlen(path), "a file that is not there");
}

int
main(void)
{
	buf_init(&error, 4096);
	(void)snprintf(path, sizeof(path), "/tmp/hkv-environment.%ld", (long)getpid());
	test_values();
	test_wrong();
	buf_free(&error);
	return tap_end();
}
