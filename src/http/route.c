/* SPDX-License-Identifier: EPL-2.0 */
#include "http/route.h"

#include <assert.h>
#include <stdio.h>

#include "base/base.h"
#include "codec/percent.h"

static const struct route routes[] = {
#define X(name, template, version, get, post, put, del) \
	{ STR_INIT(template), version, ACTION_##get, ACTION_##post, ACTION_##put, ACTION_##del },
	ROUTES(X)
#undef X
};

bool
route_is_protected(struct str path)
{
	struct str first, others;

	if (!str_starts(path, STR("/")))
		return false;
	(void)str_cut(str_skip(path, 1), '/', &first, &others);
	return percent_equals(first, STR("api")) || percent_equals(first, STR("api2"));
}

enum route_number
route_number(const struct route *route)
{
	return route != NULL ? (enum route_number)(route - routes) : ROUTE_COUNT;
}

struct str
route_template(enum route_number n)
{
	return routes[n].template;
}

/* The member for the segment that {name} in a template stands for. */
static struct str *
slot(struct route_match *m, struct str name)
{
	if (str_eq(name, STR("{workspace}")))
		return &m->workspace;
	if (str_eq(name, STR("{namespace}")))
		return &m->ns;
	return &m->key;
}

/* Both start with '/'; compares them segment by segment. */
static bool
matches(struct str template, struct str path, struct route_match *m)
{
	while (template.p != NULL && path.p != NULL) {
		struct str want, have;

		(void)str_cut(template, '/', &want, &template);
		(void)str_cut(path, '/', &have, &path);
		if (!str_starts(want, STR("{"))) {
			if (!percent_equals(have, want))
				return false;
		} else if (have.n == 0) {
			return false;
		} else {
			*slot(m, want) = have;
		}
	}
	return template.p == NULL && path.p == NULL;
}

static enum action
action_of(const struct route *r, enum method method)
{
	switch (method) {
	case METHOD_GET:
	case METHOD_HEAD:
		return r->get;
	case METHOD_POST:
		return r->post;
	case METHOD_PUT:
		return r->put;
	case METHOD_DELETE:
		return r->del;
	case METHOD_OPTIONS:
	case METHOD_OTHER:
		break;
	}
	return ACTION_NONE;
}

struct route_match
route_find(struct str path, enum method method)
{
	for (size_t i = 0; i < ARRAY_SIZE(routes); i++) {
		struct route_match m = { .route = &routes[i] };

		if (!matches(routes[i].template, path, &m))
			continue;
		m.action = action_of(m.route, method);
		return m;
	}
	return (struct route_match){ .route = NULL };
}

struct str
route_allow(const struct route *r, char out[ROUTE_ALLOW_SIZE])
{
	int n = snprintf(out, ROUTE_ALLOW_SIZE, "%s%s%s%sOPTIONS", r->get != ACTION_NONE ? "GET, HEAD, " : "",
	    r->post != ACTION_NONE ? "POST, " : "", r->put != ACTION_NONE ? "PUT, " : "",
	    r->del != ACTION_NONE ? "DELETE, " : "");

	assert(n > 0 && n < ROUTE_ALLOW_SIZE);
	return str_from(out, (size_t)n);
}
