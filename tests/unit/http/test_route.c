/* SPDX-License-Identifier: EPL-2.0 */
#include "http/route.h"

#include "lib/tap.h"

/* The action letter for GET, HEAD, POST, PUT, DELETE, OPTIONS and another method. */
static const char letters[] = "-slrWNLGPDBmo";

static const struct row {
	struct str path;
	const char *template; /* NULL: no such path */
	const char *actions;
	struct str workspace, ns, key;
} rows[] = {
	{ TEXT("/status"), "/status", "ss-----", { NULL, 0 }, { NULL, 0 }, { NULL, 0 } },
	{ TEXT("/livez"), "/livez", "ll-----", { NULL, 0 }, { NULL, 0 }, { NULL, 0 } },
	{ TEXT("/readyz"), "/readyz", "rr-----", { NULL, 0 }, { NULL, 0 }, { NULL, 0 } },
	{ TEXT("/metrics"), "/metrics", "mm-----", { NULL, 0 }, { NULL, 0 }, { NULL, 0 } },
	{ TEXT("/openapi.json"), "/openapi.json", "oo-----", { NULL, 0 }, { NULL, 0 }, { NULL, 0 } },
	{ TEXT("/api/n"), "/api/{namespace}", "LL-----", { NULL, 0 }, TEXT("n"), { NULL, 0 } },
	{ TEXT("/api/n/k"), "/api/{namespace}/{key}", "GGP-D--", { NULL, 0 }, TEXT("n"), TEXT("k") },
	{ TEXT("/api2"), "/api2", "WW-----", { NULL, 0 }, { NULL, 0 }, { NULL, 0 } },
	{ TEXT("/api2/w"), "/api2/{workspace}", "NN-----", TEXT("w"), { NULL, 0 }, { NULL, 0 } },
	{ TEXT("/api2/w/n"), "/api2/{workspace}/{namespace}", "LLB----", TEXT("w"), TEXT("n"), { NULL, 0 } },
	{ TEXT("/api2/w/n/k"), "/api2/{workspace}/{namespace}/{key}", "GG-PD--", TEXT("w"), TEXT("n"), TEXT("k") },
	/* Segments are handed on as they are. */
	{ TEXT("/api/a%2Fb/%00"), "/api/{namespace}/{key}", "GGP-D--", { NULL, 0 }, TEXT("a%2Fb"), TEXT("%00") },
	{ TEXT("/api/./.."), "/api/{namespace}/{key}", "GGP-D--", { NULL, 0 }, TEXT("."), TEXT("..") },
	{ TEXT("/api/{key}/{x}"), "/api/{namespace}/{key}", "GGP-D--", { NULL, 0 }, TEXT("{key}"), TEXT("{x}") },
	{ TEXT("/api/api/api2"), "/api/{namespace}/{key}", "GGP-D--", { NULL, 0 }, TEXT("api"), TEXT("api2") },
	{ TEXT("/api2/api/ /+"), "/api2/{workspace}/{namespace}/{key}", "GG-PD--", TEXT("api"), TEXT(" "), TEXT("+") },
#define NO_SUCH(path) \
	{ \
		TEXT(path), NULL, "-------", { NULL, 0 }, { NULL, 0 }, \
		{ \
			NULL, 0 \
		} \
	}
	NO_SUCH(""),
	NO_SUCH("/"),
	NO_SUCH("//"),
	NO_SUCH("*"),
	NO_SUCH("status"),
	NO_SUCH("/status/"),
	NO_SUCH("//status"),
	NO_SUCH("/Status"),
	NO_SUCH("/statu"),
	NO_SUCH("/statuss"),
	NO_SUCH("/status/x"),
	NO_SUCH("/stat%7"),
	NO_SUCH("/stat%2575s"),
	NO_SUCH("/%2fstatus"),
	NO_SUCH("/status%00"),
	NO_SUCH("/api"),
	NO_SUCH("/api/"),
	NO_SUCH("/api//"),
	NO_SUCH("/api//k"),
	NO_SUCH("/api/n/"),
	NO_SUCH("/api/n/k/"),
	NO_SUCH("/api/n/k/x"),
	NO_SUCH("/api/n//k"),
	NO_SUCH("//api/n/k"),
	NO_SUCH("/API/n/k"),
	NO_SUCH("/apix/n"),
	NO_SUCH("api/n/k"),
	NO_SUCH("x/api/n/k"),
	NO_SUCH("/api2/"),
	NO_SUCH("/api2/w/"),
	NO_SUCH("/api2//n"),
	NO_SUCH("/api2/w//k"),
	NO_SUCH("/api2//n/k"),
	NO_SUCH("/api2/w/n/"),
	NO_SUCH("/api2/w/n/k/"),
	NO_SUCH("/api2/w/n/k/x"),
	NO_SUCH("/api3/w/n"),
	NO_SUCH("/ap/w/n"),
	{ { NULL, 0 }, NULL, "-------", { NULL, 0 }, { NULL, 0 }, { NULL, 0 } },
};

static void
finds(void)
{
	for (size_t i = 0; i < COUNT(rows); i++) {
		const struct row *row = &rows[i];
		const char *shown = tap_show(row->path);
		struct str path = tap_edge(row->path);

		for (enum method m = METHOD_GET; m <= METHOD_OTHER; m++) {
			struct route_match match = route_find(path, m);

			tap_int(
			    letters[match.action], row->actions[m], "%s %s: action", request_method_name(m).p, shown);
			tap_text(match.route != NULL ? match.route->template : STR_ABSENT, str_of(row->template),
			    "%s %s: route", request_method_name(m).p, shown);
		}
		struct route_match match = route_find(path, METHOD_GET);
		tap_text(match.workspace, row->workspace, "%s: workspace", shown);
		tap_text(match.ns, row->ns, "%s: namespace", shown);
		tap_text(match.key, row->key, "%s: key", shown);
	}
}

static void
protects(void)
{
	static const struct str yes[] = { TEXT("/api"), TEXT("/api/"), TEXT("/api/n"), TEXT("/api//"), TEXT("/api2"),
		TEXT("/api2/"), TEXT("/api2/w/n/k"), TEXT("/api2/x/y/z/a/b") };
	static const struct str no[] = { TEXT(""), TEXT("/"), TEXT("//"), TEXT("//api"), TEXT("/status"),
		TEXT("/livez"), TEXT("/api3/w"), TEXT("/apis"), TEXT("/ap"), TEXT("/API/n"), TEXT("api/n"),
		TEXT("xapi/n"), TEXT("*"), { NULL, 0 } };

	for (size_t i = 0; i < COUNT(yes); i++)
		tap_ok(route_is_protected(tap_edge(yes[i])), "%s wants a token", tap_show(yes[i]));
	for (size_t i = 0; i < COUNT(no); i++)
		tap_ok(!route_is_protected(tap_edge(no[i])), "%s wants no token", tap_show(no[i]));
}

static void
allows(void)
{
	static const struct {
		struct str path, allow;
	} expected[] = {
		{ TEXT("/status"), TEXT("GET, HEAD, OPTIONS") },
		{ TEXT("/readyz"), TEXT("GET, HEAD, OPTIONS") },
		{ TEXT("/api/n"), TEXT("GET, HEAD, OPTIONS") },
		{ TEXT("/api/n/k"), TEXT("GET, HEAD, POST, DELETE, OPTIONS") },
		{ TEXT("/api2/w/n"), TEXT("GET, HEAD, POST, OPTIONS") },
		{ TEXT("/api2/w/n/k"), TEXT("GET, HEAD, PUT, DELETE, OPTIONS") },
	};
	char out[ROUTE_ALLOW_SIZE];

	for (size_t i = 0; i < COUNT(expected); i++)
		tap_text(route_allow(route_find(expected[i].path, METHOD_GET).route, out), expected[i].allow,
		    "Allow of %s", tap_show(expected[i].path));
}

static void
versions(void)
{
	tap_int(route_find(STR("/status"), METHOD_GET).route->version, 0, "/status has no version");
	tap_int(route_find(STR("/api/n"), METHOD_GET).route->version, 1, "/api is version 1");
	tap_int(route_find(STR("/api2/w/n"), METHOD_GET).route->version, 2, "/api2 is version 2");
}

int
main(void)
{
	finds();
	protects();
	allows();
	versions();
	return tap_end();
}
