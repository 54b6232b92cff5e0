/* SPDX-License-Identifier: EPL-2.0 */
#include "config/setting_type.h"

#include <assert.h>
#include <stdlib.h>

#include "base/digest.h"
#include "codec/uuid.h"

bool
setting_type_is_digits(struct str s)
{
	for (size_t i = 0; i < s.n; i++)
		if (!str_is_digit(s.p[i]))
			return false;
	return true;
}

uint64_t
setting_type_value(struct str digits)
{
	uint64_t n = 0;

	for (size_t i = 0; i < digits.n && n <= SETTING_TYPE_WHOLE_MAX; i++)
		n = n * 10 + (uint64_t)(digits.p[i] - '0');
	return n;
}

bool
setting_type_parse_whole(struct str s, uint64_t min, uint64_t max, uint64_t *n)
{
	if (s.n == 0 || !setting_type_is_digits(s))
		return false;
	*n = setting_type_value(s);
	return *n >= min && *n <= max;
}

const char *
setting_type_copy(struct str s, char **text)
{
	*text = strndup(s.p, s.n);
	return *text != NULL ? NULL : "out of memory";
}

void
setting_type_release_text(void *member)
{
	char **text = member;

	free(*text);
	*text = NULL;
}

void
setting_type_release_secret(void *member)
{
	char **secret = member;

	if (*secret != NULL)
		digest_cleanse(*secret, strlen(*secret));
	setting_type_release_text(secret);
}

bool
setting_type_is_secret(const struct setting_type *type)
{
	return type->release == setting_type_release_secret;
}

bool
setting_type_same(const struct setting_type *type, const void *a, const void *b)
{
	char *const *x = a, *const *y = b;

	return type->size > 0 ? memcmp(a, b, type->size) == 0 : strcmp(*x, *y) == 0;
}

void
setting_type_swap(const struct setting_type *type, void *a, void *b)
{
	char space[sizeof(struct uuid)]; /* the largest member */
	size_t n = type->size > 0 ? type->size : sizeof(char *);

	assert(n <= sizeof(space));
	memcpy(space, a, n);
	memcpy(a, b, n);
	memcpy(b, space, n);
}
