/* SPDX-License-Identifier: EPL-2.0 */
#include "client/outfile.h"

#include <errno.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/base.h"

/* What ends the process while its file is not complete: from a terminal, or by kill. */
static const int endings[] = { SIGINT, SIGTERM, SIGHUP, SIGQUIT };

/* The temporary file that such a signal removes; NULL: none.  Changed only while the signals are blocked. */
static const char *volatile unfinished;

/* Does only what a handler may (signal-safety(7)).  The signal has its default action again, and comes at once. */
static void
remove_and_end(int number)
{
	if (unfinished != NULL)
		(void)unlink(unfinished);
	(void)raise(number);
}

static void
block_endings(sigset_t *old)
{
	sigset_t set;

	(void)sigemptyset(&set);
	for (size_t i = 0; i < ARRAY_SIZE(endings); i++)
		(void)sigaddset(&set, endings[i]);
	(void)sigprocmask(SIG_BLOCK, &set, old);
}

/* A signal that is ignored (nohup) stays so. */
static void
catch_endings(void)
{
	struct sigaction old, action = { .sa_handler = remove_and_end, .sa_flags = (int)SA_RESETHAND | SA_NODEFER };

	(void)sigemptyset(&action.sa_mask);
	for (size_t i = 0; i < ARRAY_SIZE(endings); i++)
		if (sigaction(endings[i], NULL, &old) == 0 && old.sa_handler == SIG_DFL)
			(void)sigaction(endings[i], &action, NULL);
}

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

/* The mode of the file that is replaced (NULL: none is), and its owner as far as we may: nobody else can read the new one. */
static void
take_mode(int fd, const struct stat *old)
{
	mode_t mode = old != NULL ? old->st_mode & 0777 : usual_mode();

	if (old != NULL && fchown(fd, old->st_uid, old->st_gid) != 0 && fchown(fd, (uid_t)-1, old->st_gid) != 0)
		mode &= ~(mode_t)070; /* it has another group */
	(void)fchmod(fd, mode);       /* a file system without modes: then it is as mkstemp() made it, for us alone */
}

/* Makes the temporary file, which a signal removes from then on.  -1: errno says why. */
static int
make_temporary(char *name)
{
	sigset_t old;
	int fd;

	block_endings(&old);
	fd = mkstemp(name);
	if (fd >= 0) {
		unfinished = name;
		catch_endings();
	}
	(void)sigprocmask(SIG_SETMASK, &old, NULL);
	return fd;
}

/* The temporary file becomes the target, or goes.  false: errno says why, and it is gone. */
static bool
end_temporary(struct outfile *o, bool keep)
{
	sigset_t old;
	bool kept = false;
	int number;

	block_endings(&old);
	if (keep && o->temporary != NULL)
		kept = rename(o->temporary, o->target) == 0;
	number = errno;
	if (!kept && o->temporary != NULL)
		(void)unlink(o->temporary);
	unfinished = NULL;
	(void)sigprocmask(SIG_SETMASK, &old, NULL);
	free(o->temporary);
	free(o->target);
	o->temporary = o->target = NULL;
	errno = number;
	return kept;
}

/* The file that the path leads to, also through symbolic links.  NULL: errno says why. */
static char *
find_target(const char *path, bool there)
{
	struct stat st;

	if (there || lstat(path, &st) == 0)
		return realpath(path, NULL); /* fails for a link to nowhere */
	return strdup(path);
}

/* old: of the file that is there; NULL: none is. */
static FILE *
open_beside(struct outfile *o, const struct stat *old)
{
	size_t n;
	int fd;

	o->target = find_target(o->path, old != NULL);
	if (o->target == NULL)
		return NULL;
	n = strlen(o->target) + sizeof(".XXXXXX");
	o->temporary = malloc(n);
	if (o->temporary == NULL)
		return NULL;
	(void)snprintf(o->temporary, n, "%s.XXXXXX", o->target);
	fd = make_temporary(o->temporary);
	if (fd < 0) {
		free(o->temporary);
		o->temporary = NULL;
		return NULL;
	}
	take_mode(fd, old);
	return fdopen(fd, "w");
}

bool
outfile_open(struct outfile *o, const char *path, struct buf *error)
{
	struct stat st;
	bool there, ok;

	*o = (struct outfile){ .f = stdout, .path = path };
	if (path == NULL)
		return true;
	there = stat(path, &st) == 0;
	o->f = there && !S_ISREG(st.st_mode) ? fopen(path, "we") : open_beside(o, there ? &st : NULL);
	ok = o->f != NULL || fail_output(error, path, errno);
	if (!ok)
		(void)end_temporary(o, false);
	return ok;
}

void
outfile_put(struct outfile *o, struct str s)
{
	/* A failure is remembered in the stream; outfile_close() asks for it. */
	(void)fwrite(s.p, 1, s.n, o->f);
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
	if (o->temporary != NULL && !end_temporary(o, ok) && ok) {
		number = errno;
		ok = false;
	}
	return ok || fail_output(error, o->path, number);
}

void
outfile_abandon(struct outfile *o)
{
	if (o->path != NULL)
		(void)fclose(o->f);
	else
		(void)fflush(o->f);
	(void)end_temporary(o, false);
}
