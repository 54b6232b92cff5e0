/* SPDX-License-Identifier: EPL-2.0 */
/* Requests of which rules refuse some. */
#include "auth/rulefile.h"
#include "lib/api_world.h"
#include "lib/bearer.h"

/* Which refusal wins, where rules refuse too. */
static void
obeys_rules(void)
{
	static const struct row rows[] = {
		{ NONE, "GET", "/api/shut/k", NULL, ABSENT, 401, NULL, TEXT("NoAuthToken") },
		{ OWN, "PATCH", "/api/shut/k", NULL, ABSENT, 405, NULL, ABSENT },
		{ OWN, "GET", "/api2/" OTHER "/shut/k", NULL, ABSENT, 403, NULL, TEXT("Workspace mismatch") },
		{ OWN, "GET", "/api/shut/%zz", NULL, ABSENT, 400, NULL, TEXT("Malformed percent-encoding") },
		{ OWN, "GET", "/api/shut/k", NULL, ABSENT, 403, NULL, TEXT("Namespace forbidden") },
		{ ALL, "HEAD", "/api2/" OTHER "/%73hut/k", NULL, ABSENT, 403, NULL, ABSENT },
		{ OWN, "GET", "/api/shut?limit=x", NULL, ABSENT, 403, NULL, TEXT("Namespace forbidden") },
		{ OWN, "PUT", "/api2/" WORKSPACE "/shut/k", "HTTP_IF_MATCH=x", TEXT("too long a body for it"), 403,
		    NULL, TEXT("Namespace forbidden") },
		{ OWN, "OPTIONS", "/api/shut/k", NULL, ABSENT, 204, NULL, ABSENT },
		{ OWN, "DELETE", "/api2/" WORKSPACE "/keep/k", NULL, ABSENT, 403, NULL, TEXT("Namespace forbidden") },
		{ OWN, "GET", "/api2/" WORKSPACE "/keep/k", NULL, ABSENT, 404, NULL, ABSENT },
		{ ALL, "DELETE", "/api2/" WORKSPACE "/keep/k", NULL, ABSENT, 404, NULL, ABSENT },
		{ NONE, "GET", "/status", NULL, ABSENT, 200, NULL, TEXT("ok") },
	};
	static const struct str namespaces[] = { TEXT("a"), TEXT("keep"), TEXT("shut"), TEXT("shut2"), TEXT("z") };
	/* Nobody but the system account may read the values of keep. */
	static const struct row judged[] = {
		{ OWN, "GET", W2, NULL, ABSENT, 200, NULL,
		    TEXT("{\"workspace\":\"" WORKSPACE "\",\"count\":3,\"namespaces\":[\"a\",\"keep\",\"z\"]}") },
		{ OWN, "GET", W2 "?limit=2", NULL, ABSENT, 200, NULL,
		    TEXT("{\"workspace\":\"" WORKSPACE "\",\"count\":2,\"namespaces\":[\"a\",\"keep\"],"
			 "\"cursor\":\"ka2VlcA\"}") },
		{ OWN, "GET", W2 "?cursor=ka2VlcA", NULL, ABSENT, 200, NULL,
		    TEXT("{\"workspace\":\"" WORKSPACE "\",\"count\":1,\"namespaces\":[\"z\"]}") },
		{ OWN, "GET", W2 "/keep", NULL, ABSENT, 200, NULL,
		    TEXT("{\"workspace\":\"" WORKSPACE "\",\"namespace\":\"keep\",\"count\":1,\"keys\":[\"k\"]}") },
		{ OWN, "GET", W2 "/keep?include=metadata", NULL, ABSENT, 403, NULL, TEXT("Namespace forbidden") },
		{ OWN, "GET", W2 "/keep?include=values", NULL, ABSENT, 403, NULL, TEXT("Namespace forbidden") },
		{ OWN, "GET", W2 "/a?include=values", NULL, ABSENT, 200, NULL,
		    TEXT("{\"workspace\":\"" WORKSPACE "\",\"namespace\":\"a\",\"count\":1,"
			 "\"entries\":[" X_VALUE("k") "]}") },
		{ ALL, "GET", "/api2", NULL, ABSENT, 200, NULL,
		    TEXT("{\"count\":2,\"workspaces\":[\"" DEFAULT "\",\"" WORKSPACE "\"]}") },
		{ ALL, "GET", "/api2/" OTHER, NULL, ABSENT, 200, NULL,
		    TEXT("{\"workspace\":\"" OTHER "\",\"count\":0,\"namespaces\":[]}") },
	};
	const struct rulefile_terms terms = { true, world.api.default_workspace };
	const struct policy open = world.policy;
	struct rules *rules;
	struct buf why;
	unsigned line;

	buf_init(&why, 256);
	rules = rulefile_read(
	    STR("deny namespace=shut\nallow account=system\ndeny to=delete namespace=keep"), &terms, &line, &why);
	if (rules == NULL)
		tap_bail("rules");
	bearer_policy(&world.policy, rules);
	api_world_plays(rows, COUNT(rows));
	tap_int(world.call.verdict.line, 0, "what needs no token needs no rule");
	policy_free(&world.policy);
	rules_free(rules);
	rules = rulefile_read(STR("deny namespace=shut*\ndeny target=" OTHER "\nallow account=system\n"
				  "deny to=read namespace=keep"),
	    &terms, &line, &why);
	if (rules == NULL)
		tap_bail("rules");
	bearer_policy(&world.policy, rules);
	for (size_t i = 0; i < COUNT(namespaces); i++)
		store_mem_put(&world.store, &world.workspace, namespaces[i], STR("k"), STR("x"));
	store_mem_put(&world.store, &world.other, STR("n"), STR("k"), STR("x"));
	store_mem_put(&world.store, &world.api.default_workspace, STR("n"), STR("k"), STR("x"));
	api_world_plays(judged, COUNT(judged));
	policy_free(&world.policy);
	rules_free(rules);
	buf_free(&why);
	world.policy = open;
}

int
main(void)
{
	api_world_open();
	obeys_rules();
	api_world_close();
	return tap_end();
}
