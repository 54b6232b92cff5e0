/* SPDX-License-Identifier: EPL-2.0 */
#include "client/infile.h"

#include <errno.h>
#include <fcntl.h>
#include <unistd.h>

#define READ_SIZE ((size_t)64 * 1024)

static bool
read_descriptor(int fd, struct buf *content)
{
	ssize_t n;

	do {
		char *p = buf_reserve(content, READ_SIZE);

		if (p == NULL) {
			errno = EFBIG;
			return false;
		}
		n = read(fd, p, READ_SIZE);
		if (n > 0)
			buf_grew(content, (size_t)n);
	} while (n > 0 || (n < 0 && errno == EINTR));
	return n == 0;
}

const char *
infile_name(const char *path)
{
	return path != NULL ? path : "standard input";
}

static void
put_errno(struct buf *error, const char *path)
{
	buf_printf(error, "%s: %s", infile_name(path), strerror(errno));
}

int
infile_open(const char *path, struct buf *error)
{
	int fd = path != NULL ? open(path, O_RDONLY | O_CLOEXEC | O_NOCTTY) : STDIN_FILENO;

	if (fd < 0)
		put_errno(error, path);
	return fd;
}

void
infile_close(int fd)
{
	if (fd != STDIN_FILENO)
		(void)close(fd);
}

enum exitstatus
infile_read(const char *path, struct buf *content, struct buf *error)
{
	int fd = infile_open(path, error);
	bool ok;

	if (fd < 0)
		return EXITSTATUS_USAGE;
	ok = read_descriptor(fd, content);
	if (!ok)
		put_errno(error, path);
	infile_close(fd);
	return ok ? EXITSTATUS_DONE : EXITSTATUS_USAGE;
}
