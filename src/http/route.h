/* SPDX-License-Identifier: EPL-2.0 */
/*
 * route: the table of routes, and the search for the route of a path.
 *
 * One path segment is one name; an empty segment matches nothing.  The path is
 * split before anything is decoded, so that %2F is part of a name.  HEAD works
 * where GET does.  A known path with another method is 405, and route_allow()
 * lists the methods that it has.
 */
#ifndef HULYKVS_ROUTE_H
#define HULYKVS_ROUTE_H

#include "http/request.h"

/*
 * X(NAME, "template", version, GET, POST, PUT, DELETE)
 *   The last four are the action for that method, or NONE.
 *   version: 1 and 2 need a token; 0 does not.  METRICS is for operators only.
 */
#define ROUTES(X) \
	X(STATUS, "/status", 0, STATUS, NONE, NONE, NONE) \
	X(LIVEZ, "/livez", 0, LIVEZ, NONE, NONE, NONE) \
	X(READYZ, "/readyz", 0, READYZ, NONE, NONE, NONE) \
	X(METRICS, "/metrics", 0, METRICS, NONE, NONE, NONE) \
	X(OPENAPI, "/openapi.json", 0, OPENAPI, NONE, NONE, NONE) \
	X(V1_LIST, "/api/{namespace}", 1, LIST, NONE, NONE, NONE) \
	X(V1_KEY, "/api/{namespace}/{key}", 1, GET, PUT, NONE, DELETE) \
	X(V2_WORKSPACES, "/api2", 2, WORKSPACES, NONE, NONE, NONE) \
	X(V2_NAMESPACES, "/api2/{workspace}", 2, NAMESPACES, NONE, NONE, NONE) \
	X(V2_LIST, "/api2/{workspace}/{namespace}", 2, LIST, BATCH, NONE, NONE) \
	X(V2_KEY, "/api2/{workspace}/{namespace}/{key}", 2, GET, NONE, PUT, DELETE)

enum route_number {
#define X(name, template, version, get, post, put, del) ROUTE_##name,
	ROUTES(X)
#undef X
	    ROUTE_COUNT,
};

enum action {
	ACTION_NONE,
	ACTION_STATUS,
	ACTION_LIVEZ,
	ACTION_READYZ,
	ACTION_WORKSPACES,
	ACTION_NAMESPACES,
	ACTION_LIST,
	ACTION_GET,
	ACTION_PUT,
	ACTION_DELETE,
	ACTION_BATCH,
	ACTION_METRICS,
	ACTION_OPENAPI,
};

struct route {
	struct str template;
	unsigned version;
	enum action get, post, put, del;
};

struct route_match {
	const struct route *route;     /* NULL: no such path */
	enum action action;            /* ACTION_NONE: not with this method */
	struct str workspace, ns, key; /* raw segments; absent where the route has none */
};

/* Whether the path is below /api or /api2, where the token is checked before anything else. */
bool route_is_protected(struct str path);

struct route_match route_find(struct str path, enum method method);

/* NULL: ROUTE_COUNT. */
enum route_number route_number(const struct route *route);
struct str route_template(enum route_number n);

/* The field value of Allow for a route (RFC 9110 10.2.1). */
#define ROUTE_ALLOW_SIZE 64
struct str route_allow(const struct route *route, char out[ROUTE_ALLOW_SIZE]);

#endif
