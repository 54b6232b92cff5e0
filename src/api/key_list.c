/* SPDX-License-Identifier: EPL-2.0 */
#include "api/key_list.h"

#include "base/date.h"
#include "base/utf8.h"
#include "codec/base64.h"
#include "codec/base64url.h"
#include "codec/json.h"
#include "http/etag.h"

#define OUT_MAX   (KEY_LIST_PIECE + (size_t)256 * 1024) /* a piece, and the longest names with every byte escaped */
#define VALUE_MAX ((size_t)3 << 30)                     /* more than the longest value in base64 takes */

/* Not a hexadecimal digit, so that a cursor of version 0.1.0 is refused and not read as another key. */
#define CURSOR_MARK "k"

/*
 * Rows in a page, and their estimated bytes.  A page is in memory until the client has read it; the estimate is made from
 * the average of the rows so far.  Values vary too much for it, so that the database cuts their pages off at VALUES_PAGE.
 */
#define PAGE_BYTES  ((uint64_t)256 * 1024)
#define VALUES_PAGE ((uint64_t)1024 * 1024)
#define ENTRY_BYTES 150 /* of the members of a row besides the key and the value */

static const struct {
	struct str member;
	unsigned first_page, page_min, page_max;
} lists[] = {
	[STORE_LIST_KEYS] = { STR_INIT("keys"), 2000, 100, 10000 },
	[STORE_LIST_METADATA] = { STR_INIT("entries"), 1000, 100, 10000 },
	[STORE_LIST_VALUES] = { STR_INIT("entries"), 100, 10, 1000 },
	[STORE_LIST_NAMESPACES] = { STR_INIT("namespaces"), 1000, 1000, 1000 },
	[STORE_LIST_COUNTS] = { STR_INIT("namespaces"), 50, 50, 50 },
	[STORE_LIST_WORKSPACES] = { STR_INIT("workspaces"), 1000, 1000, 1000 },
};

void
key_list_init(struct key_list *l, enum store_list list, struct str workspace, struct str ns, unsigned limit)
{
	*l = (struct key_list){ .list = list, .workspace = workspace, .ns = ns, .limit = limit };
	buf_init(&l->out, list == STORE_LIST_VALUES ? VALUE_MAX : OUT_MAX);
	buf_init(&l->last, OUT_MAX);
	buf_init(&l->passed, OUT_MAX);
	buf_init(&l->next, OUT_MAX);
}

void
key_list_free(struct key_list *l)
{
	buf_free(&l->out);
	buf_free(&l->last);
	buf_free(&l->passed);
	buf_free(&l->next);
}

static unsigned
page_size(const struct key_list *l)
{
	uint64_t bytes = l->list == STORE_LIST_VALUES ? VALUES_PAGE : PAGE_BYTES, n = lists[l->list].first_page;

	if (l->rows > 0)
		n = bytes / (l->bytes / l->rows + 1);
	if (n < lists[l->list].page_min)
		return lists[l->list].page_min;
	return n < lists[l->list].page_max ? (unsigned)n : lists[l->list].page_max;
}

/* The page begins after the last row received. */
static void
set_start(struct key_list *l, struct store_op *op)
{
	struct str passed = buf_str(&l->passed);

	switch (l->list) {
	case STORE_LIST_KEYS:
	case STORE_LIST_METADATA:
	case STORE_LIST_VALUES:
		buf_clear(&l->next);
		key_range_put_after(passed, &l->next);
		op->range.from = buf_str(&l->next);
		break;
	case STORE_LIST_NAMESPACES:
	case STORE_LIST_COUNTS:
		buf_clear(&l->next);
		buf_puts(&l->next, passed);
		op->range.from = buf_str(&l->next);
		break;
	case STORE_LIST_WORKSPACES:
		l->out.failed |= !uuid_parse(passed, &op->workspace) || !key_list_next_workspace(&op->workspace);
		break;
	}
	l->out.failed |= !buf_ok(&l->next);
}

void
key_list_plan_page(struct key_list *l, struct store_op *op)
{
	l->page = page_size(l);
	/* One row more than the limit is asked for: if it comes, there are more.  Not if rows are left out, or many pages
	   may be needed to find one to put. */
	if (l->limit > 0 && !l->skipped && l->limit - l->count < l->page)
		l->page = (unsigned)(l->limit - l->count) + 1;
	op->list = l->list;
	op->limit = l->page;
	op->bytes = l->list == STORE_LIST_VALUES ? VALUES_PAGE : 0;
	l->received = 0;
	l->page_bytes = 0;
	if (l->rows > 0)
		set_start(l, op);
}

bool
key_list_next_workspace(struct uuid *workspace)
{
	size_t i = sizeof(workspace->b);

	while (i > 0 && ++workspace->b[i - 1] == 0)
		i--;
	return i > 0;
}

/* Whether the page ended because there are no more rows. */
static bool
has_ended(const struct key_list *l)
{
	struct uuid last;

	if (l->received < l->page && (l->list != STORE_LIST_VALUES || l->page_bytes < VALUES_PAGE))
		return true;
	return l->list == STORE_LIST_WORKSPACES &&
	    (!uuid_parse(buf_str(&l->passed), &last) || !key_list_next_workspace(&last));
}

bool
key_list_wants_page(const struct key_list *l)
{
	return buf_ok(&l->out) && !l->more && !has_ended(l);
}

static void
put_member(struct buf *out, struct str name)
{
	buf_puts(out, STR(",\""));
	buf_puts(out, name);
	buf_puts(out, STR("\":"));
}

static void
put_tag(struct buf *out, const struct md5 *md5)
{
	char etag[ETAG_TEXT_LENGTH];

	etag_text(md5, etag);
	json_put_string(out, str_from(etag, sizeof(etag)));
}

static void
put_date(struct buf *out, int64_t modified)
{
	if (modified == 0) {
		buf_puts(out, STR("null"));
		return;
	}
	buf_putc(out, '"');
	date_put_rfc3339(out, modified);
	buf_putc(out, '"');
}

static void
put_base64(struct buf *out, const struct store_row *row)
{
	if (row->looks_sealed) {
		buf_puts(out, STR("null"));
		return;
	}
	buf_putc(out, '"');
	base64_put(out, row->value);
	buf_putc(out, '"');
}

/* What is not known of a value is null. */
static void
put_entry(struct key_list *l, const struct store_row *row)
{
	struct buf *out = &l->out;

	buf_puts(out, STR("{\"key\":"));
	json_put_string(out, row->name);
	if (row->looks_sealed) {
		buf_puts(out, STR(",\"size\":null,\"etag\":null"));
	} else {
		put_member(out, STR("size"));
		buf_put_number(out, (int64_t)row->length);
		put_member(out, STR("etag"));
		put_tag(out, &row->md5);
	}
	put_member(out, STR("modified"));
	put_date(out, row->modified);
	if (l->list == STORE_LIST_VALUES) {
		put_member(out, STR("value"));
		put_base64(out, row);
	}
	buf_putc(out, '}');
}

static void
put_item(struct key_list *l, const struct store_row *row)
{
	switch (l->list) {
	case STORE_LIST_KEYS:
	case STORE_LIST_NAMESPACES:
	case STORE_LIST_WORKSPACES:
		json_put_string(&l->out, row->name);
		return;
	case STORE_LIST_METADATA:
	case STORE_LIST_VALUES:
		put_entry(l, row);
		return;
	case STORE_LIST_COUNTS:
		buf_puts(&l->out, STR("{\"namespace\":"));
		json_put_string(&l->out, row->name);
		put_member(&l->out, STR("count"));
		buf_put_number(&l->out, (int64_t)row->count);
		buf_putc(&l->out, '}');
		return;
	}
}

/* Notes that the row has come. */
static void
pass_row(struct key_list *l, const struct store_row *row)
{
	l->received++;
	l->rows++;
	l->page_bytes += row->stored_length;
	l->bytes += row->name.n;
	if (l->list == STORE_LIST_METADATA || l->list == STORE_LIST_VALUES)
		l->bytes += ENTRY_BYTES + row->value.n;
	buf_clear(&l->passed);
	buf_puts(&l->passed, row->name);
	l->out.failed |= !buf_ok(&l->passed);
}

void
key_list_skip(struct key_list *l, const struct store_row *row)
{
	pass_row(l, row);
	l->skipped = true;
}

void
key_list_put(struct key_list *l, const struct store_row *row)
{
	pass_row(l, row);
	if (l->limit > 0 && l->count == l->limit)
		l->more = true;
	if (l->list == STORE_LIST_VALUES && l->count > 0 && row->value.n > KEY_LIST_VALUES - l->values)
		l->more = true;
	if (l->more)
		return;
	if (l->count++ > 0)
		buf_putc(&l->out, ',');
	put_item(l, row);
	l->values += row->value.n < KEY_LIST_VALUES - l->values ? row->value.n : KEY_LIST_VALUES - l->values;
	buf_clear(&l->last);
	buf_puts(&l->last, row->name);
	l->out.failed |= !buf_ok(&l->last);
}

bool
key_list_is_full(const struct key_list *l)
{
	return l->out.n >= KEY_LIST_PIECE;
}

static void
put_count(struct key_list *l, struct buf *out)
{
	buf_puts(out, STR("\"count\":"));
	buf_put_number(out, (int64_t)l->count);
}

static void
put_first_member(struct buf *out, struct str member, struct str name)
{
	if (name.p == NULL)
		return;
	buf_putc(out, '"');
	buf_puts(out, member);
	buf_puts(out, STR("\":"));
	json_put_string(out, name);
	buf_putc(out, ',');
}

/* Puts everything that comes before the first row in front of the rows in out. */
static void
open_object(struct key_list *l, bool count_is_known)
{
	struct buf whole;

	buf_init(&whole, l->out.max + OUT_MAX);
	buf_putc(&whole, '{');
	put_first_member(&whole, STR("workspace"), l->workspace);
	put_first_member(&whole, STR("namespace"), l->ns);
	if (count_is_known) {
		put_count(l, &whole);
		buf_putc(&whole, ',');
	}
	buf_putc(&whole, '"');
	buf_puts(&whole, lists[l->list].member);
	buf_puts(&whole, STR("\":["));
	buf_puts(&whole, buf_str(&l->out));
	whole.failed |= l->out.failed;
	buf_free(&l->out);
	l->out = whole;
}

void
key_list_begin(struct key_list *l)
{
	open_object(l, false);
	l->begun = true;
}

static void
put_cursor(struct key_list *l)
{
	buf_puts(&l->out, STR(",\"cursor\":\"" CURSOR_MARK));
	base64url_put(&l->out, buf_str(&l->last));
	buf_putc(&l->out, '"');
}

void
key_list_end(struct key_list *l)
{
	if (!l->begun)
		open_object(l, true);
	buf_putc(&l->out, ']');
	if (l->begun) {
		buf_putc(&l->out, ',');
		put_count(l, &l->out);
	}
	if (l->more)
		put_cursor(l);
	buf_putc(&l->out, '}');
}

bool
key_list_read_cursor(struct str cursor, struct arena *a, struct str *name)
{
	struct str code = str_skip(cursor, sizeof(CURSOR_MARK) - 1);
	unsigned char *bytes = arena_alloc(a, code.n + 1);
	size_t n = 0;

	if (bytes == NULL || !str_starts(cursor, STR(CURSOR_MARK)) || !base64url_decode(code, bytes, code.n, &n))
		return false;
	*name = str_from((const char *)bytes, n);
	return n > 0 && utf8_is_text(*name);
}
