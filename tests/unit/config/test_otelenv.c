/* SPDX-License-Identifier: EPL-2.0 */
#include "config/otelenv.h"

#include <stdlib.h>

#include "config/setting.h"
#include "lib/tap.h"

/* print: what is printed of a good value; NULL: it is not one. */
static const struct {
	const struct setting_type *type;
	struct str value;
	const char *print;
} rows[] = {
	{ &setting_type_OTEL_MODE, TEXT("off"), "off" },
	{ &setting_type_OTEL_MODE, TEXT("On"), "on" },
	{ &setting_type_OTEL_MODE, TEXT("stdout"), "stdout" },
	{ &setting_type_OTEL_MODE, TEXT("true"), NULL },
	{ &setting_type_OTEL_MODE, TEXT(""), NULL },
	{ &setting_type_OTEL_TRUTH, TEXT("TRUE"), "true" },
	{ &setting_type_OTEL_TRUTH, TEXT("false"), "false" },
	{ &setting_type_OTEL_TRUTH, TEXT("1"), NULL },
	{ &setting_type_OTEL_TRUTH, TEXT("on"), NULL },
	{ &setting_type_OTEL_NAME, TEXT("a b"), "a b" },
	{ &setting_type_OTEL_NAME, TEXT("\xff"), NULL },
	{ &setting_type_OTEL_ATTRIBUTES, TEXT("a b=c"), "a b=c" },
	{ &setting_type_OTEL_ATTRIBUTES, TEXT("a=%f"), NULL },
	{ &setting_type_OTEL_HEADERS, TEXT("X-Key=a%20b,y="), "********" },
	{ &setting_type_OTEL_HEADERS, TEXT(""), "" },
	{ &setting_type_OTEL_HEADERS, TEXT("a b=c"), NULL },
	{ &setting_type_OTEL_HEADERS, TEXT("a:=c"), NULL },
	{ &setting_type_OTEL_HEADERS, TEXT("a=%0d%0ab: c"), NULL },
	{ &setting_type_OTEL_HEADERS, TEXT("\xc3\xa4=c"), NULL },
	{ &setting_type_OTEL_URL, TEXT(""), "" },
	{ &setting_type_OTEL_URL, TEXT("http://host"), "http://host" },
	{ &setting_type_OTEL_URL, TEXT("HTTPS://host:1/a/b"), "HTTPS://host:1/a/b" },
	{ &setting_type_OTEL_URL, TEXT("http://me:pass@host/a@b"), "http://********@host/a@b" },
	{ &setting_type_OTEL_URL, TEXT("http://host/a@b?key=x"), "http://host/a@b?********" },
	{ &setting_type_OTEL_URL, TEXT("http://"), NULL },
	{ &setting_type_OTEL_URL, TEXT("host:4318"), NULL },
	{ &setting_type_OTEL_URL, TEXT("file:///etc/passwd"), NULL },
	{ &setting_type_OTEL_URL, TEXT("http://host/\r\nx"), NULL },
	{ &setting_type_OTEL_URL, TEXT("http://host/a b"), NULL },
	{ &setting_type_OTEL_MILLIS, TEXT("1"), "1" },
	{ &setting_type_OTEL_MILLIS, TEXT("3600000"), "3600000" },
	{ &setting_type_OTEL_MILLIS, TEXT("0"), NULL },
	{ &setting_type_OTEL_MILLIS, TEXT("1.5"), NULL },
	{ &setting_type_OTEL_MILLIS, TEXT("-1"), NULL },
	{ &setting_type_OTEL_QUEUE, TEXT("65536"), "65536" },
	{ &setting_type_OTEL_QUEUE, TEXT("65537"), NULL },
	{ &setting_type_OTEL_QUEUE, TEXT("0"), NULL },
	{ &setting_type_OTEL_SAMPLER, TEXT("parentbased_TraceIdRatio"), "parentbased_traceidratio" },
	{ &setting_type_OTEL_SAMPLER, TEXT("jaeger_remote"), NULL },
	{ &setting_type_OTEL_RATIO, TEXT("0"), "0" },
	{ &setting_type_OTEL_RATIO, TEXT("1.0"), "1" },
	{ &setting_type_OTEL_RATIO, TEXT("1e-2"), "0.01" },
	{ &setting_type_OTEL_RATIO, TEXT("1.01"), NULL },
	{ &setting_type_OTEL_RATIO, TEXT("-0.1"), NULL },
	{ &setting_type_OTEL_RATIO, TEXT("nan"), NULL },
	{ &setting_type_OTEL_RATIO, TEXT("0x1"), NULL },
	{ &setting_type_OTEL_RATIO, TEXT(" 1"), NULL },
	{ &setting_type_OTEL_RATIO, TEXT("."), NULL },
};

static void
values(void)
{
	for (size_t i = 0; i < COUNT(rows); i++) {
		const struct setting_type *type = rows[i].type;
		union {
			char *text;
			int64_t number;
			double ratio;
		} member = { .number = 0 };
		struct buf out;
		const char *wrong = type->parse(tap_edge(rows[i].value), &member);

		tap_ok((wrong == NULL) == (rows[i].print != NULL), "%s: %s", tap_show(rows[i].value),
		    rows[i].print != NULL ? "taken" : "not taken");
		if (wrong != NULL)
			continue;
		buf_init(&out, 1024);
		type->print(&member, &out);
		tap_text(buf_str(&out), str_of(rows[i].print), "%s: printed", tap_show(rows[i].value));
		buf_free(&out);
		if (type->release != NULL)
			type->release(&member);
	}
}

static void
url(const char *own, const char *base, struct str want)
{
	struct buf out;

	buf_init(&out, 1024);
	otelenv_put_url(&out, own, base, STR("v1/traces"));
	tap_text(buf_str(&out), want, "own \"%s\", base \"%s\"", own, base);
	buf_free(&out);
}

int
main(void)
{
	values();
	url("", "http://h:1", STR("http://h:1/v1/traces"));
	url("", "http://h:1/", STR("http://h:1/v1/traces"));
	url("", "http://h:1/a", STR("http://h:1/a/v1/traces"));
	url("", "http://h:1/a/", STR("http://h:1/a/v1/traces"));
	url("http://own", "http://h:1/", STR("http://own"));
	return tap_end();
}
