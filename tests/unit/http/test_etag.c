/* SPDX-License-Identifier: EPL-2.0 */
#include "http/etag.h"

#include "lib/tap.h"

#define CAP 65536

/* The MD5s of "" and of "a", as hex digits. */
#define A       "d41d8cd98f00b204e9800998ecf8427e"
#define B       "0cc175b9c0f1b6a831c399e269772661"
#define A_UPPER "D41D8CD98F00B204E9800998ECF8427E"
#define Q(tag)  "\"" tag "\""

/* What a list holds: any, or a string of the letters of our tags in order; NULL: malformed. */
struct row {
	struct str field;
	const char *strong, *weak;
};

static const struct row well_formed[] = {
	{ TEXT("*"), "*", "*" },
	{ TEXT(" * "), "*", "*" },
	{ TEXT("\t*"), "*", "*" },
	{ TEXT(Q(A)), "A", "A" },
	{ TEXT(" \t" Q(A) "\t "), "A", "A" },
	{ TEXT(Q(A) "," Q(B)), "AB", "AB" },
	{ TEXT(Q(A) ", " Q(B)), "AB", "AB" },
	{ TEXT(Q(A) "\t ,\t " Q(B) "," Q(A)), "ABA", "ABA" },
	/* COMPAT: without quotes, in either case. */
	{ TEXT(A), "A", "A" },
	{ TEXT(" " A " "), "A", "A" },
	{ TEXT(A_UPPER), "A", "A" },
	{ TEXT("d41D8cD98f00B204e9800998ecf8427E"), "A", "A" },
	{ TEXT(A "," B), "AB", "AB" },
	{ TEXT(Q(A) ", " B), "AB", "AB" },
	{ TEXT(B " , " Q(A)), "BA", "BA" },
	/* RFC 9110 5.6.1.2: empty elements. */
	{ TEXT("," Q(A)), "A", "A" },
	{ TEXT(Q(A) ","), "A", "A" },
	{ TEXT(" , ,, " Q(A) " ,, , " Q(B) ",\t,"), "AB", "AB" },
	{ TEXT("," A ","), "A", "A" },
	/* RFC 9110 8.8.3.2: weak tags. */
	{ TEXT("W/" Q(A)), "", "A" },
	{ TEXT("W/" Q(A) ", " Q(B)), "B", "AB" },
	{ TEXT(Q(B) ",W/" Q(A)), "B", "BA" },
	{ TEXT("W/\"x\""), "", "" },
	{ TEXT("W/\"\""), "", "" },
	/* Well-formed and not ours. */
	{ TEXT("\"\""), "", "" },
	{ TEXT("\"x\""), "", "" },
	{ TEXT("\"*\""), "", "" },
	{ TEXT("\"!\""), "", "" },
	{ TEXT("\"~\""), "", "" },
	{ TEXT("\"\\\""), "", "" }, /* a backslash escapes nothing */
	{ TEXT("\"\x80\xff\xc3\xa4\""), "", "" },
	{ TEXT(Q(A_UPPER)), "", "" },
	{ TEXT("\"d41d8cd98f00b204e9800998ecf8427E\""), "", "" },
	{ TEXT("\"d41d8cd98f00b204e9800998ecf8427\""), "", "" },
	{ TEXT("\"" A "0\""), "", "" },
	{ TEXT("\"" A A "\""), "", "" },
	{ TEXT("\"g41d8cd98f00b204e9800998ecf8427e\""), "", "" },
	{ TEXT("\"a,b\""), "", "" }, /* a comma inside a tag */
	{ TEXT("\",\"," Q(A)), "A", "A" },
	{ TEXT("\"" A "," B "\""), "", "" },
	{ TEXT("\"x\", " Q(A) ", \"y\", " Q(B) ", \"z\""), "AB", "AB" },
	{ TEXT("\"W/\""), "", "" },
};

static const struct str malformed[] = {
	TEXT(""),
	{ NULL, 0 },
	TEXT(" "),
	TEXT(","),
	TEXT(" , ,\t,"),
	/* "*" stands alone. */
	TEXT("**"),
	TEXT("*,*"),
	TEXT("*, *"),
	TEXT("*,"),
	TEXT(",*"),
	TEXT("*," Q(A)),
	TEXT(Q(A) ", *"),
	TEXT(A ", *"),
	TEXT("W/*"),
	TEXT("x"),
	TEXT("null"),
	/* Bare runs of another length or with other digits. */
	TEXT("d41d8cd98f00b204e9800998ecf8427"),
	TEXT(A "0"),
	TEXT(A B),
	TEXT(A " " B),
	TEXT(A ";" B),
	TEXT("g41d8cd98f00b204e9800998ecf8427e"),
	TEXT("d41d8cd98f00b204 e9800998ecf8427"),
	TEXT("W/" A),
	/* Quotes. */
	TEXT("\""),
	TEXT("\"x"),
	TEXT("x\""),
	TEXT("'x'"),
	TEXT("\"" A),
	TEXT(A "\""),
	TEXT("\"x\"y"),
	TEXT("\"x\"\"y\""),
	TEXT("\"x\" \"y\""),
	TEXT("\"x\"; \"y\""),
	TEXT(Q(A) Q(B)),
	TEXT(Q(A) B),
	TEXT("\"a\"b\""),
	/* W/ is case-sensitive and sticks to its tag. */
	TEXT("w/" Q(A)),
	TEXT("W/"),
	TEXT("W" Q(A)),
	TEXT("W /" Q(A)),
	TEXT("W/ " Q(A)),
	TEXT("W/W/" Q(A)),
	TEXT("/" Q(A)),
	TEXT("W/\""),
	TEXT("W/\","),
	TEXT("W/\"x"),
	/* No etagc: SP, HTAB, controls, DEL. */
	TEXT("\" \""),
	TEXT("\"a b\""),
	TEXT("\"\t\""),
	TEXT("\"\x7f\""),
	TEXT("\"\0\""),
	TEXT("\"\n\""),
	TEXT("\"\x1f\""),
	/* One bad element spoils the list, wherever it stands. */
	TEXT(Q(A) ", x"),
	TEXT("x, " Q(A)),
	TEXT(Q(A) ", \"x, " Q(B)),
	TEXT(Q(A) "\n"),
	TEXT("\r\n" Q(A)),
};

static struct md5
tag_of(char letter)
{
	struct md5 tag = { { 0 } };

	if (!digest_unhex(letter == 'A' ? STR(A) : STR(B), tag.b, sizeof(tag.b)))
		tap_bail("digest_unhex");
	return tag;
}

static bool
holds(const struct etag_list *list, const char *want)
{
	struct md5 a = tag_of('A'), b = tag_of('B'), other = { { 1 } };
	bool any = strcmp(want, "*") == 0;
	size_t n = any ? 0 : strlen(want);

	if (list->any != any || list->n != n)
		return false;
	for (size_t i = 0; i < n; i++) {
		struct md5 tag = tag_of(want[i]);
		if (memcmp(list->tag[i].b, tag.b, sizeof(tag.b)) != 0)
			return false;
	}
	return etag_list_has(list, &a) == (any || strchr(want, 'A') != NULL) &&
	    etag_list_has(list, &b) == (any || strchr(want, 'B') != NULL) && etag_list_has(list, &other) == any;
}

static void
accepts(void)
{
	struct etag_list list;
	struct arena a;

	arena_init(&a, CAP);
	for (size_t i = 0; i < COUNT(well_formed); i++) {
		const struct row *row = &well_formed[i];
		struct str field = tap_edge(row->field);
		enum etag_result result = etag_list_parse(field, ETAG_STRONG, &a, &list);
		tap_ok(result == ETAG_OK && holds(&list, row->strong), "strong %s", tap_show(row->field));
		result = etag_list_parse(field, ETAG_WEAK, &a, &list);
		tap_ok(result == ETAG_OK && holds(&list, row->weak), "weak %s", tap_show(row->field));
		arena_reset(&a);
	}
	arena_free(&a);
}

static void
refuses(void)
{
	struct etag_list list;
	struct arena a;

	arena_init(&a, CAP);
	for (size_t i = 0; i < COUNT(malformed); i++) {
		struct str field = tap_edge(malformed[i]);
		tap_int(etag_list_parse(field, ETAG_STRONG, &a, &list), ETAG_MALFORMED, "strong refuses %s",
		    tap_show(malformed[i]));
		tap_int(etag_list_parse(field, ETAG_WEAK, &a, &list), ETAG_MALFORMED, "weak refuses %s",
		    tap_show(malformed[i]));
		arena_reset(&a);
	}
	arena_free(&a);
}

/* As many tags as are allowed, without quotes or spaces. */
static void
long_lists(void)
{
	enum { TAGS = ETAG_LIST_MAX, PIECE = sizeof(A ",") - 1 };
	static char field[(TAGS + 1) * PIECE];
	struct etag_list list;
	struct arena a;

	for (int i = 0; i < TAGS; i++)
		memcpy(field + i * PIECE, (i == TAGS - 1 ? B "," : A ","), PIECE);
	memcpy(field + TAGS * PIECE, "\"x\"", 3);
	struct str s = str_from(field, TAGS * PIECE - 1);
	arena_init(&a, CAP);
	struct md5 b = tag_of('B');
	tap_int(etag_list_parse(tap_edge(s), ETAG_STRONG, &a, &list), ETAG_OK, "a long list");
	tap_int(list.n, TAGS, "every tag of it");
	tap_ok(etag_list_has(&list, &b), "the last of it too");
	s.n += 4;
	struct etag_list more;
	tap_int(
	    etag_list_parse(tap_edge(s), ETAG_WEAK, &a, &more), ETAG_TOO_MANY, "one more, although it matches nothing");
	s.n -= 4;
	list.n--;
	tap_ok(!etag_list_has(&list, &b), "and nowhere else");
	arena_free(&a);

	arena_init(&a, 1000);
	tap_int(etag_list_parse(s, ETAG_STRONG, &a, &list), ETAG_NO_MEMORY, "too long for the arena");
	arena_free(&a);
	arena_init(&a, 0);
	tap_int(etag_list_parse(STR("*"), ETAG_STRONG, &a, &list), ETAG_OK, "\"*\" needs no memory");
	arena_free(&a);
}

static void
writes(void)
{
	char text[ETAG_TEXT_LENGTH + 1];
	struct md5 a = tag_of('A');

	text[ETAG_TEXT_LENGTH] = '!';
	etag_text(&a, text);
	tap_text(str_from(text, ETAG_TEXT_LENGTH), STR(Q(A)), "writes quotes and lower case");
	tap_ok(text[ETAG_TEXT_LENGTH] == '!', "writes no NUL");
}

int
main(void)
{
	accepts();
	refuses();
	long_lists();
	writes();
	return tap_end();
}
