/* SPDX-License-Identifier: EPL-2.0 */
#include "client/row.h"

#include <errno.h>
#include <inttypes.h>

#include "codec/base64.h"
#include "codec/json.h"

#define KEYS_MAX 9007199254740992.0 /* 2^53: JSON's numbers are doubles */

void
row_put(struct buf *out, struct str key, struct str value)
{
	buf_puts(out, STR("{\"key\":"));
	json_put_string(out, key);
	buf_puts(out, STR(",\"value\":"));
	json_put_string(out, value);
	buf_puts(out, STR("}\n"));
}

void
row_put_end(struct buf *out, const struct row_end *end)
{
	char hex[2 * sizeof(end->sum.b)];

	digest_hex(end->sum.b, sizeof(end->sum.b), hex);
	buf_printf(out, "{\"keys\":%" PRIu64 ",\"sha256\":\"%.*s\"}\n", end->keys, (int)sizeof(hex), hex);
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

static const char *
take_row_end(const cJSON *row, struct row_end *end)
{
	const cJSON *keys = cJSON_GetObjectItemCaseSensitive(row, "keys");

	if (!cJSON_IsNumber(keys) || keys->valuedouble < 0 || keys->valuedouble > KEYS_MAX ||
	    cJSON_GetArraySize(row) != 2 || !digest_unhex(text_of_row(row, "sha256"), end->sum.b, sizeof(end->sum.b)))
		return "needs \"keys\", a number, and \"sha256\", 64 hexadecimal digits, and nothing else";
	end->keys = (uint64_t)keys->valuedouble;
	return NULL;
}

const char *
row_read(struct str line, struct buf *key, struct buf *value, struct row_end *end, bool *is_end)
{
	cJSON *row = json_parse_object(line);
	const char *why;

	*is_end = row != NULL && text_of_row(row, "sha256").p != NULL;
	if (row != NULL)
		why = *is_end ? take_row_end(row, end) : take_row(row, key, value);
	else
		why = errno == ENOMEM ? "there is no memory for it" : "is not a whole JSON object";
	cJSON_Delete(row);
	return why;
}
