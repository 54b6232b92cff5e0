/* SPDX-License-Identifier: EPL-2.0 */
#include "store/sealed_op.h"

#include <stdlib.h>

/* Writes every form that the column md5 may have for the tags. */
static bool
put_columns(struct seal *seal, const struct store_op *op, bool plain, struct md5 *out)
{
	struct seal_place place = { op->workspace, op->ns, op->key };

	for (size_t i = 0; i < op->tag_count; i++) {
		for (size_t key = 0; key < seal_ring(seal)->n; key++)
			if (!seal_column(seal, key, &place, &op->tags[i], out++))
				return false;
		if (plain)
			*out++ = op->tags[i];
	}
	return true;
}

bool
sealed_op_make(struct seal *seal, struct store_op *op, bool seals, bool plain, void **memory)
{
	struct seal_place place = { op->workspace, op->ns, op->key };
	struct md5 md5 = op->md5;
	size_t size = seals ? seal_size(seal, op->value.n) : 0;
	size_t tags = op->tag_count * (seal_ring(seal)->n + plain);
	char *p = malloc(size + tags * sizeof(struct md5) + 1);

	*memory = p;
	if (p == NULL)
		return false;
	if (seals && !seal_value(seal, &place, op->value, &md5, p, &op->md5))
		return false;
	if (seals)
		op->value = str_from(p, size);
	if (!put_columns(seal, op, plain, (struct md5 *)(p + size)))
		return false;
	op->tags = (const struct md5 *)(p + size);
	op->tag_count = tags;
	return true;
}

bool
sealed_op_has_tag(const struct store_op *op, const struct md5 *md5)
{
	for (size_t i = 0; i < op->tag_count; i++)
		if (memcmp(op->tags[i].b, md5->b, sizeof(md5->b)) == 0)
			return true;
	return false;
}
