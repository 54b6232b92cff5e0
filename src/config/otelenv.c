/* SPDX-License-Identifier: EPL-2.0 */
#include "config/otelenv.h"

#include <stdio.h>
#include <stdlib.h>

#include "base/base.h"
#include "base/clock.h"
#include "base/utf8.h"
#include "codec/kvlist.h"
#include "config/setting_type.h"

#define ARENA_MAX  ((size_t)64 * 1024)
#define MILLIS_MAX UINT64_C(3600000)
#define QUEUE_MAX  UINT64_C(65536)

static const struct str modes[] = {
#define X(name, text) STR_INIT(text),
	OTELENV_MODES(X)
#undef X
};

static const char *
parse_mode(struct str s, void *member)
{
	for (size_t i = 0; i < ARRAY_SIZE(modes); i++)
		if (str_eq_nocase(s, modes[i])) {
			*(enum otelenv_mode *)member = (enum otelenv_mode)i;
			return NULL;
		}
	return "not on, stdout or off";
}

static void
print_mode(const void *member, struct buf *out)
{
	buf_puts(out, modes[*(const enum otelenv_mode *)member]);
}

static const char *
parse_truth(struct str s, void *member)
{
	*(bool *)member = str_eq_nocase(s, STR("true"));
	return *(bool *)member || str_eq_nocase(s, STR("false")) ? NULL : "neither true nor false";
}

static void
print_truth(const void *member, struct buf *out)
{
	buf_puts(out, *(const bool *)member ? STR("true") : STR("false"));
}

static const char *
parse_name(struct str s, void *member)
{
	return utf8_is_text(s) ? setting_type_copy(s, member) : "not text";
}

/* RFC 9110 5.6.2 */
static bool
is_token(struct str s)
{
	for (size_t i = 0; i < s.n; i++)
		if (s.p[i] <= 0x20 || s.p[i] >= 0x7f || strchr("\"(),/:;<=>?@[\\]{}", s.p[i]) != NULL)
			return false;
	return true;
}

static bool
is_list(struct str s, bool of_headers)
{
	struct arena arena;
	struct kvlist pairs;
	bool ok;

	arena_init(&arena, ARENA_MAX);
	ok = kvlist_read(s, &arena, &pairs);
	for (size_t i = 0; ok && of_headers && i < pairs.n; i++)
		ok = is_token(pairs.pair[i].name);
	kvlist_forget(&pairs, s);
	arena_free(&arena);
	return ok;
}

static const char *
parse_attributes(struct str s, void *member)
{
	return is_list(s, false) ? setting_type_copy(s, member)
				 : "not a list of name=value, percent-encoded, with commas between them";
}

static const char *
parse_headers(struct str s, void *member)
{
	return is_list(s, true) ? setting_type_copy(s, member)
				: "not a list of header=value, percent-encoded, with commas between them";
}

static void
print_headers(const void *member, struct buf *out)
{
	char *const *text = member;

	if ((*text)[0] != '\0')
		buf_puts(out, STR("********"));
}

static struct str
after_scheme(struct str url)
{
	struct str scheme = str_first(url, 8);

	if (str_eq_nocase(scheme, STR("https://")))
		return str_skip(url, 8);
	return str_eq_nocase(str_first(scheme, 7), STR("http://")) ? str_skip(url, 7) : STR_ABSENT;
}

static const char *
parse_url(struct str s, void *member)
{
	bool ok = s.n == 0 || after_scheme(s).n > 0;

	for (size_t i = 0; i < s.n; i++)
		ok = ok && s.p[i] > 0x20 && s.p[i] < 0x7f;
	return ok ? setting_type_copy(s, member) : "not a URL that begins with http:// or https://";
}

/* User, password and query may be secrets: they are printed as asterisks. */
static void
print_url(const void *member, struct buf *out)
{
	struct str url = str_of(*(char *const *)member), rest = after_scheme(url), before, query;
	struct str host = str_first(rest, rest.p != NULL ? strcspn(rest.p, "/?#") : 0);
	const char *at = host.n > 0 ? memrchr(host.p, '@', host.n) : NULL;

	buf_put(out, url.p, url.n - rest.n);
	if (at != NULL) {
		buf_puts(out, STR("********"));
		rest = str_skip(rest, (size_t)(at - rest.p));
	}
	if (str_cut(rest, '?', &before, &query)) {
		buf_puts(out, before);
		buf_puts(out, STR("?********"));
	} else {
		buf_puts(out, rest);
	}
}

static void
print_otel_text(const void *member, struct buf *out)
{
	buf_puts(out, str_of(*(char *const *)member));
}

static const char *
parse_millis(struct str s, void *member)
{
	uint64_t n;

	if (!setting_type_parse_whole(s, 1, MILLIS_MAX, &n))
		return "not a number of milliseconds from 1 to 3600000";
	*(int64_t *)member = (int64_t)n * CLOCK_MS;
	return NULL;
}

static void
print_millis(const void *member, struct buf *out)
{
	buf_put_number(out, *(const int64_t *)member / CLOCK_MS);
}

static const char *
parse_queue(struct str s, void *member)
{
	uint64_t n;

	if (!setting_type_parse_whole(s, 1, QUEUE_MAX, &n))
		return "not a number from 1 to 65536";
	*(size_t *)member = n;
	return NULL;
}

static void
print_queue(const void *member, struct buf *out)
{
	buf_printf(out, "%zu", *(const size_t *)member);
}

static const char *
parse_sampler(struct str s, void *member)
{
	return trace_sampler_parse(s, member)
	    ? NULL
	    : "not always_on, always_off, traceidratio or one of these after parentbased_";
}

static void
print_sampler(const void *member, struct buf *out)
{
	buf_puts(out, trace_sampler_name(*(const enum trace_sampler *)member));
}

/* Only digits, a point and an exponent; strtod() alone would also accept hexadecimal numbers, inf and nan. */
static const char *
parse_ratio(struct str s, void *member)
{
	char text[32], *end;
	double ratio;

	if (s.n == 0 || s.n >= sizeof(text))
		return "not a number from 0 to 1";
	memcpy(text, s.p, s.n);
	text[s.n] = '\0';
	ratio = strtod(text, &end);
	if (text[strspn(text, "0123456789.eE+-")] != '\0' || *end != '\0' || !(ratio >= 0 && ratio <= 1))
		return "not a number from 0 to 1";
	*(double *)member = ratio;
	return NULL;
}

/* The smallest number of digits that is read back as the same number. */
static void
print_ratio(const void *member, struct buf *out)
{
	double ratio = *(const double *)member;
	int digits = 0;
	char text[32];

	do
		(void)snprintf(text, sizeof(text), "%.*g", ++digits, ratio);
	while (digits < 17 && strtod(text, NULL) != ratio);
	buf_puts(out, str_of(text));
}

void
otelenv_put_url(struct buf *out, const char *own, const char *base, struct str path)
{
	struct str url = str_of(own[0] != '\0' ? own : base);

	buf_puts(out, url);
	if (own[0] != '\0')
		return;
	if (url.p[url.n - 1] != '/')
		buf_putc(out, '/');
	buf_puts(out, path);
}

const struct setting_type setting_type_OTEL_MODE = { parse_mode, print_mode, NULL, sizeof(SETTING_C_OTEL_MODE) },
			  setting_type_OTEL_TRUTH = { parse_truth, print_truth, NULL, sizeof(SETTING_C_OTEL_TRUTH) },
			  setting_type_OTEL_NAME = { parse_name, print_otel_text, setting_type_release_text, 0 },
			  setting_type_OTEL_ATTRIBUTES = { parse_attributes, print_otel_text, setting_type_release_text,
				  0 },
			  setting_type_OTEL_HEADERS = { parse_headers, print_headers, setting_type_release_secret, 0 },
			  setting_type_OTEL_URL = { parse_url, print_url, setting_type_release_secret, 0 },
			  setting_type_OTEL_MILLIS = { parse_millis, print_millis, NULL,
				  sizeof(SETTING_C_OTEL_MILLIS) },
			  setting_type_OTEL_QUEUE = { parse_queue, print_queue, NULL, sizeof(SETTING_C_OTEL_QUEUE) },
			  setting_type_OTEL_SAMPLER = { parse_sampler, print_sampler, NULL,
				  sizeof(SETTING_C_OTEL_SAMPLER) },
			  setting_type_OTEL_RATIO = { parse_ratio, print_ratio, NULL, sizeof(SETTING_C_OTEL_RATIO) };
