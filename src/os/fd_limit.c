/* SPDX-License-Identifier: EPL-2.0 */
#include "os/fd_limit.h"

#include <sys/resource.h>

unsigned
fd_limit_raise(void)
{
	struct rlimit limit = { 0, 0 };

	(void)getrlimit(RLIMIT_NOFILE, &limit);
	if (limit.rlim_cur < limit.rlim_max && limit.rlim_cur < FD_LIMIT_MOST) {
		struct rlimit raised = limit;

		raised.rlim_cur = limit.rlim_max < FD_LIMIT_MOST ? limit.rlim_max : FD_LIMIT_MOST;
		if (setrlimit(RLIMIT_NOFILE, &raised) == 0)
			limit = raised;
	}
	return limit.rlim_cur < FD_LIMIT_MOST ? (unsigned)limit.rlim_cur : FD_LIMIT_MOST;
}
