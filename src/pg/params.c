/* SPDX-License-Identifier: EPL-2.0 */
#include "pg/params.h"

#include <assert.h>
#include <endian.h>

#include "pg/array.h"
#include "store/seal.h"

const int params_binary[PARAMS_MAX] = { 1, 1, 1, 1, 1, 1, 1 };

static void
bind_value(struct params *p, const void *value, size_t length)
{
	/* libpq takes a null pointer for a null; an empty text is not one. */
	assert(p->n < PARAMS_MAX);
	p->value[p->n] = value != NULL ? value : "";
	p->length[p->n++] = (int)length;
}

static void
add_key(struct params *p, const struct store_op *op)
{
	bind_value(p, op->workspace.b, sizeof(op->workspace.b));
	bind_value(p, op->ns.p, op->ns.n);
	if (op->kind != STORE_ANY)
		bind_value(p, op->key.p, op->key.n);
}

static void
add_tags(struct params *p, const struct store_op *op)
{
	array_begin(&p->array, ARRAY_BYTEA, op->tag_count);
	for (size_t i = 0; i < op->tag_count; i++)
		array_put(&p->array, op->tags[i].b, sizeof(op->tags[i].b));
	bind_value(p, p->array.p, p->array.n);
}

/* A list without a limit has the largest number. */
static void
bind_limit(struct params *p, uint64_t *big, uint64_t limit)
{
	*big = htobe64(limit != 0 ? limit : INT64_MAX);
	bind_value(p, big, sizeof(*big));
}

void
params_add_limit(struct params *p, int64_t limit)
{
	bind_limit(p, &p->limit, (uint64_t)limit);
}

static void
add_keys_list(struct params *p, const struct store_op *op)
{
	bind_value(p, op->workspace.b, sizeof(op->workspace.b));
	bind_value(p, op->ns.p, op->ns.n);
	bind_value(p, op->range.from.p, op->range.from.n);
	bind_limit(p, &p->limit, op->limit);
	if (op->list != STORE_LIST_KEYS) {
		p->with_values = op->list == STORE_LIST_VALUES;
		bind_value(p, &p->with_values, sizeof(p->with_values));
		bind_limit(p, &p->bytes, op->bytes);
	}
	if (op->range.below.p != NULL)
		bind_value(p, op->range.below.p, op->range.below.n);
}

static void
add_list(struct params *p, const struct store_op *op)
{
	switch (op->list) {
	case STORE_LIST_KEYS:
	case STORE_LIST_METADATA:
	case STORE_LIST_VALUES:
		add_keys_list(p, op);
		return;
	case STORE_LIST_NAMESPACES:
	case STORE_LIST_COUNTS:
		bind_value(p, op->workspace.b, sizeof(op->workspace.b));
		bind_value(p, op->range.from.p, op->range.from.n);
		bind_limit(p, &p->limit, op->limit);
		return;
	case STORE_LIST_WORKSPACES:
		bind_value(p, op->workspace.b, sizeof(op->workspace.b));
		bind_limit(p, &p->limit, op->limit);
		bind_value(p, SEAL_PROOF_NS, sizeof(SEAL_PROOF_NS) - 1);
		return;
	}
}

static void
add_deadline(struct params *p, int64_t deadline)
{
	p->deadline = htobe64((uint64_t)deadline);
	bind_value(p, &p->deadline, sizeof(p->deadline));
}

static void
add_all(struct params *p, struct str schema, const struct store_op *op, int64_t deadline)
{
	if (op->kind == STORE_CHECK) {
		bind_value(p, schema.p, schema.n - 1);
		return;
	}
	if (op->kind == STORE_LIST) {
		add_list(p, op);
		return;
	}
	add_key(p, op);
	if (op->kind == STORE_PUT) {
		bind_value(p, op->md5.b, sizeof(op->md5.b));
		bind_value(p, op->value.p, op->value.n);
	}
	if (op->condition == STORE_IF_MATCH)
		add_tags(p, op);
	if (store_writes(op))
		add_deadline(p, deadline);
}

void
params_set_deadline(struct params *p, int64_t deadline)
{
	*p = (struct params){ .n = 0 };
	add_deadline(p, deadline);
}

bool
params_set(struct params *p, struct str schema, const struct store_op *op, int64_t deadline)
{
	*p = (struct params){ .n = 0 };
	buf_init(&p->array, 1024 * 1024);
	add_all(p, schema, op, deadline);
	return buf_ok(&p->array);
}

enum column { COLUMN_WORKSPACE, COLUMN_NAMESPACE, COLUMN_KEY, COLUMN_MD5, COLUMN_VALUE, COLUMNS };

static void
put_column(struct buf *b, enum column column, const struct store_op *op)
{
	switch (column) {
	case COLUMN_WORKSPACE:
		array_put(b, op->workspace.b, sizeof(op->workspace.b));
		return;
	case COLUMN_NAMESPACE:
		array_put(b, op->ns.p, op->ns.n);
		return;
	case COLUMN_KEY:
		array_put(b, op->key.p, op->key.n);
		return;
	case COLUMN_MD5:
		array_put(b, op->md5.b, sizeof(op->md5.b));
		return;
	case COLUMN_VALUE:
	case COLUMNS:
		array_put(b, op->value.p, op->value.n);
		return;
	}
}

static void
put_array(struct buf *b, enum column column, const struct store_ticket *first, size_t n)
{
	static const enum array_element element[] = { ARRAY_UUID, ARRAY_TEXT, ARRAY_TEXT, ARRAY_BYTEA, ARRAY_BYTEA };
	const struct store_ticket *t = first;

	array_begin(b, element[column], n);
	for (size_t i = 0; i < n; i++, t = t->next)
		put_column(b, column, &t->op);
}

/* The parameters of the _MANY statements: an array for each column. */
static void
add_columns(struct params *p, const struct store_ticket *first, size_t n)
{
	enum column columns = first->op.kind == STORE_GET ? COLUMN_MD5 : COLUMNS;
	size_t end[COLUMNS + 1] = { 0 };

	for (enum column c = 0; c < columns; c++) {
		put_array(&p->array, c, first, n);
		end[c + 1] = p->array.n;
	}
	for (enum column c = 0; c < columns; c++)
		bind_value(p, p->array.p + end[c], end[c + 1] - end[c]);
}

bool
params_set_many(struct params *p, const struct store_ticket *first, size_t n, bool one_namespace, int64_t deadline)
{
	*p = (struct params){ .n = 0 };
	buf_init(&p->array, 64 * 1024 * 1024);
	if (one_namespace) {
		bind_value(p, first->op.workspace.b, sizeof(first->op.workspace.b));
		bind_value(p, first->op.ns.p, first->op.ns.n);
		put_array(&p->array, COLUMN_KEY, first, n);
		bind_value(p, p->array.p, p->array.n);
	} else {
		add_columns(p, first, n);
	}
	if (store_writes(&first->op))
		add_deadline(p, deadline);
	return buf_ok(&p->array);
}

void
params_free(struct params *p)
{
	buf_free(&p->array);
}
