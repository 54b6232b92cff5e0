/* SPDX-License-Identifier: EPL-2.0 */
#include "codec/json.h"

#include "lib/tap.h"

#define MAX 65536

static const struct str objects[] = {
	TEXT("{}"),
	TEXT(" \t\r\n{ \t\r\n} \t\r\n"),
	TEXT("{\"a\":1}"),
	TEXT("{\"a\" : 1 , \"b\" : [ 1 , 2 ] }\n"),
	TEXT("{\"a\":{\"a\":{\"a\":{}}}}"),
	TEXT("{\"a\":[],\"b\":[{}],\"c\":\"\",\"\":null,\"d\":true,\"e\":false}"),
	TEXT("{\"a\":1,\"A\":2}"), /* names differ in case */
	TEXT("{\"a\":{\"b\":1},\"b\":{\"a\":1}}"),
	TEXT("{\"a\":[0,-0,1,-1,10,1.5,-0.25,1e3,1E3,1e+3,1e-3,1.5e10,1234567890]}"),
	TEXT("{\"a\":\"\xc3\xa4\xe2\x82\xac\xf0\x9f\x98\x80\"}"),
	TEXT("{\"\xc3\xa4\":1}"),
	TEXT("{\"a\":\"\\\"\\\\\\/\\b\\f\\n\\r\\t\"}"),
	TEXT("{\"a\":\"\\u00e4\\u20AC\\ud83d\\uDE00\"}"),
	TEXT("{\"a\":\"\\u0001\\u0010\\u0100\\u1000\"}"),
	TEXT("{\"a\":\"\\\\u0000\"}"), /* a backslash and u0000 */
	TEXT("{\"a\":\"u0000\"}"),
	TEXT("{\"a\":\"\x7f\"}"),
	TEXT("{\"a\":\"}\",\"b\":\"{,:[]01 +\"}"),
	TEXT("{\"a\":\"\\\\\"}"),
	TEXT("{\"a\":\"\\\\\\\"\"}"),
	TEXT("{\"a b\":1,\"a  b\":2}"),
};

static const struct str refused[] = {
	TEXT(""),
	{ NULL, 0 },
	TEXT(" "),
	TEXT("{"),
	TEXT("}"),
	TEXT("{ "),
	/* Other values. */
	TEXT("[]"),
	TEXT("[{}]"),
	TEXT("\"{}\""),
	TEXT("1"),
	TEXT("null"),
	TEXT("true"),
	/* More than one value, or less. */
	TEXT("{}{}"),
	TEXT("{} {}"),
	TEXT("{}}"),
	TEXT("{{}"),
	TEXT("{}x"),
	TEXT("{},{}"),
	TEXT("x{}"),
	TEXT("{\"a\":1"),
	TEXT("{\"a\":1,"),
	TEXT("{\"1\":1,"),
	TEXT("{\"a\":"),
	TEXT("{\"a\""),
	TEXT("{\"a"),
	TEXT("{\"a}"),
	TEXT("{\"a\":\"}"),
	TEXT("{\"a\":\"\\\"}"),
	TEXT("{\"a\":[}"),
	TEXT("{\"a\":{}"),
	TEXT("{\"a\":{} "),
	TEXT("{\"a\":-"),
	TEXT("{\"a\":-}"),
	TEXT("{}\0"),
	TEXT("\0{}"),
	TEXT("{}\0{}"),
	/* Commas, colons, names. */
	TEXT("{,}"),
	TEXT("{\"a\":1,}"),
	TEXT("{,\"a\":1}"),
	TEXT("{\"a\":1,,\"b\":1}"),
	TEXT("{\"a\":1 \"b\":1}"),
	TEXT("{\"a\" 1}"),
	TEXT("{\"a\"}"),
	TEXT("{\"a\":}"),
	TEXT("{\"a\"::1}"),
	TEXT("{a:1}"),
	TEXT("{'a':1}"),
	TEXT("{1:1}"),
	TEXT("{null:1}"),
	TEXT("{\"a\":[1,]}"),
	TEXT("{\"a\":[,1]}"),
	TEXT("{\"a\":[1}"),
	TEXT("{\"a\":[1}]"),
	TEXT("{\"a\":1}// x"),
	TEXT("{/**/}"),
	/* Names twice, also where an escape hides it. */
	TEXT("{\"a\":1,\"a\":1}"),
	TEXT("{\"a\":1,\"b\":2,\"a\":3}"),
	TEXT("{\"a\":1,\"\\u0061\":1}"),
	TEXT("{\"\":1,\"\":1}"),
	/* NUL, raw, escaped, and where cJSON reads one. */
	TEXT("{\"a\":\"\0\"}"),
	TEXT("{\"a\":\"\\u0000\"}"),
	TEXT("{\"a\":\"x\\u0000y\"}"),
	TEXT("{\"\\u0000\":1}"),
	TEXT("{\"a\":{\"b\":[\"\\u0000\"]}}"),
	TEXT("{\"a\":\"\\\\\\u0000\"}"),
	TEXT("{\"a\":\"\\uzzzz\"}"),
	TEXT("{\"a\":\"\\u00\"}"),
	TEXT("{\"a\":\"\\u006\"}"),
	TEXT("{\"a\":\"\\u-001\"}"),
	TEXT("{\"a\":\"\\u 041\"}"),
	TEXT("{\"a\":\"\\U0041\"}"),
	/* Surrogates alone, swapped, or half a pair. */
	TEXT("{\"a\":\"\\ud83d\"}"),
	TEXT("{\"a\":\"\\ude00\"}"),
	TEXT("{\"a\":\"\\ude00\\ud83d\"}"),
	TEXT("{\"a\":\"\\ud83dx\"}"),
	TEXT("{\"a\":\"\\ud83d\\u0041\"}"),
	TEXT("{\"a\":\"\\ud83d\\n\"}"),
	/* Escapes that there are not. */
	TEXT("{\"a\":\"\\x41\"}"),
	TEXT("{\"a\":\"\\0\"}"),
	TEXT("{\"a\":\"\\'\"}"),
	TEXT("{\"a\":\"\\\n\"}"),
	TEXT("{\"a\":\"\\"),
	TEXT("{\"a\":\"\\}"),
	TEXT("{\"a\":\"\\u}"),
	/* Raw control characters, in strings and outside. */
	TEXT("{\"a\":\"\n\"}"),
	TEXT("{\"a\":\"\t\"}"),
	TEXT("{\"a\":\"\x1f\"}"),
	TEXT("{\"a\n\":1}"),
	TEXT("{\x0b}"),
	TEXT("{\x0c}"),
	TEXT("{\x01}"),
	TEXT("\x0c{}"),
	TEXT("{}\x0b"),
	/* No UTF-8; a byte order mark. */
	TEXT("{\"a\":\"\xff\"}"),
	TEXT("{\"a\":\"\xc3\"}"),
	TEXT("{\"a\":\"\xc0\xaf\"}"),
	TEXT("{\"a\":\"\xed\xa0\x80\"}"),
	TEXT("{\"\xc3(\":1}"),
	TEXT("\xef\xbb\xbf{}"),
	TEXT("{\xc2\xa0}"),
	/* RFC 8259 6: numbers. */
	TEXT("{\"a\":01}"),
	TEXT("{\"a\":-01}"),
	TEXT("{\"a\":00}"),
	TEXT("{\"a\":1.}"),
	TEXT("{\"a\":.5}"),
	TEXT("{\"a\":-.5}"),
	TEXT("{\"a\":+1}"),
	TEXT("{\"a\":1e}"),
	TEXT("{\"a\":1e+}"),
	TEXT("{\"a\":1.e1}"),
	TEXT("{\"a\":1-2}"),
	TEXT("{\"a\":1+2}"),
	TEXT("{\"a\":1.2.3}"),
	TEXT("{\"a\":1e2e3}"),
	TEXT("{\"a\":--1}"),
	TEXT("{\"a\":0x1}"),
	TEXT("{\"a\":1 2}"),
	TEXT("{\"a\":NaN}"),
	TEXT("{\"a\":Infinity}"),
	TEXT("{\"a\":-Infinity}"),
	/* Other words. */
	TEXT("{\"a\":tru}"),
	TEXT("{\"a\":True}"),
	TEXT("{\"a\":truefalse}"),
	TEXT("{\"a\":nul}"),
	TEXT("{\"a\":undefined}"),
};

static void
parses(void)
{
	for (size_t i = 0; i < COUNT(objects); i++) {
		cJSON *object = json_parse_object(tap_edge(objects[i]));
		tap_ok(cJSON_IsObject(object), "accepts %s", tap_show(objects[i]));
		cJSON_Delete(object);
	}
	for (size_t i = 0; i < COUNT(refused); i++) {
		cJSON *object = json_parse_object(tap_edge(refused[i]));
		tap_ok(object == NULL, "refuses %s", tap_show(refused[i]));
		cJSON_Delete(object);
	}
}

/* Every place where an object can be cut short, against the end of memory. */
static void
cut_short(void)
{
	struct str whole = STR("{\"a\":\"\\u00e4\\n\xc3\xa4\",\"b\":[1,-2.5e+3,true,null,{\"c\":{}}],"
			       "\"d\":\"\\ud83d\\ude00\"}");
	size_t accepted = 0;

	for (size_t n = 0; n <= whole.n; n++) {
		cJSON *object = json_parse_object(tap_edge(str_first(whole, n)));
		accepted += object != NULL;
		cJSON_Delete(object);
	}
	tap_int(accepted, 1, "nothing but the whole is accepted");
}

/* Deep nesting ends in a refusal, not in the stack. */
static void
deep(void)
{
	static char text[60000];
	size_t n = 0;

	n += (size_t)(stpcpy(text, "{\"a\":") - text);
	for (; n < sizeof(text) - 1; n++)
		text[n] = '[';
	text[n] = '}';
	tap_ok(json_parse_object(tap_edge(str_from(text, sizeof(text)))) == NULL, "refuses deep nesting");
}

static void
values(void)
{
	cJSON *object = json_parse_object(STR(" {\"s\":\"\\u00e4\\ud83d\\ude00\\\\u0000\",\"n\":-1.5e3,\"S\":1} "));

	if (object == NULL)
		tap_bail("json_parse_object");
	const cJSON *s = cJSON_GetObjectItemCaseSensitive(object, "s");
	const cJSON *n = cJSON_GetObjectItemCaseSensitive(object, "n");
	tap_text(str_of(cJSON_GetStringValue(s)), STR("\xc3\xa4\xf0\x9f\x98\x80\\u0000"), "a string");
	tap_ok(cJSON_GetNumberValue(n) == -1500.0, "a number");
	tap_int(cJSON_GetArraySize(object), 3, "three members");
	cJSON_Delete(object);
}

static void
puts_strings(void)
{
	static const struct {
		struct str s, want;
	} rows[] = {
		{ TEXT(""), TEXT("\"\"") },
		{ { NULL, 0 }, TEXT("\"\"") },
		{ TEXT("plain"), TEXT("\"plain\"") },
		{ TEXT("\""), TEXT("\"\\\"\"") },
		{ TEXT("\\"), TEXT("\"\\\\\"") },
		{ TEXT("/"), TEXT("\"/\"") },
		{ TEXT("a\"b\\c\"d"), TEXT("\"a\\\"b\\\\c\\\"d\"") },
		{ TEXT("\"\"\\\\"), TEXT("\"\\\"\\\"\\\\\\\\\"") },
		{ TEXT("\b\t\n\f\r"), TEXT("\"\\b\\t\\n\\f\\r\"") },
		{ TEXT("\0\x01\x07\x0b\x0e\x1a\x1f "), TEXT("\"\\u0000\\u0001\\u0007\\u000b\\u000e\\u001a\\u001f \"") },
		{ TEXT("a\nb"), TEXT("\"a\\nb\"") },
		{ TEXT("\n"), TEXT("\"\\n\"") },
		{ TEXT("\x7f"), TEXT("\"\x7f\"") },
		{ TEXT("\xc3\xa4\xe2\x82\xac\xf0\x9f\x98\x80"), TEXT("\"\xc3\xa4\xe2\x82\xac\xf0\x9f\x98\x80\"") },
		{ TEXT("\xe2\x80\xa8</script>&'"), TEXT("\"\xe2\x80\xa8</script>&'\"") },
	};
	struct buf b;

	buf_init(&b, MAX);
	for (size_t i = 0; i < COUNT(rows); i++) {
		buf_clear(&b);
		json_put_string(&b, tap_edge(rows[i].s));
		tap_text(buf_str(&b), rows[i].want, "writes %s", tap_show(rows[i].s));
	}
	buf_clear(&b);
	buf_puts(&b, STR("["));
	json_put_string(&b, STR("a"));
	tap_text(buf_str(&b), STR("[\"a\""), "appends");
	buf_free(&b);
}

/* What is written is read back, for every character of ASCII but NUL at every place of a string. */
static void
round_trip(void)
{
	enum { PLACES = 19 };
	int right = 0;
	struct buf b;

	buf_init(&b, MAX);
	for (char c = 1; c > 0; c = (char)(c == 0x7f ? 0 : c + 1)) {
		for (int place = 0; place < PLACES; place++) {
			char text[] = "12345678\xc3\xa4\xf0\x9f\x98\x80pqrst";
			if ((unsigned char)text[place] >= 0x80)
				continue;
			text[place] = c;
			buf_clear(&b);
			buf_puts(&b, STR("{\"a\":"));
			json_put_string(&b, str_of(text));
			buf_putc(&b, '}');
			cJSON *object = json_parse_object(buf_str(&b));
			const cJSON *a = cJSON_GetObjectItemCaseSensitive(object, "a");
			const char *back = cJSON_GetStringValue(a);
			right += back != NULL && strcmp(back, text) == 0;
			cJSON_Delete(object);
		}
	}
	tap_int(right, (PLACES - 6) * 0x7f, "read back as written");
	buf_free(&b);
}

static void
ceiling(void)
{
	struct buf b;

	for (size_t max = 0; max < 10; max++) {
		buf_init(&b, max);
		json_put_string(&b, STR("ab\ncd")); /* 8 bytes with its quotes */
		tap_int(buf_ok(&b), max >= 8, "a ceiling of %zu", max);
		buf_free(&b);
	}
}

int
main(void)
{
	parses();
	cut_short();
	deep();
	values();
	puts_strings();
	round_trip();
	ceiling();
	return tap_end();
}
