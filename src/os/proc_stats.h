/* SPDX-License-Identifier: EPL-2.0 */
/*
 * process: what the kernel tells about this process (proc(5)), and whom it
 * tells.
 */
#ifndef HULYKVS_PROC_STATS_H
#define HULYKVS_PROC_STATS_H

#include <stdint.h>

struct proc_stats {
	int64_t cpu;             /* nanoseconds, of all threads */
	uint64_t resident, size; /* bytes of memory, and of address space */
	uint64_t open_fds, max_fds;
	int64_t started; /* seconds since the epoch */
};

/* Fills in what it can; the rest is 0. */
void proc_stats_read(struct proc_stats *p);

/* A crash leaves no core, and no debugger of the same user attaches (PR_SET_DUMPABLE, RLIMIT_CORE): memory holds secrets. */
void proc_stats_hide(void);

#endif
