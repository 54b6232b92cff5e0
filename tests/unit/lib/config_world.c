/* SPDX-License-Identifier: EPL-2.0 */
#include "lib/config_world.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#define LOG_FILE "stderr"

static char dir[] = "/tmp/hulykvs-test-XXXXXX";

void
config_world_must(bool done, const char *what)
{
	if (!done)
		tap_bail(what);
}

void
config_world_write(const char *path, struct str text)
{
	FILE *f = fopen(path, "w");

	config_world_must(f != NULL && fwrite(text.p, 1, text.n, f) == text.n && fclose(f) == 0, path);
}

static void
read_log(struct buf *log)
{
	FILE *f = fopen(LOG_FILE, "r");

	config_world_must(f != NULL, LOG_FILE);
	for (int c; (c = getc(f)) != EOF;)
		buf_putc(log, (char)c);
	config_world_must(fclose(f) == 0 && buf_ok(log), LOG_FILE);
}

void
config_world_set(const char *text)
{
	if (text == NULL)
		config_world_must(unlink("etc/config.toml") == 0 || errno == ENOENT, "unlink");
	else
		config_world_write("etc/config.toml", str_of(text));
}

void
config_world_write_secret(struct str text, mode_t mode)
{
	config_world_write(SECRET_FILE, text);
	config_world_must(chmod(SECRET_FILE, mode) == 0, "chmod");
}

void
config_world_load_over(struct config_world_result *r, const struct config_override *overrides)
{
	int saved = dup(STDERR_FILENO);
	int fd = open(LOG_FILE, O_WRONLY | O_CREAT | O_TRUNC | O_APPEND, 0600);

	config_world_must(saved >= 0 && fd >= 0 && dup2(fd, STDERR_FILENO) >= 0, "dup2");
	buf_init(&r->error, 1024);
	buf_init(&r->log, 65536);
	memset(&r->c, 0x5a, sizeof(r->c));
	r->ok = config_load(&r->c, CONFIG_SERVICE, overrides, &r->error);
	if (r->ok)
		config_warn(&r->c);
	config_world_must(dup2(saved, STDERR_FILENO) >= 0 && close(saved) == 0 && close(fd) == 0, "dup2");
	read_log(&r->log);
}

void
config_world_load(struct config_world_result *r)
{
	config_world_load_over(r, NULL);
}

void
config_world_done(struct config_world_result *r)
{
	config_free(&r->c);
	buf_free(&r->error);
	buf_free(&r->log);
}

bool
config_world_says(const struct buf *b, const char *what)
{
	return b->n > 0 && memmem(b->p, b->n, what, strlen(what)) != NULL;
}

void
config_world_open(void)
{
	config_world_must(mkdtemp(dir) != NULL && chdir(dir) == 0 && mkdir("etc", 0700) == 0, "mkdtemp");
}

void
config_world_close(void)
{
	config_world_set(NULL);
	config_world_must(rmdir("etc") == 0 || errno == ENOENT, "etc");
	config_world_must((unlink(LOG_FILE) == 0 || errno == ENOENT) && chdir("/") == 0 && rmdir(dir) == 0, "rmdir");
}
