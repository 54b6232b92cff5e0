/* SPDX-License-Identifier: EPL-2.0 */
#include "http/cors.h"

#include "lib/tap.h"

#define ORIGIN "https://app.example"

static void
preflights(void)
{
	static const struct {
		enum method method;
		struct str origin, wanted;
		bool is;
	} rows[] = {
		{ METHOD_OPTIONS, TEXT(ORIGIN), TEXT("PUT"), true },
		{ METHOD_OPTIONS, TEXT("null"), TEXT("x"), true },
		{ METHOD_OPTIONS, { NULL, 0 }, TEXT("PUT"), false },
		{ METHOD_OPTIONS, TEXT(""), TEXT("PUT"), false },
		{ METHOD_OPTIONS, TEXT(ORIGIN), { NULL, 0 }, false },
		{ METHOD_OPTIONS, TEXT(ORIGIN), TEXT(""), false },
		{ METHOD_OPTIONS, TEXT(ORIGIN "\r\nX: y"), TEXT("PUT"), false },
		{ METHOD_OPTIONS, TEXT(ORIGIN), TEXT("PUT\n"), false },
		{ METHOD_GET, TEXT(ORIGIN), TEXT("PUT"), false },
		{ METHOD_OTHER, TEXT(ORIGIN), TEXT("PUT"), false },
	};

	for (size_t i = 0; i < COUNT(rows); i++) {
		struct request r = {
			.method = rows[i].method, .origin = tap_edge(rows[i].origin), .cors_method = rows[i].wanted
		};

		tap_int(cors_is_preflight(&r), rows[i].is, "%s from %s for %s", request_method_name(r.method).p,
		    tap_show(rows[i].origin), tap_show(rows[i].wanted));
	}
}

#define VARY   "Vary: Origin\r\n"
#define ANY    "Access-Control-Allow-Credentials: true\r\n"
#define EXPOSE "Access-Control-Expose-Headers: ETag\r\n"
#define ALLOW  "Access-Control-Allow-Origin: " ORIGIN "\r\n"
#define PREFLIGHT \
	"Access-Control-Max-Age: 3600\r\n" \
	"Vary: Origin, Access-Control-Request-Method, Access-Control-Request-Headers\r\n"

static void
fields(void)
{
	static const struct {
		struct str origin, method, headers;
		bool preflight;
		struct str fields;
	} rows[] = {
		{ { NULL, 0 }, { NULL, 0 }, { NULL, 0 }, false, TEXT(VARY) },
		{ TEXT(""), { NULL, 0 }, { NULL, 0 }, false, TEXT(VARY) },
		{ TEXT(ORIGIN), { NULL, 0 }, { NULL, 0 }, false, TEXT(VARY ALLOW ANY EXPOSE) },
		{ TEXT(ORIGIN), TEXT("PUT"), TEXT("x"), false, TEXT(VARY ALLOW ANY EXPOSE) },
		{ TEXT("a b~"), { NULL, 0 }, { NULL, 0 }, false,
		    TEXT(VARY "Access-Control-Allow-Origin: a b~\r\n" ANY EXPOSE) },
		/* What would end the field or is no ASCII is not echoed. */
		{ TEXT("a\r\nSet-Cookie: x"), { NULL, 0 }, { NULL, 0 }, false, TEXT(VARY) },
		{ TEXT("a\n"), { NULL, 0 }, { NULL, 0 }, false, TEXT(VARY) },
		{ TEXT("a\t"), { NULL, 0 }, { NULL, 0 }, false, TEXT(VARY) },
		{ TEXT("a\x7f"), { NULL, 0 }, { NULL, 0 }, false, TEXT(VARY) },
		{ TEXT("\xc3\xa4"), { NULL, 0 }, { NULL, 0 }, false, TEXT(VARY) },
		{ TEXT(ORIGIN), TEXT("PUT"), { NULL, 0 }, true,
		    TEXT(ALLOW ANY "Access-Control-Allow-Methods: PUT\r\n" PREFLIGHT) },
		{ TEXT(ORIGIN), TEXT("PUT"), TEXT("if-match, authorization"), true,
		    TEXT(ALLOW ANY "Access-Control-Allow-Methods: PUT\r\n"
				   "Access-Control-Allow-Headers: if-match, authorization\r\n" PREFLIGHT) },
		{ TEXT(ORIGIN), TEXT("PUT"), TEXT("x\r\ny: z"), true,
		    TEXT(ALLOW ANY "Access-Control-Allow-Methods: PUT\r\n" PREFLIGHT) },
	};
	struct buf out;

	buf_init(&out, 4096);
	for (size_t i = 0; i < COUNT(rows); i++) {
		struct request r = {
			.origin = rows[i].origin, .cors_method = rows[i].method, .cors_headers = rows[i].headers
		};

		buf_clear(&out);
		cors_put_fields(&r, rows[i].preflight, &out);
		tap_text(buf_str(&out), rows[i].fields, "fields %zu for %s", i, tap_show(rows[i].origin));
	}
	buf_free(&out);
}

int
main(void)
{
	preflights();
	fields();
	return tap_end();
}
