/* SPDX-License-Identifier: EPL-2.0 */
#include "lib/store_mem.h"

#include <assert.h>
#include <stdlib.h>

#include "store/seal.h"

struct store_mem_row {
	struct uuid workspace;
	struct str ns, key, value; /* owned */
	struct md5 md5;
	int64_t modified;
};

/* A list on its way: the rows as they were when it began. */
struct store_mem_list {
	struct store_mem_list *next;
	struct store_ticket *ticket;
	struct store_row *rows; /* owned, and what they point to */
	size_t count, at;
};

static void *
must(void *p)
{
	if (p == NULL)
		abort();
	return p;
}

static struct str
copy(struct str s)
{
	char *p = must(malloc(s.n + 1));

	if (s.n > 0)
		memcpy(p, s.p, s.n);
	return str_from(p, s.n);
}

static void
drop(struct str s)
{
	free((char *)s.p);
}

static int
compare(const struct store_mem_row *row, const struct uuid *workspace, struct str ns, struct str key)
{
	int c = memcmp(row->workspace.b, workspace->b, sizeof(workspace->b));

	if (c == 0)
		c = str_cmp(row->ns, ns);
	return c != 0 ? c : str_cmp(row->key, key);
}

/* The first row that is not before this one. */
static size_t
place(const struct store_mem *s, const struct uuid *workspace, struct str ns, struct str key)
{
	size_t low = 0, high = s->count;

	while (low < high) {
		size_t middle = low + (high - low) / 2;

		if (compare(&s->rows[middle], workspace, ns, key) < 0)
			low = middle + 1;
		else
			high = middle;
	}
	return low;
}

static struct store_mem_row *
find(const struct store_mem *s, const struct uuid *workspace, struct str ns, struct str key)
{
	size_t i = place(s, workspace, ns, key);

	return i < s->count && compare(&s->rows[i], workspace, ns, key) == 0 ? &s->rows[i] : NULL;
}

static struct store_mem_row *
insert(struct store_mem *s, const struct uuid *workspace, struct str ns, struct str key)
{
	size_t i = place(s, workspace, ns, key);

	if (s->count == s->room) {
		s->room = s->room > 0 ? 2 * s->room : 16;
		s->rows = must(realloc(s->rows, s->room * sizeof(s->rows[0])));
	}
	memmove(&s->rows[i + 1], &s->rows[i], (s->count - i) * sizeof(s->rows[0]));
	s->count++;
	s->rows[i] = (struct store_mem_row){ .workspace = *workspace, .ns = copy(ns), .key = copy(key) };
	return &s->rows[i];
}

static void
drop_row(struct store_mem_row *row)
{
	drop(row->ns);
	drop(row->key);
	drop(row->value);
}

static void
set(const struct store_mem *s, struct store_mem_row *row, struct str value, const struct md5 *md5)
{
	drop(row->value);
	row->value = copy(value);
	row->md5 = *md5;
	row->modified = s->time;
}

static void
read_row(struct store_mem *s, const struct store_op *op, const struct store_mem_row *row, struct store_result *r)
{
	if (row == NULL) {
		r->outcome = STORE_NO_KEY;
		return;
	}
	r->md5 = row->md5;
	r->length = row->value.n;
	r->modified = row->modified;
	r->looks_sealed = seal_looks_sealed(row->value, &row->md5);
	if (op->kind == STORE_GET) {
		r->value = copy(row->value);
		r->memory = (char *)r->value.p;
		s->lent++;
	}
}

static bool
condition_holds(const struct store_op *op, const struct store_mem_row *row)
{
	switch (op->condition) {
	case STORE_ALWAYS:
		return true;
	case STORE_IF_ABSENT:
		return row == NULL;
	case STORE_IF_PRESENT:
		return row != NULL;
	case STORE_IF_MATCH:
		break;
	}
	for (size_t i = 0; row != NULL && i < op->tag_count; i++)
		if (memcmp(row->md5.b, op->tags[i].b, sizeof(row->md5.b)) == 0)
			return true;
	return false;
}

static void
write_row(struct store_mem *s, const struct store_op *op, struct store_mem_row *row, struct store_result *r)
{
	if (!condition_holds(op, row)) {
		r->outcome = STORE_MISMATCH;
	} else if (op->kind == STORE_PUT) {
		set(s, row != NULL ? row : insert(s, &op->workspace, op->ns, op->key), op->value, &op->md5);
	} else if (row == NULL) {
		r->outcome = STORE_NO_KEY;
	} else {
		drop_row(row);
		s->count--;
		memmove(row, row + 1, (s->count - (size_t)(row - s->rows)) * sizeof(*row));
	}
}

static void
release(struct store *store, void *memory)
{
	((struct store_mem *)store)->lent--;
	free(memory);
}

static void
finish(struct store_mem *s, struct store_ticket *t, struct store_result *r)
{
	void *kept = s->keeps_memory ? r->memory : NULL;

	if (kept != NULL)
		r->memory = NULL;
	t->client->done(t, r);
	if (r->memory != NULL)
		release(&s->store, r->memory);
	if (kept != NULL)
		release(&s->store, kept);
}

static struct store_mem_list **
list_of(struct store_mem *s, const struct store_ticket *t)
{
	struct store_mem_list **at = &s->lists;

	while (*at != NULL && (*at)->ticket != t)
		at = &(*at)->next;
	return at;
}

static void
drop_list(struct store_mem *s, const struct store_ticket *t)
{
	struct store_mem_list **at = list_of(s, t), *l = *at;

	*at = l->next;
	for (size_t i = 0; i < l->count; i++) {
		drop(l->rows[i].name);
		drop(l->rows[i].value);
	}
	free(l->rows);
	free(l);
}

/* Hands over keys until the receiver has a portion, or all. */
static void
hand_over(struct store_mem *s, struct store_mem_list *l)
{
	struct store_ticket *t = l->ticket;
	struct store_result r = { .outcome = STORE_DONE };

	for (size_t n = 0; l->at < l->count && r.outcome == STORE_DONE; n++) {
		if (s->list_portion > 0 && n == s->list_portion)
			return;
		/* The receiver may change what it is lent. */
		struct store_row row = l->rows[l->at];

		t->client->row(t, &row);
		l->at++;
		if (s->fails_after > 0 && --s->fails_after == 0)
			s->outcome = STORE_UNAVAILABLE;
		if (l->at == s->list_breaks || s->outcome != STORE_DONE)
			r.outcome = STORE_UNAVAILABLE;
	}
	drop_list(s, t);
	finish(s, t, &r);
}

static bool
is_listed(const struct store_op *op, const struct store_mem_row *row)
{
	return memcmp(row->workspace.b, op->workspace.b, sizeof(op->workspace.b)) == 0 && str_eq(row->ns, op->ns) &&
	    str_cmp(row->key, op->range.from) >= 0 &&
	    (op->range.below.p == NULL || str_cmp(row->key, op->range.below) < 0);
}

static void
add_key(struct store_mem_list *l, const struct store_op *op, const struct store_mem_row *row)
{
	struct store_row *out = &l->rows[l->count++];
	bool magic = seal_has_magic(row->value);

	*out = (struct store_row){ .name = copy(row->key) };
	if (op->list == STORE_LIST_KEYS)
		return;
	out->md5 = row->md5;
	out->length = out->stored_length = row->value.n;
	out->modified = row->modified;
	out->looks_sealed = seal_looks_sealed(row->value, &row->md5);
	if (op->list == STORE_LIST_VALUES || magic)
		out->value = copy(row->value);
}

static void
add_keys(const struct store_mem *s, struct store_mem_list *l, const struct store_op *op)
{
	uint64_t bytes = 0;

	for (size_t i = 0; i < s->count && (op->limit == 0 || l->count < op->limit); i++) {
		if (!is_listed(op, &s->rows[i]) || (op->bytes > 0 && bytes >= op->bytes))
			continue;
		add_key(l, op, &s->rows[i]);
		bytes += s->rows[i].value.n;
	}
}

static void
add_namespaces(const struct store_mem *s, struct store_mem_list *l, const struct store_op *op)
{
	for (size_t i = 0; i < s->count; i++) {
		const struct store_mem_row *row = &s->rows[i];
		struct store_row *last = l->count > 0 ? &l->rows[l->count - 1] : NULL;

		if (!uuid_eq(&row->workspace, &op->workspace) || str_cmp(row->ns, op->range.from) <= 0)
			continue;
		if (last != NULL && str_eq(last->name, row->ns)) {
			last->count++;
			continue;
		}
		if (l->count == op->limit)
			return;
		l->rows[l->count++] = (struct store_row){ .name = copy(row->ns), .count = 1 };
	}
}

static void
add_workspaces(const struct store_mem *s, struct store_mem_list *l, const struct store_op *op)
{
	const struct uuid *last = NULL;

	for (size_t i = 0; i < s->count && l->count < op->limit; i++) {
		const struct store_mem_row *row = &s->rows[i];
		const struct seal_place place = { row->workspace, row->ns, row->key };
		char text[UUID_TEXT_SIZE];

		if (memcmp(row->workspace.b, op->workspace.b, sizeof(row->workspace.b)) < 0 || seal_is_proof(&place) ||
		    (last != NULL && uuid_eq(last, &row->workspace)))
			continue;
		last = &row->workspace;
		uuid_text(last, text);
		l->rows[l->count++] = (struct store_row){ .name = copy(str_from(text, 36)) };
	}
}

static void
begin_list(struct store_mem *s, struct store_ticket *t)
{
	struct store_mem_list *l = must(calloc(1, sizeof(*l)));

	l->rows = must(calloc(s->count + 1, sizeof(l->rows[0])));
	if (t->op.list <= STORE_LIST_VALUES)
		add_keys(s, l, &t->op);
	else if (t->op.list == STORE_LIST_WORKSPACES)
		add_workspaces(s, l, &t->op);
	else
		add_namespaces(s, l, &t->op);
	l->ticket = t;
	l->next = s->lists;
	s->lists = l;
	hand_over(s, l);
}

/* STORE_DONE, or why nothing is done. */
static enum store_outcome
check_parts(struct store_mem *s, const struct store_op *op, size_t *index)
{
	for (size_t i = 0; i < op->part_count; i++) {
		const struct store_op *part = &op->parts[i]->op;

		*index = i;
		assert(str_eq(part->ns, op->ns) && memcmp(part->workspace.b, op->workspace.b, 16) == 0);
		if (!condition_holds(part, find(s, &part->workspace, part->ns, part->key)))
			return STORE_MISMATCH;
	}
	return STORE_DONE;
}

static void
run_batch(struct store_mem *s, const struct store_op *op, struct store_result *r)
{
	r->outcome = check_parts(s, op, &r->part);
	for (size_t i = 0; i < op->part_count && r->outcome == STORE_DONE; i++) {
		struct store_ticket *part = op->parts[i];
		struct store_mem_row *row = find(s, &part->op.workspace, part->op.ns, part->op.key);
		struct store_result result = { .outcome = STORE_DONE };
		void *memory;

		if (part->op.kind == STORE_GET)
			read_row(s, &part->op, row, &result);
		else
			write_row(s, &part->op, row, &result);
		memory = result.memory;
		result.memory = NULL;
		part->client->done(part, &result);
		if (memory != NULL)
			release(&s->store, memory);
	}
}

static bool
has_keys(const struct store_mem *s, const struct store_op *op)
{
	for (size_t i = 0; i < s->count; i++)
		if (uuid_eq(&s->rows[i].workspace, &op->workspace) && str_eq(s->rows[i].ns, op->ns))
			return true;
	return false;
}

static void
run(struct store_mem *s, struct store_ticket *t)
{
	const struct store_op *op = &t->op;
	struct store_result r = { .outcome = s->outcome,
		.reason = s->reason,
		.reached = s->reached,
		.no_writes = s->no_writes,
		.no_lists = s->no_lists };
	struct store_mem_row *row = find(s, &op->workspace, op->ns, op->key);

	if (s->outcome == STORE_DONE) {
		switch (op->kind) {
		case STORE_GET:
		case STORE_HEAD:
			read_row(s, op, row, &r);
			break;
		case STORE_PUT:
		case STORE_DELETE:
			write_row(s, op, row, &r);
			break;
		case STORE_LIST:
			begin_list(s, t);
			return;
		case STORE_BATCH:
			run_batch(s, op, &r);
			break;
		case STORE_ANY:
			r.outcome = has_keys(s, op) ? STORE_DONE : STORE_NO_KEY;
			break;
		case STORE_CHECK:
			break;
		}
	}
	finish(s, t, &r);
}

static void
submit(struct store *store, struct store_ticket *t)
{
	struct store_mem *s = (struct store_mem *)store;
	struct store_ticket **at = &s->waiting;

	assert(t->client != NULL && *list_of(s, t) == NULL);
	s->submitted++;
	if (!s->slow) {
		run(s, t);
		return;
	}
	for (; *at != NULL; at = &(*at)->next)
		assert(*at != t);
	t->next = NULL;
	*at = t;
}

static void
cancel(struct store *store, struct store_ticket *t)
{
	struct store_mem *s = (struct store_mem *)store;
	struct store_ticket **at = &s->waiting;

	s->cancelled++;
	if (*list_of(s, t) != NULL) {
		/* Not from within key(): hand_over() is still to look at the list. */
		assert(s->list_portion > 0);
		drop_list(s, t);
		return;
	}
	while (*at != t) {
		assert(*at != NULL);
		at = &(*at)->next;
	}
	*at = t->next;
}

static struct store_description
describe(const struct store *store, const struct store_ticket *t)
{
	(void)store;
	return (struct store_description){ .system = STR("memory"),
		.query = STR("find $1"),
		.operation = STR("find"),
		.collection = t->op.kind == STORE_CHECK ? STR_ABSENT : STR("rows") };
}

void
store_mem_init(struct store_mem *s)
{
	static const struct store_calls calls = { submit, cancel, release, describe };

	*s = (struct store_mem){ .store = { &calls }, .outcome = STORE_DONE };
}

void
store_mem_free(struct store_mem *s)
{
	assert(s->waiting == NULL && s->lists == NULL);
	for (size_t i = 0; i < s->count; i++)
		drop_row(&s->rows[i]);
	free(s->rows);
	store_mem_init(s);
}

void
store_mem_put(struct store_mem *s, const struct uuid *workspace, struct str ns, struct str key, struct str value)
{
	struct store_mem_row *row = find(s, workspace, ns, key);
	struct md5 md5;

	if (!digest_md5(value, &md5))
		abort();
	set(s, row != NULL ? row : insert(s, workspace, ns, key), value, &md5);
}

struct str
store_mem_get(const struct store_mem *s, const struct uuid *workspace, struct str ns, struct str key)
{
	const struct store_mem_row *row = find(s, workspace, ns, key);

	return row != NULL ? row->value : STR_ABSENT;
}

bool
store_mem_step(struct store_mem *s)
{
	struct store_ticket *t = s->waiting;

	if (t != NULL) {
		s->waiting = t->next;
		run(s, t);
		return true;
	}
	if (s->lists == NULL)
		return false;
	hand_over(s, s->lists);
	return true;
}
