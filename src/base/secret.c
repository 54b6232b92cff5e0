/* SPDX-License-Identifier: EPL-2.0 */
#include "base/secret.h"

#include <string.h>
#include <sys/mman.h>

void *
secret_new(size_t n)
{
	void *p = mmap(NULL, n, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	if (p == MAP_FAILED)
		return NULL;
	/* Both are extra protection; where the system refuses them, the memory is used without. */
	(void)mlock(p, n);
	(void)madvise(p, n, MADV_DONTDUMP);
	return p;
}

void
secret_free(void *p, size_t n)
{
	if (p == NULL)
		return;
	explicit_bzero(p, n);
	(void)munmap(p, n);
}
