/* SPDX-License-Identifier: EPL-2.0 */
#include "client/row.h"

#include <errno.h>

#include "codec/base64.h"
#include "codec/json.h"

void
row_put(struct buf *out, struct str key, struct str value)
{
	buf_puts(out, STR("{\"key\":"));
	json_put_string(out, key);
	buf_puts(out, STR(",\"value\":"));
	json_put_string(out, value);
	buf_puts(out, STR("}\n"));
}

/* A text that a row must have; absent: it has none. */
static struct str
text_of_row(const cJSON *row, const char *name)
{
	const cJSON *item = cJSON_GetObjectItemCaseSensitive(row, name);

	return cJSON_IsString(item) ? str_of(item->valuestring) : STR_ABSENT;
}

static const char *
take_row(const cJSON *row, struct buf *key, struct buf *value)
{
	struct str k = text_of_row(row, "key"), v = text_of_row(row, "value");

	if (k.p == NULL || v.p == NULL || cJSON_GetArraySize(row) != 2)
		return "needs \"key\" and \"value\", both texts, and nothing else";
	if (k.n == 0)
		return "the key is empty";
	if (!base64_decode(v, value))
		return "the value is not base64";
	buf_puts(key, k);
	return buf_ok(key) && buf_ok(value) ? NULL : "there is no memory for it";
}

const char *
row_read(struct str line, struct buf *key, struct buf *value)
{
	cJSON *row = json_parse_object(line);
	const char *why = row != NULL ? take_row(row, key, value)
	    : errno == ENOMEM         ? "there is no memory for it"
				      : "is not a whole JSON object";

	cJSON_Delete(row);
	return why;
}
