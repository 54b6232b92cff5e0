/* SPDX-License-Identifier: EPL-2.0 */
#include "client/row.h"

#include "lib/tap.h"

#define MAX    65536
#define NEEDS  "needs \"key\" and \"value\", both texts, and nothing else"
#define BROKEN "is not a whole JSON object"
#define END    "needs \"keys\", a number, and \"sha256\", 64 hexadecimal digits, and nothing else"
#define SUM    "000102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1eff"

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
	{ TEXT("{\"keys\":1}"), NEEDS },
	{ TEXT("{\"sha256\":\"" SUM "\"}"), END },
	{ TEXT("{\"keys\":\"1\",\"sha256\":\"" SUM "\"}"), END },
	{ TEXT("{\"keys\":-1,\"sha256\":\"" SUM "\"}"), END },
	{ TEXT("{\"keys\":1e300,\"sha256\":\"" SUM "\"}"), END },
	{ TEXT("{\"keys\":1,\"sha256\":\"" SUM "0\"}"), END },
	{ TEXT("{\"keys\":1,\"sha256\":\"" SUM "\",\"key\":\"\"}"), END },
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
	struct row_end end;
	bool is_end;

	buf_init(&key, MAX);
	buf_init(&value, MAX);
	tap_ok(row_read(STR("{\"key\":\"k\",\"value\":\"dg==\"}"), &key, &value, &end, &is_end) == NULL && !is_end,
	    "reads a row");
	tap_ok(
	    row_read(STR(" { \"value\" : \"AP8=\" , \"key\" : \"\\u00e4\" } "), &key, &value, &end, &is_end) == NULL &&
		!is_end,
	    "and another");
	tap_text(buf_str(&key), STR("k\xc3\xa4"), "the keys");
	tap_text(buf_str(&value), STR("v\0\xff"), "the values");
	buf_clear(&key);
	buf_clear(&value);
	for (size_t i = 0; i < COUNT(faults); i++) {
		const char *why = row_read(tap_edge(faults[i].line), &key, &value, &end, &is_end);

		tap_text(str_of(why), str_of(faults[i].why), "refuses %s", tap_show(faults[i].line));
	}
	tap_int(key.n + value.n, 0, "and keeps nothing of them");
	buf_free(&key);
	buf_free(&value);
}

static void
ends(void)
{
	static const char line[] = "{\"keys\":12345678901,\"sha256\":\"" SUM "\"}\n";
	struct row_end end = { .keys = 12345678901 }, again;
	struct buf out, none;
	bool is_end;

	for (unsigned char i = 0; i < sizeof(end.sum.b); i++)
		end.sum.b[i] = i < 31 ? i : 0xff;
	buf_init(&out, MAX);
	buf_init(&none, MAX);
	row_put_end(&out, &end);
	tap_text(buf_str(&out), str_of(line), "writes the last line");
	tap_ok(row_read(str_from(line, sizeof(line) - 2), &none, &none, &again, &is_end) == NULL && is_end &&
		again.keys == end.keys && memcmp(&again.sum, &end.sum, sizeof(end.sum)) == 0 && none.n == 0,
	    "and reads it");
	buf_free(&out);
	buf_free(&none);
}

int
main(void)
{
	writes();
	reads();
	ends();
	return tap_end();
}
