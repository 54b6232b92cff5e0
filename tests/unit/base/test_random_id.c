/* SPDX-License-Identifier: EPL-2.0 */
#include "base/random_id.h"

#include "lib/tap.h"

static void
accepts(void)
{
	static const struct {
		struct str s;
		bool ok;
	} rows[] = {
		{ TEXT("a"), true },
		{ TEXT("A-Z.09_z"), true },
		{ TEXT("-"), true },
		{ TEXT("00000000-0000-0000-0000-000000000000"), true },
		{ TEXT(""), false },
		{ { NULL, 0 }, false },
		{ TEXT("a b"), false },
		{ TEXT("a,b"), false },
		{ TEXT("a\n"), false },
		{ TEXT("a\0"), false },
		{ TEXT("a/b"), false },
		{ TEXT("a:b"), false },
		{ TEXT("a@b"), false },
		{ TEXT("\""), false },
		{ TEXT("\xc3\xa4"), false },
		{ TEXT("["), false },
		{ TEXT("`"), false },
		{ TEXT("{"), false },
	};
	char longest[129];

	for (size_t i = 0; i < COUNT(rows); i++)
		tap_int(random_id_ok(tap_edge(rows[i].s)), rows[i].ok, "%s", tap_show(rows[i].s));
	memset(longest, 'x', sizeof(longest));
	tap_ok(random_id_ok(str_from(longest, 128)), "128 characters");
	tap_ok(!random_id_ok(str_from(longest, 129)), "129 characters");
}

static void
makes(void)
{
	enum { MANY = 1000 };
	static char made[MANY][RANDOM_ID_SIZE];
	struct random_id one, other;
	bool ok = true, differ = true;

	random_id_init(&one);
	for (size_t i = 0; i < MANY; i++) {
		random_id_make(&one, made[i]);
		ok = ok && random_id_ok(str_from(made[i], RANDOM_ID_SIZE));
		for (size_t j = 0; j < i; j++)
			differ = differ && memcmp(made[i], made[j], RANDOM_ID_SIZE) != 0;
	}
	tap_ok(ok, "what is made would be accepted");
	tap_ok(differ, "no two are the same");
	random_id_init(&other);
	random_id_make(&other, made[0]);
	differ = true;
	for (size_t i = 1; i < MANY; i++)
		differ = differ && memcmp(made[0], made[i], RANDOM_ID_SIZE) != 0;
	tap_ok(differ, "another source makes others");
}

int
main(void)
{
	accepts();
	makes();
	return tap_end();
}
