/* SPDX-License-Identifier: EPL-2.0 */
/*
 * proc_stats: figures of this process for its metrics (proc(5)), and the switch
 * that hides its memory from others.
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

/* A figure that cannot be read is 0. */
void proc_stats_read(struct proc_stats *p);

/* For the secrets in memory: no core file after a crash, no debugger of the same user (PR_SET_DUMPABLE, RLIMIT_CORE). */
void proc_stats_hide(void);

#endif
