/* SPDX-License-Identifier: EPL-2.0 */
#include "api/key_list.h"

#include "base/utf8.h"
#include "codec/base64url.h"
#include "codec/json.h"
#include "store/key_range.h"

#define OUT_MAX (KEY_LIST_PIECE + (size_t)256 * 1024) /* a piece, and the longest names with every byte escaped */

/* Not a hexadecimal digit, so that a cursor of version 0.1.0 is refused and not read as another key. */
#define CURSOR_MARK "k"

/* Keys in a page.  A page is in memory until the client has read it, so its bytes are limited, too. */
#define FIRST_PAGE 2000
#define PAGE_MIN   100
#define PAGE_MAX   10000
#define PAGE_BYTES ((uint64_t)256 * 1024) /* estimated from the average length of the keys so far */

void
key_list_init(struct key_list *l, struct str workspace, struct str ns, unsigned limit)
{
	*l = (struct key_list){ .workspace = workspace, .ns = ns, .limit = limit };
	buf_init(&l->out, OUT_MAX);
	buf_init(&l->last, OUT_MAX);
	buf_init(&l->next, OUT_MAX);
}

void
key_list_free(struct key_list *l)
{
	buf_free(&l->out);
	buf_free(&l->last);
	buf_free(&l->next);
}

static unsigned
page_size(const struct key_list *l)
{
	uint64_t n = FIRST_PAGE;

	if (l->count > 0)
		n = PAGE_BYTES / (l->bytes / l->count + 1);
	if (n < PAGE_MIN)
		return PAGE_MIN;
	return n < PAGE_MAX ? (unsigned)n : PAGE_MAX;
}

void
key_list_plan_page(struct key_list *l, struct key_range *range, unsigned *limit)
{
	l->page = page_size(l);
	/* One key more than the limit is asked for: if it comes, there are more keys. */
	if (l->limit > 0 && l->limit - l->count < l->page)
		l->page = (unsigned)(l->limit - l->count) + 1;
	*limit = l->page;
	l->received = 0;
	if (l->count == 0)
		return;
	buf_clear(&l->next);
	key_range_put_after(buf_str(&l->last), &l->next);
	l->out.failed |= !buf_ok(&l->next);
	range->from = buf_str(&l->next);
}

bool
key_list_wants_page(const struct key_list *l)
{
	return buf_ok(&l->out) && !l->more && l->received == l->page;
}

void
key_list_put(struct key_list *l, struct str key)
{
	l->received++;
	if (l->limit > 0 && l->count == l->limit) {
		l->more = true;
		return;
	}
	if (l->count++ > 0)
		buf_putc(&l->out, ',');
	json_put_string(&l->out, key);
	l->bytes += key.n;
	buf_clear(&l->last);
	buf_puts(&l->last, key);
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

/* Puts everything that comes before the first key in front of the keys in out. */
static void
open_object(struct key_list *l, bool count_is_known)
{
	struct buf whole;

	buf_init(&whole, 2 * OUT_MAX);
	buf_putc(&whole, '{');
	if (l->workspace.p != NULL) {
		buf_puts(&whole, STR("\"workspace\":"));
		json_put_string(&whole, l->workspace);
		buf_putc(&whole, ',');
	}
	buf_puts(&whole, STR("\"namespace\":"));
	json_put_string(&whole, l->ns);
	buf_putc(&whole, ',');
	if (count_is_known) {
		put_count(l, &whole);
		buf_putc(&whole, ',');
	}
	buf_puts(&whole, STR("\"keys\":["));
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
key_list_read_cursor(struct str cursor, struct arena *a, struct str *key)
{
	struct str code = str_skip(cursor, sizeof(CURSOR_MARK) - 1);
	unsigned char *bytes = arena_alloc(a, code.n + 1);
	size_t n = 0;

	if (bytes == NULL || !str_starts(cursor, STR(CURSOR_MARK)) || !base64url_decode(code, bytes, code.n, &n))
		return false;
	*key = str_from((const char *)bytes, n);
	return n > 0 && utf8_is_text(*key);
}
