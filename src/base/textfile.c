/* SPDX-License-Identifier: EPL-2.0 */
#include "base/textfile.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/digest.h"

/* systemd.exec(5), LoadCredential: the directory is the service's alone, whatever the files' modes are. */
static bool
is_credential(const char *path)
{
	struct str directory = str_of(getenv("CREDENTIALS_DIRECTORY")), s = str_of(path);

	return directory.n > 0 && str_starts(s, directory) && str_starts(str_skip(s, directory.n), STR("/")) &&
	    strstr(path + directory.n, "/..") == NULL;
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

/* "\n" or "\r\n", once: an editor puts it there, and it is no part of the secret. */
static void
drop_line_end(struct buf *text)
{
	if (text->n == 0 || text->p[text->n - 1] != '\n')
		return;
	text->n--;
	if (text->n > 0 && text->p[text->n - 1] == '\r')
		text->n--;
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
	if (kind == TEXTFILE_SECRET && (st.st_mode & (S_IRWXG | S_IRWXO)) != 0 && !is_credential(path))
		return "open to others than its owner: chmod 600";
	wrong = read_all(fd, text);
	if (wrong == NULL && kind == TEXTFILE_SECRET)
		drop_line_end(text);
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

void
textfile_forget(struct buf *text)
{
	if (text->p != NULL)
		digest_cleanse(text->p, text->n);
	buf_free(text);
}
