/* SPDX-License-Identifier: EPL-2.0 */
#include "http/accept_field.h"

#include "lib/tap.h"

int
main(void)
{
	static const struct {
		struct str field;
		bool names;
	} rows[] = {
		{ TEXT("a/b"), true },
		{ TEXT("A/B"), true },
		{ TEXT(" a/b "), true },
		{ TEXT("x/y, a/b"), true },
		{ TEXT("x/y,a/b;q=0.1,*/*"), true },
		{ TEXT("a/b;version=1.0.0;q=0.5"), true },
		{ TEXT("a/b;q=1"), true },
		{ TEXT("a/b;q=0"), false },
		{ TEXT("a/b;q=0.000"), false },
		{ TEXT("a/b; Q=0"), false },
		{ TEXT("a/b;q=0, a/b"), true },
		{ TEXT("a/*"), false },
		{ TEXT("*/*"), false },
		{ TEXT("a/bc"), false },
		{ TEXT("xa/b"), false },
		{ TEXT("x/y;z=a/b"), false },
		{ TEXT(""), false },
		{ { NULL, 0 }, false },
	};

	for (size_t i = 0; i < COUNT(rows); i++)
		tap_int(accept_field_names(tap_edge(rows[i].field), STR("a/b")), rows[i].names, "%s",
		    tap_show(rows[i].field));
	return tap_end();
}
