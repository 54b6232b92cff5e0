/* SPDX-License-Identifier: EPL-2.0 */
#include "codec/uuid.h"

#include "lib/tap.h"

#define HYPHENATED "1749089e-22e6-48de-af4e-165e18fbd2f9"
#define SIMPLE     "1749089e22e648deaf4e165e18fbd2f9"

static const struct uuid system_account = { { 0x17, 0x49, 0x08, 0x9e, 0x22, 0xe6, 0x48, 0xde, 0xaf, 0x4e, 0x16, 0x5e,
    0x18, 0xfb, 0xd2, 0xf9 } };

static void
accepts(void)
{
	static const struct str rows[] = {
		TEXT(HYPHENATED),
		TEXT(SIMPLE),
		TEXT("{" HYPHENATED "}"),
		TEXT("urn:uuid:" HYPHENATED),
		TEXT("1749089E-22E6-48DE-AF4E-165E18FBD2F9"),
		TEXT("1749089E22E648DEAF4E165E18FBD2F9"),
		TEXT("1749089e-22E6-48dE-Af4e-165e18FBD2F9"),
		TEXT("{1749089E-22E6-48DE-AF4E-165E18FBD2F9}"),
		TEXT("urn:uuid:1749089E-22E6-48DE-AF4E-165E18FBD2F9"),
	};

	for (size_t i = 0; i < COUNT(rows); i++) {
		struct uuid u = { { 0 } };
		bool ok = uuid_parse(tap_edge(rows[i]), &u);
		tap_ok(ok && uuid_eq(&u, &system_account), "accepts %s", tap_show(rows[i]));
	}
}

static void
refuses(void)
{
	static const struct str rows[] = {
		TEXT(""),
		{ NULL, 0 },
		TEXT("-"),
		TEXT("{}"),
		TEXT("urn:uuid:"),
		/* One digit short, one too many, each form. */
		TEXT("1749089e-22e6-48de-af4e-165e18fbd2f"),
		TEXT(HYPHENATED "0"),
		TEXT("1749089e22e648deaf4e165e18fbd2f"),
		TEXT(SIMPLE "0"),
		TEXT("{1749089e-22e6-48de-af4e-165e18fbd2f}"),
		TEXT("{" HYPHENATED "0}"),
		TEXT("urn:uuid:1749089e-22e6-48de-af4e-165e18fbd2f"),
		TEXT("urn:uuid:" HYPHENATED "0"),
		/* Wrappers that belong to the hyphenated form only. */
		TEXT("{" SIMPLE "}"),
		TEXT("urn:uuid:" SIMPLE),
		TEXT("urn:uuid:{" HYPHENATED "}"),
		TEXT("{urn:uuid:" HYPHENATED "}"),
		TEXT("{{" HYPHENATED "}}"),
		TEXT("(" HYPHENATED ")"),
		TEXT("{" HYPHENATED),
		TEXT(HYPHENATED "}"),
		TEXT("{" HYPHENATED ")"),
		TEXT("}" HYPHENATED "{"),
		TEXT("URN:UUID:" HYPHENATED),
		TEXT("urn:UUID:" HYPHENATED),
		TEXT("Urn:uuid:" HYPHENATED),
		TEXT("urn:guid:" HYPHENATED),
		TEXT("urn-uuid-" HYPHENATED),
		TEXT("uuid:" HYPHENATED),
		/* Hyphens astray. */
		TEXT("1749089-e22e6-48de-af4e-165e18fbd2f9"),
		TEXT("1749089e2-2e6-48de-af4e-165e18fbd2f9"),
		TEXT("1749089e-22e64-8de-af4e-165e18fbd2f9"),
		TEXT("1749089e-22e6-48dea-f4e-165e18fbd2f9"),
		TEXT("1749089e-22e6-48de-af4e1-65e18fbd2f9"),
		TEXT("1749089e-22e6-48de-af4e0165e18fbd2f9"),
		TEXT("1749089e022e6-48de-af4e-165e18fbd2f9"),
		TEXT("1749089e_22e6_48de_af4e_165e18fbd2f9"),
		TEXT("------------------------------------"),
		TEXT("1749089e-22e6-48de-af4e-165e18fbd2"),
		TEXT("-1749089e22e648deaf4e165e18fbd2f"),
		/* No digits. */
		TEXT("g749089e-22e6-48de-af4e-165e18fbd2f9"),
		TEXT("1749089e-22e6-48de-af4e-165e18fbd2fg"),
		TEXT("1749089e22e648deaf4e165e18fbd2fG"),
		TEXT("1749089e-22e6-48de-af4e-165e18fbd2f\0"),
		TEXT("1749089e 22e6 48de af4e 165e18fbd2f9"),
		TEXT("0x49089e-22e6-48de-af4e-165e18fbd2f9"),
		TEXT("+749089e-22e6-48de-af4e-165e18fbd2f9"),
		/* Nothing is trimmed. */
		TEXT(" " HYPHENATED),
		TEXT(HYPHENATED " "),
		TEXT(HYPHENATED "\n"),
		TEXT(" " HYPHENATED " "),
	};

	for (size_t i = 0; i < COUNT(rows); i++) {
		struct uuid u = system_account;
		tap_ok(!uuid_parse(tap_edge(rows[i]), &u), "refuses %s", tap_show(rows[i]));
	}
}

static void
writes(void)
{
	static const struct str rows[] = {
		TEXT(HYPHENATED),
		TEXT("00000000-0000-0000-0000-000000000000"),
		TEXT("ffffffff-ffff-ffff-ffff-ffffffffffff"),
		TEXT("01234567-89ab-cdef-0123-456789abcdef"),
	};
	char text[UUID_TEXT_SIZE];
	struct uuid u;

	for (size_t i = 0; i < COUNT(rows); i++) {
		memset(text, 'x', sizeof(text));
		if (!uuid_parse(rows[i], &u))
			tap_bail("uuid_parse");
		uuid_text(&u, text);
		tap_ok(text[UUID_TEXT_SIZE - 1] == '\0', "a NUL at the end");
		tap_text(str_of(text), rows[i], "reads and writes %s", tap_show(rows[i]));
	}
	uuid_text(&system_account, text);
	tap_text(str_of(text), STR(HYPHENATED), "writes the bytes in order");
	u = system_account;
	u.b[15] ^= 1;
	tap_ok(!uuid_eq(&u, &system_account), "uuid_eq looks at the last byte");
}

int
main(void)
{
	accepts();
	refuses();
	writes();
	return tap_end();
}
