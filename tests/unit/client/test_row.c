/* SPDX-License-Identifier: EPL-2.0 */
#include "client/row.h"

#include "lib/tap.h"

#define MAX    65536
#define NEEDS  "needs \"key\" and \"value\", both texts, and nothing else"
#define BROKEN "is not a whole JSON object"

static const struct {
	struct str key, value, line;
} rows[] = {
	{ TEXT("k"), TEXT("dg=="), TEXT("{\"key\":\"k\",\"value\":\"dg==\"}\n") },
	{ TEXT("\"\\\n\xc3\xa4"), TEXT(""), TEXT("{\"key\":\"\\\"\\\\\\n\xc3\xa4\",\"value\":\"\"}\n") },
};

static const struct {
	struct str line;
	const char *why;
} faults[] = {
	{ TEXT(""), BROKEN },
	{ TEXT("{\"key\":\"k\",\"value\":\"dg=="), BROKEN },
	{ TEXT("{\"key\":\"k\",\"value\":\"dg==\"}{}"), BROKEN },
	{ TEXT("{\"key\":\"k\",\"key\":\"l\",\"value\":\"\"}"), BROKEN },
	{ TEXT("{\"key\":\"\xff\",\"value\":\"\"}"), BROKEN },
	{ TEXT("{\"key\":\"\\u0000\",\"value\":\"\"}"), BROKEN },
	{ TEXT("[]"), BROKEN },
	{ TEXT("{}"), NEEDS },
	{ TEXT("{\"key\":\"k\"}"), NEEDS },
	{ TEXT("{\"value\":\"\"}"), NEEDS },
	{ TEXT("{\"key\":1,\"value\":\"\"}"), NEEDS },
	{ TEXT("{\"key\":\"k\",\"value\":null}"), NEEDS },
	{ TEXT("{\"Key\":\"k\",\"value\":\"\"}"), NEEDS },
	{ TEXT("{\"key\":\"k\",\"value\":\"\",\"etag\":\"\"}"), NEEDS },
	{ TEXT("{\"key\":\"\",\"value\":\"\"}"), "the key is empty" },
	{ TEXT("{\"key\":\"k\",\"value\":\"dg\"}"), "the value is not base64" },
	{ TEXT("{\"key\":\"k\",\"value\":\"dg==\\n\"}"), "the value is not base64" },
	{ TEXT("{\"key\":\"k\",\"value\":\"d_==\"}"), "the value is not base64" },
};

static void
writes(void)
{
	struct buf out;

	buf_init(&out, MAX);
	for (size_t i = 0; i < COUNT(rows); i++) {
		buf_clear(&out);
		row_put(&out, rows[i].key, rows[i].value);
		tap_text(buf_str(&out), rows[i].line, "writes %s", tap_show(rows[i].key));
	}
	buf_free(&out);
}

static void
reads(void)
{
	struct buf key, value;

	buf_init(&key, MAX);
	buf_init(&value, MAX);
	tap_ok(row_read(STR("{\"key\":\"k\",\"value\":\"dg==\"}"), &key, &value) == NULL, "reads a row");
	tap_ok(
	    row_read(STR(" { \"value\" : \"AP8=\" , \"key\" : \"\\u00e4\" } "), &key, &value) == NULL, "and another");
	tap_text(buf_str(&key), STR("k\xc3\xa4"), "the keys");
	tap_text(buf_str(&value), STR("v\0\xff"), "the values");
	buf_clear(&key);
	buf_clear(&value);
	for (size_t i = 0; i < COUNT(faults); i++) {
		const char *why = row_read(tap_edge(faults[i].line), &key, &value);

		tap_text(str_of(why), str_of(faults[i].why), "refuses %s", tap_show(faults[i].line));
	}
	tap_int(key.n + value.n, 0, "and keeps nothing of them");
	buf_free(&key);
	buf_free(&value);
}

int
main(void)
{
	writes();
	reads();
	return tap_end();
}
