/* SPDX-License-Identifier: EPL-2.0 */
/* The lists of If-Match and If-None-Match: a line of the input is a field value. */
#include "fuzz.h"
#include "http/etag.h"

#define CAP ((size_t)1 << 20)

static void
check_list(const struct etag_list *list, struct arena *a)
{
	CHECK(!list->any || list->n == 0);
	for (size_t i = 0; i < list->n; i++) {
		char text[ETAG_TEXT_LENGTH];
		struct etag_list one;

		CHECK(etag_list_has(list, &list->tag[i]));
		etag_text(&list->tag[i], text);
		CHECK(etag_list_parse(str_from(text, sizeof(text)), ETAG_STRONG, a, &one) == ETAG_OK);
		CHECK(one.n == 1 && memcmp(one.tag[0].b, list->tag[i].b, sizeof(one.tag[0].b)) == 0);
	}
}

/* Both comparisons; what never matches weakly never matches strongly. */
static enum etag_result
check_field(struct str field, struct arena *a, struct etag_list *weak)
{
	struct etag_list strong;
	enum etag_result result = etag_list_parse(field, ETAG_STRONG, a, &strong);

	CHECK(result == etag_list_parse(field, ETAG_WEAK, a, weak));
	if (result != ETAG_OK)
		return result;
	CHECK(strong.any == weak->any && strong.n <= weak->n);
	for (size_t i = 0; i < strong.n; i++)
		CHECK(etag_list_has(weak, &strong.tag[i]));
	check_list(&strong, a);
	check_list(weak, a);
	return result;
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct str first, second, joined;
	struct etag_list one, two, both;
	struct arena a;

	arena_init(&a, CAP);
	if (str_cut(fuzz_str(data, size), '\n', &first, &second) && check_field(first, &a, &one) == ETAG_OK &&
	    check_field(second, &a, &two) == ETAG_OK) {
		/* As a web server joins the values of two fields (RFC 9110 5.3). */
		joined = arena_printf(&a, "%.*s, %.*s", STR_FMT(first), STR_FMT(second));
		if (joined.p != NULL && joined.n == first.n + 2 + second.n) {
			enum etag_result result = check_field(joined, &a, &both);

			CHECK(result == (one.any || two.any ? ETAG_MALFORMED : ETAG_OK));
			CHECK(result != ETAG_OK || both.n == one.n + two.n);
		}
	} else {
		(void)check_field(first, &a, &one);
	}
	arena_free(&a);
	return 0;
}
