/* SPDX-License-Identifier: EPL-2.0 */
#include "http/etag.h"

#define HEX_LENGTH (2 * sizeof(struct md5))

enum element {
	ELEMENT_OURS,
	ELEMENT_FOREIGN, /* well-formed, matches nothing that we store */
	ELEMENT_MALFORMED,
};

/* RFC 9110 8.8.3: etagc = %x21 / %x23-7E / obs-text */
static bool
is_etagc(char c)
{
	unsigned char u = (unsigned char)c;

	return u == 0x21 || (u >= 0x23 && u <= 0x7e) || u >= 0x80;
}

static bool
has_upper(struct str s)
{
	for (size_t i = 0; i < s.n; i++)
		if (s.p[i] >= 'A' && s.p[i] <= 'Z')
			return true;
	return false;
}

/* input begins after the opening quote; it is moved to after the closing one. */
static enum element
take_opaque(struct str *input, struct md5 *tag)
{
	size_t n = 0;

	while (n < input->n && is_etagc(input->p[n]))
		n++;
	if (n == input->n || input->p[n] != '"')
		return ELEMENT_MALFORMED;

	struct str opaque = str_first(*input, n);
	*input = str_skip(*input, n + 1);
	if (has_upper(opaque) || !digest_unhex(opaque, tag->b, sizeof(tag->b)))
		return ELEMENT_FOREIGN;
	return ELEMENT_OURS;
}

/* COMPAT: the digest without quotes. */
static enum element
take_bare_md5(struct str *input, struct md5 *tag)
{
	if (!digest_unhex(str_first(*input, HEX_LENGTH), tag->b, sizeof(tag->b)))
		return ELEMENT_MALFORMED;
	*input = str_skip(*input, HEX_LENGTH);
	return ELEMENT_OURS;
}

static enum element
take_element(struct str *input, enum etag_comparison comparison, struct md5 *tag)
{
	bool weak = str_starts(*input, STR("W/\""));

	if (!weak && !str_starts(*input, STR("\"")))
		return take_bare_md5(input, tag);
	*input = str_skip(*input, weak ? 3 : 1);

	enum element element = take_opaque(input, tag);
	/* RFC 9110 8.8.3.2: strong comparison fails if either tag is weak */
	if (weak && comparison == ETAG_STRONG && element == ELEMENT_OURS)
		return ELEMENT_FOREIGN;
	return element;
}

static enum etag_result
parse_tag_list(struct str input, enum etag_comparison comparison, struct etag_list *out)
{
	size_t seen = 0;

	/* RFC 9110 5.6.1.2: empty elements are skipped */
	for (; input.n > 0; input = str_trim(str_skip(input, 1))) {
		if (input.p[0] == ',')
			continue;
		enum element element = take_element(&input, comparison, &out->tag[out->n]);
		if (element == ELEMENT_MALFORMED)
			return ETAG_MALFORMED;
		if (++seen > ETAG_LIST_MAX)
			return ETAG_TOO_MANY;
		if (element == ELEMENT_OURS)
			out->n++;
		input = str_trim(input);
		if (input.n > 0 && input.p[0] != ',')
			return ETAG_MALFORMED;
	}
	return seen > 0 ? ETAG_OK : ETAG_MALFORMED;
}

enum etag_result
etag_list_parse(struct str field, enum etag_comparison comparison, struct arena *a, struct etag_list *out)
{
	*out = (struct etag_list){ .any = false };
	field = str_trim(field);
	if (str_eq(field, STR("*"))) {
		out->any = true;
		return ETAG_OK;
	}
	/* A tag of ours takes HEX_LENGTH bytes or more; one element more is where each tag is tried. */
	out->tag = arena_alloc(a, (field.n / HEX_LENGTH + 1) * sizeof(*out->tag));
	if (out->tag == NULL)
		return ETAG_NO_MEMORY;
	return parse_tag_list(field, comparison, out);
}

bool
etag_list_has(const struct etag_list *list, const struct md5 *tag)
{
	for (size_t i = 0; i < list->n; i++)
		if (memcmp(list->tag[i].b, tag->b, sizeof(tag->b)) == 0)
			return true;
	return list->any;
}

void
etag_text(const struct md5 *tag, char out[ETAG_TEXT_LENGTH])
{
	out[0] = '"';
	digest_hex(tag->b, sizeof(tag->b), out + 1);
	out[ETAG_TEXT_LENGTH - 1] = '"';
}
