/* SPDX-License-Identifier: EPL-2.0 */
#include "client/outfile.h"

#include <errno.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

static bool
fail_output(struct buf *error, const char *path, int number)
{
	buf_printf(error, "%s: %s", path != NULL ? path : "standard output", strerror(number));
	return false;
}

/* The mode that a new file of this process gets. */
static mode_t
usual_mode(void)
{
	mode_t mask = umask(0);

	(void)umask(mask);
	return 0666 & ~mask;
}

static int
open_beside(struct outfile *o)
{
	size_t n = strlen(o->path) + sizeof(".XXXXXX");
	int fd;

	o->temporary = malloc(n);
	if (o->temporary == NULL)
		return -1;
	(void)snprintf(o->temporary, n, "%s.XXXXXX", o->path);
	fd = mkstemp(o->temporary);
	if (fd < 0) {
		free(o->temporary);
		o->temporary = NULL;
	} else {
		(void)fchmod(fd, usual_mode());
	}
	return fd;
}

bool
outfile_open(struct outfile *o, const char *path, struct buf *error)
{
	struct stat st;

	*o = (struct outfile){ .f = stdout, .path = path };
	if (path == NULL)
		return true;
	if (stat(path, &st) == 0 && !S_ISREG(st.st_mode)) {
		o->f = fopen(path, "we");
	} else {
		int fd = open_beside(o);

		o->f = fd >= 0 ? fdopen(fd, "w") : NULL;
	}
	return o->f != NULL || fail_output(error, path, errno);
}

void
outfile_put(struct outfile *o, struct str s)
{
	/* A failure is remembered in the stream; outfile_close() asks for it. */
	(void)fwrite(s.p, 1, s.n, o->f);
}

static void
remove_temporary(struct outfile *o)
{
	if (o->temporary != NULL) {
		(void)unlink(o->temporary);
		free(o->temporary);
		o->temporary = NULL;
	}
}

/* false: errno says why. */
static bool
finish_stream(struct outfile *o)
{
	bool failed = ferror(o->f) != 0;

	errno = failed ? EIO : 0; /* of an earlier write only this is known */
	if (fflush(o->f) != 0 || failed)
		return false;
	return o->temporary == NULL || fsync(fileno(o->f)) == 0;
}

bool
outfile_close(struct outfile *o, struct buf *error)
{
	bool ok = finish_stream(o);
	int number = errno;

	if (o->path != NULL && fclose(o->f) != 0 && ok) {
		number = errno;
		ok = false;
	}
	if (ok && o->temporary != NULL && rename(o->temporary, o->path) != 0) {
		number = errno;
		ok = false;
	}
	if (ok) {
		free(o->temporary);
		return true;
	}
	remove_temporary(o);
	return fail_output(error, o->path, number);
}

void
outfile_abandon(struct outfile *o)
{
	if (o->path != NULL)
		(void)fclose(o->f);
	else
		(void)fflush(o->f);
	remove_temporary(o);
}
