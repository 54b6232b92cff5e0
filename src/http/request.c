/* SPDX-License-Identifier: EPL-2.0 */
#include "http/request.h"

#include "base/base.h"
#include "base/random_id.h"

static const struct str method_names[] = {
#define X(name) STR_INIT(#name),
	METHODS(X)
#undef X
	    STR_INIT("other"),
};

struct str
request_method_name(enum method m)
{
	return method_names[m];
}

bool
request_method_is_safe(enum method m)
{
	return m == METHOD_GET || m == METHOD_HEAD || m == METHOD_OPTIONS;
}

static enum method
parse_method(struct str s)
{
	for (enum method m = METHOD_GET; m < METHOD_OTHER; m++)
		if (str_eq(s, method_names[m])) /* methods are case-sensitive: RFC 9110 9.1 */
			return m;
	return METHOD_OTHER;
}

/* An empty CONTENT_LENGTH means that there is none (RFC 3875 4.1.2); nginx sends it. */
static void
parse_length(struct request *r, struct str s)
{
	uint64_t n = 0;

	if (s.n == 0)
		return;
	r->length = LENGTH_MALFORMED;
	for (size_t i = 0; i < s.n; i++) {
		if (!str_is_digit(s.p[i]))
			return;
		n = n > UINT64_MAX / 10 - 1 ? UINT64_MAX / 10 : n * 10 + (uint64_t)(s.p[i] - '0');
	}
	r->length = LENGTH_KNOWN;
	r->content_length = n;
}

/* As Apache began it, and lighttpd: 200, or what went wrong before the program was asked. */
static unsigned
parse_front_status(struct str s)
{
	if (s.n != 3 || s.p[0] < '4' || s.p[0] > '5' || !str_is_digit(s.p[1]) || !str_is_digit(s.p[2]))
		return 0;
	return (unsigned)(s.p[0] - '0') * 100 + (unsigned)(s.p[1] - '0') * 10 + (unsigned)(s.p[2] - '0');
}

/* Without "http://host" of the absolute form (RFC 9112 3.2.2). */
static struct str
origin_form(struct str uri)
{
	struct str after_scheme;

	if (!str_starts(uri, STR("http://")) && !str_starts(uri, STR("https://")))
		return uri;
	after_scheme = str_skip(uri, uri.p[4] == 's' ? 8 : 7);
	for (size_t i = 0; i < after_scheme.n; i++)
		if (after_scheme.p[i] == '/' || after_scheme.p[i] == '?')
			return str_skip(after_scheme, i);
	return STR("/");
}

/* REQUEST_URI is the one variable that both web servers leave raw; SCRIPT_NAME and PATH_INFO are decoded and merged. */
static void
parse_target(struct request *r, struct str uri)
{
	struct str target, fragment;

	if (uri.n == 0)
		return;
	(void)str_cut(origin_form(uri), '#', &target, &fragment);
	(void)str_cut(target, '?', &r->path, &r->query);
}

/*
 * Two variables of one name come from names of fields that differ in '-' and '_'
 * only, where a web server lets both pass; line breaks from obs-fold (RFC 9112
 * 5.2).  Nobody can say which value is meant.
 */
static bool
is_ambiguous(struct str before, struct str value)
{
	return before.p != NULL || (value.n > 0 && memchr(value.p, '\n', value.n) != NULL) ||
	    (value.n > 0 && memchr(value.p, '\r', value.n) != NULL);
}

/* Fields that decide what is done. */
static bool
is_decisive(const struct request *r, const struct str *value)
{
	return value == &r->authorization || value == &r->if_match || value == &r->if_none_match ||
	    value == &r->content_encoding || value == &r->content_range;
}

void
request_read(struct request *r, char *const *variables)
{
	struct str method = STR_ABSENT, uri = STR_ABSENT, length = STR_ABSENT;
	struct str traceparent = STR_ABSENT, https = STR_ABSENT, operator= STR_ABSENT;
	struct str role = STR_ABSENT, authorizer = STR_ABSENT, front_status = STR_ABSENT;
	const struct {
		struct str name;
		struct str *value;
	} wanted[] = { { STR("REQUEST_METHOD"), &method }, { STR("REQUEST_URI"), &uri },
		{ STR("CONTENT_LENGTH"), &length }, { STR("HTTP_AUTHORIZATION"), &r->authorization },
		{ STR("HTTP_IF_MATCH"), &r->if_match }, { STR("HTTP_IF_NONE_MATCH"), &r->if_none_match },
		{ STR("HTTP_ACCEPT"), &r->accept }, { STR("CONTENT_TYPE"), &r->content_type },
		{ STR("HTTP_CONTENT_TYPE"), &r->content_type }, /* all that some configurations of nginx tell */
		{ STR("HTTP_CONTENT_ENCODING"), &r->content_encoding },
		{ STR("HTTP_CONTENT_RANGE"), &r->content_range },
		{ STR("HTTP_TRANSFER_ENCODING"), &r->transfer_encoding }, { STR("HTTP_ORIGIN"), &r->origin },
		{ STR("HTTP_ACCESS_CONTROL_REQUEST_METHOD"), &r->cors_method },
		{ STR("HTTP_ACCESS_CONTROL_REQUEST_HEADERS"), &r->cors_headers },
		{ STR("HTTP_X_REQUEST_ID"), &r->request_id }, { STR("HTTP_TRACEPARENT"), &traceparent },
		{ STR("REMOTE_ADDR"), &r->remote_address },
		{ STR("HTTPS"), &https },    /* set by Apache, nginx and lighttpd */
		{ STR("FCGI_ROLE"), &role }, /* libfcgi sets it */
		{ STR("HULYKVS_AUTHORIZER"), &authorizer }, { STR("REDIRECT_STATUS"), &front_status },
		{
		    STR("HULYKVS_OPERATOR"),
		    &operator},
	};

	*r = (struct request){ .length = LENGTH_ABSENT };
	for (; *variables != NULL; variables++) {
		struct str name, value;

		(void)str_cut(str_of(*variables), '=', &name, &value);
		for (size_t i = 0; i < ARRAY_SIZE(wanted); i++)
			if (str_eq(name, wanted[i].name)) {
				if (is_decisive(r, wanted[i].value))
					r->is_ambiguous |= is_ambiguous(*wanted[i].value, value);
				*wanted[i].value = value;
				break;
			}
	}
	r->method = parse_method(method);
	parse_target(r, uri);
	parse_length(r, length);
	if (!random_id_ok(r->request_id))
		r->request_id = STR_ABSENT;
	r->trace = traceparent_parse(traceparent);
	r->is_secure = str_eq_nocase(https, STR("on"));
	r->is_operator = str_eq(operator, STR("1"));
	r->is_preliminary = str_eq(authorizer, STR("1"));
	r->is_authorizer = r->is_preliminary || str_eq(role, STR("AUTHORIZER"));
	r->front_status = parse_front_status(front_status);
}
