/* SPDX-License-Identifier: EPL-2.0 */
#include "api/condition.h"

#include "lib/api_world.h"

#define NOT_ANY "If-None-Match must be '*'"
#define BAD_IM  "If-Match must be '*' or a list of entity tags"
#define BAD_INM "If-None-Match must be '*' or a list of entity tags"

/* Each on a key of its own that holds "one", or is not there. */
struct condition {
	const char *method;
	bool there;
	const char *fields;
	unsigned status;
	const char *text;  /* "": no body, or the value where there is one */
	const char *after; /* the value then; NULL: not there */
};

static const struct condition conditions_v2[] = {
	{ "PUT", false, NULL, 204, "", "two" },
	{ "PUT", true, NULL, 204, "", "two" },
	{ "PUT", false, INM("*"), 201, "", "two" },
	{ "PUT", false, INM("\t* "), 201, "", "two" },
	{ "PUT", true, INM("*"), 412, "", "one" },
	{ "PUT", false, INM(Q(ONE)), 400, NOT_ANY, NULL },
	{ "PUT", true, INM(Q(TWO)), 400, NOT_ANY, "one" },
	{ "PUT", false, INM("**"), 400, NOT_ANY, NULL },
	{ "PUT", false, INM(""), 400, NOT_ANY, NULL },
	{ "PUT", false, INM("*") "\n" IM(Q(ONE)), 201, "", "two" },
	{ "PUT", true, INM("*") "\n" IM(Q(ONE)), 412, "", "one" },
	{ "PUT", false, INM("*") "\n" IM("?"), 201, "", "two" },
	{ "PUT", true, INM("x") "\n" IM("?"), 400, NOT_ANY, "one" },
	{ "PUT", false, IM("*"), 412, "", NULL },
	{ "PUT", true, IM("*"), 204, "", "two" },
	{ "PUT", true, IM(" *"), 204, "", "two" },
	{ "PUT", false, IM(Q(ONE)), 412, "", NULL },
	{ "PUT", true, IM(Q(ONE)), 204, "", "two" },
	{ "PUT", true, IM(ONE), 204, "", "two" },
	{ "PUT", true, IM("F97C5D29941BFB1B2FDAB0874906AB82"), 204, "", "two" },
	{ "PUT", true, IM(Q(TWO)), 412, "", "one" },
	{ "PUT", true, IM(Q(TWO) ", " Q(ONE)), 204, "", "two" },
	{ "PUT", true, IM("\"x\"," ONE), 204, "", "two" },
	{ "PUT", true, IM(Q(TWO) "," Q(EMPTY)), 412, "", "one" },
	{ "PUT", true, IM("W/" Q(ONE)), 412, "", "one" },
	{ "PUT", true, IM("\"x\""), 412, "", "one" },
	{ "PUT", true, IM("?"), 400, BAD_IM, "one" },
	{ "PUT", false, IM("\"" ONE), 400, BAD_IM, NULL },
	{ "PUT", true, IM(Q(ONE) " " Q(TWO)), 400, BAD_IM, "one" },
	{ "PUT", true, IM("*, " Q(ONE)), 400, BAD_IM, "one" },
	{ "DELETE", false, NULL, 404, "", NULL },
	{ "DELETE", true, NULL, 204, "", NULL },
	{ "DELETE", false, IM("*"), 412, "", NULL },
	{ "DELETE", true, IM("*"), 204, "", NULL },
	{ "DELETE", false, IM(Q(ONE)), 412, "", NULL },
	{ "DELETE", true, IM(Q(ONE)), 204, "", NULL },
	{ "DELETE", true, IM(Q(TWO)), 412, "", "one" },
	{ "DELETE", true, IM("W/" Q(ONE)), 412, "", "one" },
	{ "DELETE", true, IM("?"), 400, BAD_IM, "one" },
	{ "DELETE", true, INM("*"), 412, "", "one" },
	{ "DELETE", false, INM("*"), 404, "", NULL },
	{ "DELETE", true, INM(Q(ONE)), 400, NOT_ANY, "one" },
	{ "DELETE", true, INM(Q(TWO)) "\n" IM(Q(ONE)), 400, NOT_ANY, "one" },
	{ "GET", true, NULL, 200, "one", "one" },
	{ "GET", true, INM("*"), 304, "", "one" },
	{ "GET", true, INM(Q(ONE)), 304, "", "one" },
	{ "GET", true, INM("W/" Q(ONE)), 304, "", "one" },
	{ "GET", true, INM(ONE), 304, "", "one" },
	{ "GET", true, INM(Q(TWO) ", " Q(ONE)), 304, "", "one" },
	{ "GET", true, INM(Q(TWO)), 200, "one", "one" },
	{ "GET", true, INM("?"), 400, BAD_INM, "one" },
	{ "GET", true, IM("*"), 200, "one", "one" },
	{ "GET", true, IM(Q(ONE)), 200, "one", "one" },
	{ "GET", true, IM(Q(TWO)), 412, "", "one" },
	{ "GET", true, IM("W/" Q(ONE)), 412, "", "one" },
	{ "GET", true, IM("?"), 400, BAD_IM, "one" },
	{ "GET", true, IM("?") "\n" INM("?"), 400, BAD_IM, "one" },
	/* RFC 9110 13.2.2: If-Match first. */
	{ "GET", true, IM(Q(TWO)) "\n" INM(Q(ONE)), 412, "", "one" },
	{ "GET", true, IM(Q(ONE)) "\n" INM(Q(ONE)), 304, "", "one" },
	{ "GET", true, IM(Q(ONE)) "\n" INM(Q(TWO)), 200, "one", "one" },
	/* RFC 9110 13.2.1: no conditions on a 404. */
	{ "GET", false, IM("*"), 404, "", NULL },
	{ "GET", false, IM(Q(ONE)), 404, "", NULL },
	{ "GET", false, INM("*"), 404, "", NULL },
	{ "GET", false, INM("?"), 400, BAD_INM, NULL },
	{ "HEAD", true, INM(Q(ONE)), 304, "", "one" },
	{ "HEAD", true, INM(Q(TWO)), 200, "", "one" },
	{ "HEAD", true, IM(Q(TWO)), 412, "", "one" },
	{ "HEAD", true, IM(Q(ONE)), 200, "", "one" },
	{ "HEAD", true, INM("?"), 400, "", "one" },
	{ "HEAD", false, INM("*"), 404, "", NULL },
};

/* COMPAT: v1 has none. */
static const struct condition conditions_v1[] = {
	{ "GET", true, INM("*"), 200, "one", "one" },
	{ "GET", true, INM(Q(ONE)), 200, "one", "one" },
	{ "GET", true, INM("?"), 200, "one", "one" },
	{ "GET", true, IM(Q(TWO)), 200, "one", "one" },
	{ "GET", true, IM("?"), 200, "one", "one" },
	{ "HEAD", true, INM(Q(ONE)), 200, "", "one" },
	{ "POST", true, INM("*"), 204, "", "two" },
	{ "POST", false, INM("*"), 204, "", "two" },
	{ "POST", true, INM("x"), 204, "", "two" },
	{ "POST", true, IM(Q(TWO)), 204, "", "two" },
	{ "POST", false, IM("*"), 204, "", "two" },
	{ "POST", true, IM("?"), 204, "", "two" },
	{ "DELETE", true, IM(Q(TWO)), 204, "", NULL },
	{ "DELETE", true, IM("?"), 204, "", NULL },
	{ "DELETE", false, IM("*"), 404, "", NULL },
};

static void
play_conditions(const struct condition *rows, size_t n, const char *uri, const struct uuid *in)
{
	bool tagged = strstr(uri, "api2") != NULL;

	for (size_t i = 0; i < n; i++) {
		const struct condition *c = &rows[i];
		bool shows_tag = tagged && (c->status == 200 || c->status == 304);
		struct row row = { OWN, c->method, uri, c->fields, STR("two"), c->status, shows_tag ? ONE : NULL,
			str_of(c->text) };

		if (c->there)
			store_mem_put(&world.store, in, STR("n"), STR("k"), STR("one"));
		api_world_play(&row, c->there ? "on a value: " : "on none: ");
		tap_text(store_mem_get(&world.store, in, STR("n"), STR("k")), str_of(c->after), "and then");
		store_mem_free(&world.store);
	}
}

int
main(void)
{
	api_world_open();
	play_conditions(conditions_v2, COUNT(conditions_v2), K, &world.workspace);
	play_conditions(conditions_v1, COUNT(conditions_v1), "/api/n/k", &world.api.default_workspace);
	api_world_close();
	return tap_end();
}
