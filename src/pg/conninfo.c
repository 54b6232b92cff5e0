/* SPDX-License-Identifier: EPL-2.0 */
#include "pg/conninfo.h"

#include <assert.h>
#include <libpq-fe.h>
#include <stdio.h>
#include <stdlib.h>

#define ESCAPES "in user, password and names of a URL / is written as %2F, @ as %40, : as %3A and % as %25"

/* A string that is being read. */
struct reading {
	struct conninfo *c;
	PQconninfoOption *known; /* all keywords of this libpq */
	char *free;              /* where the next name or value goes */
	struct buf *why;
};

static bool
refuse_string(struct reading *r, const char *sentence)
{
	buf_puts(r->why, str_of(sentence));
	return false;
}

/* Copies s and a NUL. */
static const char *
keep_text(struct reading *r, struct str s)
{
	char *copy = r->free;

	assert(s.n < (size_t)(r->c->memory + r->c->size - copy));
	if (s.n > 0)
		memcpy(copy, s.p, s.n);
	copy[s.n] = '\0';
	r->free += s.n + 1;
	return copy;
}

static bool
is_keyword(const struct reading *r, struct str name)
{
	for (const PQconninfoOption *o = r->known; o->keyword != NULL; o++)
		if (str_eq(name, str_of(o->keyword)))
			return true;
	return false;
}

/* Sets a parameter; the last one of a name counts. */
static bool
set_param(struct reading *r, struct str name, struct str value)
{
	struct conninfo *c = r->c;
	size_t i = 0;

	if (!is_keyword(r, name))
		return refuse_string(r, "it has a parameter that libpq does not know");
	while (i < c->n && !str_eq(name, str_of(c->name[i])))
		i++;
	if (i == CONNINFO_MAX)
		return refuse_string(r, "it has too many parameters");
	if (i == c->n) {
		c->name[i] = keep_text(r, name);
		c->name[++c->n] = NULL;
	}
	c->value[i] = keep_text(r, value);
	return true;
}

static bool
set_balance(struct reading *r, struct str value)
{
	r->c->shuffle = str_eq(value, STR("random"));
	return r->c->shuffle || str_eq(value, STR("disable")) ||
	    refuse_string(r, "load_balance_hosts is neither random nor disable");
}

static bool
is_decimal(struct str s)
{
	for (size_t i = 0; i < s.n; i++)
		if (!str_is_digit(s.p[i]))
			return false;
	return s.n > 0;
}

/* A time in seconds, as the original has it, or in milliseconds, as libpq does. */
static bool
set_user_timeout(struct reading *r, struct str value)
{
	char ms[16];

	if (!is_decimal(value) || value.n > 9)
		return refuse_string(r, "tcp_user_timeout is not a number");
	(void)snprintf(ms, sizeof(ms), "%.*s%s", STR_FMT(value), value.n <= 3 ? "000" : "");
	return set_param(r, STR("tcp_user_timeout"), str_of(ms));
}

/* A parameter as the operator wrote it. */
static bool
take_param(struct reading *r, struct str name, struct str value)
{
	if (str_eq(name, STR("load_balance_hosts")))
		return set_balance(r, str_trim(value));
	if (str_eq(name, STR("tcp_user_timeout")))
		return set_user_timeout(r, str_trim(value));
	if (str_eq(name, STR("keepalives_retries")))
		name = STR("keepalives_count");
	return set_param(r, name, value);
}

static int
hex_digit(char c)
{
	static const char digits[] = "0123456789abcdef";
	const char *at = c != '\0' ? strchr(digits, c >= 'A' && c <= 'F' ? c - 'A' + 'a' : c) : NULL;

	return at != NULL ? (int)(at - digits) : -1;
}

/* Percent-decoding in place of a copy; false: there is a NUL in it. */
static bool
decode_escapes(struct reading *r, struct str in, struct str *out)
{
	char *copy = r->free;
	size_t n = 0;

	assert(in.n < (size_t)(r->c->memory + r->c->size - copy));
	for (size_t i = 0; i < in.n; i++) {
		int high = i + 2 < in.n ? hex_digit(in.p[i + 1]) : -1;
		int low = i + 2 < in.n ? hex_digit(in.p[i + 2]) : -1;

		if (in.p[i] != '%' || high < 0 || low < 0) {
			copy[n++] = in.p[i];
			continue;
		}
		copy[n++] = (char)(high * 16 + low);
		i += 2;
	}
	r->free += n;
	*out = str_from(copy, n);
	return n == 0 || memchr(copy, '\0', n) == NULL || refuse_string(r, "it has a %00");
}

/* A part of a URL. */
static bool
take_part(struct reading *r, struct str name, struct str part)
{
	return part.n == 0 || (decode_escapes(r, part, &part) && take_param(r, name, part));
}

static size_t
span_until(struct str s, const char *ends)
{
	size_t n = 0;

	while (n < s.n && strchr(ends, s.p[n]) == NULL)
		n++;
	return n;
}

/* user[:password]@ */
static bool
take_credentials(struct reading *r, struct str *rest)
{
	size_t n = span_until(*rest, "@/");
	struct str user = str_first(*rest, n), password;

	if (n == rest->n || rest->p[n] != '@') {
		if (memchr(rest->p, '@', rest->n) != NULL)
			return refuse_string(r, ESCAPES);
		return true;
	}
	*rest = str_skip(*rest, n + 1);
	(void)str_cut(user, ':', &user, &password);
	return take_part(r, STR("user"), user) && take_part(r, STR("password"), password);
}

/* host[:port] or [address][:port] */
static bool
take_host(struct reading *r, struct str s, struct buf *hosts, struct buf *ports)
{
	struct str host, port = STR_ABSENT;
	size_t n = span_until(s, "]");

	if (str_starts(s, STR("["))) {
		if (n == s.n || (n + 1 < s.n && s.p[n + 1] != ':'))
			return refuse_string(r, "an address in brackets is not complete");
		host = str_from(s.p + 1, n - 1);
		port = str_skip(s, n + 2);
	} else {
		(void)str_cut(s, ':', &host, &port);
	}
	if (port.n > 0 && !is_decimal(port))
		return refuse_string(r, "a port is not a number; " ESCAPES);
	if (memchr(s.p, '@', s.n) != NULL)
		return refuse_string(r, ESCAPES);
	if (!decode_escapes(r, host, &host))
		return false;
	buf_puts(hosts, host);
	buf_puts(ports, port);
	return true;
}

static bool
is_empty_list(struct str list)
{
	while (str_starts(list, STR(",")))
		list = str_skip(list, 1);
	return list.n == 0;
}

/* host[:port],… */
static bool
take_hosts(struct reading *r, struct str list)
{
	struct buf hosts, ports;
	struct str host;
	bool ok = true, more = list.n > 0;

	buf_init(&hosts, r->c->size);
	buf_init(&ports, r->c->size);
	while (ok && more) {
		more = str_cut(list, ',', &host, &list);
		ok = take_host(r, host, &hosts, &ports);
		if (more) {
			buf_putc(&hosts, ',');
			buf_putc(&ports, ',');
		}
	}
	ok = ok && (buf_ok(&hosts) && buf_ok(&ports) ? true : refuse_string(r, "out of memory"));
	ok = ok && (is_empty_list(buf_str(&hosts)) || set_param(r, STR("host"), buf_str(&hosts))) &&
	    (is_empty_list(buf_str(&ports)) || set_param(r, STR("port"), buf_str(&ports)));
	buf_free(&hosts);
	buf_free(&ports);
	return ok;
}

/* name=value&… */
static bool
take_query(struct reading *r, struct str query)
{
	struct str name, value;
	bool ok = true;

	while (ok && query.n > 0) {
		(void)str_cut(query, '&', &value, &query);
		ok = str_cut(value, '=', &name, &value) ? decode_escapes(r, name, &name)
							: refuse_string(r, "a parameter has no =; " ESCAPES);
		if (ok && str_eq(name, STR("ssl")) && str_eq(value, STR("true")))
			ok = set_param(r, STR("sslmode"), STR("require"));
		else if (ok)
			ok = decode_escapes(r, value, &value) && take_param(r, name, value);
	}
	return ok;
}

/* The part after "postgresql://". */
static bool
read_url(struct reading *r, struct str rest)
{
	struct str hosts, path = STR_ABSENT, query = STR_ABSENT;
	size_t n;

	if (!take_credentials(r, &rest))
		return false;
	n = span_until(rest, "/?");
	hosts = str_first(rest, n);
	rest = str_skip(rest, n);
	(void)str_cut(rest, '?', &path, &query);
	if (path.n > 0)
		path = str_skip(path, 1);
	if (path.n > 0 && span_until(path, "/@") < path.n)
		return refuse_string(r, ESCAPES);
	return take_hosts(r, hosts) && take_part(r, STR("dbname"), path) && take_query(r, query);
}

static struct str
skip_blanks(struct str s)
{
	while (s.n > 0 && strchr(" \t\r\n\f\v", s.p[0]) != NULL)
		s = str_skip(s, 1);
	return s;
}

/* The value at the start of *rest, without its quotes and backslashes. */
static bool
read_pair_value(struct reading *r, struct str *rest, struct str *value)
{
	bool quoted = str_starts(*rest, STR("'"));
	char *copy = r->free;
	size_t i = quoted ? 1 : 0, n = 0;

	for (; i < rest->n && strchr(quoted ? "'" : " \t\r\n\f\v", rest->p[i]) == NULL; i++) {
		if (rest->p[i] == '\\' && i + 1 < rest->n)
			i++;
		copy[n++] = rest->p[i];
	}
	if (quoted && i == rest->n)
		return refuse_string(r, "a quoted value has no end");
	r->free += n;
	*rest = str_skip(*rest, quoted ? i + 1 : i);
	*value = str_from(copy, n);
	return true;
}

/* name = value … */
static bool
read_pairs(struct reading *r, struct str rest)
{
	struct str name, value;

	for (rest = skip_blanks(rest); rest.n > 0; rest = skip_blanks(rest)) {
		size_t n = span_until(rest, "= \t\r\n\f\v");

		name = str_first(rest, n);
		rest = skip_blanks(str_skip(rest, n));
		if (!str_starts(rest, STR("=")))
			return refuse_string(r, "a parameter has no =; a value with blanks is put in quotes: 'value'");
		rest = skip_blanks(str_skip(rest, 1));
		if (!read_pair_value(r, &rest, &value) || !take_param(r, name, value))
			return false;
	}
	return true;
}

bool
conninfo_parse(struct conninfo *c, const char *text, struct buf *why)
{
	struct str s = str_of(text), rest;
	struct reading r = { .c = c, .why = why };
	bool ok, url;

	*c = (struct conninfo){ .n = 0 };
	/* Each byte is copied at most twice, each copy may get a NUL, and the names of parts are added. */
	c->size = 4 * s.n + 1024;
	c->memory = malloc(c->size);
	r.free = c->memory;
	r.known = PQconndefaults();
	if (c->memory == NULL || r.known == NULL) {
		PQconninfoFree(r.known);
		return refuse_string(&r, "out of memory");
	}
	url = str_starts(s, STR("postgresql://")) || str_starts(s, STR("postgres://"));
	rest = url ? str_skip(s, span_until(s, ":") + sizeof("://") - 1) : s;
	ok = url ? read_url(&r, rest) : read_pairs(&r, rest);
	PQconninfoFree(r.known);
	return ok;
}

void
conninfo_free(struct conninfo *c)
{
	if (c->memory != NULL)
		explicit_bzero(c->memory, c->size);
	free(c->memory);
	*c = (struct conninfo){ .n = 0 };
}

const char *
conninfo_get(const struct conninfo *c, const char *name)
{
	for (size_t i = 0; i < c->n; i++)
		if (strcmp(c->name[i], name) == 0)
			return c->value[i];
	return NULL;
}

void
conninfo_default(struct conninfo *c, const char *name, const char *value)
{
	if (conninfo_get(c, name) != NULL || c->n == CONNINFO_MAX)
		return;
	c->name[c->n] = name;
	c->value[c->n++] = value;
}
