/* SPDX-License-Identifier: EPL-2.0 */
#include "auth/rules.h"

#include <stdio.h>
#include <stdlib.h>

#include "auth/access.h"
#include "auth/rulefile.h"
#include "lib/tap.h"

#define SYSTEM  "1749089e-22e6-48de-af4e-165e18fbd2f9"
#define GUEST   "b6996120-416f-49cd-841e-e4a5d2e49c9b"
#define USER    "2a6ed1a5-6f3a-4c0e-8d52-0d5f6b1f7c11"
#define WS      "5dd1c5a6-3b0f-4d5a-9d2b-b6c9e0f7a811"
#define OTHER   "00000000-0000-4000-8000-000000000000"
#define DEFAULT "11111111-2222-3333-4444-555555555555"
#define LONG    "sssssssssssssssssssssssssssssssssssssssssssssssssssssssssssssss" /* 63 */

static struct rulefile_terms terms = { .allow_by_default = true };

static struct uuid
uuid_of(const char *text)
{
	struct uuid u;

	if (!uuid_parse(str_of(text), &u))
		tap_bail(text);
	return u;
}

static struct rules *
read_rules(struct str text)
{
	struct rules *rules;
	struct buf why;
	unsigned line;

	buf_init(&why, 1024);
	rules = rulefile_read(text, &terms, &line, &why);
	if (rules == NULL)
		(void)printf("# %u: %.*s\n", line, STR_FMT(buf_str(&why)));
	if (rules == NULL)
		tap_bail("rules that should be fine");
	buf_free(&why);
	return rules;
}

static struct rules_verdict
ask(const struct rules *rules, const char *account, const char *service, const char *workspace, unsigned version,
    const char *target, enum rules_operation operation, struct str ns)
{
	struct claims claims = { .account = uuid_of(account), .has_workspace = workspace != NULL };
	struct uuid whose = uuid_of(target);
	const struct rules_question q = { &claims, &whose, ns, operation, version };

	if (workspace != NULL)
		claims.workspace = uuid_of(workspace);
	claims.service_cut = strlen(service) > TOKEN_SERVICE_MAX;
	(void)snprintf(claims.service, sizeof(claims.service), "%.*s", TOKEN_SERVICE_MAX, service);
	return rules_ask(rules, &q);
}

/* One rule, one question. */
struct row {
	const char *rule; /* with another verdict than the default behind it */
	const char *account, *service, *workspace;
	unsigned version;
	const char *target;
	enum rules_operation operation;
	struct str ns;
	bool meets;
};

#define R RULES_READ
#define W RULES_WRITE
#define L RULES_LIST
#define D RULES_DELETE

static const struct row rows[] = {
	{ "any", USER, "", WS, 2, WS, R, TEXT("n"), true },
	{ "any", GUEST, "x", NULL, 1, DEFAULT, D, TEXT("\xc3\xa9"), true },
	/* account */
	{ "account=" USER, USER, "", WS, 2, WS, R, TEXT("n"), true },
	{ "account=2A6ED1A56F3A4C0E8D520D5F6B1F7C11", USER, "", WS, 2, WS, R, TEXT("n"), true },
	{ "account=" USER, SYSTEM, "", WS, 2, WS, R, TEXT("n"), false },
	{ "account=system", SYSTEM, "", NULL, 1, DEFAULT, R, TEXT("n"), true },
	{ "account=system", USER, "", NULL, 1, DEFAULT, R, TEXT("n"), false },
	{ "account=guest", GUEST, "", WS, 2, WS, W, TEXT("n"), true },
	{ "account=guest", SYSTEM, "", WS, 2, WS, W, TEXT("n"), false },
	{ "account=guest,system", SYSTEM, "", WS, 2, WS, W, TEXT("n"), true },
	{ "account=guest,system", USER, "", WS, 2, WS, W, TEXT("n"), false },
	/* service */
	{ "service=gmail", SYSTEM, "gmail", NULL, 1, DEFAULT, R, TEXT("n"), true },
	{ "service=gmail", SYSTEM, "Gmail", NULL, 1, DEFAULT, R, TEXT("n"), false },
	{ "service=gmail", SYSTEM, "gmail ", NULL, 1, DEFAULT, R, TEXT("n"), false },
	{ "service=gmail", SYSTEM, "gmai", NULL, 1, DEFAULT, R, TEXT("n"), false },
	{ "service=gmail", SYSTEM, "gmaill", NULL, 1, DEFAULT, R, TEXT("n"), false },
	{ "service=gmail", SYSTEM, "", NULL, 1, DEFAULT, R, TEXT("n"), false },
	{ "service=none", SYSTEM, "", NULL, 1, DEFAULT, R, TEXT("n"), true },
	{ "service=none", SYSTEM, "none", NULL, 1, DEFAULT, R, TEXT("n"), false },
	{ "service=%6eone", SYSTEM, "none", NULL, 1, DEFAULT, R, TEXT("n"), true },
	{ "service=%6eone", SYSTEM, "", NULL, 1, DEFAULT, R, TEXT("n"), false },
	{ "service=a,none,b", SYSTEM, "", NULL, 1, DEFAULT, R, TEXT("n"), true },
	{ "service=a,none,b", SYSTEM, "b", NULL, 1, DEFAULT, R, TEXT("n"), true },
	{ "service=two%20words", SYSTEM, "two words", NULL, 1, DEFAULT, R, TEXT("n"), true },
	{ "service=a=b", SYSTEM, "a=b", NULL, 1, DEFAULT, R, TEXT("n"), true },
	{ "service=" LONG, SYSTEM, LONG, NULL, 1, DEFAULT, R, TEXT("n"), true },
	{ "service=" LONG, SYSTEM, LONG "s", NULL, 1, DEFAULT, R, TEXT("n"),
	    false }, /* its beginning is all that is kept */
	/* workspace: the token's */
	{ "workspace=" WS, USER, "", WS, 2, WS, R, TEXT("n"), true },
	{ "workspace=" WS, USER, "", OTHER, 2, OTHER, R, TEXT("n"), false },
	{ "workspace=" WS, SYSTEM, "", NULL, 2, WS, R, TEXT("n"), false },
	{ "workspace=" WS, USER, "", WS, 1, DEFAULT, R, TEXT("n"), true },
	{ "workspace=none", SYSTEM, "", NULL, 2, WS, R, TEXT("n"), true },
	{ "workspace=none", USER, "", WS, 2, WS, R, TEXT("n"), false },
	{ "workspace=none," WS, USER, "", WS, 2, WS, R, TEXT("n"), true },
	{ "workspace=none,00000000-0000-0000-0000-000000000000", USER, "", WS, 2, WS, R, TEXT("n"), false },
	{ "workspace=none", USER, "", "00000000-0000-0000-0000-000000000000", 1, DEFAULT, R, TEXT("n"), false },
	{ "workspace=00000000-0000-0000-0000-000000000000", USER, "", NULL, 1, DEFAULT, R, TEXT("n"), false },
	/* target: that of the rows */
	{ "target=" WS, SYSTEM, "", NULL, 2, WS, R, TEXT("n"), true },
	{ "target=" WS, SYSTEM, "", NULL, 2, OTHER, R, TEXT("n"), false },
	{ "target=default", USER, "", WS, 1, DEFAULT, R, TEXT("n"), true },
	{ "target=default", SYSTEM, "", NULL, 2, DEFAULT, R, TEXT("n"), true },
	{ "target=default", USER, "", WS, 2, WS, R, TEXT("n"), false },
	/* namespace */
	{ "namespace=n", USER, "", WS, 2, WS, R, TEXT("n"), true },
	{ "namespace=n", USER, "", WS, 2, WS, R, TEXT("N"), false },
	{ "namespace=n", USER, "", WS, 2, WS, R, TEXT("nn"), false },
	{ "namespace=n", USER, "", WS, 2, WS, R, TEXT("n "), false },
	{ "namespace=n", USER, "", WS, 2, WS, R, TEXT(""), false },
	{ "namespace=nn", USER, "", WS, 2, WS, R, TEXT("n"), false },
	{ "namespace=n*", USER, "", WS, 2, WS, R, TEXT("n"), true },
	{ "namespace=n*", USER, "", WS, 2, WS, R, TEXT("nn"), true },
	{ "namespace=n*", USER, "", WS, 2, WS, R, TEXT("mn"), false },
	{ "namespace=*", USER, "", WS, 2, WS, R, TEXT("whatever"), true },
	{ "namespace=%2A", USER, "", WS, 2, WS, R, TEXT("*"), true },
	{ "namespace=%2A", USER, "", WS, 2, WS, R, TEXT("x"), false },
	{ "namespace=%2a*", USER, "", WS, 2, WS, R, TEXT("*x"), true },
	{ "namespace=a%2Fb", USER, "", WS, 2, WS, R, TEXT("a/b"), true },
	{ "namespace=a/b", USER, "", WS, 2, WS, R, TEXT("a/b"), true },
	{ "namespace=a%2Cb", USER, "", WS, 2, WS, R, TEXT("a,b"), true },
	{ "namespace=a+b", USER, "", WS, 2, WS, R, TEXT("a+b"), true },
	{ "namespace=a+b", USER, "", WS, 2, WS, R, TEXT("a b"), false },
	{ "namespace=a%23b", USER, "", WS, 2, WS, R, TEXT("a#b"), true },
	{ "namespace=a%2520b", USER, "", WS, 2, WS, R, TEXT("a%20b"), true },
	{ "namespace=a%2520b", USER, "", WS, 2, WS, R, TEXT("a b"), false },
	{ "namespace=\xc3\xa9", USER, "", WS, 2, WS, R, TEXT("\xc3\xa9"), true },
	{ "namespace=%C3%a9", USER, "", WS, 2, WS, R, TEXT("\xc3\xa9"), true },
	{ "namespace=\xc3\xa9", USER, "", WS, 2, WS, R, TEXT("e\xcc\x81"), false }, /* other bytes are other rows */
	{ "namespace=a,b*,c", USER, "", WS, 2, WS, R, TEXT("a"), true },
	{ "namespace=a,b*,c", USER, "", WS, 2, WS, R, TEXT("bb"), true },
	{ "namespace=a,b*,c", USER, "", WS, 2, WS, R, TEXT("c"), true },
	{ "namespace=a,b*,c", USER, "", WS, 2, WS, R, TEXT("aa"), false },
	/* to */
	{ "to=read", USER, "", WS, 2, WS, R, TEXT("n"), true },
	{ "to=read", USER, "", WS, 2, WS, L, TEXT("n"), false },
	{ "to=list", USER, "", WS, 2, WS, R, TEXT("n"), false },
	{ "to=list", USER, "", WS, 2, WS, L, TEXT("n"), true },
	{ "to=write", USER, "", WS, 2, WS, W, TEXT("n"), true },
	{ "to=write", USER, "", WS, 2, WS, D, TEXT("n"), false },
	{ "to=delete", USER, "", WS, 2, WS, D, TEXT("n"), true },
	{ "to=read,write", USER, "", WS, 2, WS, W, TEXT("n"), true },
	{ "to=read,write", USER, "", WS, 2, WS, D, TEXT("n"), false },
	/* api */
	{ "api=v1", USER, "", WS, 1, DEFAULT, R, TEXT("n"), true },
	{ "api=v1", USER, "", WS, 2, DEFAULT, R, TEXT("n"), false },
	{ "api=v2", USER, "", WS, 2, DEFAULT, R, TEXT("n"), true },
	{ "api=v1,v2", USER, "", WS, 1, DEFAULT, R, TEXT("n"), true },
	/* all have to be met */
	{ "account=system service=gmail to=read namespace=gmail", SYSTEM, "gmail", NULL, 1, DEFAULT, R, TEXT("gmail"),
	    true },
	{ "account=system service=gmail to=read namespace=gmail", USER, "gmail", NULL, 1, DEFAULT, R, TEXT("gmail"),
	    false },
	{ "account=system service=gmail to=read namespace=gmail", SYSTEM, "mail", NULL, 1, DEFAULT, R, TEXT("gmail"),
	    false },
	{ "account=system service=gmail to=read namespace=gmail", SYSTEM, "gmail", NULL, 1, DEFAULT, W, TEXT("gmail"),
	    false },
	{ "account=system service=gmail to=read namespace=gmail", SYSTEM, "gmail", NULL, 1, DEFAULT, R, TEXT("mail"),
	    false },
	{ "namespace=gmail service=gmail", SYSTEM, "gmail", NULL, 1, DEFAULT, R, TEXT("gmail"), true },
};

/* Each as allow under a default of deny, and the other way round. */
static void
conditions(void)
{
	for (size_t i = 0; i < COUNT(rows); i++) {
		const struct row *row = &rows[i];
		char text[512];

		for (int allow = 0; allow <= 1; allow++) {
			struct rules_verdict verdict;
			struct rules *rules;

			(void)snprintf(
			    text, sizeof(text), "# comment\n\n%s %s # as it is\n", allow ? "allow" : "deny", row->rule);
			terms.allow_by_default = !allow;
			rules = read_rules(str_of(text));
			verdict = ask(rules, row->account, row->service, row->workspace, row->version, row->target,
			    row->operation, row->ns);
			tap_ok(verdict.allowed == (row->meets == (allow != 0)) && verdict.line == (row->meets ? 3 : 0),
			    "%s: %s %s %s v%u %u: %s", row->rule, row->account, row->service,
			    row->workspace != NULL ? row->workspace : "-", row->version, (unsigned)row->operation,
			    tap_show(row->ns));
			rules_free(rules);
		}
	}
	terms.allow_by_default = true;
}

static void
first_match(void)
{
	static const struct {
		const char *ns;
		unsigned line;
		bool allowed;
	} wanted[] = { { "a", 2, false }, { "ab", 1, true }, { "abc", 3, true }, { "abd", 3, true }, { "b", 6, false },
		{ "abcx", 3, true }, { "ac", 2, false }, { "c", 7, true }, { "cx", 9, false }, { "x", 9, false },
		{ "", 9, false }, { "ca", 8, true } };
	struct rules *rules = read_rules(STR("allow namespace=ab\n"
					     "deny namespace=a,ac*\n"
					     "allow namespace=ab*\n"
					     "deny namespace=abc,abd\n"
					     "allow to=list namespace=b\n"
					     "deny namespace=b*\r\n"
					     "allow namespace=c\n"
					     "\tallow   namespace=ca*,d*\t\n"
					     "deny any\n"
					     "allow any"));

	for (size_t i = 0; i < COUNT(wanted); i++) {
		struct rules_verdict got = ask(rules, USER, "", WS, 2, WS, RULES_READ, str_of(wanted[i].ns));

		tap_int(got.line, wanted[i].line, "the first rule for \"%s\"", wanted[i].ns);
		tap_ok(got.allowed == wanted[i].allowed, "is the one that decides");
	}
	tap_int((int64_t)rules_count(rules), 10, "as many as there are lines");
	tap_text(rules_text(rules, 8), STR("allow   namespace=ca*,d*"), "a rule as it stands there");
	tap_ok(rules_text(rules, 11).p == NULL, "and where there is none");
	rules_free(rules);
	rules_free(NULL);

	rules = read_rules(STR("\xef\xbb\xbf"
			       "deny any\r\n"));
	tap_ok(!ask(rules, USER, "", WS, 2, WS, RULES_READ, STR("n")).allowed, "a file of another system's editor");
	rules_free(rules);
}

/* Which rules can never decide. */
static void
idle_rules(void)
{
	static const struct {
		const char *first, *second;
		bool idle;
	} pairs[] = {
		{ "any", "any", true },
		{ "any", "namespace=x to=read", true },
		{ "namespace=x", "any", false },
		{ "namespace=*", "any", true },
		{ "namespace=*", "account=system", true },
		{ "namespace=b,*", "any", true },
		{ "namespace=*", "namespace=a,b*", true },
		{ "namespace=a*", "namespace=ab,a,ac*", true },
		{ "namespace=a*", "namespace=ab,b", false },
		{ "namespace=ab*", "namespace=a*", false },
		{ "namespace=a", "namespace=a*", false },
		{ "namespace=a,b", "namespace=b", true },
		{ "service=a", "service=a namespace=x", true },
		{ "service=a", "service=b", false },
		{ "service=none", "service=none", true },
		{ "service=a,none", "service=none", true },
		{ "service=%6eone", "service=none", false },
		{ "account=system", "account=" SYSTEM, true },
		{ "account=system", "account=guest", false },
		{ "workspace=none", "workspace=" WS, false },
		{ "target=default", "target=" DEFAULT, true },
		{ "target=default", "workspace=" DEFAULT, false },
		{ "to=read,write", "to=read", true },
		{ "to=read", "to=read,write", false },
		{ "to=read,write,list,delete", "any", true },
		{ "api=v1", "api=v1,v2", false },
		{ "api=v2,v1", "namespace=x api=v1", true },
	};

	for (size_t i = 0; i < COUNT(pairs); i++) {
		char text[256];
		struct rules *rules;
		unsigned line = 0, by = 0;

		(void)snprintf(
		    text, sizeof(text), "allow service=zz\n\ndeny %s\nallow %s\n", pairs[i].first, pairs[i].second);
		rules = read_rules(str_of(text));
		tap_ok(!rules_is_idle(rules, 1, &line, &by), "%s: decides", pairs[i].first);
		tap_ok(rules_is_idle(rules, 2, &line, &by) == pairs[i].idle, "%s before %s: idle or not",
		    pairs[i].first, pairs[i].second);
		tap_ok(!pairs[i].idle || (line == 4 && by == 3), "and which they are");
		rules_free(rules);
	}
}

static void
broken_files(void)
{
	static const struct {
		struct str text;
		unsigned line;
		const char *why; /* how it begins */
	} broken[] = {
		{ TEXT("permit any"), 1, "begins with neither allow nor deny: permit" },
		{ TEXT(""), 0, "holds no rule" },
		{ TEXT("# nothing\n\n   \t\n"), 0, "holds no rule" },
		{ TEXT("allow any\n\xef\xbb\xbf"
		       "allow any"),
		    2, "begins with neither" },
		{ TEXT("\n# c\n\nAllow any"), 4, "begins with neither" },
		{ TEXT("allow"), 1, "no condition" },
		{ TEXT("deny  "), 1, "no condition" },
		{ TEXT("allow any\ndeny # namespace=x"), 2, "no condition" },
		{ TEXT("deny any namespace=x"), 1, "any stands alone" },
		{ TEXT("deny any any"), 1, "any stands alone" },
		{ TEXT("allow hulygram"), 1, "not of the form name=value: hulygram" },
		{ TEXT("allow namespce=x"), 1, "no such condition: namespce" },
		{ TEXT("allow Namespace=x"), 1, "no such condition (there" },
		{ TEXT("allow =x"), 1, "no such condition (there" },
		{ TEXT("allow namespace=x namespace=y"), 1, "namespace: given twice" },
		{ TEXT("allow namespace = x"), 1, "not of the form name=value: namespace" },
		{ TEXT("allow namespace="), 1, "namespace: an empty name" },
		{ TEXT("allow namespace=a,"), 1, "namespace: an empty name" },
		{ TEXT("allow namespace=,a"), 1, "namespace: an empty name" },
		{ TEXT("allow namespace=a, b"), 1, "namespace: an empty name" },
		{ TEXT("allow namespace=a*b"), 1, "namespace: a * that is not the end" },
		{ TEXT("allow namespace=a**"), 1, "namespace: a * that is not the end" },
		{ TEXT("allow namespace=\"a\""), 1, "namespace: a * that is not the end of a namespace, or one of" },
		{ TEXT("allow namespace=a#b"), 1, "namespace: a * that is not the end of a namespace, or one of" },
		{ TEXT("allow namespace=a\\b"), 1, "namespace: a * that is not the end of a namespace, or one of" },
		{ TEXT("allow namespace=%zz"), 1, "namespace: a % without" },
		{ TEXT("allow namespace=a%4"), 1, "namespace: a % without" },
		{ TEXT("allow namespace=%00"), 1, "namespace: not UTF-8" },
		{ TEXT("allow namespace=%ff"), 1, "namespace: not UTF-8" },
		{ TEXT("allow namespace=\xff"), 1, "namespace: not UTF-8" },
		{ TEXT("allow namespace=a\0b"), 1, "namespace: a control character" },
		{ TEXT("allow namespace=a\x7f"), 1, "namespace: a control character" },
		{ TEXT("allow any\r\nallow namespace=a\rb\r\n"), 2, "namespace: a control character" },
		{ TEXT("allow service="), 1, "service: an empty name" },
		{ TEXT("allow service=a*"), 1, "service: a *" },
		{ TEXT("allow service=" LONG "s"), 1, "service: longer than 63 bytes" },
		{ TEXT("allow account=me"), 1, "account: not a UUID, system or guest" },
		{ TEXT("allow account=none"), 1, "account: not a UUID" },
		{ TEXT("allow account=system,"), 1, "account: not a UUID" },
		{ TEXT("allow workspace=default"), 1, "workspace: not a UUID or none" },
		{ TEXT("allow target=none"), 1, "target: not a UUID or default" },
		{ TEXT("allow to=update"), 1, "to: not read, write, list or delete" },
		{ TEXT("allow to=read,"), 1, "to: not read" },
		{ TEXT("allow api=2"), 1, "api: not v1 or v2" },
		{ TEXT("allow any\nallow api=v1,v3\ndeny any"), 2, "api: not v1" },
	};

	for (size_t i = 0; i < COUNT(broken); i++) {
		unsigned line = 0;
		struct buf why;

		buf_init(&why, 1024);
		tap_ok(
		    rulefile_read(broken[i].text, &terms, &line, &why) == NULL, "refuses %s", tap_show(broken[i].text));
		tap_int(line, broken[i].line, "and says in which line");
		tap_text(str_first(buf_str(&why), strlen(broken[i].why)), str_of(broken[i].why), "and why");
		buf_free(&why);
	}
}

/* The file of a secret in the place of the rules: whatever it is, no piece of it is told. */
static void
files_of_secrets(void)
{
	static const struct str texts[] = { TEXT("canary-0123456789"), TEXT("Canary"), TEXT("canarycanaryc"),
		TEXT("2026a canary0/canary0="), TEXT("allow canary0"), TEXT("allow canary+=x"),
		TEXT("deny namespace=x Canary"), TEXT("allow to=canary"), TEXT("allow account=canary"),
		TEXT("allow service=%canary"), TEXT("TOKEN=canary"), TEXT("postgresql://u:canary@h/db"),
		TEXT("allow any\nprefix canary\ncanary9") };

	for (size_t i = 0; i < COUNT(texts); i++) {
		unsigned line = 0;
		struct buf why;

		buf_init(&why, 1024);
		tap_ok(rulefile_read(texts[i], &terms, &line, &why) == NULL && line > 0 &&
			memmem(why.p, why.n, "anary", 5) == NULL,
		    "of %s only the number of the line is told", tap_show(texts[i]));
		buf_free(&why);
	}
}

/* What the rules say, word for word: each in turn, without any table of patterns. */
static unsigned
slow_answer(size_t n, const unsigned *rule, const char *ns)
{
	for (size_t i = 0; i < n; i++) {
		char text[16];
		size_t length;

		(void)snprintf(text, sizeof(text), "%x", rule[i] >> 1);
		length = strlen(text);
		if ((rule[i] & 1) != 0 ? strncmp(ns, text, length) == 0 : strcmp(ns, text) == 0)
			return (unsigned)i + 1;
	}
	return 0;
}

/* Random sets of a few hundred, exact and by prefix, against that. */
static void
many_rules(void)
{
	unsigned seed = 7, wrong = 0, decided = 0;

	for (int round = 0; round < 40; round++) {
		enum { N = 300 };
		unsigned rule[N];
		struct rules *rules;
		struct buf text;

		buf_init(&text, 65536);
		for (size_t i = 0; i < N; i++) {
			seed = seed * 1664525 + 1013904223;
			rule[i] = seed >> 12 & (round % 2 == 0 ? 0x1ffff : 0xfff);
			buf_printf(&text, "allow namespace=%x%s\n", rule[i] >> 1, (rule[i] & 1) != 0 ? "*" : "");
		}
		rules = read_rules(buf_str(&text));
		for (int i = 0; i < 500; i++) {
			char ns[16];
			unsigned want;

			seed = seed * 1664525 + 1013904223;
			(void)snprintf(ns, sizeof(ns), "%x", seed >> 10 & 0xffff);
			want = slow_answer(N, rule, ns);
			decided += want > 0;
			wrong += ask(rules, USER, "", WS, 2, WS, RULES_READ, str_of(ns)).line != want;
		}
		rules_free(rules);
		buf_free(&text);
	}
	tap_int(wrong, 0, "300 rules answer as if asked one by one");
	tap_ok(decided > 1000 && decided < 19000, "some of them for some names (%u)", decided);
}

int
main(void)
{
	terms.default_workspace = uuid_of(DEFAULT);
	conditions();
	first_match();
	idle_rules();
	broken_files();
	files_of_secrets();
	many_rules();
	return tap_end();
}
