/* SPDX-License-Identifier: EPL-2.0 */
/*
 * page: a list of the service, read page by page.  For dump and listing.
 */
#ifndef HULYKVS_PAGE_H
#define HULYKVS_PAGE_H

#include "client/session.h"
#include "codec/json.h"

struct page {
	cJSON *json;
	const cJSON *items; /* array: of strings, or of objects where more than the names was asked for */
	const char *cursor; /* NULL: this is the last page */
};

struct page_query {
	struct str namespace; /* absent: the list of namespaces */
	struct str prefix;    /* absent: all */
	const char *include;  /* "metadata" or "values" for keys, "counts" for namespaces; NULL: names only */
	uint64_t limit;       /* at most so many */
};

/*
 * Reads the next page into *page, which is zeros before the first one.  Each
 * item has a name.  A service that does not know `include` answers with names.
 */
enum exitstatus page_next(struct page *page, struct session *s, const struct page_query *query, struct buf *error)
    __attribute__((warn_unused_result));

/* Borrows the key or the namespace of an item; absent: it has none. */
struct str page_name(const cJSON *item);

void page_free(struct page *page);

#endif
