/* SPDX-License-Identifier: EPL-2.0 */
#include "codec/uuid.h"

#include "base/base.h"
#include "base/digest.h"

#define SIMPLE_LENGTH     32
#define HYPHENATED_LENGTH 36

/* RFC 9562 4: hexadecimal digits in groups of 8-4-4-4-12. */
static const struct {
	size_t digits, bytes;
} groups[] = { { 8, 4 }, { 4, 2 }, { 4, 2 }, { 4, 2 }, { 12, 6 } };

#define GROUPS (ARRAY_SIZE(groups))

static bool
parse_hyphenated(struct str s, struct uuid *out)
{
	unsigned char *b = out->b;

	for (size_t i = 0; i < GROUPS; i++) {
		if (!digest_unhex(str_first(s, groups[i].digits), b, groups[i].bytes))
			return false;
		b += groups[i].bytes;
		s = str_skip(s, groups[i].digits);
		if (i + 1 < GROUPS && (s.n == 0 || s.p[0] != '-'))
			return false;
		s = str_skip(s, 1);
	}
	return true;
}

/* s between prefix and suffix is of the hyphenated length. */
static bool
unwrap(struct str s, struct str prefix, struct str suffix, struct str *inner)
{
	if (s.n != prefix.n + HYPHENATED_LENGTH + suffix.n || !str_starts(s, prefix))
		return false;
	*inner = str_first(str_skip(s, prefix.n), HYPHENATED_LENGTH);
	return str_eq(str_skip(s, prefix.n + HYPHENATED_LENGTH), suffix);
}

bool
uuid_parse(struct str s, struct uuid *out)
{
	struct str inner = s;
	struct uuid u;

	bool ok = s.n == SIMPLE_LENGTH ? digest_unhex(s, u.b, sizeof(u.b))
				       : (s.n == HYPHENATED_LENGTH || unwrap(s, STR("{"), STR("}"), &inner) ||
					     unwrap(s, STR("urn:uuid:"), STR(""), &inner)) &&
		parse_hyphenated(inner, &u);
	if (ok)
		*out = u;
	return ok;
}

void
uuid_text(const struct uuid *u, char out[UUID_TEXT_SIZE])
{
	const unsigned char *b = u->b;

	for (size_t i = 0; i < GROUPS; i++) {
		digest_hex(b, groups[i].bytes, out);
		b += groups[i].bytes;
		out += groups[i].digits;
		*out++ = i + 1 < GROUPS ? '-' : '\0';
	}
}
