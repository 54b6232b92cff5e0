/* SPDX-License-Identifier: EPL-2.0 */
#include "api/body.h"

#include "base/base.h"

/* Codings that the original decodes; it ignores others, as we do. */
static bool
is_coding(struct str word)
{
	static const struct str codings[] = { STR_INIT("gzip"), STR_INIT("deflate"), STR_INIT("br"), STR_INIT("zstd") };

	for (size_t i = 0; i < ARRAY_SIZE(codings); i++)
		if (str_eq_nocase(word, codings[i]))
			return true;
	return false;
}

/* RFC 9110 8.4: a list.  A web server may have made it of two fields, of which the original takes the first. */
static bool
is_coded(struct str field)
{
	struct str word;

	while (field.n > 0) {
		(void)str_cut(field, ',', &word, &field);
		if (is_coding(str_trim(word)))
			return true;
	}
	return false;
}

enum refusal
body_refusal(const struct request *request, size_t limit)
{
	if (is_coded(request->content_encoding))
		return REFUSAL_CONTENT_CODING;
	if (request->length == LENGTH_MALFORMED)
		return REFUSAL_BAD_CONTENT_LENGTH;
	return request->content_length > limit ? REFUSAL_TOO_LARGE : REFUSAL_NONE;
}

bool
body_is_json(const struct request *request)
{
	struct str type, parameters;

	(void)str_cut(request->content_type, ';', &type, &parameters);
	return str_eq_nocase(str_trim(type), STR("application/json"));
}
