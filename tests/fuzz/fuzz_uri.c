/* SPDX-License-Identifier: EPL-2.0 */
/* The request target: path and query, routes, percent-decoding and the parameters of a list. */
#include "api/key_list.h"
#include "api/query.h"
#include "base/utf8.h"
#include "codec/percent.h"
#include "fuzz.h"
#include "http/request.h"
#include "http/route.h"
#include "store/key_range.h"

#define CAP ((size_t)1 << 20)

static int
digit(char c)
{
	if (c >= '0' && c <= '9')
		return c - '0';
	if (c >= 'a' && c <= 'f')
		return c - 'a' + 10;
	return c >= 'A' && c <= 'F' ? c - 'A' + 10 : -1;
}

/* Another decoder to compare with; returns new.  Absent: malformed. */
static struct str
decoded(struct str in, enum percent_form form)
{
	char *out = malloc(in.n + 1);
	size_t n = 0;

	CHECK(out != NULL);
	for (size_t i = 0; i < in.n; i++) {
		bool escape = in.p[i] == '%';
		int high = escape && i + 2 < in.n ? digit(in.p[i + 1]) : -1;
		int low = escape && i + 2 < in.n ? digit(in.p[i + 2]) : -1;

		if (escape && (high < 0 || low < 0)) {
			free(out);
			return STR_ABSENT;
		}
		out[n++] = escape ? (char)(high * 16 + low) : in.p[i];
		if (!escape && form == PERCENT_QUERY && in.p[i] == '+')
			out[n - 1] = ' ';
		i += escape ? 2 : 0;
	}
	return str_from(out, n);
}

static void
check_decoding(struct str raw, enum percent_form form, struct arena *a)
{
	struct str want = decoded(raw, form), got = STR_ABSENT;
	enum percent_result result = percent_decode(raw, form, a, &got);

	if (want.p == NULL)
		CHECK(result == PERCENT_MALFORMED);
	else if (utf8_is_text(want))
		CHECK(result == PERCENT_OK && str_eq(got, want));
	else
		CHECK(result == PERCENT_NOT_TEXT);
	free((char *)want.p);
}

static bool
is_segment(struct str s)
{
	return s.n > 0 && memchr(s.p, '/', s.n) == NULL;
}

/* Takes the piece off, a byte of it perhaps as an escape. */
static bool
take_piece(struct str *path, struct str piece)
{
	for (; piece.n > 0; piece = str_skip(piece, 1)) {
		bool escape = path->n > 2 && path->p[0] == '%' && piece.p[0] != '/';
		int byte = escape ? digit(path->p[1]) * 16 + digit(path->p[2]) : path->n > 0 ? path->p[0] : -1;

		if (byte != piece.p[0] || (escape && (digit(path->p[1]) < 0 || digit(path->p[2]) < 0)))
			return false;
		*path = str_skip(*path, escape ? 3 : 1);
	}
	return true;
}

/* Whether the template with the names filled in is the path. */
static bool
is_filled(const struct route_match *m, struct str path)
{
	struct str left = m->route->template;

	while (left.n > 0) {
		struct str piece, name, value;

		if (!str_cut(left, '{', &piece, &left))
			return take_piece(&path, piece) && path.n == 0;
		if (!take_piece(&path, piece) || !str_cut(left, '}', &name, &left))
			return false;
		value = str_eq(name, STR("key")) ? m->key : str_eq(name, STR("namespace")) ? m->ns : m->workspace;
		if (!is_segment(value) || !str_starts(path, value))
			return false;
		path = str_skip(path, value.n);
	}
	return path.n == 0;
}

static void
check_routes(struct str path, struct arena *a)
{
	for (enum method method = METHOD_GET; method <= METHOD_OTHER; method++) {
		struct route_match m = route_find(path, method);
		char allow[ROUTE_ALLOW_SIZE];

		if (m.route == NULL) {
			CHECK(m.action == ACTION_NONE);
			continue;
		}
		CHECK(is_filled(&m, path));
		CHECK(route_allow(m.route, allow).n < sizeof(allow));
		CHECK((m.route->version > 0) == route_is_protected(path));
		CHECK(method != METHOD_HEAD || m.action == route_find(path, METHOD_GET).action);
		CHECK(method != METHOD_OTHER || m.action == ACTION_NONE);
		check_decoding(m.key, PERCENT_SEGMENT, a);
		check_decoding(m.ns, PERCENT_SEGMENT, a);
		arena_reset(a);
	}
}

static void
check_query(struct str raw, enum query_list list, struct arena *a)
{
	struct query q;
	struct key_range range;

	if (query_read(raw, list, a, &q) != REFUSAL_NONE)
		return;
	CHECK(q.limit <= KEY_LIST_MAX_LIMIT);
	CHECK(q.prefix.p == NULL || utf8_is_text(q.prefix));
	CHECK(q.end.p == NULL || utf8_is_text(q.end));
	CHECK(q.after.p == NULL || utf8_is_text(q.after));
	CHECK((q.list == STORE_LIST_KEYS || q.list == STORE_LIST_METADATA || q.list == STORE_LIST_VALUES) ==
	    (list == QUERY_KEYS_V1 || list == QUERY_KEYS));
	CHECK(key_range_make(q.prefix, q.end, q.after, a, &range));
	CHECK(utf8_is_text(range.from) && (range.below.p == NULL || utf8_is_text(range.below)));
	CHECK(q.prefix.p == NULL || str_cmp(range.from, q.prefix) >= 0);
	CHECK(q.after.p == NULL || str_cmp(range.from, q.after) > 0);
	CHECK(q.prefix.p == NULL || q.end.n > 0 || range.below.p == NULL || str_cmp(q.prefix, range.below) < 0);
	CHECK(q.end.n == 0 || str_cmp(range.below, q.end) <= 0);
	arena_reset(a);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	char *variable = fuzz_text("REQUEST_URI=", fuzz_str(data, size));
	struct request r;
	struct arena a;

	arena_init(&a, CAP);
	request_read(&r, (char *const[]){ variable, NULL });
	CHECK((r.path.p != NULL || variable[sizeof("REQUEST_URI=") - 1] == '\0') && r.path.n + r.query.n <= size);
	CHECK(r.path.n == 0 || (memchr(r.path.p, '?', r.path.n) == NULL && memchr(r.path.p, '#', r.path.n) == NULL));
	CHECK(r.query.n == 0 || memchr(r.query.p, '#', r.query.n) == NULL);
	check_routes(r.path, &a);
	check_decoding(r.path, PERCENT_SEGMENT, &a);
	check_decoding(r.path, PERCENT_QUERY, &a);
	for (unsigned list = QUERY_KEYS_V1; list <= QUERY_WORKSPACES; list *= 2)
		check_query(r.query, (enum query_list)list, &a);
	arena_free(&a);
	free(variable);
	return 0;
}
