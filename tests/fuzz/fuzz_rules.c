/* SPDX-License-Identifier: EPL-2.0 */
/*
 * Access rules: eight bytes and a namespace ask, the rest is the
 * file.  What was read answers as each rule does by itself, in their order.
 */
#include "auth/rulefile.h"
#include "fuzz.h"

#define CAP      ((size_t)1 << 20)
#define ASKED    8 /* bytes that make a question, before the namespace */
#define RULES_IN ((size_t)4096)

static const struct rulefile_terms terms = { .allow_by_default = true };

static struct rules *
read_rules(struct str text, bool *fine)
{
	unsigned line = 0, lines = 1;
	struct rules *rules;
	struct buf why;

	for (size_t i = 0; i < text.n; i++)
		lines += text.p[i] == '\n';
	buf_init(&why, CAP);
	rules = rulefile_read(text, &terms, &line, &why);
	CHECK(rules != NULL || (why.n > 0 && line <= lines));
	/* Line 0 is the whole file: it has no rule. */
	CHECK(rules != NULL || line >= 1 || memmem(why.p, why.n, "rule", 4) != NULL);
	CHECK(rules == NULL || why.n == 0);
	*fine = rules != NULL;
	buf_free(&why);
	return rules;
}

/* The first line that would decide if it stood alone. */
static unsigned
ask_one_by_one(struct str text, const struct rules_question *q)
{
	struct str line;

	for (unsigned number = 1; text.p != NULL; number++) {
		struct rules *one;
		bool fine, decides;

		(void)str_cut(text, '\n', &line, &text);
		one = read_rules(line, &fine);
		if (!fine)
			continue; /* a comment or an empty line is no file of rules by itself */
		decides = rules_ask(one, q).line == 1;
		rules_free(one);
		if (decides)
			return number;
	}
	return 0;
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static const char *const services[] = { "", "gmail", "hulygram", "none" };
	struct claims claims = { .has_workspace = false };
	struct uuid target = { { 0 } };
	struct rules_question q = { .claims = &claims, .target = &target };
	struct rules *rules;
	struct str text;
	bool fine;

	if (size < ASKED || size > RULES_IN)
		return 0;
	claims.account.b[0] = data[0];
	claims.has_workspace = data[1] & 1;
	claims.workspace.b[0] = data[2];
	(void)strcpy(claims.service, services[data[3] % 4]);
	target.b[0] = data[4];
	q.operation = (enum rules_operation)(data[5] % 4);
	q.version = 1 + data[6] % 2;
	text = str_skip(fuzz_str(data, size), ASKED);
	q.ns = str_first(text, data[7] % 8);
	text = str_skip(text, q.ns.n);
	rules = read_rules(text, &fine);
	if (fine)
		CHECK(rules_ask(rules, &q).line == ask_one_by_one(text, &q));
	rules_free(rules);
	return 0;
}
