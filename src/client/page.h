/* SPDX-License-Identifier: EPL-2.0 */
/*
 * page: a list of the service, read page by page.
 */
#ifndef HULYKVS_PAGE_H
#define HULYKVS_PAGE_H

#include "client/session.h"
#include "codec/json.h"

struct page {
	cJSON *json;
	const cJSON *items; /* array: of strings, or of objects where more than the keys was asked for */
	const char *cursor; /* NULL: this is the last page */
};

/*
 * Reads the next page of a namespace into *page, which is zeros before the
 * first one.  include: "metadata", "values" or NULL; limit: at most so many
 * keys.  A service that does not know `include` answers with keys.
 */
enum exitstatus page_next(struct page *page, struct session *s, const struct arguments *a, const char *include,
    uint64_t limit, struct buf *error) __attribute__((warn_unused_result));

/* Borrows the key of an item; absent: it has none. */
struct str page_key(const cJSON *item);

void page_free(struct page *page);

#endif
