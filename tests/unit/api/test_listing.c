/* SPDX-License-Identifier: EPL-2.0 */
#include "api/listing.h"

#include "lib/api_world.h"

#define L2(rest) "{\"workspace\":\"" WORKSPACE "\",\"namespace\":\"n\"," rest "}"
#define L1(rest) "{\"namespace\":\"n\"," rest "}"
#define LISTS(query, rest) \
	{ \
		OWN, "GET", W2 "/n" query, NULL, ABSENT, 200, NULL, TEXT(L2(rest)) \
	}
#define ALL_KEYS "\"count\":6,\"keys\":[\"%\",\"_\",\"a\",\"ab\",\"abc\",\"b c\"]"
#define NO_KEYS  "\"count\":0,\"keys\":[]"
#define NO_LIST(query, text) \
	{ \
		OWN, "GET", W2 "/n" query, NULL, ABSENT, 400, NULL, TEXT(text) \
	}

static const struct row lists[] = {
	LISTS("", ALL_KEYS),
	LISTS("?", ALL_KEYS),
	LISTS("?prefix=", ALL_KEYS),
	LISTS("?x=1&limit=6", ALL_KEYS),
	LISTS("?limit=10000", ALL_KEYS),
	LISTS("?prefix=a", "\"count\":3,\"keys\":[\"a\",\"ab\",\"abc\"]"),
	LISTS("?prefix=ab", "\"count\":2,\"keys\":[\"ab\",\"abc\"]"),
	LISTS("?prefix=abcd", NO_KEYS),
	LISTS("?prefix=c", NO_KEYS),
	LISTS("?prefix=A", NO_KEYS),
	LISTS("?prefix=%25", "\"count\":1,\"keys\":[\"%\"]"),
	LISTS("?prefix=_", "\"count\":1,\"keys\":[\"_\"]"),
	LISTS("?prefix=b+", "\"count\":1,\"keys\":[\"b c\"]"),
	LISTS("?prefix=b%20", "\"count\":1,\"keys\":[\"b c\"]"),
	LISTS("?limit=1", "\"count\":1,\"keys\":[\"%\"],\"cursor\":\"kJQ\""),
	LISTS("?limit=5", "\"count\":5,\"keys\":[\"%\",\"_\",\"a\",\"ab\",\"abc\"],\"cursor\":\"kYWJj\""),
	LISTS("?limit=2&prefix=a", "\"count\":2,\"keys\":[\"a\",\"ab\"],\"cursor\":\"kYWI\""),
	LISTS("?limit=2&prefix=a&cursor=kYWI", "\"count\":1,\"keys\":[\"abc\"]"),
	LISTS("?limit=3&prefix=a", "\"count\":3,\"keys\":[\"a\",\"ab\",\"abc\"]"),
	LISTS("?cursor=kYQ", "\"count\":3,\"keys\":[\"ab\",\"abc\",\"b c\"]"),
	LISTS("?cursor=kYWE", "\"count\":3,\"keys\":[\"ab\",\"abc\",\"b c\"]"),
	LISTS("?cursor=kAQ", ALL_KEYS),
	LISTS("?cursor=kYiBj", NO_KEYS),
	LISTS("?cursor=keg", NO_KEYS),
	LISTS("?prefix=a&cursor=kJQ", "\"count\":3,\"keys\":[\"a\",\"ab\",\"abc\"]"),
	LISTS("?prefix=a&cursor=kYg", NO_KEYS),
	NO_LIST("?prefix=a&prefix=b", "prefix, end, limit, cursor and include may be given once"),
	NO_LIST("?prefix=%zz", ESCAPE_TEXT),
	NO_LIST("?prefix=%00", NAMES_TEXT),
	NO_LIST("?prefix=%ff", NAMES_TEXT),
	NO_LIST("?limit=0", "limit must be a number from 1 to 10000"),
	NO_LIST("?limit=10001", "limit must be a number from 1 to 10000"),
	NO_LIST("?cursor=zz", "cursor is not one of ours"),
	/* The workspace as it is written in the path. */
	{ OWN, "GET", "/api2/" BARE "/n?limit=1", NULL, ABSENT, 200, NULL,
	    TEXT("{\"workspace\":\"" BARE "\",\"namespace\":\"n\",\"count\":1,\"keys\":[\"%\"],"
		 "\"cursor\":\"kJQ\"}") },
	{ OWN, "GET", "/api2/%7b" UPPER "}/x", NULL, ABSENT, 200, NULL,
	    TEXT("{\"workspace\":\"{" UPPER "}\",\"namespace\":\"x\",\"count\":0,\"keys\":[]}") },
	{ OWN, "HEAD", W2 "/n", NULL, ABSENT, 200, NULL, ABSENT },
	{ OWN, "GET", W2 "/N", NULL, ABSENT, 200, NULL,
	    TEXT("{\"workspace\":\"" WORKSPACE "\",\"namespace\":\"N\"," NO_KEYS "}") },
	{ OWN, "GET", "/api/n", NULL, ABSENT, 200, NULL, TEXT(L1("\"count\":1,\"keys\":[\"v1\"]")) },
	{ NOWHERE, "GET", "/api/n?prefix=v2", NULL, ABSENT, 200, NULL, TEXT(L1(NO_KEYS)) },
	{ OWN, "GET", "/api/n?limit=0", NULL, ABSENT, 400, NULL, TEXT("limit must be a number from 1 to 10000") },
};

#define X_KEY(key)      "{\"key\":\"" key "\",\"size\":1," X_TAG "}"
#define OTHER_PARAMETER "prefix and end are for lists of keys, include also for namespaces"
#define BAD_INCLUDE     "include must be metadata or values, or for namespaces counts"

/* What else there is in the same rows: see fill_lists(). */
static const struct row other_lists[] = {
	LISTS("?include=metadata&prefix=b", "\"count\":1,\"entries\":[" X_KEY("b c") "]"),
	LISTS("?include=metadata&limit=1", "\"count\":1,\"entries\":[" X_KEY("%") "],\"cursor\":\"kJQ\""),
	LISTS("?include=values&end=ab&cursor=kJQ", "\"count\":2,\"entries\":[" X_VALUE("_") "," X_VALUE("a") "]"),
	LISTS("?include=values&end=%25", "\"count\":0,\"entries\":[]"),
	LISTS("?end=ab", "\"count\":3,\"keys\":[\"%\",\"_\",\"a\"]"),
	{ OWN, "HEAD", W2 "/n?include=values", NULL, ABSENT, 200, NULL, ABSENT },
	NO_LIST("?include=all", BAD_INCLUDE),
	NO_LIST("?include=values&include=values", "prefix, end, limit, cursor and include may be given once"),
	{ OWN, "GET", "/api/n?include=all&end=a&end=b", NULL, ABSENT, 200, NULL,
	    TEXT(L1("\"count\":1,\"keys\":[\"v1\"]")) },
	{ OWN, "GET", W2, NULL, ABSENT, 200, NULL,
	    TEXT("{\"workspace\":\"" WORKSPACE "\",\"count\":3,\"namespaces\":[\"m\",\"n\",\"nn\"]}") },
	{ OWN, "GET", "/api2/" BARE "?limit=2", NULL, ABSENT, 200, NULL,
	    TEXT("{\"workspace\":\"" BARE "\",\"count\":2,\"namespaces\":[\"m\",\"n\"],\"cursor\":\"kbg\"}") },
	{ OWN, "GET", W2 "?include=counts&limit=2&cursor=kbQ", NULL, ABSENT, 200, NULL,
	    TEXT("{\"workspace\":\"" WORKSPACE "\",\"count\":2,\"namespaces\":[{\"namespace\":\"n\",\"count\":6},"
		 "{\"namespace\":\"nn\",\"count\":1}]}") },
	{ OWN, "HEAD", W2, NULL, ABSENT, 200, NULL, ABSENT },
	{ OWN, "GET", W2 "?prefix=m", NULL, ABSENT, 400, NULL, TEXT(OTHER_PARAMETER) },
	{ OWN, "GET", W2 "?include=values", NULL, ABSENT, 400, NULL, TEXT(BAD_INCLUDE) },
	{ OWN, "GET", W2 "?cursor=x", NULL, ABSENT, 400, NULL, TEXT("cursor is not one of ours") },
	{ OWN, "GET", "/api2/" OTHER, NULL, ABSENT, 403, NULL, TEXT("Workspace mismatch") },
	{ OWN, "GET", "/api2/x", NULL, ABSENT, 400, NULL, TEXT("Invalid workspace UUID") },
	{ NOWHERE, "GET", W2, NULL, ABSENT, 403, NULL, TEXT("Missing workspace in token") },
	{ NONE, "GET", W2, NULL, ABSENT, 401, NULL, TEXT("NoAuthToken") },
	{ OWN, "PUT", W2, NULL, TEXT("x"), 405, NULL, ABSENT },
	{ OWN, "GET", W2 "/", NULL, ABSENT, 404, NULL, ABSENT },
	{ ALL, "GET", "/api2/" ZEROS, NULL, ABSENT, 200, NULL,
	    TEXT("{\"workspace\":\"" ZEROS "\",\"count\":0,\"namespaces\":[]}") },
	{ ALL, "GET", "/api2", NULL, ABSENT, 200, NULL,
	    TEXT("{\"count\":3,\"workspaces\":[\"" OTHER "\",\"" DEFAULT "\",\"" WORKSPACE "\"]}") },
	{ ALL, "GET", "/api2?limit=1", NULL, ABSENT, 200, NULL,
	    TEXT("{\"count\":1,\"workspaces\":[\"" OTHER "\"],"
		 "\"cursor\":\"kMDAwMDAwMDAtMDAwMC00MDAwLTgwMDAtMDAwMDAwMDAwMDAw\"}") },
	{ ALL, "GET", "/api2?limit=1&cursor=kMDAwMDAwMDAtMDAwMC00MDAwLTgwMDAtMDAwMDAwMDAwMDAw", NULL, ABSENT, 200, NULL,
	    TEXT("{\"count\":1,\"workspaces\":[\"" DEFAULT "\"],"
		 "\"cursor\":\"kMTExMTExMTEtMjIyMi0zMzMzLTQ0NDQtNTU1NTU1NTU1NTU1\"}") },
	{ ALL, "HEAD", "/api2", NULL, ABSENT, 200, NULL, ABSENT },
	{ ALL, "GET", "/api2?cursor=kaw", NULL, ABSENT, 400, NULL, TEXT("cursor is not one of ours") },
	/* That of the last workspace that there can be. */
	{ ALL, "GET", "/api2?cursor=kZmZmZmZmZmYtZmZmZi1mZmZmLWZmZmYtZmZmZmZmZmZmZmZm", NULL, ABSENT, 400, NULL,
	    TEXT("cursor is not one of ours") },
	{ ALL, "GET", "/api2?include=counts", NULL, ABSENT, 400, NULL, TEXT(OTHER_PARAMETER) },
	{ OWN, "GET", "/api2", NULL, ABSENT, 403, NULL, TEXT("Only the system account may list workspaces") },
	{ NONE, "GET", "/api2", NULL, ABSENT, 401, NULL, TEXT("NoAuthToken") },
	{ ALL, "DELETE", "/api2", NULL, ABSENT, 405, NULL, ABSENT },
};

static void
fill_lists(void)
{
	static const struct str keys[] = { TEXT("b c"), TEXT("abc"), TEXT("_"), TEXT("a"), TEXT("%"), TEXT("ab") };

	for (size_t i = 0; i < COUNT(keys); i++)
		store_mem_put(&world.store, &world.workspace, STR("n"), keys[i], STR("x"));
	store_mem_put(&world.store, &world.workspace, STR("nn"), STR("of another namespace"), STR("x"));
	store_mem_put(&world.store, &world.workspace, STR("m"), STR("of another namespace"), STR("x"));
	store_mem_put(&world.store, &world.other, STR("n"), STR("of another workspace"), STR("x"));
	store_mem_put(&world.store, &world.api.default_workspace, STR("n"), STR("v1"), STR("x"));
	store_mem_put(&world.store, &(struct uuid){ { 0 } }, STR("hulykvs-keys"), STR("id"), STR("x"));
}

int
main(void)
{
	api_world_open();
	fill_lists();
	api_world_plays(lists, COUNT(lists));
	fill_lists();
	api_world_plays(other_lists, COUNT(other_lists));
	api_world_close();
	return tap_end();
}
