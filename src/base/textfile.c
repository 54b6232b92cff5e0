/* SPDX-License-Identifier: EPL-2.0 */
#include "base/textfile.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/digest.h"

#define BYTE_ORDER_MARK "\xef\xbb\xbf"

static bool
is_below(const char *path, struct str directory)
{
	struct str s = str_of(path);

	return directory.n > 0 && str_starts(s, directory) && str_starts(str_skip(s, directory.n), STR("/")) &&
	    strstr(path + directory.n, "/..") == NULL;
}

/* NULL, or what is wrong with owner or mode. */
static const char *
check_access(const struct stat *st, const char *path, enum textfile_kind kind)
{
	mode_t write = kind == TEXTFILE_OPEN ? S_IWOTH : S_IWGRP | S_IWOTH;
	mode_t closed = kind == TEXTFILE_OPEN ? 0 : st->st_uid == 0 ? S_IRWXO : S_IRWXG | S_IRWXO;

	/* systemd.exec(5), LoadCredential: the directory is the service's alone. */
	if (is_below(path, str_of(getenv("CREDENTIALS_DIRECTORY"))))
		return NULL;
	if ((st->st_mode & write) != 0 && kind == TEXTFILE_OPEN)
		return "others than its owner can write it: chmod o-w";
	if ((st->st_mode & write) == 0 && is_below(path, STR("/run/secrets")))
		return NULL;
	if (st->st_uid != 0 && st->st_uid != geteuid())
		return "belongs neither to root nor to the user that the program runs as: chown";
	return (st->st_mode & (write | closed)) != 0 ? "open to others than its owner: chmod 600" : NULL;
}

static const char *
read_all(int fd, struct buf *text)
{
	char *p = buf_reserve(text, TEXTFILE_MAX);
	ssize_t n;

	if (p == NULL)
		return "out of memory";
	while ((n = read(fd, p + text->n, TEXTFILE_MAX - text->n)) > 0)
		buf_grew(text, (size_t)n);
	if (n < 0)
		return strerror(errno);
	errno = 0;
	return text->n < TEXTFILE_MAX ? NULL : "256 KiB or longer";
}

/* The LF that an editor puts after the line is no part of the secret; whatever else it puts there is refused. */
static const char *
trim_secret(struct buf *text)
{
	if (str_starts(buf_str(text), STR(BYTE_ORDER_MARK)))
		return "begins with a byte order mark: save it without one";
	if (text->n > 0 && text->p[text->n - 1] == '\n')
		text->n--;
	if (text->n > 0 && memchr(text->p, '\n', text->n) != NULL)
		return "has more than one line";
	if (text->n > 0 && text->p[text->n - 1] == '\r')
		return "ends with a carriage return: save it with LF as the end of the line";
	return NULL;
}

static const char *
check_and_read(int fd, const char *path, enum textfile_kind kind, struct buf *text)
{
	const char *wrong;
	struct stat st;

	if (fstat(fd, &st) < 0)
		return strerror(errno);
	errno = 0;
	if (S_ISDIR(st.st_mode))
		return strerror(EISDIR);
	if (!S_ISREG(st.st_mode))
		return "not a regular file";
	wrong = check_access(&st, path, kind);
	if (wrong == NULL)
		wrong = read_all(fd, text);
	if (wrong == NULL && kind == TEXTFILE_SECRET)
		wrong = trim_secret(text);
	return wrong;
}

const char *
textfile_read(const char *path, enum textfile_kind kind, struct buf *text)
{
	/* Non-blocking: to open a FIFO would wait for a writer. */
	int fd = open(path, O_RDONLY | O_CLOEXEC | O_NOCTTY | O_NONBLOCK), error;
	const char *wrong;

	buf_init(text, TEXTFILE_MAX);
	if (fd < 0)
		return strerror(errno);
	wrong = check_and_read(fd, path, kind, text);
	error = errno;
	(void)close(fd);
	errno = error;
	return wrong;
}

struct str
textfile_next_line(struct str *text, unsigned number)
{
	struct str line;

	(void)str_cut(*text, '\n', &line, text);
	if (line.n > 0 && line.p[line.n - 1] == '\r')
		line.n--;
	return number == 1 && str_starts(line, STR(BYTE_ORDER_MARK)) ? str_skip(line, strlen(BYTE_ORDER_MARK)) : line;
}

void
textfile_forget(struct buf *text)
{
	if (text->p != NULL)
		digest_cleanse(text->p, text->n);
	buf_free(text);
}
