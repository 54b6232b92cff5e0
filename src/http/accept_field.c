/* SPDX-License-Identifier: EPL-2.0 */
#include "http/accept_field.h"

/* A weight is "0", "1" or a decimal between them (RFC 9110 12.4.2). */
static bool
is_positive(struct str weight)
{
	for (size_t i = 0; i < weight.n; i++)
		if (weight.p[i] >= '1' && weight.p[i] <= '9')
			return true;
	return false;
}

static bool
element_names(struct str element, struct str wanted)
{
	struct str name, parameters, parameter;

	(void)str_cut(element, ';', &name, &parameters);
	if (!str_eq_nocase(str_trim(name), wanted))
		return false;
	while (parameters.p != NULL) {
		(void)str_cut(parameters, ';', &parameter, &parameters);
		parameter = str_trim(parameter);
		if (parameter.n > 2 && str_eq_nocase(str_first(parameter, 2), STR("q=")))
			return is_positive(str_skip(parameter, 2));
	}
	return true;
}

bool
accept_field_names(struct str field, struct str type)
{
	struct str element;

	while (field.p != NULL) {
		(void)str_cut(field, ',', &element, &field);
		if (element_names(element, type))
			return true;
	}
	return false;
}
