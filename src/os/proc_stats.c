/* SPDX-License-Identifier: EPL-2.0 */
#include "os/proc_stats.h"

#include <dirent.h>
#include <stdio.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <time.h>
#include <unistd.h>

#include "base/clock.h"

static void
read_memory(struct proc_stats *p)
{
	uint64_t page = (uint64_t)sysconf(_SC_PAGESIZE);
	unsigned long size, resident;
	FILE *f = fopen("/proc/self/statm", "re");

	if (f == NULL)
		return;
	if (fscanf(f, "%lu %lu", &size, &resident) == 2) {
		p->size = size * page;
		p->resident = resident * page;
	}
	(void)fclose(f);
}

/* Start of the process in ticks since the machine started: field 22 of stat.  The name before it may hold any byte. */
static int64_t
started_ticks(void)
{
	char line[1024];
	unsigned long long ticks = 0;
	FILE *f = fopen("/proc/self/stat", "re");
	size_t n;
	char *at;

	if (f == NULL)
		return 0;
	n = fread(line, 1, sizeof(line) - 1, f);
	(void)fclose(f);
	line[n] = '\0';
	at = strrchr(line, ')');
	for (int field = 2; at != NULL && field < 22; field++)
		at = strchr(at + 1, ' ');
	if (at == NULL || sscanf(at, "%llu", &ticks) != 1)
		return 0;
	return (int64_t)ticks;
}

/* Computed once: the clocks drift apart, and a start time that changes would look like a restart. */
static int64_t
started(void)
{
	static _Atomic int64_t known;
	struct timespec up;
	int64_t ticks, hertz = sysconf(_SC_CLK_TCK);

	if (known != 0)
		return known;
	ticks = started_ticks();
	if (ticks == 0 || hertz <= 0 || clock_gettime(CLOCK_BOOTTIME, &up) != 0)
		return 0;
	known = clock_wall() - up.tv_sec + ticks / hertz;
	return known;
}

static uint64_t
count_fds(void)
{
	DIR *d = opendir("/proc/self/fd");
	uint64_t n = 0;

	if (d == NULL)
		return 0;
	while (readdir(d) != NULL)
		n++;
	(void)closedir(d);
	return n > 3 ? n - 3 : 0; /* without ".", ".." and the directory's own descriptor */
}

void
proc_stats_read(struct proc_stats *p)
{
	struct timespec cpu;
	struct rlimit fds;

	memset(p, 0, sizeof(*p));
	if (clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &cpu) == 0)
		p->cpu = cpu.tv_sec * CLOCK_S + cpu.tv_nsec;
	if (getrlimit(RLIMIT_NOFILE, &fds) == 0)
		p->max_fds = fds.rlim_cur;
	read_memory(p);
	p->open_fds = count_fds();
	p->started = started();
}

void
proc_stats_hide(void)
{
	const struct rlimit none = { 0, 0 };

	/* Neither can fail: a process may always give up these rights. */
	(void)prctl(PR_SET_DUMPABLE, 0, 0, 0, 0);
	(void)setrlimit(RLIMIT_CORE, &none);
}
