/* SPDX-License-Identifier: EPL-2.0 */
#include "pg/array.h"

#include <arpa/inet.h>
#include <assert.h>

#define COUNT_AT 12 /* after the number of dimensions, the flags and the element type */

static void
put_int32(struct buf *b, uint32_t n)
{
	uint32_t big = htonl(n);

	buf_put(b, &big, sizeof(big));
}

/* Dimensions, flags, element type; length and lower bound of the one dimension. */
void
array_begin(struct buf *b, enum array_element element, size_t n)
{
	put_int32(b, n > 0 ? 1 : 0);
	put_int32(b, 0);
	put_int32(b, element);
	if (n > 0) {
		put_int32(b, (uint32_t)n);
		put_int32(b, 1);
	}
}

void
array_put(struct buf *b, const void *p, size_t n)
{
	put_int32(b, (uint32_t)n);
	buf_put(b, p, n);
}

void
array_put_null(struct buf *b)
{
	put_int32(b, UINT32_MAX);
}

void
array_set_count(struct buf *b, size_t n)
{
	uint32_t big = htonl((uint32_t)n);

	if (!buf_ok(b))
		return;
	assert(n > 0 && b->n >= COUNT_AT + sizeof(big));
	memcpy(b->p + COUNT_AT, &big, sizeof(big));
}
