/* SPDX-License-Identifier: EPL-2.0 */
#include "auth/rulefile.h"

#include "auth/access.h"
#include "base/base.h"
#include "base/textfile.h"
#include "codec/percent.h"

#define ARENA_MAX ((size_t)16 * 1024 * 1024)
#define SHOWN     12 /* letters of a wrong word, at most */

struct reader {
	struct arena arena;
	const struct rulefile_terms *terms;
	struct rule *rule; /* of this line */
};

/* Each reads one word into *value and returns NULL, or what is wrong with the word. */
typedef const char *take_value_fn(struct reader *r, struct str word, struct rules_value *v);

static const char *
take_account(struct reader *r, struct str word, struct rules_value *v)
{
	(void)r;
	if (str_eq(word, STR("system")))
		v->uuid = access_system;
	else if (str_eq(word, STR("guest")))
		v->uuid = access_guest;
	else if (!uuid_parse(word, &v->uuid))
		return "not a UUID, system or guest";
	return NULL;
}

static const char *
take_workspace(struct reader *r, struct str word, struct rules_value *v)
{
	(void)r;
	v->none = str_eq(word, STR("none"));
	return v->none || uuid_parse(word, &v->uuid) ? NULL : "not a UUID or none";
}

static const char *
take_target(struct reader *r, struct str word, struct rules_value *v)
{
	if (str_eq(word, STR("default")))
		v->uuid = r->terms->default_workspace;
	else if (!uuid_parse(word, &v->uuid))
		return "not a UUID or default";
	return NULL;
}

/* Characters that have a meaning in the file; in a name they have to be percent-encoded. */
static const char *
check_plain(struct str word)
{
	for (size_t i = 0; i < word.n; i++) {
		if ((unsigned char)word.p[i] < 0x20 || word.p[i] == 0x7f)
			return "a control character";
		if (strchr("*#\"'\\", word.p[i]) != NULL)
			return "a * that is not the end of a namespace, or one of # \" ' \\: "
			       "in a name they are %2A, %23, %22, %27, %5C";
	}
	return word.n > 0 ? NULL : "an empty name";
}

static const char *
take_name(struct reader *r, struct str word, struct str *name)
{
	const char *wrong = check_plain(word);

	if (wrong != NULL)
		return wrong;
	switch (percent_decode(word, PERCENT_SEGMENT, &r->arena, name)) {
	case PERCENT_OK:
		return NULL;
	case PERCENT_MALFORMED:
		return "a % without two hex digits after it";
	case PERCENT_NOT_TEXT:
		return "not UTF-8 without NUL";
	case PERCENT_NO_MEMORY:
		break;
	}
	return "out of memory";
}

static const char *
take_service(struct reader *r, struct str word, struct rules_value *v)
{
	const char *wrong = NULL;

	v->none = str_eq(word, STR("none"));
	if (!v->none)
		wrong = take_name(r, word, &v->text);
	if (wrong == NULL && v->text.n > TOKEN_SERVICE_MAX)
		wrong = "longer than 63 bytes";
	return wrong;
}

static const char *
take_namespace(struct reader *r, struct str word, struct rules_value *v)
{
	v->prefix = word.n > 0 && word.p[word.n - 1] == '*';
	if (v->prefix)
		word = str_first(word, word.n - 1);
	v->text = STR("");
	return v->prefix && word.n == 0 ? NULL : take_name(r, word, &v->text);
}

static const char *
take_operation(struct reader *r, struct str word, struct rules_value *v)
{
	static const struct str words[] = { [RULES_READ] = STR_INIT("read"),
		[RULES_WRITE] = STR_INIT("write"),
		[RULES_LIST] = STR_INIT("list"),
		[RULES_DELETE] = STR_INIT("delete") };

	(void)v;
	for (unsigned i = 0; i < ARRAY_SIZE(words); i++) {
		if (str_eq(word, words[i])) {
			r->rule->operations |= 1U << i;
			return NULL;
		}
	}
	return "not read, write, list or delete";
}

static const char *
take_version(struct reader *r, struct str word, struct rules_value *v)
{
	(void)v;
	if (str_eq(word, STR("v1")))
		r->rule->versions |= 1U << 1;
	else if (str_eq(word, STR("v2")))
		r->rule->versions |= 1U << 2;
	else
		return "not v1 or v2";
	return NULL;
}

static const struct {
	struct str name;
	take_value_fn *take;
} conditions[RULES_CONDITIONS] = {
	[RULES_ACCOUNT] = { STR_INIT("account"), take_account },
	[RULES_SERVICE] = { STR_INIT("service"), take_service },
	[RULES_WORKSPACE] = { STR_INIT("workspace"), take_workspace },
	[RULES_TARGET] = { STR_INIT("target"), take_target },
	[RULES_NAMESPACE] = { STR_INIT("namespace"), take_namespace },
	[RULES_TO] = { STR_INIT("to"), take_operation },
	[RULES_API] = { STR_INIT("api"), take_version },
};

/* The values of one condition, separated by commas. */
static bool
take_values(struct reader *r, enum rules_condition c, struct str list, struct buf *why)
{
	const char *wrong = NULL;

	while (wrong == NULL && list.p != NULL) {
		struct rules_value *v = arena_alloc(&r->arena, sizeof(*v));
		struct str word;

		(void)str_cut(list, ',', &word, &list);
		if (v == NULL) {
			wrong = "out of memory";
		} else {
			*v = (struct rules_value){ .next = r->rule->value[c] };
			wrong = conditions[c].take(r, word, v);
			r->rule->value[c] = v;
		}
	}
	if (wrong != NULL)
		buf_printf(why, "%.*s: %s", STR_FMT(conditions[c].name), wrong);
	return wrong == NULL;
}

/* The file may be a wrong one, that of a secret: only a word is quoted that one of the rules could be, misspelt. */
static void
put_wrong_word(struct buf *why, struct str word)
{
	for (size_t i = 0; i < word.n; i++)
		if (word.n > SHOWN || word.p[i] < 'a' || word.p[i] > 'z')
			return;
	if (word.n > 0)
		buf_printf(why, ": %.*s", STR_FMT(word));
}

static bool
take_condition(struct reader *r, struct str word, struct buf *why)
{
	struct str name, list;

	if (!str_cut(word, '=', &name, &list)) {
		buf_puts(why, STR("not of the form name=value"));
		put_wrong_word(why, word);
		return false;
	}
	for (enum rules_condition c = 0; c < RULES_CONDITIONS; c++) {
		if (!str_eq(name, conditions[c].name))
			continue;
		if (r->rule->value[c] == NULL)
			return take_values(r, c, list, why);
		buf_printf(why, "%.*s: given twice", STR_FMT(name));
		return false;
	}
	buf_puts(why, STR("no such condition"));
	put_wrong_word(why, name);
	buf_puts(why, STR(" (there are account, service, workspace, target, namespace, to, api)"));
	return false;
}

/* The next word of the line; false: there is none, or a comment begins. */
static bool
next_word(struct str *line, struct str *word)
{
	size_t n = 0;

	*line = str_trim(*line);
	while (n < line->n && line->p[n] != ' ' && line->p[n] != '\t')
		n++;
	*word = str_first(*line, n);
	*line = str_skip(*line, n);
	return n > 0 && word->p[0] != '#';
}

static bool
take_conditions(struct reader *r, struct str rest, struct buf *why)
{
	unsigned n = 0;
	bool any = false;

	for (struct str word; next_word(&rest, &word); n++) {
		any = any || str_eq(word, STR("any"));
		if (!str_eq(word, STR("any")) && !take_condition(r, word, why))
			return false;
	}
	/* A rule without conditions needs the word any, so that a line that was cut off is never such a rule. */
	if (n == 0)
		buf_puts(why, STR("no condition: a rule about everything has the word any"));
	else if (any && n > 1)
		buf_puts(why, STR("any stands alone"));
	else
		return true;
	return false;
}

/* False: *why says what is wrong.  A line without a rule leaves r->rule->line at 0. */
static bool
take_rule_line(struct reader *r, struct str line, unsigned number, struct buf *why)
{
	struct str word;

	*r->rule = (struct rule){ .text = arena_copy(&r->arena, str_trim(line)) };
	if (r->rule->text.p == NULL) {
		buf_puts(why, STR("out of memory"));
		return false;
	}
	line = r->rule->text; /* names may borrow from this copy */
	if (!next_word(&line, &word))
		return true;
	r->rule->allow = str_eq(word, STR("allow"));
	if (!r->rule->allow && !str_eq(word, STR("deny"))) {
		buf_puts(why, STR("begins with neither allow nor deny"));
		put_wrong_word(why, word);
		return false;
	}
	r->rule->line = number;
	if (!take_conditions(r, line, why))
		return false;
	if (r->rule->value[RULES_TO] == NULL)
		r->rule->operations = RULES_ALL_OPERATIONS;
	if (r->rule->value[RULES_API] == NULL)
		r->rule->versions = RULES_ALL_VERSIONS;
	return true;
}

static size_t
count_lines(struct str text)
{
	size_t n = 1;

	for (size_t i = 0; i < text.n; i++)
		n += text.p[i] == '\n';
	return n;
}

/* Collects the rules of all lines in their order.  False: *line is the number of the wrong one. */
static bool
take_rule_lines(struct reader *r, struct str text, struct rule **rule, size_t *n, unsigned *line, struct buf *why)
{
	for (*line = 1; text.p != NULL; ++*line) {
		struct str one = textfile_next_line(&text, *line);

		r->rule = arena_alloc(&r->arena, sizeof(*r->rule));
		if (r->rule == NULL) {
			buf_puts(why, STR("out of memory"));
			return false;
		}
		if (!take_rule_line(r, one, *line, why))
			return false;
		if (r->rule->line > 0)
			rule[(*n)++] = r->rule;
	}
	return true;
}

struct rules *
rulefile_read(struct str text, const struct rulefile_terms *terms, unsigned *line, struct buf *why)
{
	struct reader r = { .terms = terms };
	struct rules *rules;
	struct rule **rule;
	size_t n = 0;

	arena_init(&r.arena, ARENA_MAX);
	rule = arena_alloc(&r.arena, count_lines(text) * sizeof(struct rule *));
	if (rule == NULL || !take_rule_lines(&r, text, rule, &n, line, why)) {
		arena_free(&r.arena);
		return NULL;
	}
	if (n == 0) {
		*line = 0;
		buf_puts(why, STR("holds no rule"));
		arena_free(&r.arena);
		return NULL;
	}
	rules = rules_new(&r.arena, rule, n, terms->allow_by_default);
	if (rules == NULL)
		buf_puts(why, STR("out of memory"));
	return rules;
}
