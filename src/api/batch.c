/* SPDX-License-Identifier: EPL-2.0 */
#include "api/batch.h"

#include "base/base.h"
#include "base/log.h"
#include "codec/base64.h"
#include "codec/json.h"
#include "http/etag.h"

#define MARKS_MAX 2048 /* in the JSON of a batch, see json_parse_body(): 11 for each operation of five members */

enum member { MEMBER_OP, MEMBER_KEY, MEMBER_VALUE, MEMBER_IF_MATCH, MEMBER_IF_NONE_MATCH, MEMBERS };

static const struct {
	const char *name;
	struct str not_text;
} members[] = {
	[MEMBER_OP] = { "op", STR_INIT("op must be a string") },
	[MEMBER_KEY] = { "key", STR_INIT("key must be a string") },
	[MEMBER_VALUE] = { "value", STR_INIT("value must be a string") },
	[MEMBER_IF_MATCH] = { "if_match", STR_INIT("if_match must be a string") },
	[MEMBER_IF_NONE_MATCH] = { "if_none_match", STR_INIT("if_none_match must be a string") },
};

struct batch_part {
	struct store_ticket ticket;
	struct batch *batch;
	struct etag_list if_none_match; /* GET */
};

/* While a body is read. */
struct reader {
	struct batch *batch;
	struct store_op place; /* workspace and namespace */
	struct arena *arena;
	struct batch_fault *fault;
	struct str text[MEMBERS]; /* of the operation; absent: it has no such member */
};

static bool
refuse_as(struct reader *r, enum refusal refusal, struct str text)
{
	r->fault->refusal = r->arena->starved ? REFUSAL_BUSY : refusal;
	r->fault->text = r->arena->starved ? STR_ABSENT : text;
	return false;
}

static bool
refuse_body(struct reader *r, struct str text)
{
	return refuse_as(r, REFUSAL_BAD_BATCH, text);
}

static bool
take_member(struct reader *r, const cJSON *item)
{
	size_t i = 0;

	while (i < MEMBERS && strcmp(item->string, members[i].name) != 0)
		i++;
	if (i == MEMBERS)
		return refuse_body(r, STR("members are op, key, value, if_match and if_none_match"));
	if (r->text[i].p != NULL)
		return refuse_body(r, STR("a member came twice"));
	if (!cJSON_IsString(item))
		return refuse_body(r, members[i].not_text);
	r->text[i] = str_of(item->valuestring);
	return true;
}

static bool
take_members(struct reader *r, const cJSON *object)
{
	memset(r->text, 0, sizeof(r->text));
	if (!cJSON_IsObject(object))
		return refuse_body(r, STR("must be an object"));
	for (const cJSON *item = object->child; item != NULL; item = item->next)
		if (!take_member(r, item))
			return false;
	return true;
}

static bool
read_kind(struct reader *r, struct store_op *op)
{
	static const struct {
		struct str name;
		enum store_kind kind;
	} kinds[] = { { STR_INIT("get"), STORE_GET }, { STR_INIT("put"), STORE_PUT },
		{ STR_INIT("delete"), STORE_DELETE } };

	for (size_t i = 0; i < ARRAY_SIZE(kinds); i++)
		if (str_eq(r->text[MEMBER_OP], kinds[i].name)) {
			op->kind = kinds[i].kind;
			r->batch->writes |= op->kind != STORE_GET;
			return true;
		}
	return refuse_body(r, STR("op must be get, put or delete"));
}

static bool
read_key(struct reader *r, struct store_op *op)
{
	const struct batch *b = r->batch;
	struct str key = r->text[MEMBER_KEY];

	if (key.n == 0)
		return refuse_body(r, STR("key must be a string that is not empty"));
	/* Longer keys, which the original may have written, can only be read and deleted. */
	if (key.n > BATCH_KEY_MAX && op->kind == STORE_PUT)
		return refuse_as(r, REFUSAL_KEY_TOO_LONG, STR_ABSENT);
	for (size_t i = 0; i < b->n; i++)
		if (str_eq(b->part[i]->op.key, key))
			return refuse_body(r, STR("the key came before in this batch"));
	op->key = str_from(b->memory.p + b->memory.n, key.n);
	buf_puts(&r->batch->memory, key);
	return true;
}

static bool
read_part_value(struct reader *r, struct store_op *op)
{
	struct buf *memory = &r->batch->memory;
	size_t before = memory->n;
	struct str text = r->text[MEMBER_VALUE];

	if (op->kind != STORE_PUT)
		return text.p == NULL || refuse_body(r, STR("value is for put only"));
	if (text.p == NULL || !base64_decode(text, memory))
		return refuse_body(r, STR("value must be base64, with padding"));
	op->value = str_from(memory->p + before, memory->n - before);
	return digest_md5(op->value, &op->md5) || refuse_as(r, REFUSAL_INTERNAL, STR_ABSENT);
}

static bool
read_tags(
    struct reader *r, struct str text, enum etag_comparison comparison, struct str malformed, struct etag_list *list)
{
	switch (etag_list_parse(text, comparison, r->arena, list)) {
	case ETAG_OK:
		return true;
	case ETAG_MALFORMED:
		return refuse_body(r, malformed);
	case ETAG_TOO_MANY:
	case ETAG_NO_MEMORY:
		break;
	}
	return refuse_body(r, STR("too many entity tags"));
}

static bool
read_if_match(struct reader *r, struct store_op *op)
{
	struct etag_list list;

	if (r->text[MEMBER_IF_MATCH].p == NULL)
		return true;
	if (op->kind == STORE_GET)
		return refuse_body(r, STR("if_match is for put and delete"));
	if (r->text[MEMBER_IF_NONE_MATCH].p != NULL)
		return refuse_body(r, STR("if_match and if_none_match exclude each other"));
	if (!read_tags(
		r, r->text[MEMBER_IF_MATCH], ETAG_STRONG, STR("if_match must be '*' or a list of entity tags"), &list))
		return false;
	op->condition = list.any ? STORE_IF_PRESENT : STORE_IF_MATCH;
	op->tags = list.tag;
	op->tag_count = list.n;
	return true;
}

static bool
read_if_none_match(struct reader *r, struct batch_part *part)
{
	struct store_op *op = &part->ticket.op;
	struct str text = r->text[MEMBER_IF_NONE_MATCH];

	if (text.p == NULL)
		return true;
	if (op->kind == STORE_GET)
		return read_tags(r, text, ETAG_WEAK, STR("if_none_match must be '*' or a list of entity tags"),
		    &part->if_none_match);
	if (op->kind == STORE_DELETE)
		return refuse_body(r, STR("if_none_match is for get and put"));
	op->condition = STORE_IF_ABSENT;
	return str_eq(str_trim(text), STR("*")) || refuse_body(r, STR("if_none_match of put must be '*'"));
}

static void
put_etag(struct buf *out, const struct md5 *md5)
{
	char etag[ETAG_TEXT_LENGTH];

	etag_text(md5, etag);
	buf_puts(out, STR(",\"etag\":"));
	json_put_string(out, str_from(etag, sizeof(etag)));
}

/* The status that the operation alone would have been answered with. */
static unsigned
part_status(const struct batch_part *part, const struct store_result *r)
{
	const struct store_op *op = &part->ticket.op;

	if (r->outcome != STORE_DONE)
		return r->outcome == STORE_NO_KEY ? 404 : 500;
	if (op->kind == STORE_PUT)
		return op->condition == STORE_IF_ABSENT ? 201 : 204;
	if (op->kind == STORE_DELETE)
		return 204;
	if (r->looks_sealed) {
		log_event(LOG_ERROR, "a value is sealed, but HULY_ENCRYPTION_KEYS_FILE names no keys");
		return 500;
	}
	return etag_list_has(&part->if_none_match, &r->md5) ? 304 : 200;
}

static void
on_part_done(struct store_ticket *t, struct store_result *r)
{
	const struct batch_part *part = container_of(t, struct batch_part, ticket);
	struct buf *out = &part->batch->out;
	unsigned status = part_status(part, r);

	buf_puts(out, out->n == 0 ? STR("{\"results\":[") : STR(","));
	buf_puts(out, STR("{\"status\":"));
	buf_put_number(out, status);
	if (t->op.kind == STORE_PUT)
		put_etag(out, &t->op.md5);
	else if (status == 200 || status == 304)
		put_etag(out, &r->md5);
	if (status == 200) {
		buf_puts(out, STR(",\"value\":\""));
		base64_put(out, r->value);
		buf_putc(out, '"');
	}
	buf_putc(out, '}');
}

static bool
read_operation(struct reader *r, const cJSON *object)
{
	static const struct store_client client = { .done = on_part_done };
	struct batch_part *part = arena_alloc(r->arena, sizeof(*part));

	if (part == NULL)
		return refuse_as(r, REFUSAL_BUSY, STR_ABSENT);
	*part = (struct batch_part){ .ticket = { .client = &client, .op = r->place }, .batch = r->batch };
	if (!take_members(r, object) || !read_kind(r, &part->ticket.op) || !read_key(r, &part->ticket.op) ||
	    !read_part_value(r, &part->ticket.op) || !read_if_match(r, &part->ticket.op) ||
	    !read_if_none_match(r, part))
		return false;
	r->batch->part[r->batch->n++] = &part->ticket;
	return true;
}

/* The array of operations, or NULL. */
static const cJSON *
find_operations(struct reader *r, const cJSON *object)
{
	const cJSON *array = object->child;

	if (array == NULL || strcmp(array->string, "operations") != 0 || array->next != NULL)
		(void)refuse_body(r, STR("The body must have one member, operations"));
	else if (!cJSON_IsArray(array) || array->child == NULL || cJSON_GetArraySize(array) > BATCH_OPERATIONS_MAX)
		(void)refuse_body(r, STR("operations must be an array of 1 to 128 objects"));
	else
		return array->child;
	return NULL;
}

static bool
read_operations(struct reader *r, const cJSON *object)
{
	const cJSON *first = find_operations(r, object);

	if (first == NULL)
		return false;
	for (const cJSON *o = first; o != NULL; o = o->next) {
		r->fault->of_operation = true;
		r->fault->index = r->batch->n;
		if (!read_operation(r, o))
			return false;
	}
	return true;
}

static bool
refuse_json(struct reader *r, enum json_fault fault)
{
	switch (fault) {
	case JSON_NO_MEMORY:
		return refuse_as(r, REFUSAL_BUSY, STR_ABSENT);
	case JSON_NOT_UTF8:
		return refuse_body(r, STR("The body must be UTF-8"));
	case JSON_NUL:
		return refuse_body(r, STR("The body must not have a NUL"));
	case JSON_REPEATED:
		return refuse_body(r, STR("A member of the body came twice"));
	case JSON_LARGE:
		return refuse_body(r, STR("The body has too many members: a batch has 1 to 128 operations"));
	case JSON_FINE:
	case JSON_MALFORMED:
		break;
	}
	return refuse_body(r, STR("The body must be a whole JSON object"));
}

bool
batch_read(struct batch *b, struct str body, const struct store_op *place, struct arena *a, struct batch_fault *fault)
{
	struct reader r = {
		.batch = b, .place = { .workspace = place->workspace, .ns = place->ns }, .arena = a, .fault = fault
	};
	enum json_fault why;
	cJSON *object;
	bool ok;

	*b = (struct batch){ .n = 0 };
	*fault = (struct batch_fault){ .refusal = REFUSAL_NONE };
	buf_init(&b->memory, body.n + 1);
	buf_init(&b->out, SIZE_MAX / 2);
	b->part = arena_alloc(a, BATCH_OPERATIONS_MAX * sizeof(struct store_ticket *));
	/* Neither keys nor values are longer than their text, so nothing moves while they are added. */
	if (b->part == NULL || buf_reserve(&b->memory, body.n + 1) == NULL)
		return refuse_as(&r, REFUSAL_BUSY, STR_ABSENT);
	object = json_parse_body(body, MARKS_MAX, &why);
	if (object == NULL)
		return refuse_json(&r, why);
	ok = read_operations(&r, object);
	cJSON_Delete(object);
	return ok;
}

bool
batch_ask(const struct batch *b, const struct rules_verdict verdicts[RULES_OPERATIONS], struct rules_verdict *verdict,
    struct batch_fault *fault)
{
	static const enum rules_operation operations[] = {
		[STORE_GET] = RULES_READ, [STORE_PUT] = RULES_WRITE, [STORE_DELETE] = RULES_DELETE
	};

	for (size_t i = 0; i < b->n; i++) {
		*verdict = verdicts[operations[b->part[i]->op.kind]];
		*fault =
		    (struct batch_fault){ .refusal = REFUSAL_NAMESPACE_FORBIDDEN, .of_operation = true, .index = i };
		if (!verdict->allowed)
			return false;
	}
	return true;
}

struct store_op
batch_op(const struct batch *b)
{
	struct store_op op = b->part[0]->op;

	return (struct store_op){ .kind = STORE_BATCH,
		.workspace = op.workspace,
		.ns = op.ns,
		.parts = b->part,
		.part_count = b->n,
		.parts_write = b->writes };
}

struct str
batch_answer(struct batch *b)
{
	buf_puts(&b->out, STR("]}"));
	return buf_ok(&b->out) ? buf_str(&b->out) : STR_ABSENT;
}

void
batch_free(struct batch *b)
{
	buf_free(&b->memory);
	buf_free(&b->out);
}
